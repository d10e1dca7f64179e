/// Workers that race on a few places: some order of all points of their calls must explain the answers and the tables.
///
/// A phase has rounds; each begins in a state that is known exactly and ends by removing everything. A round has windows:
/// all workers start together, and when no call is in progress any more, all tables are read.
public struct ContendedPhase: Hashable, Sendable {
  /// The calls that race, named as profiles name them.
  public enum CallKind: String, CaseIterable, Hashable, Sendable {
    case tmpfs, bind, rbind, move, propagation, remount
    case umount
    case umountDetach = "umount-detach"
    case stat, open, close
    /// Opens once more what is held in a place of its own; a reference moves to the CPU of the caller.
    case reopen
    case mkdir, rmdir

    public var explanation: String {
      switch self {
      case .tmpfs: "mount a new tmpfs on a place"
      case .bind: "mount --bind one place on another"
      case .rbind: "mount --rbind one place on another"
      case .move: "mount --move one place to another"
      case .propagation: "change the propagation type of a place's mount"
      case .remount: "replace the flags of a place's mount"
      case .umount: "synchronous umount of a place"
      case .umountDetach: "umount with MNT_DETACH"
      case .stat: "walk to a name below a place"
      case .open: "open a place and keep it open"
      case .close: "close a descriptor"
      case .reopen: "open the magic link of a held descriptor: a reference on its mount"
      case .mkdir: "make a directory in a place"
      case .rmdir: "remove a directory in a place"
      }
    }
  }

  /// Workers that walk paths again and again while the others race; only when and where they walked is recorded.
  public struct Walkers: Hashable, Sendable {
    public var count: Int
    /// Names below each place.
    public var paths: Int
    /// How many of the walks open what they find, 0 ... 1; the others ask for its status.
    public var openShare = 0.2

    public init(count: Int, paths: Int) {
      self.count = count
      self.paths = paths
    }
  }

  public var rounds = 10
  /// Windows of a round.
  public var windows = 8
  /// Calls of each worker in a window.
  public var calls = 4
  /// Namespaces with workers, each with a copy of the tree.
  public var namespaces = 2
  /// Processes in each of them.
  public var processes = 1
  /// Threads of each process; they share its descriptors.
  public var threads = 1
  /// Namespaces without workers. They receive copies, and so the kernel holds its locks longer.
  public var bystanders = 0
  /// Directories that the calls meet on.
  public var places = 2
  /// Whether what is mounted on a place propagates to all namespaces.
  public var isShared = true
  /// Mounts that are made one by one before each window, so that there is something to race for.
  public var mountsBefore = 0
  /// A place that a descriptor holds open throughout each round: a synchronous umount of it must fail.
  public var holdsPlace = false
  public var weights: Weights<CallKind>
  /// How long a worker waits at most before each call, drawn from the seed; nanoseconds below 1 ms.
  public var jitterNanoseconds: UInt32 = 20_000
  /// Whether the workers stay on CPUs of their own, in turn.
  public var isPinned = true
  /// Nice values, given to the workers in turn; empty for 0.
  public var priorities: [Int] = []
  public var walkers: Walkers?
  /// Pairs of calls that have to overlap in time on the same mounts; with fewer the run has checked nothing.
  public var leastConflicts = 1

  public init() {
    weights = Self.defaultWeights
  }

  public var workerCount: Int { namespaces * processes * threads }

  public static let defaultWeights = Weights<CallKind>([
    .init(.tmpfs, 8), .init(.umount, 8), .init(.umountDetach, 4), .init(.bind, 2),
    .init(.stat, 2), .init(.open, 2), .init(.close, 2), .init(.mkdir, 1), .init(.rmdir, 1),
  ])
}

/// Programs of random calls that run at the same time on parts that cannot influence each other: each answer is exact.
public struct PartitionedPhase: Hashable, Sendable {
  public var rounds = 5
  /// Processes; each is confined to a file system of its own by chroot.
  public var parts = 4
  /// Calls of each part in a round.
  public var calls = 40
  /// Whether the parts stand in one mount namespace, whose lock and list of mounts they then share.
  public var sharesNamespace = false
  /// Directories, weights and types of the calls.
  public var body = SequentialPhase(length: .steps(1))

  public init() {
    body.weights = Weights(
      SequentialPhase.defaultWeights.entries.filter { !Self.isForeign($0.choice) })
  }

  /// Whether the kind of call reaches beyond its part.
  public static func isForeign(_ kind: OperationKind) -> Bool {
    switch kind {
    case .unshare, .unshareUser, .unshareEmpty, .exit, .pivotRoot, .chroot, .setns, .setnsFile,
      .namespaceFile, .bindNamespaceFile, .idmap, .namespaceTree, .fsmountNamespace:
      true
    default: false
    }
  }
}
