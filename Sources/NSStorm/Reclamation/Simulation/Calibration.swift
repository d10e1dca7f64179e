import StormVocabulary

/// What the steps of an umount cost on one machine: constants of the simulator, measured or assumed.
///
/// All times are in nanoseconds. The defaults are those of a small virtual machine with 2 CPUs and
/// kernel 6.18 (section 5.3 of the reclamation specification); xfs is assumed, not measured.
public struct Calibration: Sendable, Hashable, Codable {
  /// A service time: half to one and a half of the typical value, with a rare long tail.
  public struct ServiceTime: Sendable, Hashable, Codable {
    /// The typical duration.
    public var typicalNanoseconds: Double
    /// The probability of a long one (0 to 1).
    public var tailProbability: Double
    /// The most that a long one takes, in typical durations.
    public var tailFactor: Double

    public init(_ typicalNanoseconds: Double, tailProbability: Double = 0, tailFactor: Double = 1) {
      self.typicalNanoseconds = typicalNanoseconds
      self.tailProbability = tailProbability
      self.tailFactor = tailFactor
    }

    /// Draws a duration with nothing but exact arithmetic, so that a seed means the same everywhere.
    func draw(_ generator: inout SeededGenerator) -> Double {
      var duration = typicalNanoseconds * (0.5 + Self.unit(&generator))
      if tailProbability > 0, Self.unit(&generator) < tailProbability {
        let excess = Self.unit(&generator)
        duration = typicalNanoseconds * (1 + (tailFactor - 1) * excess * excess)
      }
      return duration
    }

    /// A number from 0 up to 1.
    static func unit(_ generator: inout SeededGenerator) -> Double {
      Double(generator.next() >> 11) / Double(1 << 53)
    }
  }

  /// Where the values come from.
  public var origin: String
  /// Resolving the path and entering the call.
  public var pathNanoseconds: Double
  /// Detaching a mount under `namespace_sem`.
  public var detachNanoseconds: Double
  /// Detaching a propagated copy under `namespace_sem`.
  public var detachCopyNanoseconds: Double
  /// A put that is not the last.
  public var putNanoseconds: Double
  public var expeditedGracePeriod: ServiceTime
  public var normalGracePeriod: ServiceTime
  /// The delay of `delayed_mntput`: one jiffy.
  public var tickNanoseconds: Double
  /// Shutting a superblock down, by file system.
  public var teardown: [String: ServiceTime]

  public init(
    origin: String, pathNanoseconds: Double, detachNanoseconds: Double,
    detachCopyNanoseconds: Double, putNanoseconds: Double, expeditedGracePeriod: ServiceTime,
    normalGracePeriod: ServiceTime, tickNanoseconds: Double, teardown: [String: ServiceTime]
  ) {
    self.origin = origin
    self.pathNanoseconds = pathNanoseconds
    self.detachNanoseconds = detachNanoseconds
    self.detachCopyNanoseconds = detachCopyNanoseconds
    self.putNanoseconds = putNanoseconds
    self.expeditedGracePeriod = expeditedGracePeriod
    self.normalGracePeriod = normalGracePeriod
    self.tickNanoseconds = tickNanoseconds
    self.teardown = teardown
  }

  public static let standard = Calibration(
    origin: "kernel 6.18, 2 CPUs, HZ=250 (xfs assumed)",
    pathNanoseconds: 1_000, detachNanoseconds: 3_000, detachCopyNanoseconds: 3_000,
    putNanoseconds: 450,
    expeditedGracePeriod: ServiceTime(40_000, tailProbability: 0.01, tailFactor: 10),
    normalGracePeriod: ServiceTime(15_900_000, tailProbability: 0.01, tailFactor: 4),
    tickNanoseconds: 4_000_000,
    teardown: [
      "tmpfs": ServiceTime(8_000, tailProbability: 0.01, tailFactor: 5),
      "ext4": ServiceTime(1_600_000, tailProbability: 0.02, tailFactor: 10),
      "xfs": ServiceTime(2_500_000, tailProbability: 0.02, tailFactor: 10),
      "fuse": ServiceTime(100_000, tailProbability: 0.05, tailFactor: 100),
    ])

  /// The file systems with a teardown time, sorted.
  public var fileSystems: [String] { teardown.keys.sorted() }
}
