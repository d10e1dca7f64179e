import StormVocabulary

// Which file systems the model knows, and which of them a caller gets a new superblock of (kernel-mounts 3.2).

extension MountModel {
  /// The types that have one superblock for all their mounts here.
  private enum Singleton: String {
    case sysfs, mqueue, debugfs, tracefs

    var place: WritableKeyPath<ModelState, Superblock> {
      switch self {
      case .sysfs: \.sysfs
      case .mqueue: \.messageQueue
      case .debugfs: \.debugFS
      case .tracefs: \.traceFS
      }
    }
  }

  /// A superblock of a type; tmpfs, ramfs and proc make a new one each time.
  ///
  /// Only tmpfs and ramfs belong to the caller's users; the others to those of the PID, network or IPC namespace, which
  /// are the initial ones in a sandbox (`mount_capable`).
  mutating func makeFileSystem(
    _ type: String, by process: Process, readOnly: Bool
  ) -> Result<Superblock, Errno> {
    let owner = processes[process.index].userNamespace
    if foreign.isForced, let made = foreignFileSystem(type, owner: owner, readOnly: readOnly) {
      return .success(made)
    }
    let readOnly = readOnly || foreign.isReadOnly
    switch type {
    case "tmpfs", "ramfs":
      return .success(newSuperblock(type, owner: owner, readOnly: readOnly))
    case "proc", "sysfs", "mqueue", "debugfs", "tracefs":
      if !hasCapability(process, over: state.initialUserNamespace) {
        return .failure(refuse(.noMountCapability, .notPermitted))
      }
      guard let singleton = Singleton(rawValue: type) else {
        let proc = newSuperblock(type, owner: state.initialUserNamespace, readOnly: readOnly)
        superblocks[proc.index].isUnseen = true
        return .success(proc)
      }
      return .success(only(singleton, readOnly: readOnly))
    default:
      if let foreign = foreignFileSystem(type, owner: owner, readOnly: readOnly) {
        return .success(foreign)
      }
      return .failure(refuse(.unknownFileSystem, .unknownDevice))
    }
  }

  private mutating func newSuperblock(
    _ type: String, owner: UserNamespace, readOnly: Bool
  ) -> Superblock {
    let superblock = makeSuperblock(type: names.intern(type), owner: owner)
    superblocks[superblock.index].isReadOnly = readOnly
    return superblock
  }

  private mutating func only(_ type: Singleton, readOnly: Bool) -> Superblock {
    let known = state[keyPath: type.place]
    if known != .none { return known }
    let superblock = newSuperblock(
      type.rawValue, owner: state.initialUserNamespace, readOnly: readOnly)
    superblocks[superblock.index].isSingleton = true
    state[keyPath: type.place] = superblock
    let root = superblocks[superblock.index].root
    switch type {
    case .debugfs:
      let point = makeDentry(names.intern("tracing"), in: root, kind: .directory)
      dentries[point.index].isAutomountPoint = true
    case .tracefs:
      // Directories that are always there, for mounts on automounts.
      for name in ["options", "instances", "events"] {
        _ = makeDentry(names.intern(name), in: root, kind: .directory)
      }
    case .sysfs, .mqueue: break
    }
    return superblock
  }

  /// The superblock is gone; the next mount of its type makes a new one.
  mutating func forgetSingleton(_ superblock: Superblock) {
    for place: WritableKeyPath<ModelState, Superblock> in [
      \.sysfs, \.messageQueue, \.debugFS, \.traceFS,
    ] where state[keyPath: place] == superblock {
      state[keyPath: place] = .none
    }
  }

  /// What a walk through an automount point of debugfs gets: the superblock of tracefs, whoever walks
  /// (`debugfs_automount`).
  mutating func automountedSuperblock() -> Superblock { only(.tracefs, readOnly: false) }

  /// FS_ALLOW_IDMAP, as far as the model knows the types.
  func allowsIdmap(_ superblock: Superblock) -> Bool {
    rules.idmapsTmpfs && names[superblocks[superblock.index].type] == "tmpfs"
  }
}
