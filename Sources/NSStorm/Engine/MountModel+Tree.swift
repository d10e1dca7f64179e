// The tree of mounts: links to parents and children, membership of namespaces, and final puts.

extension MountModel {
  /// The next mount of a tree in pre-order, children in list order; none after the last (`next_mnt`).
  @inline(__always)
  func nextInTree(_ mount: Mount, root: Mount) -> Mount {
    let first = mounts[mount.index].firstChild
    return first != .none ? first : nextOutsideSubtree(mount, root: root)
  }

  /// The next mount of a tree that is not below `mount` (`skip_mnt_tree`, then `next_mnt`).
  @inline(__always)
  func nextOutsideSubtree(_ mount: Mount, root: Mount) -> Mount {
    var here = mount
    while here != root {
      let sibling = mounts[here.index].nextSibling
      if sibling != .none { return sibling }
      here = mounts[here.index].parent
    }
    return .none
  }

  /// All mounts of a tree in pre-order.
  func tree(of root: Mount) -> [Mount] {
    var members: [Mount] = []
    var here = root
    while here != .none {
      members.append(here)
      here = nextInTree(here, root: root)
    }
    return members
  }

  /// Whether `mount` is `ancestor` or below it (`mount_is_ancestor`).
  func isAtOrBelow(_ mount: Mount, _ ancestor: Mount) -> Bool {
    var here = mount
    while here != .none {
      if here == ancestor { return true }
      here = mounts[here.index].parent
    }
    return false
  }

  /// Hangs a mount on a place, as the last of the parent's children (`attach_mnt`).
  mutating func attach(_ mount: Mount, to parent: Mount, at mountpoint: Dentry) {
    linkMountpoint(mount, to: parent, at: mountpoint)
    appendChild(mount, to: parent)
    childTable.set(parent.index, mountpoint.index, to: mount.index)
  }

  /// Records where a mount will hang without hanging it there (`mnt_set_mountpoint`).
  mutating func linkMountpoint(_ mount: Mount, to parent: Mount, at mountpoint: Dentry) {
    mounts[mount.index].parent = parent
    mounts[mount.index].mountpoint = mountpoint
    let first = dentries[mountpoint.index].firstMountOn
    mounts[mount.index].nextOnDentry = first
    mounts[mount.index].previousOnDentry = .none
    if first != .none { mounts[first.index].previousOnDentry = mount }
    dentries[mountpoint.index].firstMountOn = mount
  }

  mutating func unlinkMountpoint(_ mount: Mount) {
    let record = mounts[mount.index]
    if record.previousOnDentry == .none {
      dentries[record.mountpoint.index].firstMountOn = record.nextOnDentry
    } else {
      mounts[record.previousOnDentry.index].nextOnDentry = record.nextOnDentry
    }
    if record.nextOnDentry != .none {
      mounts[record.nextOnDentry.index].previousOnDentry = record.previousOnDentry
    }
    mounts[mount.index].nextOnDentry = .none
    mounts[mount.index].previousOnDentry = .none
    mounts[mount.index].parent = .none
    mounts[mount.index].mountpoint = .none
  }

  mutating func appendChild(_ mount: Mount, to parent: Mount) {
    let last = mounts[parent.index].lastChild
    mounts[mount.index].previousSibling = last
    mounts[mount.index].nextSibling = .none
    if last == .none {
      mounts[parent.index].firstChild = mount
    } else {
      mounts[last.index].nextSibling = mount
    }
    mounts[parent.index].lastChild = mount
  }

  private mutating func unlinkChild(_ mount: Mount) {
    let record = mounts[mount.index]
    if record.previousSibling == .none {
      mounts[record.parent.index].firstChild = record.nextSibling
    } else {
      mounts[record.previousSibling.index].nextSibling = record.nextSibling
    }
    if record.nextSibling == .none {
      mounts[record.parent.index].lastChild = record.previousSibling
    } else {
      mounts[record.nextSibling.index].previousSibling = record.previousSibling
    }
    mounts[mount.index].nextSibling = .none
    mounts[mount.index].previousSibling = .none
  }

