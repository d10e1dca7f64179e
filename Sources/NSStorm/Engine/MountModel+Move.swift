import StormVocabulary

// MS_MOVE and move_mount(2), kernel-mounts 3.4, 3.9 and 3.10.

extension MountModel {
  /// `do_move_mount_old`.
  mutating func move(
    _ source: PathArgument, to target: Location, by process: Process
  ) -> Errno {
    if source.isEmpty { return refuse(.bindWithoutSource, .invalidArgument) }
    switch resolve(source, by: process) {
    case .failure(let errno): return errno
    case .success(let from): return move(from, to: target, beneath: false, by: process)
    }
  }

  /// move_mount(2).
  mutating func moveMount(
    _ from: PathArgument, _ to: PathArgument, _ flags: MoveMountFlags, by process: Process
  ) -> Errno {
    if !mayMount(process) { return refuse(.noMountCapability, .notPermitted) }
    if flags.contains(.setGroup), !rules.hasSetGroup || flags.contains(.beneath) {
      return refuse(.moveMountFlags, .invalidArgument)
    }
    if flags.contains(.beneath), !rules.hasMoveBeneath {
      return refuse(.moveMountFlags, .invalidArgument)
    }
    let source: Location
    let target: Location
    if rules.moveMountLooksUpTargetFirst {
      switch resolve(to, by: process, []) {
      case .failure(let errno): return errno
      case .success(let found): target = found
      }
      switch resolve(from, by: process, []) {
      case .failure(let errno): return errno
      case .success(let found): source = found
      }
    } else {
      switch resolve(from, by: process, []) {
      case .failure(let errno): return errno
      case .success(let found): source = found
      }
      switch resolve(to, by: process, []) {
      case .failure(let errno): return errno
      case .success(let found): target = found
      }
    }
    if flags.contains(.setGroup) { return setGroup(from: source, to: target, by: process) }
    return move(source, to: target, beneath: flags.contains(.beneath), by: process)
  }

  func isMountRoot(_ location: Location) -> Bool {
    location.dentry == mounts[location.mount.index].root
  }

  /// `do_move_mount`.
  private mutating func move(
    _ source: Location, to target: Location, beneath: Bool, by process: Process
  ) -> Errno {
    let kindsDiffer =
      (dentries[source.dentry.index].kind == .directory)
      != (dentries[target.dentry.index].kind == .directory)
    if rules.moveChecksSourceRootFirst {
      if !isMountRoot(source) { return refuse(.moveNotMountRoot, .invalidArgument) }
      if kindsDiffer { return refuse(.kindsDiffer, .invalidArgument) }
    }
    if beneath, rules.beneathChecksRootBeforeLock, !isMountRoot(target) {
      return refuse(.beneathNotMountRoot, .invalidArgument)
    }
    let top: Location
    switch lockTarget(target, beneath: beneath) {
    case .failure(let errno): return errno
    case .success(let found): top = found
    }
    if beneath, !isMountRoot(target) { return refuse(.beneathNotMountRoot, .invalidArgument) }
    var place = AttachPlace(parent: top.mount, mountpoint: top.dentry)
    if beneath {
      // The topmost mount of the stack is the one that is slipped under; without a parent it has no place.
      let above = mounts[top.mount.index].parent
      if above == .none { return refuse(.beneathWithoutParent, .invalidArgument) }
      place = AttachPlace(parent: above, mountpoint: mounts[top.mount.index].mountpoint)
    }
    if let errno = refuseMove(of: source.mount, to: place.parent, by: process) { return errno }
    if !rules.moveChecksSourceRootFirst {
      if !isMountRoot(source) { return refuse(.moveNotMountRoot, .invalidArgument) }
      if kindsDiffer { return refuse(.kindsDiffer, .invalidArgument) }
    }
    if beneath, let errno = refuseBeneath(source.mount, under: top.mount, place, by: process) {
      return errno
    }
    if isShared(place.parent), treeHasUnbindable(source.mount) {
      return refuse(.moveUnbindableOntoShared, .invalidArgument)
    }
    if treeCouldLoop(source.mount, process) {
      return refuse(.treeHasOlderNamespaceFile, .tooManySymbolicLinks)
    }
    if isAtOrBelow(place.parent, source.mount) {
      return refuse(.moveIntoItself, .tooManySymbolicLinks)
    }
    let origin: AttachSource = isOurs(source.mount, process) ? .moving : .anonymous
    return attachTree(source.mount, at: place, from: origin, by: process)
  }

