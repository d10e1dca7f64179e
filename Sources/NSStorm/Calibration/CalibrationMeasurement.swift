import Glibc
public import StormReclamation

/// Measures the constants of the simulator on the running kernel.
public enum CalibrationMeasurement {
  /// Measures everything without touching the machine's settings: path, detach per mount and copy, both kinds of grace
  /// period, teardown of tmpfs, ext4, xfs and FUSE. A file system that cannot be mounted here keeps the values of `base`,
  /// and the origin says so and why.
  ///
  /// - Parameters:
  ///   - base: where unmeasured values come from.
  ///   - kernel: the release that the origin names.
  /// - Throws: `ProbeError` when an experiment cannot be run.
  public static func measure(
    base: Calibration = .standard, kernel: String
  ) throws(ProbeError) -> Calibration {
    var measured = base
    // The grace period depends on what else the machine does: single umounts are measured in bursts
    // between the other experiments, and the middle burst counts.
    var bursts: [Double] = []
    func measureBurst() throws(ProbeError) {
      bursts.append(try ReleaseProbe(.tree, rounds: 200, lazy: true).run().median)
    }
    let path = try ReleaseProbe(.failing, rounds: 2_000).run().median
    try measureBurst()
    let small = try ReleaseProbe(.tree, rounds: 60, mounts: 100).run().median
    let large = try ReleaseProbe(.tree, rounds: 20, mounts: 1_000).run().median
    try measureBurst()
    let smallBinds = try ReleaseProbe(.binds, rounds: 60, mounts: 100).run().median
    let largeBinds = try ReleaseProbe(.binds, rounds: 20, mounts: 1_000).run().median
    try measureBurst()
    let fewCopies = try ReleaseProbe(.copies, rounds: 60, peers: 10).run().median
    let manyCopies = try ReleaseProbe(.copies, rounds: 30, peers: 200).run().median
    try measureBurst()
    let normal = try ReleaseProbe(.gracePeriod, rounds: 60).run(seconds: 120)
    try measureBurst()
    let one = bursts.sorted()[bursts.count / 2]

    let perMount = max(0, large - small) / 900
    let perBind = max(0, largeBinds - smallBinds) / 900
    let perCopy = max(0, manyCopies - fewCopies) / 190
    // A bind mount is detached and put like any other, but no superblock dies with it.
    let put = min(base.putNanoseconds, perBind / 2)
    let teardown = max(perMount - perBind, 0)
    measured.pathNanoseconds = path
    measured.putNanoseconds = put
    measured.detachNanoseconds = max(perBind - put, 0)
    measured.detachCopyNanoseconds = max(perCopy - put, 0)
    measured.teardown["tmpfs"] = Calibration.ServiceTime(
      teardown, tailProbability: 0.01, tailFactor: 5)
    measured.expeditedGracePeriod.typicalNanoseconds = max(one - path - perMount - put, 0)
    measured.normalGracePeriod = Calibration.ServiceTime(normal.mean)
    if let tick = tickNanoseconds() { measured.tickNanoseconds = tick }
    let (times, refusals) = TeardownMeasurement.measure(tmpfsNanoseconds: teardown)
    measured.teardown.merge(times) { _, new in new }
    measured.origin = "measured on \(kernel)"
    if !refusals.isEmpty {
      measured.origin +=
        "; not measured here (\(refusals.joined(separator: "; "))), as in: \(base.origin)"
    }
    return measured
  }

  /// The length of a tick: the coarse clock moves once in each (1/HZ).
  static func tickNanoseconds() -> Double? {
    var resolution = timespec()
    guard clock_getres(CLOCK_MONOTONIC_COARSE, &resolution) == 0 else { return nil }
    let nanoseconds = Double(resolution.tv_sec) * 1e9 + Double(resolution.tv_nsec)
    return nanoseconds > 0 ? nanoseconds : nil
  }
}
