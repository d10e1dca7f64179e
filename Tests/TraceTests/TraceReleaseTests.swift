import Foundation
import StormPlanning
import StormVerdict
import StormVocabulary
import Testing

@testable import StormTrace

/// Release rounds in traces: written, read and judged again.
@Suite struct TraceReleaseTests {
  private let header = TraceHeader(
    kernel: "6.18.1", build: "#1", profile: "release", planRules: nil, design: "D0",
    table: MountTable(entries: [
      MountTable.Entry(
        id: 2, parent: 1, device: DeviceNumber(major: 0, minor: 2), root: "/", mountpoint: "/",
        attributes: [], fileSystemType: "tmpfs", source: "t")
    ]))

  /// A round with every mark that judges, at ascending times.
  private func round(
    _ way: ReleaseWay, walkers: Int = 0, _ calls: [(ReleaseRound.Mark, Errno)]
  ) -> TraceRelease.Round {
    var time: UInt64 = 1_000
    return TraceRelease.Round(
      phase: 1,
      conditions: ReleaseConditions(
        base: "/p1", walkers: walkers, boundNanoseconds: 7, fileBytes: 5,
        usesNormalGracePeriods: walkers > 0),
      observed: ObservedRelease(
        fileSystem: .ext4, way: way, company: walkers > 0 ? .walkers : .none,
        calls: calls.map { mark, errno in
          time += 1_000
          return .init(
            mark: mark, errno: errno, startNanoseconds: time - 500, endNanoseconds: time,
            value: mark == .departure ? 3 : 0)
        }))
  }

  private func lines(_ rounds: [TraceRelease.Round]) -> [TraceLine] {
    rounds.map { .release(TraceRelease($0)) }
  }

  @Test func `a round is read as it was written, preparations aside`() throws {
    let every = ReleaseRound.Mark.all.map { ($0, $0 == .released ? Errno.timedOut : .none) }
    let rounds = [round(.detachDescriptor, walkers: 2, every), round(.sync, [(.departure, .busy)])]
    #expect(rounds[0].observed.calls.count == every.count - 2)
    try withTemporaryFile(
      String(decoding: TraceText.bytes(header, lines: lines(rounds)), as: UTF8.self)
    ) { path in
      var reader = try TraceReader(path: path)
      #expect(reader.header.design == "D0")
      for round in rounds {
        guard case .release(let release) = try reader.next() else {
          Issue.record("no release")
          return
        }
        #expect(release == TraceRelease(round))
        #expect(release.round?.plan.conditions == round.conditions)
      }
    }
  }

  @Test func `every mark has a word of its own and is found by it`() {
    #expect(Set(ReleaseRound.Mark.all.map(\.name)).count == ReleaseRound.Mark.all.count)
    for mark in ReleaseRound.Mark.all { #expect(ReleaseRound.Mark(name: mark.name) == mark) }
  }

  @Test func `rounds are judged by the promises of the header's design, or of another`() throws {
    let late: [(ReleaseRound.Mark, Errno)] = [
      (.departure, .none), (.looksDead(.departure), .tryAgain), (.released, .none),
    ]
    let rounds = [
      round(.detach, late),
      round(
        .detach, [(.departure, .none), (.looksDead(.departure), .none), (.released, .none)]),
    ]
    var deferring = header
    deferring.design = "D2"
    for (header, contract, kinds) in [
      (header, nil, [ReleaseFinding.Kind.late]), (deferring, nil, []),
      (deferring, ReleaseContract(designNamed: "D0"), [.late]),
    ] {
      try withTemporaryFile(
        String(decoding: TraceText.bytes(header, lines: lines(rounds)), as: UTF8.self)
      ) { path in
        var options = TraceCheck.Options()
        options.contract = contract
        let verdict = TraceCheck(path: path, options: options).run()
        #expect(verdict.failure == nil)
        #expect(verdict.releases?.rounds == 2)
        #expect(verdict.releases?.findings.map(\.finding.kind) == kinds)
        #expect((verdict.releases?.findings.map(\.line) ?? []) == kinds.map { _ in 2 })
        #expect(verdict.releases?.diverges == !kinds.isEmpty)
      }
    }
  }

  @Test(arguments: [
    (#""fs":"ext4""#, #""fs":"ntfs""#, "tmpfs, ext4"),
    (#""way":"sync""#, #""way":"magic""#, "sync, detach"),
    (#""what":"departure""#, #""what":"party""#, "departure"),
    (#","base":"/p1""#, "", "`base`"),
    (#""ret":0"#, #""ret":"EFOO""#, "EBUSY"),
  ])
  func `a damaged round is refused with what is allowed`(
    good: String, bad: String, named: String
  ) throws {
    let text = String(
      decoding: TraceText.bytes(header, lines: lines([round(.sync, [(.departure, .none)])])),
      as: UTF8.self)
    try #require(text.contains(good))
    try withTemporaryFile(text.replacingOccurrences(of: good, with: bad)) { path in
      let failure = try #require(TraceCheck(path: path).run().failure)
      #expect(failure.kind == .damaged && failure.line == 2)
      #expect(failure.message.contains(named), "\(failure)")
    }
  }
}
