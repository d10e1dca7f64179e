/// What `flush_filesystem` does in one of its settings (S3.10).
public struct FlushVerdict: Sendable, Hashable {
  public var closesFirst: Bool
  public var pinned: Bool
  /// The flush can stop for good without being done.
  public var deadlocks: Bool
  /// The flush can go on for ever although everybody gets turns.
  public var mayNeverEnd: Bool

  /// Every setting: mounting shut off first or not, pinned or not.
  public static var all: [FlushVerdict] {
    [true, false].flatMap { closesFirst in
      [false, true].map { pinned in
        let system = FlushSystem(closesFirst: closesFirst, pinned: pinned)
        return FlushVerdict(
          closesFirst: closesFirst, pinned: pinned,
          deadlocks: Explorer(system).explore().counterexamples[.deadlock] != nil,
          mayNeverEnd: system.mayNeverEnd())
      }
    }
  }
}
