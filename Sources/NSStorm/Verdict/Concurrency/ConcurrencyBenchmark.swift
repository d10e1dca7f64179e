import StormEngine
import StormVocabulary

/// How fast contended windows are judged; printed by `nsstorm bench`.
public struct ConcurrencyBenchmark: Sendable {
  public var calls = 1_000
  public var workers = 8
  /// Calls between two quiescent points.
  public var callsInWindow = 100
  public var seed: UInt64 = 1

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
    world.places = 8
    var simulated = world.makeModel()
    var model = world.makeModel()
    var generator = SeededGenerator(seed: seed)
    var simulation = ConcurrentSimulation(seed: seed &+ 1)
    simulation.persistence = 0.7
    var comparison = TableComparison()
    let start = tables(of: model)
    _ = comparison.update(predicted: start, observed: start)
    var checker = ConcurrencyChecker(comparison: comparison)
    let clock = ContinuousClock()
    var spent = Duration.zero
    var judged = 0
    while judged < calls {
      let programs = world.programs(
        workers: workers, callsEach: max(1, callsInWindow / workers), &generator)
      let window = simulation.run(
        programs, startNanoseconds: UInt64(judged + 1) * 1_000_000, on: &simulated)
      let began = clock.now
      _ = checker.check(window, against: &model)
      spent += clock.now - began
      judged += window.calls.count
    }
    let (seconds, attoseconds) = spent.components
    return Result(
      calls: judged, seconds: Double(seconds) + Double(attoseconds) * 1e-18, tally: checker.tally)
  }

  private func tables(of model: borrowing MountModel) -> [NamespaceTable] {
    model.livingProcesses.map { NamespaceTable(namespace: $0, table: model.table(seenBy: $0)) }
  }
}
