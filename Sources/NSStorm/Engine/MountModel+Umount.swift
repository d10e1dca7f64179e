import StormVocabulary

/// Why a tree is taken down (UMOUNT_*).
struct UmountReason: OptionSet {
  var rawValue: UInt8
  /// UMOUNT_SYNC: every member is separated.
  static let synchronous = UmountReason(rawValue: 1)
  /// UMOUNT_PROPAGATE
  static let propagates = UmountReason(rawValue: 2)
  /// UMOUNT_CONNECTED: the tree stays together under whoever holds it.
  static let connected = UmountReason(rawValue: 4)
}

// umount2 and the removal of trees, kernel-mounts 2.3, 5.1, 5.3 and 5.8.

extension MountModel {
  /// `ksys_umount`, `can_umount`, `do_umount`.
  mutating func umount(_ path: PathArgument, _ flags: UmountFlags, by process: Process) -> Errno {
    if !flags.subtracting(.allKnown).isEmpty { return refuse(.umountUnknownFlag, .invalidArgument) }
    let lookup: LookupFlags =
      flags.contains(.noFollow) ? .toTopmost : [.toTopmost, .followFinalLink]
    let location: Location
    switch resolve(path, by: process, lookup) {
    case .failure(let errno): return errno
    case .success(let found): location = found
    }
    if !running.wasChecked, let errno = refuseUmount(of: location, flags, by: process) {
      return errno
    }
    return umountChecked(location.mount, flags, by: process)
  }

  /// `can_umount` and the expiry mark: asked without the lock, nil where the umount may go on.
  mutating func refuseUmount(
    of location: Location, _ flags: UmountFlags, by process: Process
  ) -> Errno? {
    let mount = location.mount
    if !mayMount(process) { return refuse(.noMountCapability, .notPermitted) }
    if location.dentry != mounts[mount.index].root {
      return refuse(.umountNotMountRoot, .invalidArgument)
    }
    if !isOurs(mount, process) { return refuse(.umountForeignMount, .invalidArgument) }
    if mounts[mount.index].state.contains(.locked) {
      return refuse(.umountLocked, .invalidArgument)
    }
    if flags.contains(.force), !mayForce(mount, process) {
      return refuse(.umountForceCapability, .notPermitted)
    }
    if flags.contains(.expire) {
      let isCallersRoot = mount == processes[process.index].root.mount
      if isCallersRoot || !flags.isDisjoint(with: [.force, .detach]) {
        return refuse(.expireWithOtherFlags, .invalidArgument)
      }
      if mounts[mount.index].firstChild != .none || holdsOfOthers(mount) > 0 {
        return refuse(.expireInUse, .busy)
      }
      if !mounts[mount.index].state.contains(.expiryMark) {
        mounts[mount.index].state.insert(.expiryMark)
        return refuse(.expireMarks, .tryAgain)
      }
    }
    return nil
  }

  /// `do_umount`: what is asked under the lock.
  private mutating func umountChecked(
    _ mount: Mount, _ flags: UmountFlags, by process: Process
  ) -> Errno {
    let isCallersRoot = mount == processes[process.index].root.mount
    if isCallersRoot, !flags.contains(.detach) { return remountRootReadOnly(mount, process) }
    if running.isPointwise, !isOurs(mount, process) {
      // Somebody was faster. Up to 6.16 that is not asked again (5.1, section 7).
      if rules.umountAsksAgainUnderLock { return refuse(.umountForeignMount, .invalidArgument) }
      if flags.contains(.detach) { return .none }
      return isBusy(mount) ? refuse(.umountBusy, .busy) : .none
    }
    if mounts[mount.index].state.contains(.locked) {
      return refuse(.umountLocked, .invalidArgument)
    }
    if mounts[mount.index].parent == .none {
      return refuse(.umountAbsoluteRoot, .invalidArgument)
    }
    if flags.contains(.detach) {
      note(.umountLazy, mount)
      umountTree(mount, .propagates)
      return .none
    }
    shrinkSubmounts(of: mount)
    if isBusy(mount) { return refuse(.umountBusy, .busy) }
    note(.umountSynchronous, mount)
    umountTree(mount, [.propagates, .synchronous])
    return .none
  }

