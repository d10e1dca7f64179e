import StormEngine
import StormKernel
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

@testable import StormReproduction

@Suite struct WindowReplayTests {
  private func call(
    _ worker: Int, _ start: UInt64, _ end: UInt64,
    _ operation: StormVocabulary.Operation = .stat("/")
  ) -> ContendedWindow.Call {
    ContendedWindow.Call(
      worker: worker, process: worker, operation: operation, errno: .none, startNanoseconds: start,
      endNanoseconds: end)
  }

  @Test func `calls that did not overlap are made one after the other, those that did together`() {
    let window = ContendedWindow(
      calls: [
        call(0, 0, 10), call(1, 5, 20), call(0, 15, 18), call(1, 30, 40), call(0, 50, 60),
        call(1, 59, 70),
      ], tables: nil)
    let workers = [0, 1].map { ConcurrentWorker(number: $0, process: $0) }
    let replay = WindowReplay(window, workers: workers, jitterNanoseconds: 0)
    #expect(replay.clusters.map(\.calls.count) == [3, 1, 2])
    var generator = SeededGenerator(seed: 1)
    let programs = replay.programs(replay.clusters[0], processors: 4, &generator)
    #expect(programs.map(\.program.actor) == [0, 1])
    // As long between its calls as in the recording.
    #expect(programs[0].program.steps.map(\.delayNanoseconds) == [0, 5])
    #expect(programs[1].program.steps.map(\.delayNanoseconds) == [5])
  }

  @Test func `the jitter is within its bound and another in each run`() {
    let window = ContendedWindow(
      calls: (0..<40).map { call($0 % 2, UInt64($0), 100) }, tables: nil)
    let workers = [0, 1].map { ConcurrentWorker(number: $0, process: $0) }
    let replay = WindowReplay(window, workers: workers, jitterNanoseconds: 500)
    func delays(_ seed: UInt64) -> [UInt32] {
      var generator = SeededGenerator(seed: seed)
      return replay.programs(replay.clusters[0], processors: 1, &generator).flatMap {
        $0.program.steps.map(\.delayNanoseconds)
      }
    }
    #expect(delays(1) == delays(1) && delays(1) != delays(2))
    #expect(delays(1).allSatisfy { $0 <= 600 } && Set(delays(1)).count > 10)
  }

  /// Two processes umount the same copies at once, again and again.
  private var race: RecordedSequence {
    var sequence = RecordedSequence(
      header: TraceHeader(kernel: "6.18", build: "", table: MountTable()), calls: [])
    let preparation: [StormVocabulary.Operation] = [
      .mkdir("/s"), .mount(MountCall(type: "tmpfs", source: "s", target: "/s")), .mkdir("/s/d"),
      .mount(MountCall(target: "/s", flags: .shared)), .unshare(namespace: 1, newUser: false),
    ]
    sequence.items = preparation.enumerated().map {
      .call(NumberedCall(number: $0.offset, namespace: 0, operation: $0.element))
    }
    for number in 0..<5 {
      let start = UInt64(number) * 1_000_000
      let calls = [
        call(0, start, start + 100, .mount(MountCall(type: "tmpfs", source: "t", target: "/s/d"))),
        call(0, start + 200, start + 400, .umount2("/s/d", [])),
        call(1, start + 250, start + 450, .umount2("/s/d", [])),
      ]
      sequence.items.append(
        .window(
          TraceWindow(
            number: number, phase: 0,
            workers: [0, 1].map { ConcurrentWorker(number: $0, process: $0, cpu: $0) },
            window: ContendedWindow(calls: calls, tables: nil))))
    }
    return sequence
  }

  /// The same, but one of them only looks, so that what a wrong rule does shows every time.
  private var watchedRace: RecordedSequence {
    var sequence = race
    sequence.items = sequence.items.map { item in
      guard case .window(var window) = item else { return item }
      window.window.calls[2].operation = .stat("/s")
      return .window(window)
    }
    return sequence
  }

  @Test func `needs root: racing calls made again are explained`() throws {
    try requireRoot()
    let result = try Replay(race, settings: try settings(try runningRelease())).run(
      symptom: nil, times: 3)
    for outcome in result.outcomes {
      let races = try #require(outcome.races)
      #expect(races.windows == 5 && races.explained == 5 && races.calls == 15, "\(races)")
      #expect(outcome.unexplained.isEmpty)
    }
  }

  @Test func `a history in single calls is the same history`() {
    #expect(HistoryAtom.items(HistoryAtom.atoms(race.items)) == race.items)
  }

  #if DEBUG
    @Test func `needs root: a history with races is shortened to the calls that it takes`() throws {
      try requireRoot()
      var settings = try settings(try runningRelease())
      settings.brokenRule = .umountDoesNotPropagate
      // Some calls are of no use.
      var items = watchedRace.items
      for name in ["/x", "/y", "/x/z"] {
        items.insert(
          .call(NumberedCall(number: 0, namespace: 0, operation: .mkdir(.path(name)))), at: 0)
      }
      items = items.map { item in
        guard case .window(var window) = item else { return item }
        window.window.calls.append(call(1, window.window.calls[2].endNanoseconds, .max, .stat("/")))
        return .window(window)
      }
      let result = try RaceShrinker(settings).shrink(items, symptom: nil)
      #expect(result.isMinimal && result.callsBefore > result.calls)
      // A shared mount, its copy in another namespace, something mounted on it and umounted again.
      #expect(result.calls <= 7 && result.racingCalls >= 1, "\(result.lines)")
      #expect(result.rateBefore.successes > 0 && result.rateAfter.successes > 0)
      #expect(
        result.lines.contains { if case .window = $0 { true } else { false } },
        "the lines are a trace of version 2")
    }

    @Test func `needs root: a rule that is wrong shows in racing calls too`() throws {
      try requireRoot()
      var settings = try settings(try runningRelease())
      settings.brokenRule = .umountDoesNotPropagate
      let result = try Replay(race, settings: settings).run(symptom: nil, times: 2)
      #expect(result.outcomes.allSatisfy { $0.races?.violated == 1 })
      // Who of two umounts comes first decides the shape; here it is the same in all runs.
      let watched = try Replay(watchedRace, settings: settings).run(symptom: nil, times: 1)
      let divergence = try #require(watched.outcomes.first?.unexplained.first?.divergence)
      let again = try Replay(watchedRace, settings: settings).run(
        symptom: .divergence(shape: divergence.signature, rule: nil), times: 4)
      #expect(again.rate.successes > 0 && again.rate.trials == 4)
    }
  #endif
}
