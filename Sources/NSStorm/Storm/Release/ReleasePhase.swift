/// Rounds in which one file system is mounted, goes in one of the ways, and is watched until it is released.
public struct ReleasePhase: Hashable, Sendable {
  /// So many rounds; each possible combination comes at least once, if there are enough.
  public var rounds: Int
  public var fileSystems: Weights<FileSystemKind>
  public var ways: Weights<ReleaseWay>
  /// Processes that walk to the mount and into it while it goes.
  public var walkers = 0
  /// Processes that read mountinfo meanwhile.
  public var readers = 0
  /// A superblock that is still there after so long was never released.
  public var bound: Duration = .seconds(10)
  /// Bytes of the file that is written into each file system.
  public var fileBytes = 65_536
  /// Whether the kernel is told to use normal grace periods meanwhile (`/sys/kernel/rcu_normal`).
  public var usesNormalGracePeriods = false
  /// After the last round, so long until the counts of the kernel's caches are looked at; nil where they are not.
  public var settle: Duration?

  public init(rounds: Int) {
    self.rounds = rounds
    fileSystems = Weights([.init(.tmpfs, 1)])
    ways = Weights(ReleaseWay.allCases.map { .init($0, 1) })
  }

  /// The combinations that are possible, in the order of their names' declaration.
  var combinations: [(kind: FileSystemKind, way: ReleaseWay)] {
    fileSystems.entries.flatMap { kind in
      ways.entries.filter { $0.choice.isPossible(on: kind.choice) }.map { (kind.choice, $0.choice) }
    }
  }
}
