import CMount

/// Timed mounts and umounts on the running kernel, each experiment in a child process with a private mount
/// namespace of its own (`nss_release_probe.h`).
public struct ReleaseProbe: Sendable, Hashable {
  public enum Kind: UInt32, Sendable {
    case single = 1
    case tree
    case binds
    case copies
    case gracePeriod
    case failing
    case walkers
    case callers
  }

  public var kind: Kind
  public var rounds: Int
  public var mounts = 1
  public var peers = 0
  public var callers = 1
  /// `MNT_DETACH` instead of a synchronous umount.
  public var lazy = false

  public init(
    _ kind: Kind, rounds: Int, mounts: Int = 1, peers: Int = 0, callers: Int = 1,
    lazy: Bool = false
  ) {
    self.kind = kind
    self.rounds = rounds
    self.mounts = mounts
    self.peers = peers
    self.callers = callers
    self.lazy = lazy
  }

  /// What an experiment measured.
  public struct Result: Sendable, Hashable {
    /// Latency of each call, sorted.
    public var nanoseconds: [Double]
    public var succeeded: Int
    public var released: Int
    public var busy: Int
    public var neverReleased: Int

    public var median: Double {
      nanoseconds.isEmpty ? 0 : nanoseconds[(nanoseconds.count - 1) / 2]
    }
    public var mean: Double {
      nanoseconds.isEmpty ? 0 : nanoseconds.reduce(0, +) / Double(nanoseconds.count)
    }
  }

  /// Runs the experiment.
  ///
  /// - Parameter seconds: the most that it may take.
  /// - Throws: `ProbeError` when the machine or the caller's rights do not allow it.
  public func run(seconds: Int = 60) throws(ProbeError) -> Result {
    var request = nss_probe_request(
      kind: kind.rawValue, rounds: UInt32(clamping: rounds), mounts: UInt32(clamping: mounts),
      peers: UInt32(clamping: peers), callers: UInt32(clamping: callers), flags: lazy ? 2 : 0)
    let raw = UnsafeMutablePointer<nss_probe_result>.allocate(capacity: 1)
    defer { raw.deallocate() }
    raw.initialize(to: nss_probe_result())
    let answer = nss_release_probe(&request, UInt32(clamping: seconds * 1_000), raw)
    guard answer == 0, raw.pointee.error == 0 else {
      let code = raw.pointee.error != 0 ? raw.pointee.error : answer
      throw ProbeError(probe: self, step: Int(raw.pointee.step), errno: -code)
    }
    let samples = (0..<raw.pointee.samples).map { Double(nss_probe_sample(raw, $0)) }.sorted()
    return Result(
      nanoseconds: samples, succeeded: Int(raw.pointee.succeeded),
      released: Int(raw.pointee.released), busy: Int(raw.pointee.busy),
      neverReleased: Int(raw.pointee.never_released))
  }
}

/// An experiment that the machine refused or that did not end in time.
public struct ProbeError: Error, Sendable, Hashable, CustomStringConvertible {
  public var probe: ReleaseProbe
  /// The step of the child that failed, 0 outside of it.
  public var step: Int
  public var errno: Int32

  public var description: String {
    let reason =
      errno == 1
      ? "not permitted: run as root or in a user namespace (unshare -Urm)"
      : errno == 110 ? "it did not end in time" : "errno \(errno)"
    return "the \(probe.kind) experiment failed at step \(step): \(reason)"
  }
}
