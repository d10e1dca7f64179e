import StormEngine
import StormVocabulary
import Testing

@testable import StormVerdict

@Suite struct ConcurrencyTests {
  private static let umount = Operation.umount2("/m", [])
  private static let gone = tables(after: [(umount, 0)])
  private static let stays = tables(after: [])

  private func verdict(
    _ calls: [ContendedWindow.Call], _ tables: [NamespaceTable]?,
    readers: [ContendedWindow.Reader] = [], rules: KernelRules = .newest
  ) -> WindowVerdict {
    var world = ConcurrencyWorld(modelWithOneMount(rules: rules))
    return world.check(ContendedWindow(calls: calls, readers: readers, tables: tables))
  }

  // MARK: two umounts of one mount

  @Test(arguments: [
    (Errno.none, Errno.busy), (.busy, .none), (.none, .invalidArgument),
    (.invalidArgument, .none),
  ])
  func `of two umounts that race for one mount, one may take it`(_ answers: (Errno, Errno)) {
    let found = verdict(
      [call(0, Self.umount, answers.0, 10, 30), call(1, Self.umount, answers.1, 20, 40)], Self.gone
    )
    #expect(found.isExplained)
    #expect(found.explanation?.latitude.total == 0)
    #expect(found.explanation?.conflicts == 1)
  }

  @Test func `two umounts that race may both fail, because a reference outlives its commit`() {
    let found = verdict(
      [call(0, Self.umount, .busy, 10, 30), call(1, Self.umount, .busy, 20, 40)], Self.stays)
    #expect(found.isExplained)
    #expect(found.explanation?.latitude.total == 0)
  }

  @Test(arguments: [
    (Errno.none, Errno.none), (.invalidArgument, .invalidArgument), (.busy, .invalidArgument),
  ])
  func `other answers of two racing umounts have no order`(_ answers: (Errno, Errno)) {
    for tables in [Self.gone, Self.stays] {
      let found = verdict(
        [call(0, Self.umount, answers.0, 10, 30), call(1, Self.umount, answers.1, 20, 40)], tables)
      #expect(found.isViolated)
    }
  }

  @Test func `two umounts one after the other have only one order`() {
    for (first, second, tables, explained) in [
      (Errno.none, Errno.invalidArgument, Self.gone, true),
      (.invalidArgument, .none, Self.gone, false),
      (.none, .busy, Self.gone, false), (.busy, .none, Self.gone, false),
      (.busy, .busy, Self.stays, false),
    ] {
      let found = verdict(
        [call(0, Self.umount, first, 10, 20), call(1, Self.umount, second, 30, 40)], tables)
      #expect(found.isExplained == explained, "\(first) then \(second)")
    }
  }

  @Test func `an umount before 6.17 may answer 0 for a mount that another one took meanwhile`() {
    let old = KernelRules(release: KernelRelease(6, 12, 107))!
    let calls = [
      call(0, .umount2("/m", .detach), .none, 10, 30),
      call(1, .umount2("/m", .detach), .none, 20, 40),
    ]
    let gone = tables(after: [(.umount2("/m", .detach), 0)], rules: old)
    #expect(verdict(calls, gone, rules: old).isExplained)
    #expect(verdict(calls, Self.gone).isViolated)
  }

  // MARK: busy

  @Test func `EBUSY without anything that overlaps is a violation`() throws {
    let found = verdict([call(0, Self.umount, .busy, 10, 20)], Self.stays)
    let violation = try #require(found.violation)
    #expect(violation.calls.count == 1)
    #expect(violation.continuations.first?.observed == .busy)
    #expect(violation.continuations.first?.predicted == Errno.none)
  }

  @Test func `a walk below the mount makes it busy, one elsewhere does not`() {
    let busy = call(0, Self.umount, .busy, 10, 40)
    #expect(verdict([busy, call(1, .stat("/m/x"), .none, 20, 30)], Self.stays).isExplained)
    #expect(verdict([busy, call(1, .stat("/n"), .none, 20, 30)], Self.stays).isViolated)
    #expect(verdict([busy, call(1, .stat("/m/x"), .none, 50, 60)], Self.stays).isViolated)
  }

  @Test func `a walk that fails below the mount may have held it, which is counted as latitude`() {
    let found = verdict(
      [call(0, Self.umount, .busy, 10, 40), call(1, .stat("/m/none"), .noSuchEntry, 20, 30)],
      Self.stays)
    #expect(found.explanation?.latitude[.passingWalk] == 1)
  }

  @Test func `a reader explains EBUSY only while it reads and only on its path`() {
    let busy = call(0, Self.umount, .busy, 10, 40)
    func reader(_ path: PathArgument, _ start: UInt64, _ end: UInt64) -> ContendedWindow.Reader {
      ContendedWindow.Reader(
        process: 0, path: path, startNanoseconds: start, endNanoseconds: end)
    }
    let found = verdict([busy], Self.stays, readers: [reader("/m/x", 0, 100)])
    #expect(found.explanation?.latitude[.reader] == 1)
    #expect(verdict([busy], Self.stays, readers: [reader("/m/x", 50, 100)]).isViolated)
    #expect(verdict([busy], Self.stays, readers: [reader("/n", 0, 100)]).isViolated)
  }

