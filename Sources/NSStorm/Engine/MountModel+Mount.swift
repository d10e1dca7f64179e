import StormVocabulary

// mount(2): front end, new file systems, binds, moves, type changes and remounts, kernel-mounts 3.1 to 3.6.

extension MountModel {
  /// `path_mount`: the first matching kind of call wins.
  mutating func mount(_ call: MountCall, by process: Process) -> Errno {
    let target: Location
    switch resolve(call.target, by: process) {
    case .failure(let errno): return errno
    case .success(let found): target = found
    }
    let flags = call.flags
    if flags.contains(.noUser) { return refuse(.mountForbiddenFlag, .invalidArgument) }
    if !mayMount(process) { return refuse(.noMountCapability, .notPermitted) }
    if flags.contains([.remount, .bind]) {
      return reconfigure(target, to: attributes(of: flags, keepingTimesOf: target), by: process)
    }
    if flags.contains(.remount) { return remountSuperblock(target, flags, by: process) }
    if flags.contains(.bind) {
      return bind(call.source, to: target, recursive: flags.contains(.recursive), by: process)
    }
    if !flags.isDisjoint(with: .propagationTypes) {
      return changeType(of: target, flags, by: process)
    }
    if flags.contains(.move) { return move(call.source, to: target, by: process) }
    return mountNew(call, at: target, by: process)
  }

  /// The attributes that a flag word asks for; relatime unless another mode is named (3.1).
  func attributes(of flags: MountFlags) -> MountAttributes {
    var attributes: MountAttributes = []
    if flags.contains(.readOnly) { attributes.insert(.readOnly) }
    if flags.contains(.noSetuid) { attributes.insert(.noSetuid) }
    if flags.contains(.noDevices) { attributes.insert(.noDevices) }
    if flags.contains(.noExecute) { attributes.insert(.noExecute) }
    if flags.contains(.noDirectoryAccessTime) { attributes.insert(.noDirectoryAccessTime) }
    if flags.contains(.noSymlinkFollow) { attributes.insert(.noSymlinkFollow) }
    if !flags.contains(.strictAccessTime) {
      attributes.insert(flags.contains(.noAccessTime) ? .noAccessTime : .relativeAccessTime)
    }
    return attributes
  }

  private func attributes(
    of flags: MountFlags, keepingTimesOf location: Location
  ) -> MountAttributes {
    let times: MountAttributes = [.noAccessTime, .noDirectoryAccessTime, .relativeAccessTime]
    let asked: MountFlags = [
      .noAccessTime, .noDirectoryAccessTime, .relativeAccessTime, .strictAccessTime,
    ]
    var wanted = attributes(of: flags)
    if flags.isDisjoint(with: asked) {
      let current = mounts[location.mount.index].attributes.intersection(times)
      wanted = wanted.subtracting(times).union(current)
    }
    return wanted
  }

  // MARK: a new file system (3.2)

  private mutating func mountNew(
    _ call: MountCall, at target: Location, by process: Process
  ) -> Errno {
    guard let type = call.type else { return refuse(.newWithoutType, .invalidArgument) }
    let superblock: Superblock
    switch makeFileSystem(type, by: process, readOnly: call.flags.contains(.readOnly)) {
    case .failure(let errno): return errno
    case .success(let made): superblock = made
    }
    // The call's own reference: a mount that is undone must not take the superblock with it.
    superblocks[superblock.index].mountCount += 1
    let errno = attachNew(superblock, call, at: target, by: process)
    superblocks[superblock.index].mountCount -= 1
    if superblocks[superblock.index].mountCount == 0 { releaseSuperblock(superblock) }
    return errno
  }

  private mutating func attachNew(
    _ superblock: Superblock, _ call: MountCall, at target: Location, by process: Process
  ) -> Errno {
    let top: Location
    switch lockTarget(target) {
    case .failure(let errno): return errno
    case .success(let found): top = found
    }
    if !isOurs(top.mount, process) { return refuse(.targetForeign, .invalidArgument) }
    let record = mounts[top.mount.index]
    if record.superblock == superblock, record.root == top.dentry {
      return refuse(.sameSuperblockOnItself, .busy)
    }
    if dentries[top.dentry.index].kind != .directory {
      return refuse(.kindsDiffer, .notDirectory)
    }
    let source = call.source.text ?? "none"
    let mount = makeMount(
      of: superblock, root: superblocks[superblock.index].root, deviceName: names.intern(source),
      attributes: attributes(of: call.flags))
    note(.newMountIsPrivate, mount)
    let errno = attachTree(
      mount, at: AttachPlace(parent: top.mount, mountpoint: top.dentry), from: .new, by: process)
    if errno != .none { umountTree(mount, .synchronous) }
    return errno
  }

