/// A way to release detached mounts: the choices on which the steps of the transition systems branch.
///
/// A new design is a new value of this record (see `Design.catalogue`), never a new system.
public struct Design: Sendable, Hashable {
  /// What `namespace_unlock` does with the mounts that an umount detached.
  public enum Release: String, Sendable, CaseIterable {
    /// Wait for a grace period, then put each mount in the caller.
    case wait
    /// Put each mount in the caller at once.
    case none
    /// Put each mount from an RCU callback, in softirq context.
    case callRcu
    /// Hand a private list to `queue_rcu_work`; a kernel worker puts.
    case rcuWork
    /// Hand the mounts to the one global work item with its two lists.
    case globalList
    /// Stamp the grace period at the detach, wait only for what is left of it.
    case polled
  }

  /// How the mounts of `globalList` are sorted into its two lists.
  public enum ListDiscipline: String, Sendable, CaseIterable {
    /// Chosen by the result of `queue_rcu_work`, without a lock around both.
    case naive
    /// The same under one lock.
    case locked
    /// A single list for everything.
    case oneList
    /// Chosen by an `in_flight` flag of its own, under the lock: the repaired form.
    case flag
  }

  /// When a walker that fails to legitimize may drop its reference silently.
  public enum Legitimize: String, Sendable, CaseIterable {
    /// `MNT_SYNC_UMOUNT` is read under `mount_lock`.
    case lockedFlag
    /// `MNT_SYNC_UMOUNT` is read before `mount_lock` is taken (5.10).
    case unlockedFlag
    /// There is no such flag: the walker always calls `mntput`.
    case noFlag
  }

  /// How the references to a mount are counted and summed.
  public enum Counting: String, Sendable, CaseIterable {
    /// One indivisible word.
    case atomic
    /// One signed counter a CPU, summed in a single pass.
    case single
    /// Gets and puts take `mount_lock` as well.
    case locked
    /// Gets and puts counted apart, puts summed first (7.x).
    case split
  }

  /// Who runs the tail of the final `mntput` for a user task.
  public enum Tail: String, Sendable, CaseIterable {
    /// Task work of the caller, before its system call returns.
    case taskWork
    /// The caller, in place.
    case inline
    /// A work queue; nobody waits.
    case wqNoWait
    /// A work queue; the caller waits for the item.
    case wqWait
  }

  /// Who runs the tail of the final `mntput` of a kernel worker.
  public enum WorkerTail: String, Sendable, CaseIterable {
    /// The one delayed item that serves all kernel threads.
    case delayedList
    /// The worker itself.
    case inline
  }

  /// How a file is finally closed.
  public enum FileClose: String, Sendable, CaseIterable {
    /// Task work of the closing task.
    case taskWork
    /// Inside `close(2)`.
    case sync
    /// A kernel thread's delayed list.
    case kthreadDelayed
    /// The exit work of an io_uring or AIO owner, then the delayed list.
    case asyncOwner
    /// The delayed list, flushed before the umount.
    case flush
  }

  /// What becomes of a locked child of a lazily detached mount.
  public enum Children: String, Sendable, CaseIterable {
    /// Every mount of the tree is on the list, a stand-in covers the old place (7.x).
    case covers
    /// The child stays attached and is put when its parent is cleaned up.
    case chain
  }

  /// The short name by which commands select the design, such as `D2par`.
  public var name: String
  /// One sentence: what the design does and where it comes from.
  public var summary: String
  /// What a synchronous umount does after the detach.
  public var waitSync: Release = .wait
  /// What `MNT_DETACH`, a namespace's end and a closed detached tree do after the detach.
  public var waitLazy: Release = .wait
  /// What `MNT_DETACH | MNT_ASYNC` does; nil where the flag is unknown (`EINVAL`).
  public var waitAsync: Release?
  /// The list discipline of `globalList`.
  public var discipline: ListDiscipline = .flag
  /// When walkers drop a reference silently.
  public var legit: Legitimize = .lockedFlag
  /// Whether a full barrier stands between taking `mount_lock` and the busy check.
  public var barrier = true
  /// How references are counted.
  public var counts: Counting = .atomic
  /// Who runs the tail of a user task's final put.
  public var tail: Tail = .taskWork
  /// Who runs the tail of a worker's final put.
  public var workerTail: WorkerTail = .delayedList
  /// How files are finally closed.
  public var fileClose: FileClose = .taskWork
  /// What becomes of locked children.
  public var children: Children = .covers
  /// How many items the tail's work queue runs at once (1 to 8).
  public var poolSize = 8
  /// Faults put in on purpose, to show that a property can fail.
  public var sabotage: Sabotage = []

  public init(name: String, summary: String) {
    self.name = name
    self.summary = summary
  }

  /// The same design under another name with some choices changed.
  public func varied(
    _ name: String, _ summary: String, _ change: (inout Design) -> Void
  ) -> Design {
    var design = self
    design.name = name
    design.summary = summary
    change(&design)
    return design
  }
}

/// Faults that break a design on purpose, so that a property which always holds is seen to fail.
public struct Sabotage: OptionSet, Sendable, Hashable {
  public let rawValue: UInt16
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The structure is freed with no grace period after the cleanup (breaks P1).
  public static let freeWithoutGracePeriod = Sabotage(rawValue: 1)
  /// The final put does not look at `MNT_DOOMED` (breaks P2 and P12).
  public static let ignoreDoomed = Sabotage(rawValue: 2)
  /// The grace period ends although readers are inside (breaks P9).
  public static let blindGracePeriod = Sabotage(rawValue: 4)
  /// The busy check allows one reference too many (breaks P3).
  public static let lenientBusyCheck = Sabotage(rawValue: 8)
  /// The busy check allows one reference too few (breaks P4).
  public static let strictBusyCheck = Sabotage(rawValue: 16)
  /// The tail of the final put is forgotten, whoever should run it (breaks P7, P8).
  public static let lostTail = Sabotage(rawValue: 32)
  /// The failing umount keeps `mount_lock` (breaks P6).
  public static let keepLockOnBusy = Sabotage(rawValue: 64)
}
