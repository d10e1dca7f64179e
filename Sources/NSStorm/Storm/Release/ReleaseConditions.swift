/// What decides the calls of a release round beside its file system and way.
public struct ReleaseConditions: Hashable, Sendable {
  /// The directory below which everything happens; the phase has made what rounds need there.
  public var base: String
  /// Processes that walk to the mount while it goes, and such that read mountinfo meanwhile.
  public var walkers: Int
  public var readers: Int
  /// A superblock that is still there after so long was never released.
  public var boundNanoseconds: UInt64
  /// Bytes of the file that is written into each file system.
  public var fileBytes: Int
  /// Whether the kernel was told to use normal grace periods (`/sys/kernel/rcu_normal`).
  public var usesNormalGracePeriods: Bool

  public init(
    base: String, walkers: Int = 0, readers: Int = 0, boundNanoseconds: UInt64 = 10_000_000_000,
    fileBytes: Int = 65_536, usesNormalGracePeriods: Bool = false
  ) {
    self.base = base
    self.walkers = walkers
    self.readers = readers
    self.boundNanoseconds = boundNanoseconds
    self.fileBytes = fileBytes
    self.usesNormalGracePeriods = usesNormalGracePeriods
  }

  init(_ phase: ReleasePhase, base: String) {
    let (seconds, attoseconds) = phase.bound.components
    self.init(
      base: base, walkers: phase.walkers, readers: phase.readers,
      boundNanoseconds: UInt64(clamping: seconds) &* 1_000_000_000
        &+ UInt64(clamping: attoseconds / 1_000_000_000),
      fileBytes: phase.fileBytes, usesNormalGracePeriods: phase.usesNormalGracePeriods)
  }
}
