import StormVocabulary

// Automounts and their removal, kernel-mounts 5.9. The one automount point that needs no daemon and no server is
// `tracing` in debugfs, where a walk makes tracefs appear; the kernel handles it as it does those of NFS or AFS.

extension MountModel {
  /// `follow_automount`, `finish_automount`.
  mutating func automount(at place: Location, by process: Process) -> Errno {
    note(.automountTriggers, place.mount)
    if !rules.automountsForAllUsers, !hasCapability(process, over: state.initialUserNamespace) {
      return refuse(.automountNeverAppears, .tooManySymbolicLinks)
    }
    if mounts[place.mount.index].namespace == .none {
      return refuse(.targetUnmounted, .invalidArgument)
    }
    let superblock = automountedSuperblock()
    superblocks[superblock.index].mountCount += 1
    let parent = mounts[place.mount.index]
    let mount = makeMount(
      of: superblock, root: superblocks[superblock.index].root,
      deviceName: names.intern("tracefs"), attributes: parent.attributes.subtracting(.idmapped))
    let inherited: MountState =
      rules.automountsStartUnlocked ? .lockedAttributes : [.lockedAttributes, .locked]
    mounts[mount.index].state = parent.state.intersection(inherited).union(.shrinkable)
    let errno = attachTree(
      mount, at: AttachPlace(parent: place.mount, mountpoint: place.dentry), from: .new,
      by: process)
    if errno != .none { umountTree(mount, .synchronous) }
    superblocks[superblock.index].mountCount -= 1
    if superblocks[superblock.index].mountCount == 0 { releaseSuperblock(superblock) }
    return errno
  }

  /// Automounts below a mount that nothing uses go before it is asked whether it is busy, and stay gone even if it is
  /// (`shrink_submounts`).
  mutating func shrinkSubmounts(of top: Mount) {
    if mounts[top.index].firstChild == .none { return }
    if rules.shrinksRightAfterCheck {
      while shrinkOnce(below: top) {}
      return
    }
    while true {
      let idle = idleSubmounts(of: top)
      if idle.isEmpty { return }
      for mount in idle where mounts[mount.index].namespace != .none {
        note(.shrinksSubmount, mount)
        umountTree(mount, [.propagates, .synchronous])
      }
    }
  }

  /// The childless automounts below a mount that are idle now, down through automounts only (`select_submounts`).
  private mutating func idleSubmounts(of top: Mount) -> [Mount] {
    var idle: [Mount] = []
    var pending = [top]
    while let parent = pending.popLast() {
      var child = mounts[parent.index].firstChild
      while child != .none {
        let state = mounts[child.index].state
        if state.contains(.shrinkable) {
          if mounts[child.index].firstChild != .none {
            pending.append(child)
          } else if !(rules.shrinkKeepsLocked && state.contains(.locked)), !isBusy(child) {
            idle.append(child)
          }
        }
        child = mounts[child.index].nextSibling
      }
    }
    return idle
  }

  /// One walk: children before their parents; true when something went.
  private mutating func shrinkOnce(below top: Mount) -> Bool {
    var hasShrunk = false
    var parent = top
    var child = mounts[top.index].firstChild
    while true {
      while child != .none {
        let next = mounts[child.index].nextSibling
        if mounts[child.index].state.contains(.shrinkable) {
          if mounts[child.index].firstChild != .none {
            parent = child
            child = mounts[parent.index].firstChild
            continue
          }
          if shrink(child) {
            hasShrunk = true
            if mounts[parent.index].namespace == .none { return true }
          }
        }
        child = next
      }
      if parent == top { return hasShrunk }
      let mount = parent
      child = mounts[mount.index].nextSibling
      parent = mounts[mount.index].parent
      if shrink(mount) {
        hasShrunk = true
        if mounts[parent.index].namespace == .none { return true }
      }
    }
  }

  private mutating func shrink(_ mount: Mount) -> Bool {
    if rules.shrinkKeepsLocked, mounts[mount.index].state.contains(.locked) {
      note(.shrinkSkipsLocked, mount)
      return false
    }
    if isBusy(mount) { return false }
    note(.shrinksSubmount, mount)
    umountTree(mount, [.propagates, .synchronous])
    return true
  }
}
