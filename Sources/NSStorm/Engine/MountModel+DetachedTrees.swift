import StormVocabulary

// open_tree, open_tree_attr and fsmount: trees in anonymous namespaces, and (7.x) in new named ones, kernel-mounts
// 3.12 and 3.13.

extension MountModel {
  /// open_tree(2), and open_tree_attr(2) where a change is given.
  mutating func openTree(
    _ path: PathArgument, _ flags: OpenTreeFlags, changing change: AttributeChange? = nil,
    _ slot: DescriptorSlot, by process: Process
  ) -> Errno {
    if change != nil, !rules.hasOpenTreeAttr { return refuse(.callMissing, .notImplemented) }
    let clones = flags.contains(.clone)
    let makesNamespace = flags.contains(.namespace)
    if makesNamespace, !rules.hasNamespaceTrees || clones {
      return refuse(.openTreeFlags, .invalidArgument)
    }
    if flags.contains(.recursive), !clones, !makesNamespace {
      return refuse(.openTreeFlags, .invalidArgument)
    }
    if clones, !mayMount(process) { return refuse(.noMountCapability, .notPermitted) }
    let location: Location
    switch resolve(path, by: process, .intoAutomounts) {
    case .failure(let errno): return errno
    case .success(let found): location = found
    }
    let recursive = flags.contains(.recursive)
    if makesNamespace {
      return namespaceTree(of: location, recursive: recursive, changing: change, slot, by: process)
    }
    guard clones else {
      if let change {
        let errno = changeAttributes(
          of: location, recursive: recursive, change, isNew: false, by: process)
        if errno != .none { return errno }
      }
      install(location, slot, of: process, isPathOnly: true)
      return .none
    }
    let copy: Mount
    switch copyForBind(location, recursive: recursive, .copyNamespaceFiles, by: process) {
    case .failure(let errno): return errno
    case .success(let made): copy = made
    }
    let origin = mounts[location.mount.index].namespace
    let namespace = detachedNamespace(
      copy, sequence: origin == .none ? 0 : namespaces[origin.index].sequence, of: process)
    let place = Location(mount: copy, dentry: mounts[copy.index].root)
    if let change {
      let errno = changeAttributes(
        of: place, recursive: recursive, change, isNew: true, by: process)
      if errno != .none {
        umountTree(copy, .connected)
        namespaces.free(namespace.index)
        return errno
      }
    }
    install(place, slot, of: process, needsUmount: true, isPathOnly: true)
    return .none
  }

  /// fsopen, fsconfig and fsmount.
  mutating func fsmount(
    _ type: String, source: String, _ slot: DescriptorSlot, isNamespace: Bool, by process: Process
  ) -> Errno {
    // fsopen asks as well.
    if !mayMount(process) { return refuse(.noMountCapability, .notPermitted) }
    let superblock: Superblock
    switch makeFileSystem(type, by: process, readOnly: false) {
    case .failure(let errno): return errno
    case .success(let made): superblock = made
    }
    superblocks[superblock.index].mountCount += 1
    defer {
      superblocks[superblock.index].mountCount -= 1
      if superblocks[superblock.index].mountCount == 0 { releaseSuperblock(superblock) }
    }
    if isNamespace, !rules.hasFsmountNamespace { return refuse(.openTreeFlags, .invalidArgument) }
    let root = isNamespace ? copyOfRootMount(for: process) : .none
    let mount = makeMount(
      of: superblock, root: superblocks[superblock.index].root,
      deviceName: names.intern(source), attributes: .relativeAccessTime)
    note(.newMountIsPrivate, mount)
    if isNamespace {
      let namespace = newNamespace(of: mount, on: root, by: process)
      install(file(of: namespace), slot, of: process)
      return .none
    }
    _ = detachedNamespace(mount, sequence: 0, of: process)
    install(
      Location(mount: mount, dentry: mounts[mount.index].root), slot, of: process,
      needsUmount: true, isPathOnly: true)
    return .none
  }

