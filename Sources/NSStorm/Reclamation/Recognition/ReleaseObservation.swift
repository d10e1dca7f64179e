import StormVocabulary

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
    /// Calls that were refused with `EBUSY`: walkers met them.
    public var refused: Int

    public init(succeeded: Int, aliveAtReturn: Int, refused: Int = 0) {
      self.succeeded = succeeded
      self.aliveAtReturn = aliveAtReturn
      self.refused = refused
    }
  }

  /// The same idle calls while every grace period is a normal one (`rcu_normal`).
  public struct NormalGracePeriods: Sendable, Hashable, Codable {
    /// How long a normal grace period takes, measured beside the calls.
    public var gracePeriodNanoseconds: Double
    /// Median latencies on a single tmpfs.
    public var syncNanoseconds: Double
    public var lazyNanoseconds: Double
    /// Median latency of one lazy umount of a tree of `treeMounts`.
    public var treeNanoseconds: Double
    public var treeMounts: Int

    public init(
      gracePeriodNanoseconds: Double, syncNanoseconds: Double, lazyNanoseconds: Double,
      treeNanoseconds: Double, treeMounts: Int
    ) {
      self.gracePeriodNanoseconds = gracePeriodNanoseconds
      self.syncNanoseconds = syncNanoseconds
      self.lazyNanoseconds = lazyNanoseconds
      self.treeNanoseconds = treeNanoseconds
      self.treeMounts = treeMounts
    }
  }

  /// Work items that the kernel runs for idle umounts of bind mounts, so that no superblock's end is among them.
  public struct WorkItems: Sendable, Hashable, Codable {
    public var calls: Int
    /// Functions that ran after most synchronous umounts and not as often before them.
    public var sync: [String]
    public var lazy: [String]

    public init(calls: Int, sync: [String], lazy: [String]) {
      self.calls = calls
      self.sync = sync
      self.lazy = lazy
    }
  }

  /// Processes that held a file of a mount and were killed: what a synchronous umount answers once they are reaped.
  public struct KilledHolders: Sendable, Hashable, Codable {
    /// What they held it by, such as `fd` or `io-uring`.
    public var holder: String
    public var rounds: Int
    /// Rounds in which the first umount was refused with `EBUSY`.
    public var refused: Int
    /// Median time from the first umount to the one that succeeded.
    public var waitNanoseconds: Double

    public init(holder: String, rounds: Int, refused: Int, waitNanoseconds: Double) {
      self.holder = holder
      self.rounds = rounds
      self.refused = refused
      self.waitNanoseconds = waitNanoseconds
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
  /// The kernel's version; nil for a simulated one.
  public var release: String?
  /// What the kernel's type information names; nil where it cannot be read.
  public var names: Set<KernelName>?
  /// Whether `umount2` takes a flag beyond the four that every kernel knows.
  public var hasFurtherFlag: Bool?
  public var normalGracePeriods: NormalGracePeriods?
  public var workItems: WorkItems?
  public var killedHolders: [KilledHolders]?
  /// Experiments that were not made, and why.
  public var skipped: [String]?

  /// `release` as a number.
  var kernelRelease: KernelRelease? { release.flatMap { KernelRelease(release: $0) } }

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
}
