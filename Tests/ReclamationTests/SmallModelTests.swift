import Testing

@testable import StormReclamation

@Suite struct SmallModelTests {
  /// Counting, order of the CPUs, moves of the reference, and what an independent model found.
  static let counts: [(Design.Counting, [Int], Int, [Finding: Int])] = [
    (.single, [0, 1], 1, [.tornSum: 6]), (.single, [0, 1], 2, [.tornSum: 6]),
    (.single, [0, 1], 3, [.tornSum: 6]), (.single, [1, 0], 1, [:]),
    (.single, [1, 0], 2, [.tornSum: 8]), (.single, [1, 0], 3, [.tornSum: 8]),
    (.locked, [0, 1], 3, [:]), (.locked, [1, 0], 3, [:]),
    (.split, [0, 1], 1, [:]), (.split, [0, 1], 2, [.overcount: 9]),
    (.split, [0, 1], 3, [.overcount: 9]), (.split, [1, 0], 1, [:]),
    (.split, [1, 0], 2, [.overcount: 9]), (.split, [1, 0], 3, [.overcount: 9]),
    (.atomic, [0, 1], 3, [:]), (.atomic, [1, 0], 3, [:]),
  ]

  @Test(arguments: counts)
  func `summing counters tears or overcounts exactly where the independent model says`(
    counting: Design.Counting, order: [Int], moves: Int, expected: [Finding: Int]
  ) {
    let system = CountSystem(counting: counting, order: order, moves: moves)
    #expect(lengths(system) == expected)
  }

  @Test func `a torn sum cannot happen once every put needs the lock`() {
    #expect(
      lengths(CountSystem(counting: .single, order: [0, 1], moves: 3, slowPath: true)) == [:])
  }

  @Test(arguments: [3, 4])
  func `more CPUs tear a single sum as well and leave the others right`(cpus: Int) {
    let order = Array(0..<cpus)
    #expect(
      lengths(CountSystem(counting: .single, order: order, moves: 4)).keys.contains(.tornSum))
    for counting in [Design.Counting.locked, .atomic] {
      #expect(lengths(CountSystem(counting: counting, order: order, moves: 4)) == [:])
    }
    #expect(
      !lengths(CountSystem(counting: .split, order: order, moves: 4)).keys.contains(.tornSum))
  }

  static let lists: [(Design.ListDiscipline, Int, [Finding: Int])] = [
    (.naive, 2, [.earlyPut: 12, .lostMount: 15]), (.naive, 3, [.earlyPut: 12, .lostMount: 20]),
    (.locked, 2, [.earlyPut: 11]), (.locked, 3, [.earlyPut: 11]),
    (.flag, 2, [:]), (.flag, 3, [:]), (.flag, 4, [:]),
    (.oneList, 2, [.earlyPut: 11]), (.oneList, 3, [.earlyPut: 11]),
  ]

  @Test(arguments: lists)
  func `the global worker puts early or loses mounts exactly where the independent model says`(
    discipline: Design.ListDiscipline, mounts: Int, expected: [Finding: Int]
  ) {
    #expect(lengths(GlobalWorkerSystem(discipline: discipline, mountCount: mounts)) == expected)
  }

  @Test(arguments: WorkQueueGolden.rows)
  func `waiting on a bounded pool deadlocks exactly where the independent model says`(
    row: WorkQueueGolden.Row
  ) {
    let system = WorkQueueSystem(
      tail: row.tail, caller: row.caller, holdsLock: row.holdsLock, poolSize: row.poolSize,
      callerCount: row.callers)
    #expect(lengths(system) == row.findings)
  }

  @Test func `only asynchronous closers let umount say EBUSY or leave the device claimed`() {
    for close in Design.FileClose.allCases {
      for lazy in [false, true] {
        for pin in [false, true] {
          let outcomes = FileCloseSystem(close: close, lazy: lazy, otherPin: pin).outcomes()
          let isDelayed = close == .kthreadDelayed || close == .asyncOwner
          var expected: [FileCloseSystem.Outcome] = [
            pin ? .umountedButBusy : .umountedAndClaimed
          ]
          if isDelayed, lazy, !pin { expected = [.umountedAndClaimed, .umountedButBusy] }
          if isDelayed, !lazy { expected.append(.umountBusy) }
          #expect(outcomes == expected, "\(close) lazy=\(lazy) pin=\(pin)")
        }
      }
    }
  }

  private func lengths<System: TransitionSystem>(_ system: System) -> [Finding: Int] {
    let result = Explorer(system).explore()
    for (finding, example) in result.counterexamples {
      let trace = try? Trace(replaying: example.actions, in: system)
      #expect(trace?.shows(finding) == true)
    }
    return result.counterexamples.mapValues(\.length)
  }

  @Test func `the expiry mark saves a mount that was used, and two calls take one that was not`() {
    for verdict in ExpiryVerdict.all where verdict.rule == .kernel {
      #expect(verdict.takenAfterUse == nil && !verdict.neverExpires)
    }
    // Each half of the rule is needed: without it the model finds what goes wrong.
    for verdict in ExpiryVerdict.all where verdict.rule == .putsKeepTheMark {
      #expect(verdict.takenAfterUse != nil)
    }
    for verdict in ExpiryVerdict.all where verdict.rule == .ownPutClears {
      #expect(verdict.neverExpires)
    }
    let idle = ExpirySystem(rule: .kernel, uses: 0).quiescentStates()
    #expect(idle.map(\.isAttached) == [0] && idle.map(\.calls) == [2])
  }
}
