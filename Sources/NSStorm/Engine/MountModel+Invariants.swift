// The structural invariants in one place (kernel-mounts 1.2), checked after every step in tests.

extension MountModel {
  /// What is wrong with the structure, in words; empty when every invariant holds. Costs time in proportion to
  /// everything that exists.
  public func violatedInvariants() -> [String] {
    var violations: [String] = []
    var mountsPerSuperblock: [UInt32: UInt32] = [:]
    var mountsPerNamespace: [UInt32: UInt32] = [:]
    var listed = Set<UInt32>()
    var attachedCount = 0
    forEachLiveMount { mount in
      let record = mounts[mount.index]
      mountsPerSuperblock[record.superblock.index, default: 0] += 1
      checkPeers(mount, &violations)
      checkMasters(mount, &violations)
      checkChildren(mount, &violations)
      if record.parent != .none {
        attachedCount += 1
        let found = child(of: record.parent, at: record.mountpoint)
        if found != mount, !state.hasSharedPlaces {
          violations.append("mount \(record.uniqueID) is not the one at its place")
        }
        if !isAtOrBelow(record.mountpoint, mounts[record.parent.index].root) {
          violations.append("mount \(record.uniqueID) hangs outside its parent's root")
        }
      }
      if record.namespace == .none, record.state.isDisjoint(with: [.umounted, .isInternal]) {
        violations.append("mount \(record.uniqueID) is in no namespace and not umounted")
      }
      if record.state.contains(.unbindable), record.group != 0 {
        violations.append("mount \(record.uniqueID) is shared and unbindable")
      }
      if record.namespace == .none,
        record.group != 0 || record.master != .none || record.firstSlave != .none
      {
        violations.append("mount \(record.uniqueID) is umounted and still propagates")
      }
    }
    for index in 1..<namespaces.slotCount where namespaces[index].firstMount != .none {
      var mount = namespaces[index].firstMount
      while mount != .none {
        if mounts[mount.index].namespace.index != index {
          violations.append("namespace \(index) lists a mount of another")
        }
        if !listed.insert(mount.index).inserted {
          violations.append("a mount is in two namespaces")
          break
        }
        mountsPerNamespace[index, default: 0] += 1
        mount = mounts[mount.index].nextInNamespace
      }
      if namespaces[index].pendingCount != 0 {
        violations.append("namespace \(index) has pending mounts between calls")
      }
      if mountsPerNamespace[index] != namespaces[index].mountCount {
        violations.append("namespace \(index) miscounts its mounts")
      }
    }
    for (index, count) in mountsPerSuperblock.sorted(by: { $0.key < $1.key })
    where superblocks[index].mountCount != count {
      violations.append("superblock \(index) miscounts its mounts")
    }
    if childTable.count != attachedCount, !state.hasSharedPlaces {
      violations.append("\(childTable.count) places for \(attachedCount) attached mounts")
    }
    checkHolds(&violations)
    return violations
  }

  private func forEachLiveMount(_ body: (Mount) -> Void) {
    for index in 1..<mounts.slotCount where mounts[index].nextPeer != .none {
      body(Mount(index: index))
    }
  }

  private func checkPeers(_ mount: Mount, _ violations: inout [String]) {
    let record = mounts[mount.index]
    let next = record.nextPeer
    if mounts[next.index].previousPeer != mount {
      violations.append("mount \(record.uniqueID): the ring is broken")
    }
    if next != mount, record.group == 0 || mounts[next.index].group != record.group {
      violations.append("mount \(record.uniqueID) is in the ring of another group")
    }
    if next != mount, mounts[next.index].master != record.master,
      record.master == .none || mounts[next.index].master == .none
        || !arePeers(record.master, mounts[next.index].master)
    {
      violations.append("mount \(record.uniqueID): a peer has another master")
    }
  }

  private func checkMasters(_ mount: Mount, _ violations: inout [String]) {
    var slave = mounts[mount.index].firstSlave
    var previous = Mount.none
    while slave != .none {
      if mounts[slave.index].master != mount || mounts[slave.index].previousSlave != previous {
        violations.append("mount \(mounts[mount.index].uniqueID): the slave list is broken")
        return
      }
      previous = slave
      slave = mounts[slave.index].nextSlave
    }
    if mounts[mount.index].lastSlave != previous {
      violations.append("mount \(mounts[mount.index].uniqueID): the slave list has another end")
    }
    if mounts[mount.index].firstSlave != .none, mounts[mount.index].group == 0 {
      violations.append("mount \(mounts[mount.index].uniqueID) has slaves and is not shared")
    }
  }

  private func checkChildren(_ mount: Mount, _ violations: inout [String]) {
    var child = mounts[mount.index].firstChild
    var previous = Mount.none
    while child != .none {
      if mounts[child.index].parent != mount || mounts[child.index].previousSibling != previous {
        violations.append("mount \(mounts[mount.index].uniqueID): the child list is broken")
        return
      }
      previous = child
      child = mounts[child.index].nextSibling
    }
  }

  /// The references of a mount are exactly those of the processes.
  private func checkHolds(_ violations: inout [String]) {
    var holds: [UInt32: UInt32] = [:]
    for index in 1..<max(processes.slotCount, 1) where processes[index].isAlive {
      holds[processes[index].root.mount.index, default: 0] += 1
      holds[processes[index].workingDirectory.mount.index, default: 0] += 1
      var file = processes[index].firstFile
      while file != .none {
        holds[files[file.index].location.mount.index, default: 0] += 1
        file = files[file.index].next
      }
    }
    forEachLiveMount { mount in
      if mounts[mount.index].holds != holds[mount.index] ?? 0 {
        violations.append("mount \(mounts[mount.index].uniqueID) miscounts its references")
      }
    }
  }
}
