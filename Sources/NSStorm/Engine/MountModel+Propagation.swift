import StormVocabulary

// Mount propagation, kernel-mounts 4.2 and 4.3 (`propagate_mnt`, `propagation_next`).

extension MountModel {
  /// Whether the walk goes on to the slaves of a mount: copies of the running call are not walked, and up to 6.12
  /// neither are mounts in anonymous namespaces (4.3).
  @inline(__always)
  func walksSlaves(of mount: Mount) -> Bool {
    let namespace = mounts[mount.index].namespace
    if namespace == .none { return false }
    if isBroken(.propagationStopsAtSlaves), mounts[mount.index].master != .none { return false }
    return rules.walksAnonymousMounts || !namespaces[namespace.index].isAnonymous
  }

  /// The next mount that receives from `origin`, mount by mount, depth first (`propagation_next`).
  func propagationNext(_ mount: Mount, origin: Mount) -> Mount {
    if walksSlaves(of: mount) {
      let first = mounts[mount.index].firstSlave
      if first != .none { return first }
    }
    return propagationBehind(mount, origin: origin)
  }

  /// The next receiver behind all those that receive from this mount and its peers (`skip_propagation_subtree`).
  func propagationPast(_ mount: Mount, origin: Mount) -> Mount {
    let group = mounts[mount.index].group
    var next = propagationBehind(mount, origin: origin)
    while next != .none, group != 0, mounts[next.index].group == group {
      next = propagationBehind(next, origin: origin)
    }
    return next
  }

  /// The next receiver that is no slave of this one (`__propagation_next`).
  private func propagationBehind(_ mount: Mount, origin: Mount) -> Mount {
    var here = mount
    while true {
      let master = mounts[here.index].master
      if master == mounts[origin.index].master {
        let next = mounts[here.index].nextPeer
        return next == origin ? .none : next
      }
      let sibling = mounts[here.index].nextSlave
      if sibling != .none { return sibling }
      here = master
    }
  }

  /// The entry mount of the next slave group (`next_group`).
  private func nextGroup(_ mount: Mount, origin: Mount) -> Mount {
    var here = mount
    while true {
      while true {
        if walksSlaves(of: here) {
          let first = mounts[here.index].firstSlave
          if first != .none { return first }
        }
        let next = mounts[here.index].nextPeer
        if mounts[here.index].group == mounts[origin.index].group {
          if next == origin { return .none }
        } else if mounts[here.index].nextSlave != next {
          break
        }
        here = next
      }
      while true {
        let sibling = mounts[here.index].nextSlave
        if sibling != .none { return sibling }
        let master = mounts[here.index].master
        here = mounts[master.index].nextPeer
        if mounts[master.index].group == mounts[origin.index].group { break }
        if mounts[master.index].nextSlave == here { break }
        here = master
      }
      if here == origin { return .none }
    }
  }

  /// What one call of ``propagate(_:onto:at:)`` carries from receiver to receiver.
  private struct Wave {
    var source: Mount
    var destination: Mount
    var place: Dentry
    /// The copy that the next one is made from.
    var lastCopy: Mount
    /// The receiver of that copy.
    var lastReceiver: Mount
    /// Groups above this one were made by the running call: their mounts are not shared yet.
    var lastOldGroup: UInt32
    var copies: [Mount] = []
  }

  /// Copies `source` to every mount that receives from `destination`. The copies know their place but hang
  /// nowhere yet. On an error every copy is destroyed again (4.5).
  mutating func propagate(
    _ source: Mount, onto destination: Mount, at place: Dentry, lastOldGroup: UInt32
  ) -> Result<[Mount], Errno> {
    var wave = Wave(
      source: source, destination: destination, place: place, lastCopy: source,
      lastReceiver: destination, lastOldGroup: lastOldGroup)
    marks.begin(slotCount: mounts.slotCount)
    var errno: Errno?
    var receiver = mounts[destination.index].nextPeer
    while receiver != destination, errno == nil {
      errno = propagateOne(to: receiver, &wave)
      receiver = mounts[receiver.index].nextPeer
    }
    var entry = errno == nil ? nextGroup(destination, origin: destination) : .none
    while entry != .none, errno == nil {
      receiver = entry
      repeat {
        errno = propagateOne(to: receiver, &wave)
        receiver = mounts[receiver.index].nextPeer
      } while receiver != entry && errno == nil
      entry = nextGroup(entry, origin: destination)
    }
    if let errno {
      for copy in wave.copies.reversed() { discardCopy(copy) }
      return .failure(errno)
    }
    return .success(wave.copies)
  }