  /// A tree becomes the content of a new anonymous namespace that lives as long as its descriptor.
  private mutating func detachedNamespace(
    _ root: Mount, sequence: UInt64, of process: Process
  ) -> Namespace {
    let own = processes[process.index].namespace
    let namespace = makeNamespace(owner: namespaces[own.index].owner, isAnonymous: true)
    namespaces[namespace.index].sequence = sequence
    fill(namespace, with: root)
    return namespace
  }

  private mutating func fill(_ namespace: Namespace, with root: Mount) {
    namespaces[namespace.index].root = root
    var member = root
    while member != .none {
      join(namespace, member)
      member = nextInTree(member, root: root)
    }
  }

  // MARK: namespaces of trees (3.13)

  /// OPEN_TREE_NAMESPACE (`create_new_namespace`).
  private mutating func namespaceTree(
    of location: Location, recursive: Bool, changing change: AttributeChange?,
    _ slot: DescriptorSlot, by process: Process
  ) -> Errno {
    if dentries[location.dentry.index].kind != .directory {
      return refuse(.namespaceTreeNotDirectory, .notDirectory)
    }
    let isForeign = processes[process.index].userNamespace != owner(ofNamespaceOf: process)
    let flags: CloneFlags = isForeign ? [.slave, .copyUnbindable] : []
    if isForeign, !recursive, hasChild(location.mount, below: location.dentry) {
      return refuse(.namespaceTreeRevealsCovered, .invalidArgument)
    }
    let root = copyOfRootMount(for: process)
    let copy: Mount
    switch copyForBind(location, recursive: recursive, flags, by: process) {
    case .failure(let errno):
      umountTree(root, .synchronous)
      return errno
    case .success(let made): copy = made
    }
    let namespace = newNamespace(of: copy, on: root, by: process)
    let place = file(of: namespace)
    if let change {
      // The descriptor is that of the namespace's file, which is no mount root.
      let errno = changeAttributes(
        of: place, recursive: recursive, change, isNew: false, by: process)
      if errno != .none {
        pin(place.dentry)
        unpin(place.dentry)
        return errno
      }
    }
    install(place, slot, of: process)
    return .none
  }

  /// The mount that the tree will stand on: a copy of the root mount of the caller's namespace.
  private mutating func copyOfRootMount(for process: Process) -> Mount {
    let isForeign = processes[process.index].userNamespace != owner(ofNamespaceOf: process)
    let original = namespaces[processes[process.index].namespace.index].root
    let root = clone(
      original, root: mounts[original.index].root, isForeign ? [.slave, .copyUnbindable] : [])
    mounts[root.index].state.remove(.locked)
    return root
  }

  /// A named namespace of the caller's users, with the tree on a copy of the root mount.
  private mutating func newNamespace(
    of tree: Mount, on root: Mount, by process: Process
  ) -> Namespace {
    note(.namespaceTreeMade, tree)
    let own = processes[process.index].namespace
    let users = processes[process.index].userNamespace
    var stack = overmount(of: namespaces[own.index].root)
    var isLocked = false
    while stack != .none {
      if mounts[stack.index].state.contains(.locked) { isLocked = true }
      stack = overmount(of: stack)
    }
    if isLocked {
      note(.namespaceTreeLocked, tree)
      mounts[tree.index].state.insert(.locked)
    }
    attach(tree, to: root, at: mounts[root.index].root)
    if users != namespaces[own.index].owner { lock(root) }
    let namespace = makeNamespace(owner: users, isAnonymous: false)
    fill(namespace, with: root)
    return namespace
  }

  private func hasChild(_ mount: Mount, below dentry: Dentry) -> Bool {
    var child = mounts[mount.index].firstChild
    while child != .none {
      if isAtOrBelow(mounts[child.index].mountpoint, dentry) { return true }
      child = mounts[child.index].nextSibling
    }
    return false
  }
}
