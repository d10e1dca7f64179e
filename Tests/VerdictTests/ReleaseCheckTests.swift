import StormPlanning
import StormReclamation
import StormVerdict
import StormVocabulary
import Testing

/// What a release round showed, as short as the tests need it.
private func round(
  _ way: ReleaseWay, on kind: FileSystemKind = .ext4, company: ReleaseContract.Company = .none,
  _ calls: [(ReleaseRound.Mark, Errno)], attempts: UInt32 = 0
) -> ObservedRelease {
  var time: UInt64 = 1_000
  return ObservedRelease(
    fileSystem: kind, way: way, company: company,
    calls: calls.map { mark, errno in
      time += 1_000
      return .init(
        mark: mark, errno: errno, startNanoseconds: time - 500, endNanoseconds: time,
        value: mark == .departure ? attempts : 0)
    })
}

private let done: [(ReleaseRound.Mark, Errno)] = [(.released, .none), (.claimed, .none)]

@Suite struct ReleaseCheckTests {
  private let mainline = ReleaseCheck()

  @Test(arguments: [ReleaseWay.sync, .detach])
  func `an idle umount that returns with the superblock alive is late`(way: ReleaseWay) {
    let good = round(
      way,
      [(.departure, .none), (.looksDead(.departure), .none), (.claims(.departure), .none)] + done)
    #expect(mainline.findings(good) == [])
    let late = round(
      way,
      [(.departure, .none), (.looksDead(.departure), .tryAgain), (.claims(.departure), .busy)]
        + done)
    #expect(mainline.findings(late).map(\.kind) == [.late, .deviceClaimed])
  }

  @Test func `a design that defers lazy umounts may be late there, and only there`() {
    let deferring = ReleaseCheck(
      contract: ReleaseContract(design: Design.catalogue.first { $0.name == "D2" } ?? .mainline))
    #expect(deferring.contract.design.name == "D2")
    let calls: [(ReleaseRound.Mark, Errno)] =
      [(.departure, .none), (.looksDead(.departure), .tryAgain)] + done
    #expect(deferring.findings(round(.detach, calls)) == [])
    #expect(deferring.findings(round(.sync, calls)).map(\.kind) == [.late])
  }

  @Test
  func `under walkers a sync umount may be refused but not late, a lazy one late but not refused`()
  {
    let alive: [(ReleaseRound.Mark, Errno)] =
      [(.departure, .none), (.looksDead(.departure), .tryAgain)] + done
    #expect(mainline.findings(round(.sync, company: .walkers, alive)).map(\.kind) == [.late])
    #expect(mainline.findings(round(.detach, company: .walkers, alive)) == [])
    let refused: [(ReleaseRound.Mark, Errno)] = [(.departure, .busy)]
    #expect(mainline.findings(round(.sync, company: .walkers, refused)) == [])
    #expect(mainline.findings(round(.sync, refused)).map(\.kind) == [.answer])
    #expect(mainline.findings(round(.detach, company: .walkers, refused)).map(\.kind) == [.answer])
  }

  @Test func `a held mount must refuse, live on after the detach, and die with its holder`() {
    func held(_ refusal: Errno, _ between: Errno, _ after: Errno) -> [ReleaseFinding.Kind] {
      mainline.findings(
        round(
          .detachDescriptor,
          [
            (.refused, refusal), (.departure, .none), (.looksDead(.departure), between),
            (.letGo, .none), (.looksDead(.letGo), after),
          ] + done)
      ).map(\.kind)
    }
    #expect(held(.busy, .tryAgain, .none) == [])
    #expect(held(.none, .tryAgain, .none) == [.answer])
    #expect(held(.busy, .none, .none) == [.early])
    #expect(held(.busy, .tryAgain, .tryAgain) == [.late])
  }

  @Test func `what io_uring and AIO hold may be let go of by a kernel thread, later`() {
    for way in [ReleaseWay.detachRing, .detachRequest] {
      let calls: [(ReleaseRound.Mark, Errno)] =
        [
          (.refused, .busy), (.departure, .none), (.looksDead(.departure), .tryAgain),
          (.letGo, .none), (.looksDead(.letGo), .tryAgain),
        ] + done
      #expect(mainline.findings(round(way, calls)) == [])
    }
  }

  @Test
  func `an umount after the death of the owner is refused at first for asynchronous owners only`() {
    let calls: [(ReleaseRound.Mark, Errno)] =
      [(.gone, .none), (.departure, .none), (.looksDead(.departure), .none)] + done
    #expect(mainline.findings(round(.killRing, calls, attempts: 40)) == [])
    #expect(mainline.findings(round(.killRequest, calls, attempts: 2)) == [])
    #expect(mainline.findings(round(.killDescriptor, calls, attempts: 1)) == [])
    #expect(mainline.findings(round(.killDescriptor, calls, attempts: 2)).map(\.kind) == [.answer])
    #expect(round(.killRing, calls, attempts: 40).wasBusy)
    #expect(!round(.killRing, calls, attempts: 1).wasBusy)
  }

  @Test func `what is still there after the bound was never released`() {
    let calls: [(ReleaseRound.Mark, Errno)] = [
      (.departure, .none), (.looksDead(.departure), .none), (.released, .timedOut),
      (.claimed, .timedOut),
    ]
    #expect(
      mainline.findings(round(.sync, calls)).map(\.kind) == [.neverReleased, .neverReleased])
  }

  @Test func `the last descriptor of a namespace keeps its mounts, and a detached tree its copy`() {
    for way in [ReleaseWay.namespaceDescriptor, .treeClose] {
      let calls: [(ReleaseRound.Mark, Errno)] =
        [
          (.departure, .none), (.looksDead(.departure), .tryAgain), (.letGo, .none),
          (.looksDead(.letGo), .none),
        ] + done
      #expect(mainline.findings(round(way, calls)) == [])
      var early = calls
      early[1].1 = .none
      #expect(mainline.findings(round(way, early)).map(\.kind) == [.early])
    }
    let death: [(ReleaseRound.Mark, Errno)] =
      [(.departure, .none), (.gone, .none), (.looksDead(.departure), .tryAgain)] + done
    #expect(mainline.findings(round(.namespaceDeath, death)).map(\.kind) == [.late])
  }

  @Test func `events that must come are missed`() {
    var seen = round(
      .sync, on: .fuseBlock,
      [
        (.eventsBefore, .tryAgain), (.departure, .none), (.looksDead(.departure), .none),
        (.destroyed(.departure), .none), (.eventsAfter, .tryAgain),
      ] + done)
    #expect(mainline.findings(seen).map(\.kind) == [.eventMissing])
    seen.calls[4].value = 1
    #expect(mainline.findings(seen) == [])
    seen.calls[3].errno = .tryAgain
    #expect(mainline.findings(seen).map(\.kind) == [.eventMissing])
  }

  @Test func `the lag counts from the call after which the release is due`() {
    let late = round(
      .detachRing,
      [
        (.refused, .busy), (.departure, .none), (.looksDead(.departure), .tryAgain),
        (.letGo, .none), (.looksDead(.letGo), .tryAgain), (.released, .none),
      ])
    #expect(late.due?.mark == .letGo)
    #expect(late.lagNanoseconds == 2_000)
    let atReturn = round(.sync, [(.departure, .none), (.looksDead(.departure), .none)] + done)
    #expect(atReturn.lagNanoseconds == 0)
  }
}