  /// A copy that never became visible goes away again.
  private mutating func discardCopy(_ copy: Mount) {
    unlinkMountpoint(copy)
    umountTree(copy, .synchronous)
  }

  /// `propagate_one`: nil when it went well, or when the receiver gets nothing.
  private mutating func propagateOne(to receiver: Mount, _ wave: inout Wave) -> Errno? {
    let namespace = mounts[receiver.index].namespace
    if namespace == .none { return nil }
    if !isBroken(.propagationIgnoresVisibility),
      !isAtOrBelow(wave.place, mounts[receiver.index].root)
    {
      note(.placeNotVisibleInReceiver, receiver)
      return nil
    }
    if namespaces[namespace.index].isAnonymous, !isBroken(.anonymousReceives) {
      note(.anonymousReceivesNothing, receiver)
      return nil
    }
    var flags: CloneFlags = .makeShared
    if !arePeers(receiver, wave.lastReceiver) {
      wave.lastCopy =
        isBroken(.masterIsAlwaysTheSource) ? wave.source : findMaster(for: receiver, wave)
      // A moved slave may receive its own copy, before it becomes shared itself.
      let isSharedAlready =
        isShared(receiver) && mounts[receiver.index].group <= wave.lastOldGroup
      flags = isSharedAlready ? [.slave, .makeShared] : .slave
      if isBroken(.slaveCopyIsPeer) { flags = .makeShared }
      if isBroken(.sharedSlaveCopyIsNotShared) { flags = .slave }
    } else if isBroken(.copiesComeFromTheSource), arePeers(wave.source, wave.lastCopy) {
      wave.lastCopy = wave.source
    }
    let copy: Mount
    switch copyTree(wave.lastCopy, at: mounts[wave.lastCopy.index].root, flags) {
    case .failure(let errno): return errno
    case .success(let made): copy = made
    }
    linkMountpoint(copy, to: receiver, at: wave.place)
    wave.copies.append(copy)
    wave.lastReceiver = receiver
    wave.lastCopy = copy
    note(flags.contains(.slave) ? .propagatesToSlave : .propagatesToPeer, copy)
    let master = mounts[receiver.index].master
    if master != mounts[wave.destination.index].master { marks[master] = 1 }
    return count(copy, in: namespace)
  }

  /// Which copy is the master of the first copy in the receiver's group (4.2): one in the nearest group, up
  /// the chain of masters, that got a copy.
  private mutating func findMaster(for receiver: Mount, _ wave: Wave) -> Mount {
    var member = receiver
    var upper: Mount
    while true {
      upper = mounts[member.index].master
      if upper == mounts[wave.destination.index].master || upper == .none || marks[upper] != 0 {
        break
      }
      note(.groupWithoutCopyIsSkipped, upper)
      member = upper
    }
    var copy = wave.lastCopy
    while !arePeers(copy, wave.source) {
      let parent = mounts[copy.index].parent
      let atThisLevel = mounts[parent.index].master == upper
      if atThisLevel, arePeers(member, parent) { break }
      copy = mounts[copy.index].master
      if atThisLevel { break }
    }
    return copy
  }

  // MARK: limits

  /// `count_mounts`, 4.4: nil when the namespace has room for the tree.
  mutating func count(_ tree: Mount, in namespace: Namespace) -> Errno? {
    var size: UInt32 = 0
    var here = tree
    while here != .none {
      size += 1
      here = nextInTree(here, root: tree)
    }
    let used = namespaces[namespace.index].mountCount + namespaces[namespace.index].pendingCount
    if used >= state.mountLimit || size > state.mountLimit - used {
      return refuse(.namespaceIsFull, .noSpace)
    }
    namespaces[namespace.index].pendingCount += size
    countedNamespaces.append(namespace)
    return nil
  }
}