  @Test func `success against a reference held unmoved is a violation`() {
    var model = modelWithOneMount()
    must(.open("/m/x", .path, 1), &model)
    var world = ConcurrencyWorld(model)
    let calls = [
      call(0, Self.umount, .none, 10, 40), call(1, .stat("/m/x"), .none, 20, 30),
    ]
    #expect(world.check(ContendedWindow(calls: calls, tables: nil)).isViolated)
  }

  @Test func `a descriptor that is closed meanwhile holds or does not`() {
    for (errno, tables) in [(Errno.none, Self.gone), (.busy, Self.stays)] {
      var model = modelWithOneMount()
      must(.open("/m/x", .path, 1), &model)
      var world = ConcurrencyWorld(model)
      let calls = [call(0, Self.umount, errno, 10, 40), call(1, .close(1), .none, 20, 30)]
      #expect(world.check(ContendedWindow(calls: calls, tables: tables)).isExplained)
    }
  }

  @Test func `a missed reference is a known issue only, and only while one moves`() {
    // Held by descriptor 1 throughout; descriptor 2 is closed, or opened, while the umount asks.
    func verdict(isKnown: Bool, other: ContendedWindow.Call) -> WindowVerdict {
      var model = modelWithOneMount()
      must(.open("/m/x", .path, 1), &model)
      must(.open("/m/x", .path, 2), &model)
      var world = ConcurrencyWorld(model)
      world.checker.allowsTornSums = isKnown
      let umount = call(0, Self.umount, .none, 10, 40)
      return world.check(ContendedWindow(calls: [umount, other], tables: Self.gone))
    }
    let closes = call(1, .close(2), .none, 20, 30)
    #expect(verdict(isKnown: false, other: closes).isViolated)
    #expect(verdict(isKnown: true, other: closes).explanation?.latitude[.tornSum] == 1)
    #expect(
      verdict(isKnown: true, other: call(1, .open("/m", .path, 3), .none, 20, 30))
        .explanation?.latitude[.tornSum] == 1)
    // Nothing moves on this mount while the umount asks.
    #expect(verdict(isKnown: true, other: call(1, .stat("/n"), .none, 20, 30)).isViolated)
    #expect(verdict(isKnown: true, other: call(1, .close(2), .none, 50, 60)).isViolated)
  }

  @Test func `known issues that miss references are tried on the kernels that have them`() {
    let old = KnownIssue.missingReferences(on: KernelRelease(6, 12, 20)).map(\.id)
    #expect(old == ["torn-reference-sums", "missing-barrier-before-busy-check"])
    #expect(
      KnownIssue.missingReferences(on: KernelRelease(6, 18, 44)).map(\.id)
        == ["torn-reference-sums"])
    #expect(KnownIssue.missingReferences(on: KernelRelease(7, 3, 4)).isEmpty)
    // Sequential steps are never explained by them.
    #expect(KnownIssue.affecting(KernelRelease(6, 12, 20)).allSatisfy { !$0.missesReferences })
  }

  // MARK: tables

  @Test func `the tables decide which of two mounts is on top`() throws {
    let calls = [
      call(0, tmpfs("a", "/n"), .none, 10, 30), call(1, tmpfs("b", "/n"), .none, 20, 40),
    ]
    let oneWay = tables(after: [(tmpfs("a", "/n"), 0), (tmpfs("b", "/n"), 0)])
    let otherWay = tables(after: [(tmpfs("b", "/n"), 0), (tmpfs("a", "/n"), 0)])
    #expect(verdict(calls, oneWay).isExplained)
    #expect(verdict(calls, otherWay).isExplained)
    let lost = tables(after: [(tmpfs("a", "/n"), 0)])
    let violation = try #require(verdict(calls, lost).violation)
    #expect(violation.culprit == nil)
    #expect(violation.endStates == 2)
    #expect(violation.tables.count == 1)
  }

  @Test func `a table entry that nobody made is a violation although every answer is right`() {
    var wrong = Self.gone
    wrong[0].table.entries[0].attributes.insert(.noExecute)
    let calls = [
      call(0, Self.umount, .none, 10, 30), call(1, Self.umount, .invalidArgument, 20, 40),
    ]
    #expect(verdict(calls, Self.gone).isExplained)
    #expect(verdict(calls, wrong).isViolated)
  }

  @Test func `a lazy umount and a mount on the same directory leave what their order says`() {
    // Resolved before the umount, committed after it: the place is mounted nowhere any more.
    let calls = [
      call(0, .umount2("/m", .detach), .none, 10, 40),
      call(1, tmpfs("b", "/m/x"), .noSuchEntry, 20, 50),
    ]
    #expect(verdict(calls, Self.gone).isExplained)
    let onTop = [
      call(0, .umount2("/m", .detach), .none, 10, 40), call(1, tmpfs("b", "/m/x"), .none, 20, 50),
    ]
    #expect(verdict(onTop, Self.gone).isExplained)
    #expect(verdict(onTop, Self.stays).isViolated)
  }

  // MARK: several windows

  @Test func `a later window revises the order of an earlier one`() {
    // Where the descriptor points is not in the tables; only the second umount shows it.
    for secondAnswer in [Errno.none, .busy] {
      var model = modelWithOneMount()
      must(.mkdir("/n/x"), &model)
      must(tmpfs("u", "/n"), &model)
      must(.mkdir("/n/x"), &model)
      var end = MountModel(rules: .newest)
      for operation: Operation in [
        .mkdir("/m"), tmpfs("t", "/m"), .mkdir("/m/x"), .mkdir("/n"), .mkdir("/n/x"),
        tmpfs("u", "/n"), .mkdir("/n/x"),
      ] { must(operation, &end) }
      var world = ConcurrencyWorld(model)
      // The move takes the mount to another place; the open sees it before or after.
      let move = Operation.mount(MountCall(source: "/n", target: "/m/x", flags: .move))
      must(move, &end)
      let first = ContendedWindow(
        calls: [call(0, move, .none, 10, 40), call(1, .open("/n/x", .path, 1), .none, 20, 50)],
        tables: observed(end))
      #expect(world.check(first).isExplained)
      if secondAnswer == .none { must(.umount2("/m/x", []), &end) }
      let second = ContendedWindow(
        calls: [call(0, .umount2("/m/x", []), secondAnswer, 110, 140)], tables: observed(end))
      #expect(world.check(second).isExplained, "\(secondAnswer)")
    }
  }

  @Test
  func `a window without an explanation leaves the judge where it was, however far it looked back`()
  {
    var end = modelWithOneMount()
    var world = ConcurrencyWorld(modelWithOneMount())
    // Kept windows that race, so that the search goes back to each of them, and begins anew with walks in parts.
    for number in 0..<3 {
      let start = UInt64(number + 1) * 1_000
      let calls = [
        call(0, tmpfs("a\(number)", "/n"), .none, start, start + 30),
        call(1, tmpfs("b\(number)", "/n"), .none, start + 10, start + 40),
      ]
      for call in calls { must(call.operation, &end) }
      #expect(world.check(ContendedWindow(calls: calls, tables: observed(end))).isExplained)
    }
    let wrong = [
      call(0, .umount2("/n", []), .invalidArgument, 5_000, 5_030),
      call(1, .umount2("/m", []), .none, 5_010, 5_040),
    ]
    #expect(world.check(ContendedWindow(calls: wrong, tables: observed(end))).isViolated)
    #expect(world.model.violatedInvariants().isEmpty)
    for _ in 0..<6 { must(.umount2("/n", []), &end) }
    let right = (0..<6).map { number in
      call(0, .umount2("/n", []), .none, 6_000 + 100 * UInt64(number), 6_050 + 100 * UInt64(number))
    }
    #expect(world.check(ContendedWindow(calls: right, tables: observed(end))).isExplained)
    #expect(world.model.violatedInvariants().isEmpty)
  }

  @Test func `umounts that take what the tables still show are given up at once`() throws {
    // Which of the mounts go is for the tables to say: only the last two stay.
    var end = modelWithOneMount()
    for name in ["e", "f"] { must(tmpfs(name, "/n"), &end) }
    var calls: [ContendedWindow.Call] = []
    for (worker, name) in ["a", "b", "c", "d", "e", "f"].enumerated() {
      calls.append(call(worker, tmpfs(name, "/n"), .none, 10, 1_000))
    }
    for worker in 6..<10 { calls.append(call(worker, .umount2("/n", []), .none, 10, 1_000)) }
    var world = ConcurrencyWorld(modelWithOneMount())
    let found = world.check(ContendedWindow(calls: calls, tables: observed(end)))
    #expect(try #require(found.explanation).steps < 200)
  }

  // MARK: limits

  @Test func `a search that runs out of steps says so and is no pass`() {
    var limits = SearchLimits()
    limits.steps = 3
    var world = ConcurrencyWorld(modelWithOneMount(), limits: limits)
    let calls = (0..<6).map { call($0, Self.umount, .busy, 10, 100) }
    let found = world.check(ContendedWindow(calls: calls, tables: Self.gone))
    guard case .unknown(.steps) = found else {
      Issue.record("\(found)")
      return
    }
  }

  @Test func `every latitude names its reason and its bound`() {
    for latitude in Latitude.allCases {
      #expect(latitude.reason.count > 30 && latitude.bound.count > 30)
    }
  }
}
