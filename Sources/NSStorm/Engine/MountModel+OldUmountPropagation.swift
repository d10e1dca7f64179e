// Umount propagation up to 6.16, kernel-mounts 5.5: candidates are marked one by one while walking upwards, and what covers a
// root is never an obstacle.

extension MountModel {
  /// The state of one speculative umount.
  private struct Speculation {
    /// Visited and on no other list.
    static let visited: UInt32 = 1
    /// Waits to be put back where it is visible.
    static let restored: UInt32 = 2
    /// Will go, as far as is known.
    static let markedBit: UInt32 = 8

    var taken: [Mount] = []
    var restoring: [Mount] = []
  }

  /// The mounts that go with `own`; survivors have been put back.
  mutating func propagateUmountSpeculatively(_ own: [Mount]) -> [Mount] {
    marks.begin(slotCount: mounts.slotCount)
    var speculation = Speculation()
    for mount in own.reversed() {
      let parent = mounts[mount.index].parent
      guard parent != .none, marks[mount] & 7 == 0 else { continue }
      marks[mount] = Speculation.visited
      let place = mounts[mount.index].mountpoint
      guard mounts[parent.index].group != 0 else { continue }
      var receiver = propagationNext(parent, origin: parent)
      while receiver != .none {
        let candidate = child(of: receiver, at: place)
        if candidate != .none {
          if marks[candidate] & 7 != 0 {
            receiver = lastSlaveOrSelf(receiver)
          } else if mounts[candidate.index].state.contains(.umounted) {
            marks[candidate] = Speculation.visited
          } else {
            note(.umountCandidate, candidate)
            var upper = candidate
            while consider(upper, &speculation) {
              upper = mounts[upper.index].parent
              if marks[upper] & 7 == 0 { break }
            }
          }
        }
        receiver = propagationNext(receiver, origin: parent)
      }
    }
    takeDescendants(&speculation)
    putBack(speculation)
    return speculation.taken
  }

  /// The propagation subtree of a receiver is skipped by going on from its last slave.
  private func lastSlaveOrSelf(_ receiver: Mount) -> Mount {
    let last = mounts[receiver.index].lastSlave
    return walksSlaves(of: receiver) && last != .none ? last : receiver
  }

  /// Decides one candidate; true when it was marked, so that its parent may follow.
  private mutating func consider(_ mount: Mount, _ speculation: inout Speculation) -> Bool {
    if mounts[mount.index].state.contains(.umounted)
      || marks[mount] & Speculation.markedBit != 0
    {
      return false
    }
    var child = mounts[mount.index].firstChild
    while child != .none {
      let covers = mounts[child.index].mountpoint == mounts[mount.index].root
      let goesToo =
        marks[child] & Speculation.markedBit != 0 || mounts[child.index].state.contains(.umounted)
      if !covers, !goesToo {
        note(.candidateKeptByInnerMount, mount)
        restore(mount, &speculation)
        return false
      }
      child = mounts[child.index].nextSibling
    }
    if mounts[mount.index].state.contains(.locked) {
      note(.candidateKeptByLock, mount)
      restore(mount, &speculation)
      marks[mount] |= Speculation.markedBit
    } else {
      take(mount, &speculation)
    }
    return true
  }

  private mutating func take(_ mount: Mount, _ speculation: inout Speculation) {
    marks[mount] = 0
    mounts[mount.index].state.insert(.umounted)
    speculation.taken.append(mount)
  }

  private mutating func restore(_ mount: Mount, _ speculation: inout Speculation) {
    if let position = speculation.restoring.lastIndex(of: mount) {
      speculation.restoring.remove(at: position)
    }
    speculation.restoring.append(mount)
    marks[mount] = marks[mount] & Speculation.markedBit | Speculation.restored
  }

  /// What is strictly inside a mount that goes, goes; what covers its root is put back.
  private mutating func takeDescendants(_ speculation: inout Speculation) {
    var position = 0
    while position < speculation.taken.count {
      let mount = speculation.taken[position]
      position += 1
      var child = mounts[mount.index].firstChild
      while child != .none {
        let next = mounts[child.index].nextSibling
        if !mounts[child.index].state.contains(.umounted) {
          if mounts[child.index].mountpoint == mounts[mount.index].root {
            restore(child, &speculation)
          } else {
            speculation.restoring.removeAll { $0 == child }
            take(child, &speculation)
          }
        }
        child = next
      }
    }
  }

  /// Survivors whose parents go are moved up to the first place that stays (`restore_mounts`).
  private mutating func putBack(_ speculation: Speculation) {
    for survivor in speculation.restoring { slideDown(survivor) }
  }
}
