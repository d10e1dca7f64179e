import StormVocabulary

/// Where a new tree comes from.
enum AttachSource {
  /// Copied or made by this call, in no namespace.
  case new
  /// The root of an anonymous namespace.
  case anonymous
  /// Attached elsewhere in the caller's namespace.
  case moving
}

/// The place of an attach, locked (`struct pinned_mountpoint`).
struct AttachPlace {
  var parent: Mount
  var mountpoint: Dentry
}

// Attaching a tree, kernel-mounts 2.4 and 4.1 (`do_lock_mount`, `attach_recursive_mnt`).

extension MountModel {
  /// Resolves a mount target to the top of whatever is mounted there, and checks that it can carry a mount.
  ///
  /// - Parameter beneath: the place is that of the topmost mount in its parent, and it is this directory that must be
  ///   there still; the root of the topmost mount may have been removed.
  mutating func lockTarget(_ target: Location, beneath: Bool = false) -> Result<Location, Errno> {
    let top = traversed(target)
    if top != target { note(.targetIsTopOfStack, top.mount) }
    var climbed = target
    while climbed.mount != top.mount {
      clearExpiryMark(climbed.mount)
      let next = child(of: climbed.mount, at: climbed.dentry)
      climbed = Location(mount: next, dentry: mounts[next.index].root)
    }
    clearExpiryMark(top.mount)
    keepReference(to: top, besides: target)
    let isSlippedUnder =
      beneath && isMountRoot(top) && mounts[top.mount.index].parent != .none
    let place = isSlippedUnder ? mounts[top.mount.index].mountpoint : top.dentry
    if dentries[place.index].isUnlinked {
      return .failure(refuse(.targetRemoved, .noSuchEntry))
    }
    if mounts[top.mount.index].namespace == .none, rules.lockTargetRefusesUnmounted {
      return .failure(refuse(.targetUnmounted, .noSuchEntry))
    }
    return .success(top)
  }

  /// Whether the mount is in the process's namespace (`check_mnt`).
  @inline(__always)
  func isOurs(_ mount: Mount, _ process: Process) -> Bool {
    mounts[mount.index].namespace == processes[process.index].namespace
  }

  /// `attach_recursive_mnt`.
  mutating func attachTree(
    _ source: Mount, at place: AttachPlace, from origin: AttachSource, by process: Process
  ) -> Errno {
    let bottom = rules.tucksOntoTopOfCopy ? topmost(of: source) : source
    if dentries[mounts[bottom.index].root.index].isUnlinked {
      return refuse(.sourceRootRemoved, .noSuchEntry)
    }
    defer { settleCounts() }
    let namespace = mounts[place.parent.index].namespace
    if origin != .moving, let errno = count(source, in: namespace) { return errno }
    var copies: [Mount] = []
    let destinationIsShared = isShared(place.parent)
    if destinationIsShared {
      var invented: [Mount] = []
      let lastOldGroup = state.lastGroup
      var member = source
      while member != .none {
        if mounts[member.index].group == 0 {
          mounts[member.index].group = freshGroup()
          invented.append(member)
        }
        member = nextInTree(member, root: source)
      }
      switch propagate(
        source, onto: place.parent, at: place.mountpoint, lastOldGroup: lastOldGroup)
      {
      case .failure(let errno):
        for member in invented { mounts[member.index].group = 0 }
        return errno
      case .success(let made): copies = made
      }
      if isBroken(.sourceStaysPrivate), copies.isEmpty {
        for member in invented { mounts[member.index].group = 0 }
      }
      if !invented.isEmpty { note(.attachOnSharedMakesShared, source) }
      member = source
      while member != .none {
        mounts[member.index].state.remove(.unbindable)
        member = nextInTree(member, root: source)
      }
    }
    switch origin {
    case .moving:
      note(.moveReattaches, source)
      changeTable(of: mounts[source.index].namespace)
      separate(source)
    case .anonymous:
      note(.anonymousTreeAttached, source)
      leaveAnonymousNamespace(source)
    case .new:
      break
    }
    let callerOwner = owner(ofNamespaceOf: process)
    let destinationOwner = namespaces[namespace.index].owner
    let reference =
      rules.locksRelativeToDestination && !namespaces[namespace.index].isAnonymous
      ? destinationOwner : callerOwner
    linkMountpoint(source, to: place.parent, at: place.mountpoint)
    commit(source, isSource: true, reference: reference)
    for copy in copies.reversed() {
      commit(copy, isSource: false, reference: reference, endOfSource: mounts[bottom.index].root)
    }
    state.counters.mountsMade += 1
    return .none
  }

