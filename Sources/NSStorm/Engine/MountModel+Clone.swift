import StormVocabulary

/// How a copy relates to its original (CL_*).
struct CloneFlags: OptionSet {
  var rawValue: UInt8
  /// CL_SLAVE: not a peer; a slave of a shared original.
  static let slave = CloneFlags(rawValue: 1)
  /// CL_PRIVATE: outside all propagation.
  static let isolated = CloneFlags(rawValue: 2)
  /// CL_MAKE_SHARED: shared in any case, with a fresh group if need be.
  static let makeShared = CloneFlags(rawValue: 4)
  /// CL_COPY_UNBINDABLE
  static let copyUnbindable = CloneFlags(rawValue: 8)
  /// CL_COPY_MNT_NS_FILE: only binds by a caller copy the files of mount namespaces.
  static let copyNamespaceFiles = CloneFlags(rawValue: 16)
}

// Copies of mounts and trees, kernel-mounts 3.3.1.

extension MountModel {
  /// A mount that is attached nowhere (`alloc_vfsmnt`).
  mutating func makeMount(
    of superblock: Superblock, root: Dentry, deviceName: NameTable.Index,
    attributes: MountAttributes
  ) -> Mount {
    let mount = Mount(index: mounts.allocate())
    state.lastUniqueID += 1
    mounts[mount.index].superblock = superblock
    mounts[mount.index].root = root
    mounts[mount.index].deviceName = deviceName
    mounts[mount.index].attributes = attributes
    mounts[mount.index].nextPeer = mount
    mounts[mount.index].previousPeer = mount
    mounts[mount.index].uniqueID = state.lastUniqueID
    superblocks[superblock.index].mountCount += 1
    if superblocks[superblock.index].deviceName == 0 {
      superblocks[superblock.index].deviceName = deviceName
    }
    pin(root)
    return mount
  }

  /// `clone_mnt`: a copy of one mount, attached nowhere. The lock is copied; the callers clear it at a tree's top.
  mutating func clone(_ original: Mount, root: Dentry, _ flags: CloneFlags) -> Mount {
    let old = mounts[original.index]
    let copy = makeMount(
      of: old.superblock, root: root, deviceName: old.deviceName, attributes: old.attributes)
    var state = old.state.intersection(MountState.lockedAttributes.union([.locked, .shrinkable]))
    if rules.copiesInheritUmounted { state.formUnion(old.state.intersection(.umounted)) }
    if old.state.contains(.unbindable) {
      if rules.copiesKeepUnbindable {
        state.insert(.unbindable)
      } else {
        note(.copyLosesUnbindable, copy)
      }
    }
    var group = flags.isDisjoint(with: [.slave, .isolated]) ? old.group : 0
    if group == 0, flags.contains(.makeShared) { group = freshGroup() }
    if group != 0 { state.remove(.unbindable) }
    mounts[copy.index].state = state
    mounts[copy.index].group = group
    if flags.contains(.isolated) { return copy }
    if group != 0, group == old.group {
      note(.copyIsPeer, copy)
      insertPeer(
        copy,
        after: isBroken(.peerInsertedBeforeOriginal)
          ? mounts[original.index].previousPeer : original)
    }
    if flags.contains(.slave), old.group != 0 {
      note(.copyIsSlave, copy)
      if isBroken(.slaveCopyAtTail) {
        insertSlaveAtTail(copy, of: original)
      } else {
        insertSlaveAtHead(copy, of: original)
      }
    } else if old.master != .none {
      note(.copySharesMaster, copy)
      if isBroken(.copyOfSlaveAtHead) {
        insertSlaveAtHead(copy, of: old.master)
      } else {
        insertSlave(copy, behind: original)
      }
    }
    return copy
  }

  /// `copy_tree`: a copy of the part of a tree below a dentry; unbindable subtrees are left out.
  ///
  /// - Parameter withChildren: false copies the one mount (a plain bind).
  mutating func copyTree(
    _ source: Mount, at dentry: Dentry, _ flags: CloneFlags, withChildren: Bool = true
  ) -> Result<Mount, Errno> {
    if !flags.contains(.copyUnbindable), mounts[source.index].state.contains(.unbindable) {
      return .failure(refuse(.copyOfUnbindable, .invalidArgument))
    }
    if withChildren, !flags.contains(.copyNamespaceFiles), namespace(of: dentry) != .none {
      return .failure(refuse(.copyOfNamespaceFile, .invalidArgument))
    }
    let top = clone(source, root: dentry, flags)
    guard withChildren else { return .success(top) }
    var child = mounts[source.index].firstChild
    while child != .none {
      let nextChild = mounts[child.index].nextSibling
      if isAtOrBelow(mounts[child.index].mountpoint, dentry) {
        if let errno = copySubtree(child, below: source, to: top, flags) {
          umountTree(top, .synchronous)
          return .failure(errno)
        }
      }
      child = nextChild
    }
    return .success(top)
  }

  /// Copies the subtree of one child; nil when it went well.
  private mutating func copySubtree(
    _ child: Mount, below source: Mount, to top: Mount, _ flags: CloneFlags
  ) -> Errno? {
    var original = child
    var originalParent = source
    var copyParent = top
    var last = (original: Mount.none, copy: Mount.none)
    while original != .none {
      if !flags.contains(.copyUnbindable), !isBroken(.unbindableIsCopied),
        mounts[original.index].state.contains(.unbindable)
      {
        if mounts[original.index].state.contains(.locked) {
          return refuse(.copyMeetsLockedUnbindable, .notPermitted)
        }
        note(.copySkipsUnbindable, original)
        original = nextOutsideSubtree(original, root: child)
        continue
      }
      if !flags.contains(.copyNamespaceFiles), isMountNamespaceFile(original) {
        note(.copySkipsNamespaceFile, original)
        original = nextOutsideSubtree(original, root: child)
        continue
      }
      if mounts[original.index].parent == last.original {
        (originalParent, copyParent) = last
      }
      while originalParent != mounts[original.index].parent {
        originalParent = mounts[originalParent.index].parent
        copyParent = mounts[copyParent.index].parent
      }
      let copy = clone(original, root: mounts[original.index].root, flags)
      attach(copy, to: copyParent, at: mounts[original.index].mountpoint)
      last = (original, copy)
      original = nextInTree(original, root: child)
    }
    return nil
  }
}