  /// Takes a mount off its place (`detach_mnt`, `umount_mnt`); it keeps its own children.
  mutating func separate(_ mount: Mount) {
    let record = mounts[mount.index]
    guard record.parent != .none else { return }
    unlinkChild(mount)
    if child(of: record.parent, at: record.mountpoint) == mount {
      let other =
        state.hasSharedPlaces
        ? otherMount(on: record.mountpoint, of: record.parent, but: mount) : .none
      childTable.set(record.parent.index, record.mountpoint.index, to: other.index)
    }
    unlinkMountpoint(mount)
  }

  private func otherMount(on dentry: Dentry, of parent: Mount, but mount: Mount) -> Mount {
    var other = dentries[dentry.index].firstMountOn
    while other != .none {
      if other != mount, mounts[other.index].parent == parent { return other }
      other = mounts[other.index].nextOnDentry
    }
    return .none
  }

  // MARK: namespaces

  /// Adds a mount to a namespace's list and count.
  mutating func join(_ namespace: Namespace, _ mount: Mount) {
    let last = namespaces[namespace.index].lastMount
    mounts[mount.index].namespace = namespace
    mounts[mount.index].previousInNamespace = last
    mounts[mount.index].nextInNamespace = .none
    if last == .none {
      namespaces[namespace.index].firstMount = mount
    } else {
      mounts[last.index].nextInNamespace = mount
    }
    namespaces[namespace.index].lastMount = mount
    namespaces[namespace.index].mountCount += 1
    namespaces[namespace.index].version &+= 1
  }

  /// Takes a mount off its namespace's list and count.
  mutating func leaveNamespace(_ mount: Mount) {
    let record = mounts[mount.index]
    guard record.namespace != .none else { return }
    if record.previousInNamespace == .none {
      namespaces[record.namespace.index].firstMount = record.nextInNamespace
    } else {
      mounts[record.previousInNamespace.index].nextInNamespace = record.nextInNamespace
    }
    if record.nextInNamespace == .none {
      namespaces[record.namespace.index].lastMount = record.previousInNamespace
    } else {
      mounts[record.nextInNamespace.index].previousInNamespace = record.previousInNamespace
    }
    mounts[mount.index].nextInNamespace = .none
    mounts[mount.index].previousInNamespace = .none
    mounts[mount.index].namespace = .none
    namespaces[record.namespace.index].mountCount -= 1
    namespaces[record.namespace.index].version &+= 1
  }

  /// Notes that the tables of a namespace may look different now.
  @inline(__always)
  mutating func changeTable(of namespace: Namespace) {
    if namespace != .none { namespaces[namespace.index].version &+= 1 }
  }

  /// Notes that any table may look different now (a rename, a superblock that became read-only).
  mutating func changeAllTables() {
    for index in 1..<namespaces.slotCount { namespaces[index].version &+= 1 }
  }

  // MARK: the end of a mount

  /// The final put (`mntput_no_expire`, 6.1): a mount that is mounted nowhere and that nothing holds is gone,
  /// and with it what was only connected to it (`mnt_stuck_children`).
  mutating func putIfUnused(_ mount: Mount) {
    guard isUnused(mount) else { return }
    if mounts[mount.index].firstChild == .none {
      destroy(mount)
      return
    }
    var pending = [mount]
    while let dying = pending.popLast() {
      guard isUnused(dying) else { continue }
      var child = mounts[dying.index].firstChild
      while child != .none {
        let next = mounts[child.index].nextSibling
        separate(child)
        pending.append(child)
        child = next
      }
      destroy(dying)
    }
  }

  @inline(__always)
  private func isUnused(_ mount: Mount) -> Bool {
    mounts[mount.index].namespace == .none && mounts[mount.index].holds == 0
      && mounts[mount.index].parent == .none && mounts[mount.index].state.contains(.umounted)
  }

  /// Frees a mount that no list holds any more, and its superblock with the last mount of it.
  mutating func destroy(_ mount: Mount) {
    let record = mounts[mount.index]
    assert(record.group == 0 && record.master == .none && record.firstSlave == .none)
    mounts.free(mount.index)
    unpin(record.root)
    superblocks[record.superblock.index].mountCount -= 1
    if superblocks[record.superblock.index].mountCount == 0 {
      releaseSuperblock(record.superblock)
    }
  }
}
