// Whether a synchronous umount may go on, kernel-mounts 5.2 (`propagate_mount_busy`).

extension MountModel {
  /// Whether the mount, or a copy that would go with it, is in use. The running call's own reference does not count.
  mutating func isBusy(_ victim: Mount) -> Bool {
    if mounts[victim.index].firstChild != .none, !isBroken(.ownChildIsNotBusy) {
      note(.busyOwnChild, victim)
      return true
    }
    if holdsOfOthers(victim) > 0, !isBroken(.heldIsNotBusy) {
      note(.busyHeld, victim)
      return true
    }
    let parent = mounts[victim.index].parent
    guard parent != .none else { return false }
    let place = mounts[victim.index].mountpoint
    if isBroken(.receiverHeldIsNotBusy) { return false }
    if isBroken(.receiverWithChildCounts), anyReceiverIsHeld(parent: parent, place: place) {
      return true
    }
    if rules.busyWalksChains { return anyChainIsBusy(victim: victim, parent: parent, place: place) }
    var receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      let candidate = child(of: receiver, at: place)
      if candidate != .none {
        let isChildless = mounts[candidate.index].firstChild == .none
        if !isChildless, !hasOnlyTopper(candidate) {
          note(.receiverCopyWithChildDoesNotCount, candidate)
        } else if holdsOfOthers(candidate) > 0, isChildless || !isBroken(.busyIgnoresTopper) {
          note(isChildless ? .busyReceiverCopyHeld : .busyToppedReceiverCopyHeld, candidate)
          return true
        }
      }
      receiver = propagationNext(receiver, origin: parent)
    }
    return false
  }

  /// What a test takes for the rule when it is broken: every held copy counts.
  private func anyReceiverIsHeld(parent: Mount, place: Dentry) -> Bool {
    var receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      let candidate = child(of: receiver, at: place)
      if candidate != .none, holdsOfOthers(candidate) > 0 { return true }
      receiver = propagationNext(receiver, origin: parent)
    }
    return false
  }

  /// Whether the only child covers the mount's root (`find_topper`).
  private func hasOnlyTopper(_ mount: Mount) -> Bool {
    let only = mounts[mount.index].firstChild
    return only != .none && only == mounts[mount.index].lastChild
      && mounts[only.index].mountpoint == mounts[mount.index].root
  }

  /// 7.2+: receivers can be mounted inside each other, so candidates come in chains, and each chain is judged as
  /// a whole (`chain_busy`).
  private mutating func anyChainIsBusy(victim: Mount, parent: Mount, place: Dentry) -> Bool {
    marks.begin(slotCount: mounts.slotCount)
    let receives: UInt32 = 1
    let isCandidate: UInt32 = 2
    var receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      marks[receiver] |= receives
      let candidate = child(of: receiver, at: place)
      if candidate != .none { marks[candidate] |= isCandidate }
      receiver = propagationNext(receiver, origin: parent)
    }
    receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      if marks[receiver] & isCandidate == 0 {
        let top = child(of: receiver, at: place)
        if top != .none, chainIsBusy(from: top, victim: victim, place: place, receives: receives) {
          return true
        }
      }
      receiver = propagationNext(receiver, origin: parent)
    }
    return false
  }

  private mutating func chainIsBusy(
    from top: Mount, victim: Mount, place: Dentry, receives: UInt32
  ) -> Bool {
    var chain: [Mount] = []
    var member = top
    while member != .none, chain.count <= mounts.liveCount {
      chain.append(member)
      member = marks[member] & receives != 0 ? child(of: member, at: place) : .none
    }
    func next(_ position: Int) -> Mount { position + 1 < chain.count ? chain[position + 1] : .none }
    var deepest = -1
    for (position, link) in chain.enumerated() {
      var child = mounts[link.index].firstChild
      while child != .none {
        if child != next(position), child != victim { deepest = position }
        child = mounts[child.index].nextSibling
      }
    }
    for (position, link) in chain.enumerated() {
      let cover = overmount(of: link)
      var goes = true
      var child = mounts[link.index].firstChild
      while child != .none {
        if child != next(position), child != cover, child != victim { goes = false }
        child = mounts[child.index].nextSibling
      }
      if goes, next(position) != .none, next(position) != cover, position < deepest { goes = false }
      let isToppedAndIgnored = cover != .none && isBroken(.busyIgnoresTopper)
      if goes, holdsOfOthers(link) > 0, !isToppedAndIgnored {
        if chain.count > 1 {
          note(.busyChainMemberHeld, link)
        } else {
          let isChildless = mounts[link.index].firstChild == .none
          note(isChildless ? .busyReceiverCopyHeld : .busyToppedReceiverCopyHeld, link)
        }
        return true
      }
      if !goes { note(.receiverCopyWithChildDoesNotCount, link) }
    }
    return false
  }
}