  /// A superblock of a type; tmpfs, ramfs and proc make a new one each time.
  mutating func makeFileSystem(
    _ type: String, by process: Process, readOnly: Bool
  ) -> Result<Superblock, Errno> {
    let owner = processes[process.index].userNamespace
    if foreign.isForced, let made = foreignFileSystem(type, owner: owner, readOnly: readOnly) {
      return .success(made)
    }
    switch type {
    case "tmpfs", "ramfs", "proc":
      let superblock = makeSuperblock(type: names.intern(type), owner: owner)
      superblocks[superblock.index].isReadOnly = readOnly || foreign.isReadOnly
      superblocks[superblock.index].isUnseen = type == "proc"
      return .success(superblock)
    case "sysfs", "mqueue":
      let known = type == "sysfs" ? state.sysfs : state.messageQueue
      if known != .none { return .success(known) }
      let superblock = makeSuperblock(type: names.intern(type), owner: owner)
      superblocks[superblock.index].isSingleton = true
      superblocks[superblock.index].isReadOnly = readOnly
      if type == "sysfs" { state.sysfs = superblock } else { state.messageQueue = superblock }
      return .success(superblock)
    default:
      if let foreign = foreignFileSystem(type, owner: owner, readOnly: readOnly) {
        return .success(foreign)
      }
      return .failure(refuse(.unknownFileSystem, .unknownDevice))
    }
  }

  // MARK: bind (3.3)

  /// `do_loopback`.
  private mutating func bind(
    _ source: PathArgument, to target: Location, recursive: Bool, by process: Process
  ) -> Errno {
    if source.isEmpty { return refuse(.bindWithoutSource, .invalidArgument) }
    let from: Location
    switch resolve(source, by: process) {
    case .failure(let errno): return errno
    case .success(let found): from = found
    }
    let top: Location
    switch lockTarget(target) {
    case .failure(let errno): return errno
    case .success(let found): top = found
    }
    if !isOurs(top.mount, process) {
      return refuse(
        .targetForeign, rules.bindOntoForeignMountSucceeds ? .none : .invalidArgument)
    }
    let made = copyForBind(from, recursive: recursive, by: process)
    let copy: Mount
    switch made {
    case .failure(let errno): return errno
    case .success(let mount): copy = mount
    }
    mounts[copy.index].state.remove(.locked)
    let errno: Errno
    if dentries[top.dentry.index].kind != .directory
      && dentries[from.dentry.index].kind == .directory
      || dentries[top.dentry.index].kind == .directory
        && dentries[from.dentry.index].kind != .directory
    {
      errno = refuse(.kindsDiffer, .notDirectory)
    } else {
      errno = attachTree(
        copy, at: AttachPlace(parent: top.mount, mountpoint: top.dentry), from: .new, by: process)
    }
    if errno != .none { umountTree(copy, .synchronous) }
    return errno
  }

  /// `__do_loopback`: the checks and the copy that bind and open_tree share.
  mutating func copyForBind(
    _ from: Location, recursive: Bool, by process: Process
  ) -> Result<Mount, Errno> {
    let record = mounts[from.mount.index]
    if record.state.contains(.unbindable) {
      return .failure(refuse(.copyOfUnbindable, .invalidArgument))
    }
    if !mayCopy(from.mount, process) {
      return .failure(refuse(.bindOfForeignMount, .invalidArgument))
    }
    if !recursive, hasLockedChild(from.mount, below: from.dentry) {
      return .failure(refuse(.bindRevealsLocked, .invalidArgument))
    }
    note(recursive ? .bindCopiesTree : .bindCopiesOneMount, from.mount)
    return copyTree(from.mount, at: from.dentry, [], withChildren: recursive)
  }

  /// `may_copy_tree`: ours, or (6.15+) in a detached tree that was made from our namespace.
  private func mayCopy(_ mount: Mount, _ process: Process) -> Bool {
    if isOurs(mount, process) { return true }
    return rules.copiesDetachedTrees && isInOurAnonymousNamespace(mount, process)
  }

  /// `check_anonymous_mnt`.
  func isInOurAnonymousNamespace(_ mount: Mount, _ process: Process) -> Bool {
    let namespace = mounts[mount.index].namespace
    guard namespace != .none, namespaces[namespace.index].isAnonymous else { return false }
    let own = processes[process.index].namespace
    return namespaces[namespace.index].sequence == namespaces[own.index].sequence
  }

  /// `has_locked_children`.
  func hasLockedChild(_ mount: Mount, below dentry: Dentry) -> Bool {
    var child = mounts[mount.index].firstChild
    while child != .none {
      if mounts[child.index].state.contains(.locked),
        isAtOrBelow(mounts[child.index].mountpoint, dentry)
      {
        return true
      }
      child = mounts[child.index].nextSibling
    }
    return false
  }

