// Umount propagation since 6.17, kernel-mounts 5.4 (`propagate_umount`, gather_candidates, trim_one).

extension MountModel {
  /// What is known of a mount during one umount.
  private enum Fate {
    /// Taken by the caller, or its subtree.
    static let own: UInt32 = 1
    /// A candidate that still may go.
    static let candidate: UInt32 = 2
    /// Was a candidate and stays.
    static let stays: UInt32 = 3
  }

  /// The mounts that go because what they received goes: the largest set of candidates in which none has a
  /// living mount strictly inside it and none that is locked would reveal what it covers. Living mounts on the root of one that
  /// goes slide down to its place.
  mutating func propagateUmount(_ own: [Mount]) -> [Mount] {
    marks.begin(slotCount: mounts.slotCount)
    for mount in own { marks[mount] = Fate.own }
    var candidates = gatherCandidates(own)
    guard !candidates.isEmpty else { return [] }
    // The kernel keeps candidates in reverse order of discovery (5.6).
    candidates.reverse()
    while true {
      let before = candidates.count
      trimShifting(&candidates)
      trimRevealing(&candidates)
      if candidates.count == before { break }
    }
    let areChildless = candidates.allSatisfy { mounts[$0.index].firstChild == .none }
    let ordered = areChildless ? candidates : takingOrder(candidates)
    for mount in ordered { mounts[mount.index].state.insert(.umounted) }
    if !areChildless {
      for mount in ordered { slideSurvivor(on: mount) }
    }
    return ordered
  }

  private mutating func gatherCandidates(_ own: [Mount]) -> [Mount] {
    var candidates: [Mount] = []
    // Two members whose parents are peers, at the same dentry, have the same receivers.
    var seen = Set<UInt64>()
    for mount in own where !mounts[mount.index].state.contains(.leftAsCandidate) {
      let parent = mounts[mount.index].parent
      guard parent != .none else { continue }
      let place = mounts[mount.index].mountpoint
      let group = mounts[parent.index].group
      guard group != 0 else { continue }
      if own.count > 1, !seen.insert(UInt64(group) << 32 | UInt64(place.index)).inserted {
        continue
      }
      var receiver = propagationNext(parent, origin: parent)
      while receiver != .none {
        let copy = child(of: receiver, at: place)
        if copy != .none, marks[copy] == 0 {
          // An earlier umount has been here, the kernel thinks.
          if mounts[copy.index].state.contains(.leftAsCandidate) {
            receiver = propagationPast(receiver, origin: parent)
            continue
          }
          marks[copy] = Fate.candidate
          if mounts[copy.index].state.contains(.umounted) {
            // What is on its way out already is no obstacle and does not go again. A copy can be taken for that by mistake
            // (`copiesInheritUmounted`), and then nothing takes the mark from it.
            mounts[copy.index].state.insert(.leftAsCandidate)
          } else {
            note(.umountCandidate, copy)
            candidates.append(copy)
          }
        }
        receiver = propagationNext(receiver, origin: parent)
      }
    }
    for mount in own where mounts[mount.index].state.contains(.leftAsCandidate) {
      mounts[mount.index].state.remove(.leftAsCandidate)
    }
    return candidates
  }

  /// Removes candidates with something living strictly inside (non-shifting).
  private mutating func trimShifting(_ candidates: inout [Mount]) {
    // Children are decided before their parents; a mark of `stays` on a child is read by its parent.
    var pending: [(mount: Mount, expanded: Bool)] = []
    for mount in candidates.reversed() where mounts[mount.index].firstChild != .none {
      pending.append((mount, false))
    }
    if pending.isEmpty { return }
    var decided = Set<Mount>()
    while let (mount, expanded) = pending.popLast() {
      if decided.contains(mount) || marks[mount] != Fate.candidate { continue }
      if !expanded {
        pending.append((mount, true))
        var child = mounts[mount.index].firstChild
        while child != .none {
          if marks[child] == Fate.candidate { pending.append((child, false)) }
          child = mounts[child.index].nextSibling
        }
        continue
      }
      decided.insert(mount)
      var child = mounts[mount.index].firstChild
      while child != .none {
        let covers = mounts[child.index].mountpoint == mounts[mount.index].root
        let isObstacle =
          covers ? isBroken(.overmountIsObstacle) : !isBroken(.innerMountIsNoObstacle)
        if isObstacle, hasLiving(child) {
          note(.candidateKeptByInnerMount, mount)
          marks[mount] = Fate.stays
          break
        }
        child = mounts[child.index].nextSibling
      }
    }
    candidates.removeAll { marks[$0] != Fate.candidate }
  }

