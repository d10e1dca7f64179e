import StormEngine
import StormVocabulary

/// How fast contended windows are judged; printed by `nsstorm bench`.
public struct ConcurrencyBenchmark: Sendable {
  public var calls = 1_000
  public var workers = 8
  /// Calls between two quiescent points.
  public var callsInWindow = 100
  /// Places on which the calls meet: the fewer, the more of them conflict.
  public var places = 8
  public var seed: UInt64 = 1
  /// How much the calls overlap: the chance that the worker that made the last point makes the next one as well. Real
  /// windows have about 0.3 conflicting pairs for each call; this has more.
  public var persistence = 0.9
  /// Bounds of one window: a benchmark that hangs measures nothing.
  public var limits = SearchLimits()

  public init() {}

  public struct Result: Sendable {
    public var calls: Int
    public var seconds: Double
    public var tally: ConcurrencyChecker.Tally
  }

  /// Judges histories whose explanation is known to exist; only the judging is timed.
  public func run() -> Result {
    var world = ContendedWorld()
    world.namespaces = 3
    world.places = places
    var simulated = world.makeModel()
    var model = world.makeModel()
    var generator = SeededGenerator(seed: seed)
    var simulation = ConcurrentSimulation(seed: seed &+ 1)
    simulation.persistence = persistence
    var comparison = TableComparison()
    let start = tables(of: model)
    _ = comparison.update(predicted: start, observed: start)
    var checker = ConcurrencyChecker(comparison: comparison, limits: limits)
    let clock = ContinuousClock()
    var spent = Duration.zero
    var judged = 0
    var windows = 0
    while judged < calls {
      // A round, as in contended phases: it begins in a known state, and hidden differences end with it.
      if windows % Self.windowsOfRound == 0, windows > 0 {
        simulated = world.makeModel()
        model = world.makeModel()
        checker.restart(at: &model, comparison: comparison)
      }
      windows += 1
      let programs = world.programs(
        workers: workers, callsEach: max(1, callsInWindow / workers), &generator)
      let window = simulation.run(
        programs, startNanoseconds: UInt64(judged + 1) * 1_000_000, on: &simulated)
      let began = clock.now
      let verdict = checker.check(window, against: &model)
      spent += clock.now - began
      if case .explained = verdict {
      } else {
        // Where the model stands is not known then: all begins again.
        simulated = world.makeModel()
        model = world.makeModel()
        checker.restart(at: &model, comparison: comparison)
      }
      judged += window.calls.count
    }
    let (seconds, attoseconds) = spent.components
    return Result(
      calls: judged, seconds: Double(seconds) + Double(attoseconds) * 1e-18, tally: checker.tally)
  }

  private static let windowsOfRound = 8

  private func tables(of model: borrowing MountModel) -> [NamespaceTable] {
    model.livingProcesses.map { NamespaceTable(namespace: $0, table: model.table(seenBy: $0)) }
  }
}
