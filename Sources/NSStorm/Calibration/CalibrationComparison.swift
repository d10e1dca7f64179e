import Glibc
public import StormReclamation

/// A load, measured on the running kernel and predicted by the simulator with the same calibration.
public struct CalibrationComparison: Sendable, Hashable, Codable {
  public var load: String
  public var size: Int
  /// Median latency of a call.
  public var measuredNanoseconds: Double
  public var predictedNanoseconds: Double

  public var ratio: Double { predictedNanoseconds / measuredNanoseconds }
  /// The aim: within 25%.
  public var isClose: Bool { ratio > 0.75 && ratio < 1.25 }

  /// `mass-detach` (mounts of a tree), `mass-umount` (umounts one by one) and `sync-vs-lazy` (callers
  /// at the same time) at three sizes each.
  ///
  /// - Parameter design: what the running kernel is taken to do.
  /// - Throws: `ProbeError` when an experiment cannot be run, `CompositionError` when it cannot be
  ///   simulated.
  public static func all(
    design: Design = .mainline, calibration: Calibration
  ) throws -> [CalibrationComparison] {
    var rows: [CalibrationComparison] = []
    for mounts in [30, 300, 2_000] {
      let probe = ReleaseProbe(.tree, rounds: max(10, 3_000 / mounts), mounts: mounts)
      rows.append(
        try compare("mass-detach", mounts, probe, design, calibration) {
          $0.mounts = mounts
          $0.namespaces = 50
        })
    }
    for umounts in [100, 500, 2_000] {
      let probe = ReleaseProbe(.tree, rounds: umounts)
      rows.append(
        try compare("mass-umount", umounts, probe, design, calibration) {
          $0.call = .sync
          $0.namespaces = umounts
          // A caller mounts the next tmpfs between two umounts.
          $0.thinkNanoseconds = 20_000
        })
    }
    for callers in [1, 2, 4] {
      for lazy in [false, true] {
        let probe = ReleaseProbe(.callers, rounds: 400 / callers, callers: callers, lazy: lazy)
        rows.append(
          try compare(
            "sync-vs-lazy \(lazy ? "lazy" : "sync")", callers, probe, design, calibration
          ) {
            $0.callers = callers
            $0.call = lazy ? .lazy : .sync
            $0.namespaces = 400
            $0.thinkNanoseconds = 20_000
          })
      }
    }
    return rows
  }

  /// How often each load is measured.
  private static let bursts = 7

  private static func compare(
    _ load: String, _ size: Int, _ probe: ReleaseProbe, _ design: Design,
    _ calibration: Calibration, _ change: (inout SimulationParameters) -> Void
  ) throws -> CalibrationComparison {
    // An expedited grace period takes 5 to 60 us, depending on what the other CPUs do at that moment: an idle one need not
    // be interrupted. So it is measured again beside each load, by single umounts between bursts of it, with as many CPUs
    // busy as the load keeps busy. Whoever else uses the machine only ever adds to the latencies: of each the quickest
    // burst counts.
    let cpus = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    let beside = ReleaseProbe(.tree, rounds: 100, callers: min(probe.callers, cpus), lazy: true)
    var medians: [Double] = []
    var singles: [Double] = []
    for _ in 0..<Self.bursts {
      singles.append(try beside.run().median)
      medians.append(try probe.run().median)
    }
    let (single, measured) = (singles.min() ?? 0, medians.min() ?? 0)
    var calibration = calibration
    let work =
      calibration.pathNanoseconds + calibration.detachNanoseconds
      + 2 * calibration.putNanoseconds
      + (calibration.teardown["tmpfs"]?.typicalNanoseconds ?? 0)
    calibration.expeditedGracePeriod.typicalNanoseconds = max(single - work, 0)
    var parameters = SimulationParameters(design: design)
    parameters.calibration = calibration
    parameters.cpus = cpus
    change(&parameters)
    let predicted = try SimulationResult(simulating: parameters)
    return CalibrationComparison(
      load: load, size: size, measuredNanoseconds: measured,
      predictedNanoseconds: SimulationResult.quantile(0.5, of: predicted.callNanoseconds))
  }
}
