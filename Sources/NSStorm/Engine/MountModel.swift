public import StormVocabulary

/// The reference engine: what the mount code of a kernel does, computed without a kernel and without privilege.
///
/// It holds superblocks, directories, mounts, peer groups, namespaces, processes and their open files, and
/// performs one system call at a time (``perform(_:by:)``). Its source is `spec/kernel-mounts.md`; the comments
/// cite the sections and the kernel functions. Version differences live in ``KernelRules`` alone.
public struct MountModel: ~Copyable {
  /// The behaviour that is predicted.
  public internal(set) var rules: KernelRules

  var mounts = Arena(blank: MountRecord(), capacity: 256)
  var dentries = Arena(blank: DentryRecord(), capacity: 256)
  var superblocks = Arena(blank: SuperblockRecord())
  var namespaces = Arena(blank: NamespaceRecord())
  var userNamespaces = Arena(blank: UserNamespaceRecord())
  var processes = Arena(blank: ProcessRecord())
  var files = Arena(blank: OpenFileRecord())
  /// (parent mount, dentry) to the mount on it.
  var childTable = PairTable()
  /// (directory, name) to dentry.
  var dentryTable = PairTable()
  var names = NameTable()
  var state: ModelState
  /// How often each rule decided something, by the rule's raw value.
  var ruleCounts = [UInt64](repeating: 0, count: Rule.allCases.count)
  /// The chain of rules of the current call, recorded while ``isExplaining``.
  var reasons: [Reason] = []
  var isExplaining = false
  /// A rule that is broken on purpose, to measure what notices it. Honoured in debug builds only.
  var mutation: Mutation?
  /// Namespaces whose `pendingCount` the running call has raised.
  var countedNamespaces: [Namespace] = []
  /// Namespaces whose files went during the running call: they are put when it has done its work.
  var releasedNamespaces: [Namespace] = []
  /// What a call that runs point by point brings along; see `MountModel+Points.swift`.
  var running = RunningCall()
  /// The file system that the next mount of a type the engine does not know gets; see `MountModel+Foreign.swift`.
  var foreign = ForeignFileSystem()
  /// Marks of one traversal; see `MountModel+Marks.swift`.
  var marks = MountMarks()

  /// Process 0, in namespace 0, in the initial user namespace, its root and working directory at the topmost
  /// mount of `initialTable`'s root; every directory that the table names exists.
  ///
  /// - Parameter initialTable: at least one mount, the first one without a parent in the table.
  public init(rules: KernelRules, initialTable: MountTable) {
    self.rules = rules
    state = ModelState()
    let initialUsers = UserNamespace(index: userNamespaces.allocate())
    userNamespaces[initialUsers.index].mapsRoot = true
    state.initialUserNamespace = initialUsers
    adoptInitialTable(initialTable)
  }

  /// The usual start: one private tmpfs as the root.
  public init(rules: KernelRules) {
    self.init(
      rules: rules,
      initialTable: MountTable(entries: [
        MountTable.Entry(
          id: 1, parent: 0, device: DeviceNumber(major: 0, minor: 1), root: "/", mountpoint: "/",
          attributes: .relativeAccessTime, fileSystemType: "tmpfs", source: "root")
      ]))
  }

  /// Numbers that are not in any record.
  struct ModelState: BitwiseCopyable {
    var initialUserNamespace = UserNamespace.none
    var lastUniqueID: UInt64 = 0
    var lastGroup: UInt32 = 0
    var lastNamespaceSequence: UInt64 = 0
    var lastDescription: UInt32 = 0
    /// `fs.mount-max`.
    var mountLimit = UInt32(MountModel.usualMountLimit)
    var sysfs = Superblock.none
    var messageQueue = Superblock.none
    var debugFS = Superblock.none
    var traceFS = Superblock.none
    /// The kernel's own mount of nsfs, made when the first namespace file is opened.
    var namespaceFiles = Mount.none
    /// Two living mounts stood on one place once, which umounts up to 6.16 can bring about (5.5).
    var hasSharedPlaces = false
    var counters = Counters()
  }

  /// What has been done since the start; a rollback takes it back too.
  public struct Counters: Hashable, Sendable, BitwiseCopyable {
    /// Mounts attached by the callers themselves.
    public var mountsMade: UInt64 = 0
    /// Copies that propagation attached elsewhere.
    public var copiesPropagated: UInt64 = 0
    /// Mounts that umount2 took, submounts of lazily detached trees included.
    public var mountsUmounted: UInt64 = 0
    /// Mounts that umount propagation took.
    public var copiesUmounted: UInt64 = 0
    /// Superblocks that were released.
    public var superblocksReleased: UInt64 = 0
  }

  /// What has been done since the start.
  public var counters: Counters { state.counters }

  /// `fs.mount-max` where nobody has changed it.
  public static var usualMountLimit: Int { 100_000 }

  /// `fs.mount-max`: how many mounts a namespace may hold before attaching fails with ENOSPC.
  public var mountLimit: Int {
    get { Int(state.mountLimit) }
    set { state.mountLimit = UInt32(clamping: newValue) }
  }

  /// The mounts that exist, held and detached ones included.
  public var mountCount: Int { mounts.liveCount }

  /// The bytes that the model's buffers take.
  public var footprintBytes: Int {
    mounts.footprintBytes + dentries.footprintBytes + superblocks.footprintBytes
      + namespaces.footprintBytes + processes.footprintBytes + files.footprintBytes
      + childTable.footprintBytes + dentryTable.footprintBytes
  }

  /// The numbers of the processes that live, ascending.
  public var livingProcesses: [Int] {
    (1..<max(processes.slotCount, 1)).filter { processes[$0].isAlive }.map { Int($0) - 1 }
  }

  public func isAlive(_ process: Int) -> Bool {
    let handle = Process(number: process)
    return process >= 0 && handle.index < processes.slotCount && processes[handle.index].isAlive
  }

  // MARK: reasons

  /// Notes that a rule decided something.
  @inline(__always)
  mutating func note(_ rule: Rule, _ mount: Mount = .none) {
    ruleCounts[Int(rule.rawValue)] &+= 1
    if isExplaining {
      reasons.append(
        Reason(
          rule: rule, errno: .none, mountID: mount == .none ? nil : mounts[mount.index].uniqueID))
    }
  }

  /// Notes the rule that refuses the call and gives its errno back.
  @inline(__always)
  mutating func refuse(_ rule: Rule, _ errno: Errno) -> Errno {
    ruleCounts[Int(rule.rawValue)] &+= 1
    if isExplaining { reasons.append(Reason(rule: rule, errno: errno, mountID: nil)) }
    return errno
  }

  /// Whether a rule is broken on purpose. Constant false in release builds.
  @inline(__always)
  func isBroken(_ mutation: Mutation) -> Bool {
    #if DEBUG
      return self.mutation == mutation
    #else
      return false
    #endif
  }
}
