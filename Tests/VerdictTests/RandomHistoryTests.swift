import StormEngine
import StormVocabulary
import Testing

@testable import StormVerdict

/// Histories that the engine itself made, so that an order is known to exist, and the same with one thing changed.
@Suite struct RandomHistoryTests {
  private func simulation(seed: UInt64, walksInParts: Double = 0) -> ConcurrentSimulation {
    var simulation = ConcurrentSimulation(seed: seed)
    simulation.persistence = 0.6
    simulation.walksInParts = walksInParts
    return simulation
  }

  private func limits() -> SearchLimits {
    var limits = SearchLimits()
    limits.milliseconds = 20_000
    return limits
  }

  @Test(arguments: 0..<8)
  func `every history that the engine made is explained`(seed: UInt64) {
    var contended = ContendedWorld()
    contended.places = 3
    var generator = SeededGenerator(seed: seed)
    var simulated = contended.makeModel()
    var simulation = simulation(seed: seed &+ 100)
    var world = ConcurrencyWorld(contended.makeModel(), limits: limits())
    for number in 0..<4 {
      let programs = contended.programs(workers: 4, callsEach: 3, &generator)
      let window = simulation.run(
        programs, startNanoseconds: UInt64(number + 1) * 1_000_000, on: &simulated)
      let verdict = world.check(window)
      #expect(verdict.isExplained, "seed \(seed), window \(number): \(verdict)")
      guard verdict.isExplained else { return }
    }
  }

  @Test func `200 windows in which walks are made in parts are all explained`() {
    var contended = ContendedWorld()
    contended.namespaces = 1
    for seed in UInt64(0)..<200 {
      var generator = SeededGenerator(seed: seed)
      var model = contended.makeModel()
      let programs = contended.programs(workers: 4, callsEach: 3, &generator)
      var simulation = simulation(seed: seed, walksInParts: 0.7)
      let window = simulation.run(programs, on: &model)
      var world = ConcurrencyWorld(contended.makeModel(), limits: limits())
      let verdict = world.check(window)
      #expect(verdict.isExplained, "seed \(seed): \(verdict)")
    }
  }

  @Test(arguments: [false, true])
  func `the search says of small windows what trying every order says`(walksInParts: Bool) {
    var explicable = 0
    var inexplicable = 0
    for seed in UInt64(0)..<(walksInParts ? 16 : 40) {
      guard let sample = sample(seed: seed, walksInParts: walksInParts) else { continue }
      for window in [sample.window] + corruptions(of: sample.window, seed: seed) {
        var model = sample.world.makeModel()
        var naive = NaiveSearch(window, walksInParts: walksInParts)
        let expected = naive.isExplicable(&model)
        var world = ConcurrencyWorld(sample.world.makeModel(), limits: limits())
        let verdict = world.check(window)
        // What only latitude explains is not known to the naive search; whether it is due has tests of its own.
        let latitude = verdict.explanation?.latitude
        if !expected, let latitude, latitude[.passingWalk] > 0 { continue }
        if !expected, !walksInParts, let latitude, latitude[.walkInParts] > 0 { continue }
        #expect(
          verdict.isExplained == expected && verdict.isViolated == !expected,
          "seed \(seed): tried every order: \(expected), search: \(verdict)")
        if expected { explicable += 1 } else { inexplicable += 1 }
      }
    }
    #expect(explicable > 20 && inexplicable > 20, "\(explicable), \(inexplicable)")
  }

  @Test func `in parts and as a whole the search comes to the same verdict`() {
    var split = 0
    for seed in UInt64(0)..<16 {
      var contended = ContendedWorld()
      contended.places = 4
      contended.namespaces = 1
      var generator = SeededGenerator(seed: seed)
      var model = contended.makeModel()
      var simulation = simulation(seed: seed)
      let programs = contended.programs(workers: 4, callsEach: 2, &generator)
      let window = simulation.run(programs, on: &model)
      for window in [window] + corruptions(of: window, seed: seed) {
        let start = contended.makeModel()
        if WindowPartition(of: [window], startingFrom: start).parts.count > 1 { split += 1 }
        var world = ConcurrencyWorld(contended.makeModel(), limits: limits())
        let inParts = world.check(window)
        let whole = self.whole(window, contended)
        #expect(inParts.isExplained == whole, "seed \(seed): whole \(whole), parts \(inParts)")
      }
    }
    #expect(split > 20, "only \(split) windows fell into parts")
  }

  @Test func `a wrong table entry is found whatever raced`() {
    var found = 0
    for seed in UInt64(0)..<30 {
      guard let sample = sample(seed: seed, walksInParts: false) else { continue }
      for window in tableCorruptions(of: sample.window) {
        var world = ConcurrencyWorld(sample.world.makeModel(), limits: limits())
        let verdict = world.check(window)
        #expect(verdict.isViolated, "seed \(seed): \(verdict)")
        found += 1
      }
    }
    #expect(found > 50)
  }

  // MARK: material

  private struct Sample {
    var world: ContendedWorld
    var window: ContendedWindow
  }

  private func sample(seed: UInt64, walksInParts: Bool) -> Sample? {
    var contended = ContendedWorld()
    contended.places = 1
    contended.namespaces = 1
    var generator = SeededGenerator(seed: seed)
    var model = contended.makeModel()
    // Something to umount, as in real windows.
    let programs = contended.programs(workers: 3, callsEach: walksInParts ? 1 : 2, &generator)
    var simulation = simulation(seed: seed &* 31, walksInParts: walksInParts ? 0.7 : 0)
    return Sample(world: contended, window: simulation.run(programs, on: &model))
  }

  /// One answer exchanged for another one that the call could give.
  private func corruptions(of window: ContendedWindow, seed: UInt64) -> [ContendedWindow] {
    window.calls.indices.flatMap { index in
      [Errno.none, .busy, .invalidArgument, .noSuchEntry].filter { $0 != window.calls[index].errno }
        .map { errno in
          var window = window
          window.calls[index].errno = errno
          return window
        }
    }
  }

  private func tableCorruptions(of window: ContendedWindow) -> [ContendedWindow] {
    guard let tables = window.tables, let last = tables[0].table.entries.indices.last, last > 0
    else { return [] }
    var windows: [ContendedWindow] = []
    func change(_ edit: (inout MountTable.Entry) -> Void) {
      var window = window
      var tables = tables
      edit(&tables[0].table.entries[last])
      window.tables = tables
      windows.append(window)
    }
    change { $0.attributes.formSymmetricDifference(.noExecute) }
    change { $0.source = "somebody else's" }
    change { $0.parent += 1_000 }
    var shorter = tables
    shorter[0].table.entries.removeLast()
    var lost = window
    lost.tables = shorter
    windows.append(lost)
    return windows
  }

  private func whole(_ window: ContendedWindow, _ world: ContendedWorld) -> Bool {
    var model = world.makeModel()
    for splitsWalks in [false, true] {
      var search = PointSearch(
        windows: [window], from: PointSearch.Passed(comparison: TableComparison()),
        limits: limits(), splitsWalks: splitsWalks)
      if case .explained = search.run(&model) { return true }
    }
    return false
  }
}
