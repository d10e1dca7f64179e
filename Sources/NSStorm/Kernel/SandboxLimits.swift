/// What a sandbox may take. Nothing in it grows beyond these numbers.
public struct SandboxLimits: Hashable, Sendable {
  /// Workers that live at once (one process each), at most 30,000.
  public var workers: Int
  /// Processes that read mount tables, at least 1.
  public var observers: Int
  /// Room for prepared programs and their results; pages are taken only as they are used.
  public var programBytes: Int
  /// Room for what one observer reads at once; a table of 100,000 mounts takes about 12 MB.
  public var observationBytes: Int
  /// Size of namespace 0's root tmpfs.
  public var rootBytes: Int
  /// Directories and files that namespace 0's root tmpfs may hold.
  public var rootInodes: Int
  /// How long one call, or one reading, may take before it counts as a hang; a process that runs, and is only slow, is
  /// given six times as long.
  public var callTime: Duration
  /// How long the start and the end of the sandbox may take.
  public var setupTime: Duration

  public init(
    workers: Int = 1_100, observers: Int = 2, programBytes: Int = 256 << 20,
    observationBytes: Int = 128 << 20, rootBytes: Int = 64 << 20, rootInodes: Int = 1_000_000,
    callTime: Duration = .seconds(10), setupTime: Duration = .seconds(10)
  ) {
    self.workers = workers
    self.observers = observers
    self.programBytes = programBytes
    self.observationBytes = observationBytes
    self.rootBytes = rootBytes
    self.rootInodes = rootInodes
    self.callTime = callTime
    self.setupTime = setupTime
  }
}

extension Duration {
  /// Whole nanoseconds, 0 for negative durations.
  var nanosecondsClamped: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    return UInt64(seconds) &* 1_000_000_000 &+ UInt64(attoseconds / 1_000_000_000)
  }

  /// Whole milliseconds, rounded up, for `poll`.
  var millisecondsClamped: Int32 {
    Int32(clamping: (nanosecondsClamped + 999_999) / 1_000_000)
  }
}
