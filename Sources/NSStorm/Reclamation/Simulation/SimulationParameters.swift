/// A load on one design: who umounts how much, and under which grace periods.
public struct SimulationParameters: Sendable, Hashable {
  /// The kind of umount that every call makes.
  public enum Call: String, Sendable, CaseIterable {
    case sync
    case lazy
    /// `MNT_DETACH | MNT_ASYNC`, for designs that know the flag.
    case async
  }

  public var design: Design
  public var calibration = Calibration.standard
  /// Namespaces, each torn down by one call.
  public var namespaces = 1_600
  /// Mounts of a namespace.
  public var mounts = 1
  /// Namespaces that receive a copy of every mount and lose it with the original.
  public var peers = 0
  /// Tasks that call at the same time.
  public var callers = 1
  public var call = Call.lazy
  public var fileSystem = "tmpfs"
  /// Time that a caller spends between two calls, in nanoseconds.
  public var thinkNanoseconds: Double = 0
  /// PREEMPT_RT or `rcu_normal`: an expedited grace period is a normal one.
  public var normalGracePeriodsOnly = false
  /// `queue_rcu_work` and `call_rcu` wait for normal grace periods; true makes them expedited, as some
  /// published sketches assume.
  public var expeditedDeferral = false
  /// CPUs that the callers compete for; 0 for one each.
  public var cpus = 0
  /// Workers that run items at once, at most one for each CPU.
  public var workers = 8
  /// The part of the mounts that a user still holds when they are detached (0 to 1).
  public var pinProbability = 0.0
  /// How long such a user holds on, on average, in nanoseconds.
  public var pinNanoseconds = 1e9
  public var seed: UInt64 = 1

  public init(design: Design) { self.design = design }

  /// Mounts that one call detaches, copies included.
  public var mountsPerCall: Int { mounts * (1 + peers) }

  /// The most mounts of a simulation.
  public static let maximumMounts = 50_000_000

  /// What the design does after the detach of such a call.
  public var release: Design.Release? {
    switch call {
    case .sync: design.waitSync
    case .lazy: design.waitLazy
    case .async: design.waitAsync
    }
  }

  /// Rejects a load that cannot be simulated.
  ///
  /// - Throws: `CompositionError` with the range that is allowed.
  public func check() throws {
    func require(_ holds: Bool, _ what: String, _ value: String, _ allowed: [String]) throws {
      if !holds { throw CompositionError(what: what, value: value, allowed: allowed) }
    }
    try require(namespaces >= 1, "number of namespaces", "\(namespaces)", ["1 and more"])
    try require(mounts >= 1, "number of mounts", "\(mounts)", ["1 and more"])
    try require(peers >= 0, "number of peers", "\(peers)", ["0 and more"])
    try require((1...100_000).contains(callers), "number of callers", "\(callers)", ["1 to 100000"])
    try require((0...1_024).contains(cpus), "number of CPUs", "\(cpus)", ["0 (one each) to 1024"])
    try require((1...1_024).contains(workers), "number of workers", "\(workers)", ["1 to 1024"])
    try require(
      (0...1).contains(pinProbability), "pin probability", "\(pinProbability)", ["0 to 1"])
    try require(
      thinkNanoseconds >= 0 && pinNanoseconds >= 0, "duration",
      "\(min(thinkNanoseconds, pinNanoseconds))", ["0 and more"])
    let (perCall, overflow) = mounts.multipliedReportingOverflow(by: 1 + peers)
    let (total, overflows) = perCall.multipliedReportingOverflow(by: namespaces)
    try require(
      !overflow && !overflows && total <= Self.maximumMounts, "number of mounts in all",
      "\(namespaces) x \(mounts) x \(1 + peers)", ["up to \(Self.maximumMounts)"])
    try require(
      calibration.teardown[fileSystem] != nil, "file system", fileSystem,
      calibration.fileSystems)
    try require(
      release != nil, "call", call.rawValue, ["sync", "lazy (\(design.name) has no MNT_ASYNC)"])
  }
}
