/// What a running kernel (or a simulated one) showed when idle mounts and mounts under walkers were
/// umounted: the material for recognising its release design (section 6 of the specification).
public struct ReleaseObservation: Sendable, Hashable, Codable {
  /// One kind of call on an idle mount.
  public struct Idle: Sendable, Hashable, Codable {
    /// Median latency of a call on a single tmpfs.
    public var latencyNanoseconds: Double
    /// Calls that returned 0.
    public var calls: Int
    /// Calls that returned 0 with the superblock dead.
    public var releasedAtReturn: Int

    public init(latencyNanoseconds: Double, calls: Int, releasedAtReturn: Int) {
      self.latencyNanoseconds = latencyNanoseconds
      self.calls = calls
      self.releasedAtReturn = releasedAtReturn
    }
  }

  /// Synchronous umounts while others walk by.
  public struct Walkers: Sendable, Hashable, Codable {
    public var succeeded: Int
    /// Successful calls that returned with the superblock still alive.
    public var aliveAtReturn: Int

    public init(succeeded: Int, aliveAtReturn: Int) {
      self.succeeded = succeeded
      self.aliveAtReturn = aliveAtReturn
    }
  }

  /// Where it was seen: a kernel release or a simulated design.
  public var origin: String
  public var sync: Idle
  public var lazy: Idle
  /// What detaching, putting and shutting down one mount costs inside a call, grace period excluded:
  /// the slope over the size of a tree, plus the path.
  public var ownWorkNanoseconds: Double
  /// The shortest wait that a grace period can be here, far below the typical one.
  public var leastGracePeriodNanoseconds: Double
  /// Superblocks that were never seen to die.
  public var neverReleased: Int
  public var walkers: Walkers?

  public init(
    origin: String, sync: Idle, lazy: Idle, ownWorkNanoseconds: Double,
    leastGracePeriodNanoseconds: Double, neverReleased: Int = 0, walkers: Walkers? = nil
  ) {
    self.origin = origin
    self.sync = sync
    self.lazy = lazy
    self.ownWorkNanoseconds = ownWorkNanoseconds
    self.leastGracePeriodNanoseconds = leastGracePeriodNanoseconds
    self.neverReleased = neverReleased
    self.walkers = walkers
  }

  /// Whether calls of a kind wait for more than their own work; nil when the two are too close to tell.
  public func waits(_ idle: Idle) -> Bool? {
    let excess = idle.latencyNanoseconds - ownWorkNanoseconds
    if excess >= leastGracePeriodNanoseconds { return true }
    return excess < leastGracePeriodNanoseconds / 2 ? false : nil
  }

  /// Whether calls of a kind return with the superblock dead; nil when it is neither nearly always
  /// (98%) nor nearly never (20%).
  public func releases(_ idle: Idle) -> Bool? {
    guard idle.calls > 0 else { return nil }
    let share = Double(idle.releasedAtReturn) / Double(idle.calls)
    return share >= 0.98 ? true : share <= 0.2 ? false : nil
  }

  /// What a design would show, by simulation of idle calls one after the other.
  ///
  /// - Throws: `CompositionError` when the load cannot be simulated.
  public init(simulating design: Design, seed: UInt64 = 1) throws {
    func idle(_ call: SimulationParameters.Call) throws -> Idle {
      var parameters = SimulationParameters(design: design)
      parameters.namespaces = 200
      parameters.call = call
      parameters.thinkNanoseconds = 50e6
      parameters.seed = seed
      let result = try SimulationResult(simulating: parameters)
      return Idle(
        latencyNanoseconds: SimulationResult.quantile(0.5, of: result.callNanoseconds),
        calls: result.calls, releasedAtReturn: result.releasedAtReturn)
    }
    let calibration = Calibration.standard
    let own =
      calibration.pathNanoseconds + calibration.detachNanoseconds + calibration.putNanoseconds
      + (calibration.teardown["tmpfs"]?.typicalNanoseconds ?? 0)
    self.init(
      origin: "simulated \(design.name)", sync: try idle(.sync), lazy: try idle(.lazy),
      ownWorkNanoseconds: own,
      leastGracePeriodNanoseconds: calibration.expeditedGracePeriod.typicalNanoseconds / 4)
  }
}