  // MARK: propagation type (3.5)

  /// `do_change_type`.
  private mutating func changeType(
    of target: Location, _ flags: MountFlags, by process: Process
  ) -> Errno {
    if target.dentry != mounts[target.mount.index].root {
      return refuse(.changeTypeNotMountRoot, .invalidArgument)
    }
    let type: PropagationType
    switch flags.subtracting([.recursive, .silent]) {
    case .shared: type = .shared
    case .private: type = .private
    case .slave: type = .slave
    case .unbindable: type = .unbindable
    default: return refuse(.changeTypeFlags, .invalidArgument)
    }
    if rules.changeTypeNeedsMounted {
      if let errno = refuseChangeOfPropagation(target.mount, process) { return errno }
    }
    let members = flags.contains(.recursive) ? tree(of: target.mount) : [target.mount]
    for member in members { changePropagation(of: member, to: type) }
    return .none
  }

  /// `may_change_propagation`.
  mutating func refuseChangeOfPropagation(_ mount: Mount, _ process: Process) -> Errno? {
    let namespace = mounts[mount.index].namespace
    if namespace == .none { return refuse(.changeTypeUnmounted, .invalidArgument) }
    if !hasCapability(process, over: namespaces[namespace.index].owner) {
      return refuse(.changeTypeCapability, .notPermitted)
    }
    return nil
  }

  // MARK: remount (3.6)

  /// `do_reconfigure_mnt`: all settable attributes of one mount are replaced.
  private mutating func reconfigure(
    _ target: Location, to attributes: MountAttributes, by process: Process
  ) -> Errno {
    if !isOurs(target.mount, process) { return refuse(.remountForeign, .invalidArgument) }
    if target.dentry != mounts[target.mount.index].root {
      return refuse(.remountNotMountRoot, .invalidArgument)
    }
    if !mayReplaceAttributes(of: target.mount, with: attributes) {
      return refuse(.attributeLocked, .notPermitted)
    }
    note(.remountReplacesAttributes, target.mount)
    mounts[target.mount.index].attributes = attributes.union(
      mounts[target.mount.index].attributes.intersection(.idmapped))
    changeTable(of: mounts[target.mount.index].namespace)
    return .none
  }

  /// `do_remount`: the superblock and the one mount.
  private mutating func remountSuperblock(
    _ target: Location, _ flags: MountFlags, by process: Process
  ) -> Errno {
    if !isOurs(target.mount, process) { return refuse(.remountForeign, .invalidArgument) }
    if target.dentry != mounts[target.mount.index].root {
      return refuse(.remountNotMountRoot, .invalidArgument)
    }
    let wanted = attributes(of: flags, keepingTimesOf: target)
    if !mayReplaceAttributes(of: target.mount, with: wanted) {
      return refuse(.attributeLocked, .notPermitted)
    }
    let superblock = mounts[target.mount.index].superblock
    if !hasCapability(process, over: superblocks[superblock.index].userNamespace) {
      return refuse(.noMountCapability, .notPermitted)
    }
    let readOnly = flags.contains(.readOnly)
    if readOnly, !superblocks[superblock.index].isReadOnly,
      superblocks[superblock.index].removedHeldCount > 0
    {
      return refuse(.umountRootRemovedHeld, .busy)
    }
    superblocks[superblock.index].isReadOnly = readOnly
    mounts[target.mount.index].attributes = wanted
    changeAllTables()
    return .none
  }

  /// `can_change_locked_flags`.
  func mayReplaceAttributes(of mount: Mount, with wanted: MountAttributes) -> Bool {
    let record = mounts[mount.index]
    if record.state.contains(.lockedReadOnly), !wanted.contains(.readOnly) { return false }
    if record.state.contains(.lockedNoDevices), !wanted.contains(.noDevices) { return false }
    if record.state.contains(.lockedNoSetuid), !wanted.contains(.noSetuid) { return false }
    if record.state.contains(.lockedNoExecute), !wanted.contains(.noExecute) { return false }
    let times: MountAttributes = [.noAccessTime, .noDirectoryAccessTime, .relativeAccessTime]
    return !record.state.contains(.lockedAccessTime)
      || wanted.intersection(times) == record.attributes.intersection(times)
  }
}

extension PathArgument {
  /// The path string, where there is one.
  var text: String? {
    if case .path(let text) = self { text } else { nil }
  }

  /// NULL or the empty string.
  var isEmpty: Bool {
    switch self {
    case .null: true
    case .path(let text): text.isEmpty
    case .descriptor, .relative: false
    }
  }
}