  private func mayForce(_ mount: Mount, _ process: Process) -> Bool {
    let users =
      rules.forceNeedsInitialUsers
      ? state.initialUserNamespace
      : superblocks[mounts[mount.index].superblock.index].userNamespace
    return hasCapability(process, over: users)
  }

  /// umount of the caller's root without MNT_DETACH makes its superblock read-only instead (`do_umount_root`).
  private mutating func remountRootReadOnly(_ mount: Mount, _ process: Process) -> Errno {
    let superblock = mounts[mount.index].superblock
    if !hasCapability(process, over: superblocks[superblock.index].userNamespace) {
      return refuse(.umountRootCapability, .notPermitted)
    }
    if superblocks[superblock.index].isReadOnly { return .none }
    if superblocks[superblock.index].removedHeldCount > 0 {
      return refuse(.umountRootRemovedHeld, .busy)
    }
    note(.umountRootRemountsReadOnly, mount)
    superblocks[superblock.index].isReadOnly = true
    changeAllTables()
    return .none
  }

  /// `umount_tree`, 5.3.
  mutating func umountTree(_ top: Mount, _ reason: UmountReason) {
    if reason.contains(.propagates), !isBroken(.receiversKeepLock) { unlockReceivers(of: top) }
    var own = tree(of: top)
    if rules.umountListsLastFirst { own.reverse() }
    for mount in own { mounts[mount.index].state.insert(.umounted) }
    var copies: [Mount] = []
    if reason.contains(.propagates) {
      if !isBroken(.umountDoesNotPropagate) {
        copies =
          rules.umountsLargestSet ? propagateUmount(own) : propagateUmountSpeculatively(own)
      }
      state.counters.mountsUmounted += UInt64(own.count)
      state.counters.copiesUmounted += UInt64(copies.count)
    }
    let all = copies.isEmpty ? own : own + copies
    // Not before: the walk over receivers goes to slaves of mounts in a namespace only.
    for mount in all { leaveNamespace(mount) }
    handOver(all)
    for mount in all where mounts[mount.index].parent != .none {
      let parent = mounts[mount.index].parent
      if staysConnected(mount, to: parent, reason) {
        if rules.leavesCovers {
          leaveCover(for: mount)
        } else {
          note(.staysConnected, mount)
        }
      } else {
        changeTable(of: mounts[parent.index].namespace)
        separate(mount)
      }
    }
    for mount in all { putIfUnused(mount) }
  }

  /// `disconnect_mount`, 5.8.
  private mutating func staysConnected(
    _ mount: Mount, to parent: Mount, _ reason: UmountReason
  ) -> Bool {
    if reason.contains(.synchronous) { return false }
    if !mounts[parent.index].state.contains(.umounted) { return false }
    if isBroken(.detachedTreeStaysConnected) { return true }
    return reason.contains(.connected)
      || mounts[mount.index].state.contains(.locked) && !isBroken(.lockedMembersAreSeparated)
  }

  /// 7.3: below a detached parent an empty directory stands where the child was.
  private mutating func leaveCover(for mount: Mount) {
    let parent = mounts[mount.index].parent
    let place = mounts[mount.index].mountpoint
    note(.coverLeft, parent)
    separate(mount)
    if mounts[parent.index].holds == 0 { return }
    let superblock = makeSuperblock(
      type: names.intern("nullfs"), owner: state.initialUserNamespace)
    superblocks[superblock.index].isReadOnly = true
    superblocks[superblock.index].isForKernelOnly = true
    if dentries[place.index].kind != .directory {
      dentries[superblocks[superblock.index].root.index].kind = .regular
    }
    let cover = makeMount(
      of: superblock, root: superblocks[superblock.index].root,
      deviceName: names.intern("nullfs"), attributes: [])
    mounts[cover.index].state = [.umounted, .cover]
    attach(cover, to: parent, at: place)
  }

  /// The top of what is taken down loses its lock at the receivers (`propagate_mount_unlock`).
  private mutating func unlockReceivers(of top: Mount) {
    let parent = mounts[top.index].parent
    guard parent != .none else { return }
    let place = mounts[top.index].mountpoint
    var receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      let copy = child(of: receiver, at: place)
      if copy != .none, mounts[copy.index].state.contains(.locked) {
        note(.receiverCopyUnlocked, copy)
        mounts[copy.index].state.remove(.locked)
      }
      receiver = propagationNext(receiver, origin: parent)
    }
  }
}