  /// Hangs one prepared tree on its place, and what was there before on top of it ("tucking").
  private mutating func commit(
    _ tree: Mount, isSource: Bool, reference: UserNamespace, endOfSource: Dentry = .none
  ) {
    let parent = mounts[tree.index].parent
    let mountpoint = mounts[tree.index].mountpoint
    let namespace = mounts[parent.index].namespace
    let entersOtherUsers =
      namespaces[namespace.index].owner != reference
      && (!isSource || rules.locksRelativeToDestination)
    if isBroken(.copyGoesOnTop), !isSource, child(of: parent, at: mountpoint) != .none {
      let top = topmost(of: child(of: parent, at: mountpoint))
      unlinkMountpoint(tree)
      linkMountpoint(tree, to: top, at: mounts[top.index].root)
      commit(tree, isSource: isSource, reference: reference)
      return
    }
    let covered = child(of: parent, at: mountpoint)
    if entersOtherUsers, !rules.locksAfterTucking, !isBroken(.otherUsersGetNoLocks) { lock(tree) }
    if covered != .none { separate(covered) }
    appendChild(tree, to: parent)
    childTable.set(parent.index, mountpoint.index, to: tree.index)
    if covered != .none {
      note(isSource ? .movedBeneath : .tucksBeneath, covered)
      let top = rules.tucksOntoTopOfCopy ? topmost(of: tree) : tree
      let place =
        rules.tucksWhereSourceEnds && endOfSource != .none ? endOfSource : mounts[top.index].root
      attach(covered, to: top, at: place)
      changeTable(of: mounts[covered.index].namespace)
    }
    if entersOtherUsers, rules.locksAfterTucking { lock(tree) }
    if !isSource { mounts[tree.index].state.remove(.locked) }
    if covered != .none, rules.lockMovesToWhatIsTucked,
      mounts[covered.index].state.contains(.locked)
    {
      note(.lockMovesBeneath, tree)
      mounts[tree.index].state.insert(.locked)
      if isSource || rules.tuckingUnlocksCover { mounts[covered.index].state.remove(.locked) }
    }
    var member = tree
    while member != .none {
      if mounts[member.index].namespace == .none {
        join(namespace, member)
        if !isSource { state.counters.copiesPropagated += 1 }
      }
      member = nextInTree(member, root: tree)
    }
    changeTable(of: namespace)
  }

  /// `lock_mnt_tree`, 3.14.
  mutating func lock(_ tree: Mount) {
    var member = tree
    while member != .none {
      note(.treeLockedForOtherUsers, member)
      var state = mounts[member.index].state
      let attributes = mounts[member.index].attributes
      state.insert(.lockedAccessTime)
      if attributes.contains(.readOnly) { state.insert(.lockedReadOnly) }
      if attributes.contains(.noDevices) { state.insert(.lockedNoDevices) }
      if attributes.contains(.noSetuid) { state.insert(.lockedNoSetuid) }
      if attributes.contains(.noExecute) { state.insert(.lockedNoExecute) }
      if member != tree || rules.lockTreeIncludesTop { state.insert(.locked) }
      mounts[member.index].state = state
      member = nextInTree(member, root: tree)
    }
  }

  func owner(ofNamespaceOf process: Process) -> UserNamespace {
    namespaces[processes[process.index].namespace.index].owner
  }

  /// What was counted is now in the namespaces' own counts, or was given up.
  private mutating func settleCounts() {
    for namespace in countedNamespaces { namespaces[namespace.index].pendingCount = 0 }
    countedNamespaces.removeAll(keepingCapacity: true)
  }

  private mutating func leaveAnonymousNamespace(_ source: Mount) {
    let namespace = mounts[source.index].namespace
    var member = source
    while member != .none {
      leaveNamespace(member)
      member = nextInTree(member, root: source)
    }
    namespaces.free(namespace.index)
  }
}