  /// Whether the mount or something below it lives on.
  private func hasLiving(_ top: Mount) -> Bool {
    var pending = [top]
    while let mount = pending.popLast() {
      if marks[mount] != Fate.own, marks[mount] != Fate.candidate,
        !mounts[mount.index].state.contains(.leftAsCandidate)
      {
        return true
      }
      // What was taken for one on its way out is not in the list of candidates, so that nobody looks into it.
      if marks[mount] != Fate.own, mounts[mount.index].state.contains(.umounted) { continue }
      var child = mounts[mount.index].firstChild
      while child != .none {
        pending.append(child)
        child = mounts[child.index].nextSibling
      }
    }
    return false
  }

  /// Removes locked candidates whose parent lives on (non-revealing).
  private mutating func trimRevealing(_ candidates: inout [Mount]) {
    if isBroken(.lockIsNoObstacle) { return }
    var changed = candidates.contains { mounts[$0.index].state.contains(.locked) }
    if !changed { return }
    while changed {
      changed = false
      for mount in candidates where marks[mount] == Fate.candidate {
        let parent = mounts[mount.index].parent
        if mounts[mount.index].state.contains(.locked), marks[parent] != Fate.own,
          marks[parent] != Fate.candidate
        {
          note(.candidateKeptByLock, mount)
          marks[mount] = Fate.stays
          changed = true
        }
      }
    }
    candidates.removeAll { marks[$0] != Fate.candidate }
  }

  /// First those without children that stay below them, in candidate order, then each first candidate with its
  /// ancestors (5.6); it decides the order in which survivors are attached again.
  private func takingOrder(_ candidates: [Mount]) -> [Mount] {
    var ordered: [Mount] = []
    var taken = Set<Mount>()
    for mount in candidates where mounts[mount.index].firstChild == .none {
      ordered.append(mount)
      taken.insert(mount)
    }
    for first in candidates where !taken.contains(first) {
      var mount = first
      while mount != .none, marks[mount] == Fate.candidate, taken.insert(mount).inserted {
        ordered.append(mount)
        mount = mounts[mount.index].parent
      }
    }
    return ordered
  }

  /// A living mount on the root of one that goes is attached at the place of the lowest one that goes.
  private mutating func slideSurvivor(on mount: Mount) {
    let survivor = overmount(of: mount)
    if isBroken(.survivorsGo), survivor != .none,
      !mounts[survivor.index].state.contains(.umounted)
    {
      separate(survivor)
      umountTree(survivor, .synchronous)
      return
    }
    guard survivor != .none, !mounts[survivor.index].state.contains(.umounted) else { return }
    slideDown(survivor)
  }

  /// Moves a survivor past all umounted parents to the first place that stays; nothing where its own parent stays.
  mutating func slideDown(_ survivor: Mount) {
    var place = mounts[survivor.index].mountpoint
    var parent = mounts[survivor.index].parent
    guard mounts[parent.index].state.contains(.umounted) else { return }
    while mounts[parent.index].state.contains(.umounted) {
      place = mounts[parent.index].mountpoint
      parent = mounts[parent.index].parent
    }
    note(.survivorSlidesDown, survivor)
    separate(survivor)
    changeTable(of: mounts[survivor.index].namespace)
    attachSliding(survivor, to: parent, at: place)
  }

  /// Two mounts stand on one place until the dying one is separated (5.6); the table names the survivor.
  private mutating func attachSliding(_ survivor: Mount, to parent: Mount, at place: Dentry) {
    let other = child(of: parent, at: place)
    if other != .none, !mounts[other.index].state.contains(.umounted) {
      note(.survivorsShareAPlace, survivor)
      state.hasSharedPlaces = true
    }
    linkMountpoint(survivor, to: parent, at: place)
    appendChild(survivor, to: parent)
    childTable.set(parent.index, place.index, to: survivor.index)
  }
}