  /// Who may be moved where (step 5 of 3.4).
  private mutating func refuseMove(
    of mount: Mount, to parent: Mount, by process: Process
  ) -> Errno? {
    let record = mounts[mount.index]
    if isOurs(mount, process) {
      if record.parent == .none { return refuse(.moveWithoutParent, .invalidArgument) }
      if record.state.contains(.locked) { return refuse(.moveLocked, .invalidArgument) }
      if isShared(record.parent), !isBroken(.moveFromSharedParentAllowed) {
        return refuse(.moveFromSharedParent, .invalidArgument)
      }
      if !isOurs(parent, process) { return refuse(.targetForeign, .invalidArgument) }
      return nil
    }
    guard record.namespace != .none, namespaces[record.namespace.index].isAnonymous,
      namespaces[record.namespace.index].root == mount
    else { return refuse(.moveOfForeignMount, .invalidArgument) }
    if record.namespace == mounts[parent.index].namespace {
      return refuse(.moveWithinDetachedTree, .invalidArgument)
    }
    if isOurs(parent, process) { return nil }
    if rules.movesIntoDetachedTrees, isInOurAnonymousNamespace(parent, process) { return nil }
    return refuse(.targetForeign, .invalidArgument)
  }

  private func treeHasUnbindable(_ root: Mount) -> Bool {
    var member = root
    while member != .none {
      if mounts[member.index].state.contains(.unbindable) { return true }
      member = nextInTree(member, root: root)
    }
    return false
  }

  /// `can_move_mount_beneath`, 3.9.
  private mutating func refuseBeneath(
    _ source: Mount, under top: Mount, _ place: AttachPlace, by process: Process
  ) -> Errno? {
    if !rules.movesBeneathLocked, mounts[top.index].state.contains(.locked) {
      return refuse(.beneathLocked, .invalidArgument)
    }
    if rules.lockNeedsRealMount, mounts[top.index].state.contains(.locked),
      isMountNamespaceFile(source)
    {
      return refuse(.beneathLockedNamespaceFile, .invalidArgument)
    }
    if overmount(of: source) != .none { return refuse(.beneathSourceCovered, .invalidArgument) }
    if !rules.movesBeneathRoot {
      let namespace = processes[process.index].namespace
      if top == processes[process.index].root.mount
        || place.parent == namespaces[namespace.index].root
      {
        return refuse(.beneathRoot, .invalidArgument)
      }
    }
    if isAtOrBelow(source, top) { return refuse(.beneathAncestor, .invalidArgument) }
    if propagationWouldCover(top, from: place.parent, at: place.mountpoint) {
      return refuse(.beneathPropagatesToTop, .invalidArgument)
    }
    let namespace = mounts[source.index].namespace
    if namespace != .none, !namespaces[namespace.index].isAnonymous,
      propagationWouldCover(source, from: place.parent, at: place.mountpoint)
    {
      return refuse(.beneathPropagatesToSource, .invalidArgument)
    }
    return nil
  }

  /// `propagation_would_overmount`.
  private func propagationWouldCover(_ mount: Mount, from parent: Mount, at place: Dentry) -> Bool {
    guard isShared(parent), mounts[mount.index].root == place else { return false }
    var here = mount
    while here != .none {
      if arePeers(here, parent) { return true }
      here = mounts[here.index].master
    }
    return false
  }

  /// `do_set_group`, 3.10.
  private mutating func setGroup(
    from source: Location, to target: Location, by process: Process
  ) -> Errno {
    let from = source.mount
    let to = target.mount
    for mount in [from, to] {
      if let errno = refuseChangeOfPropagation(mount, process) { return errno }
    }
    if !isMountRoot(source) || !isMountRoot(target) {
      return refuse(.setGroupNotMountRoot, .invalidArgument)
    }
    if isShared(to) || mounts[to.index].master != .none {
      return refuse(.setGroupTargetNotPrivate, .invalidArgument)
    }
    if rules.setGroupRefusesUnbindable, mounts[to.index].state.contains(.unbindable) {
      return refuse(.setGroupTargetNotPrivate, .invalidArgument)
    }
    if mounts[from.index].superblock != mounts[to.index].superblock {
      return refuse(.setGroupOtherSuperblock, .invalidArgument)
    }
    if !isAtOrBelow(mounts[to.index].root, mounts[from.index].root) {
      return refuse(.setGroupRootOutside, .invalidArgument)
    }
    if hasLockedChild(from, below: mounts[to.index].root) {
      return refuse(.bindRevealsLocked, .invalidArgument)
    }
    if !isShared(from), mounts[from.index].master == .none {
      return refuse(.setGroupSourcePrivate, .invalidArgument)
    }
    note(.setGroupJoins, to)
    if mounts[from.index].master != .none { insertSlave(to, behind: from) }
    if isShared(from) {
      mounts[to.index].group = mounts[from.index].group
      insertPeer(to, after: from)
      mounts[to.index].state.remove(.unbindable)
    }
    changeTable(of: mounts[to.index].namespace)
    return .none
  }
}
