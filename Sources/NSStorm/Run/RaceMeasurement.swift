import StormKernel
public import StormPlanning
import StormVocabulary

/// What it costs to check racing calls, beside the same calls unchecked; printed by `nsstorm bench`.
public struct RaceMeasurement: Sendable {
  public var calls: Int
  /// The plan's calls alone: no table is read, no history is kept.
  public var uncheckedSeconds: Double
  /// With everything but the search for orders, which needs no kernel.
  public var checkedSeconds: Double
  public var searchSeconds: Double
  public var conflicts: Int

  public var ratio: Double { checkedSeconds / uncheckedSeconds }

  private struct NoInterrupt: RunControl {
    mutating func wantsEnd() -> Bool { false }
  }

  /// Runs the profile's plan unchecked and checked in turn and takes the faster of `repetitions` each.
  public static func measure(
    _ profile: Profile, repetitions: Int = 3
  ) throws(RunError) -> RaceMeasurement {
    var measured = RaceMeasurement(
      calls: 0, uncheckedSeconds: .infinity, checkedSeconds: .infinity, searchSeconds: 0,
      conflicts: 0)
    for _ in 0..<repetitions {
      measured.uncheckedSeconds = min(measured.uncheckedSeconds, try unchecked(profile))
      var control = NoInterrupt()
      let summary = try StormRunner.run(profile, options: RunOptions(), control: &control) { _ in }
      measured.calls = summary.storm.calls
      measured.conflicts = summary.races?.conflicts ?? 0
      let search = summary.times.searchNanoseconds ?? 0
      measured.searchSeconds = Double(search) * 1e-9
      let total = Double(summary.times.totalNanoseconds - search) * 1e-9
      measured.checkedSeconds = min(measured.checkedSeconds, total)
    }
    return measured
  }

  private static func unchecked(_ profile: Profile) throws(RunError) -> Double {
    let began = ContinuousClock.now
    var generator: PlanGenerator
    do throws(PlanError) {
      generator = try PlanGenerator(profile: profile)
    } catch {
      throw .plan(error)
    }
    do throws(SandboxError) {
      let sandbox = try Sandbox.launch(StormRunner.sandboxLimits(profile))
      while let item = generator.next() {
        switch item {
        case .phase, .volley, .release: break
        case .step(let step): _ = try sandbox.perform(step.operation, by: step.actor)
        case .race(let race):
          try race.startThreads(in: sandbox)
          for call in race.prelude {
            _ = try sandbox.perform(call.operation, by: race.workers[call.worker].process)
          }
          _ = try sandbox.run(race.workerPrograms)
        }
      }
      try sandbox.teardown()
    } catch {
      throw .sandbox(error)
    }
    let (seconds, attoseconds) = (ContinuousClock.now - began).components
    return Double(seconds) + Double(attoseconds) * 1e-18
  }
}
