/// What the kernel log says about the kernel's own health.
public struct KernelFault: Hashable, Sendable {
  public var kind: Kind
  /// The line that gave it away, and those that followed it at once.
  public var lines: [String]
  /// Number of the first line in the kernel log.
  public var sequence: UInt64
  /// Time of the first line in microseconds since boot.
  public var microseconds: UInt64

  public enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
    case panic, oops, bug, warning
    case kasan, kcsan, kmsan, kfence, ubsan, lockdep
    case kmemleak = "memory-leak"
    case hungTask = "hung-task"
    case rcuStall = "rcu-stall"
    case lockup
    case workqueueStall = "workqueue-stall"
    case listCorruption = "list-corruption"
    case referenceCount = "reference-count"
    case busyInodes = "busy-inodes"
    case fileSystem = "file-system"
    /// The out-of-memory killer ran: no fault of the kernel, but the storm was not what it seems.
    case outOfMemory = "out-of-memory"

    /// Whether it says that the kernel is wrong, and not only short of something.
    public var isFault: Bool { self != .outOfMemory }

    /// The kind that a line of the kernel log announces, or nil for an innocent line.
    public init?(line: some StringProtocol) {
      guard !Self.exhaustions.contains(where: { line.contains($0) }) else { return nil }
      for (texts, kind) in Self.marks where texts.allSatisfy({ line.contains($0) }) {
        self = kind
        return
      }
      return nil
    }

    // lockdep and kmemleak say so when their own tables are full: they are off from then on, but nothing is wrong.
    private static let exhaustions = [
      "BUG: MAX_LOCK", "BUG: MAX_STACK_TRACE_ENTRIES", "kmemleak: Early log buffer exceeded",
    ]

    // The first that fits counts, so the special ones come before the general ones. All texts of a row must occur.
    private static let marks: [(texts: [String], kind: Kind)] = [
      (["Kernel panic"], .panic),
      (["BUG: KASAN"], .kasan), (["BUG: KCSAN"], .kcsan), (["BUG: KMSAN"], .kmsan),
      (["BUG: KFENCE"], .kfence), (["UBSAN:"], .ubsan),
      (["kmemleak:", "new suspected memory leaks"], .kmemleak),
      (["WARNING: possible circular locking"], .lockdep),
      (["WARNING: possible recursive locking"], .lockdep),
      (["WARNING: possible irq lock inversion"], .lockdep),
      (["WARNING: inconsistent lock state"], .lockdep),
      (["WARNING: suspicious RCU usage"], .lockdep), (["WARNING: bad unlock balance"], .lockdep),
      (["WARNING: lock held when returning"], .lockdep),
      (["WARNING: Nested lock was not taken"], .lockdep),
      (["WARNING: chain"], .lockdep), (["WARNING: held lock freed"], .lockdep),
      (["WARNING: bad contention"], .lockdep), (["possible deadlock"], .lockdep),
      (["INFO: trying to register non-static key"], .lockdep),
      (["BUG: sleeping function called from invalid context"], .lockdep),
      (["BUG: Invalid wait context"], .lockdep), (["BUG: scheduling while atomic"], .bug),
      (["blocked for more than", "seconds"], .hungTask),
      (["INFO: task", "blocked", "for more than"], .hungTask),
      (["rcu:", "detected stall"], .rcuStall), (["rcu:", "self-detected stall"], .rcuStall),
      (["rcu:", "detected expedited stall"], .rcuStall), (["rcu:", "kthread starved"], .rcuStall),
      (["soft lockup"], .lockup), (["hard LOCKUP"], .lockup),
      (["BUG: workqueue lockup"], .workqueueStall),
      (["list_add corruption"], .listCorruption), (["list_del corruption"], .listCorruption),
      (["refcount_t:"], .referenceCount), (["Busy inodes after unmount"], .busyInodes),
      (["kernel BUG at"], .bug), (["BUG: unable to handle"], .oops),
      (["BUG: kernel NULL pointer"], .oops), (["Unable to handle kernel"], .oops),
      (["general protection fault", "[#"], .oops), (["Oops: "], .oops),
      (["EXT4-fs error"], .fileSystem), (["XFS", "Corruption"], .fileSystem),
      (["XFS", "Internal error"], .fileSystem),
      (["BUG: "], .bug), (["WARNING: "], .warning),
      (["Out of memory: Killed process"], .outOfMemory),
      (["Memory cgroup out of memory"], .outOfMemory), (["oom-kill:"], .outOfMemory),
    ]
  }
}

extension KernelFault: CustomStringConvertible {
  public var description: String {
    "\(kind.rawValue): " + lines.joined(separator: "\n  ")
  }
}
