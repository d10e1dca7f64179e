import StormVocabulary

// Peer rings, slave lists and the change of a mount's propagation type, kernel-mounts 1.3 and 1.4 (`fs/pnode.c`).

extension MountModel {
  @inline(__always)
  func isShared(_ mount: Mount) -> Bool { mounts[mount.index].group != 0 }

  @inline(__always)
  func arePeers(_ one: Mount, _ other: Mount) -> Bool {
    let group = mounts[one.index].group
    return group != 0 && group == mounts[other.index].group
  }

  mutating func freshGroup() -> UInt32 {
    state.lastGroup += 1
    return state.lastGroup
  }

  /// Puts a mount into a ring directly after a peer.
  mutating func insertPeer(_ mount: Mount, after peer: Mount) {
    let next = mounts[peer.index].nextPeer
    mounts[mount.index].nextPeer = next
    mounts[mount.index].previousPeer = peer
    mounts[next.index].previousPeer = mount
    mounts[peer.index].nextPeer = mount
  }

  mutating func leaveRing(_ mount: Mount) {
    let next = mounts[mount.index].nextPeer
    let previous = mounts[mount.index].previousPeer
    mounts[previous.index].nextPeer = next
    mounts[next.index].previousPeer = previous
    mounts[mount.index].nextPeer = mount
    mounts[mount.index].previousPeer = mount
  }

  mutating func insertSlaveAtHead(_ slave: Mount, of master: Mount) {
    let first = mounts[master.index].firstSlave
    mounts[slave.index].master = master
    mounts[slave.index].previousSlave = .none
    mounts[slave.index].nextSlave = first
    if first == .none {
      mounts[master.index].lastSlave = slave
    } else {
      mounts[first.index].previousSlave = slave
    }
    mounts[master.index].firstSlave = slave
  }

  mutating func insertSlave(_ slave: Mount, behind other: Mount) {
    let master = mounts[other.index].master
    let next = mounts[other.index].nextSlave
    mounts[slave.index].master = master
    mounts[slave.index].previousSlave = other
    mounts[slave.index].nextSlave = next
    if next == .none {
      mounts[master.index].lastSlave = slave
    } else {
      mounts[next.index].previousSlave = slave
    }
    mounts[other.index].nextSlave = slave
  }

  /// Takes a mount off its master's list; it has no master afterwards.
  mutating func leaveMaster(_ slave: Mount) {
    let record = mounts[slave.index]
    guard record.master != .none else { return }
    if record.previousSlave == .none {
      mounts[record.master.index].firstSlave = record.nextSlave
    } else {
      mounts[record.previousSlave.index].nextSlave = record.nextSlave
    }
    if record.nextSlave == .none {
      mounts[record.master.index].lastSlave = record.previousSlave
    } else {
      mounts[record.nextSlave.index].previousSlave = record.previousSlave
    }
    mounts[slave.index].master = .none
    mounts[slave.index].nextSlave = .none
    mounts[slave.index].previousSlave = .none
  }

  /// All slaves of a mount get another master (or none); their order is kept (`transfer_propagation`).
  mutating func transferSlaves(of mount: Mount, to heir: Mount, atTail: Bool) {
    let first = mounts[mount.index].firstSlave
    guard first != .none else { return }
    let last = mounts[mount.index].lastSlave
    mounts[mount.index].firstSlave = .none
    mounts[mount.index].lastSlave = .none
    note(heir == .none ? .slavesLoseMaster : .slavesHandedOver, mount)
    var slave = first
    while slave != .none {
      let next = mounts[slave.index].nextSlave
      mounts[slave.index].master = heir
      changeTable(of: mounts[slave.index].namespace)
      changeTablesDownstream(of: slave)
      if heir == .none {
        mounts[slave.index].nextSlave = .none
        mounts[slave.index].previousSlave = .none
      }
      slave = next
    }
    guard heir != .none else { return }
    if atTail {
      let tail = mounts[heir.index].lastSlave
      mounts[first.index].previousSlave = tail
      if tail == .none {
        mounts[heir.index].firstSlave = first
      } else {
        mounts[tail.index].nextSlave = first
      }
      mounts[heir.index].lastSlave = last
    } else {
      let head = mounts[heir.index].firstSlave
      mounts[last.index].nextSlave = head
      if head == .none {
        mounts[heir.index].lastSlave = last
      } else {
        mounts[head.index].previousSlave = last
      }
      mounts[heir.index].firstSlave = first
    }
  }

  /// `propagate_from` looks up the chain of masters, so a new master shows in all tables further down.
  mutating func changeTablesDownstream(of mount: Mount) {
    guard isShared(mount) else { return }
    var pending = [mount]
    var budget = 100_000
    while let upper = pending.popLast(), budget > 0 {
      var peer = upper
      repeat {
        var slave = mounts[peer.index].firstSlave
        while slave != .none {
          budget -= 1
          changeTable(of: mounts[slave.index].namespace)
          if isShared(slave) { pending.append(slave) }
          slave = mounts[slave.index].nextSlave
        }
        peer = mounts[peer.index].nextPeer
      } while peer != upper
    }
    if budget <= 0 { changeAllTables() }
  }

  /// Makes a mount shared with a group of its own unless it is in one (`set_mnt_shared`, `mnt_alloc_group_id`).
  mutating func makeShared(_ mount: Mount) {
    if mounts[mount.index].group == 0 {
      mounts[mount.index].group = freshGroup()
      changeTable(of: mounts[mount.index].namespace)
    }
    if mounts[mount.index].state.contains(.unbindable), !isBroken(.sharedStaysUnbindable) {
      mounts[mount.index].state.remove(.unbindable)
      changeTable(of: mounts[mount.index].namespace)
    }
  }

  /// `change_mnt_propagation`, 1.4.
  mutating func changePropagation(of mount: Mount, to type: PropagationType) {
    changeTable(of: mounts[mount.index].namespace)
    if type == .shared {
      note(.becomesShared, mount)
      makeShared(mount)
      return
    }
    var newMaster = mounts[mount.index].master
    if isShared(mount) {
      if mounts[mount.index].nextPeer != mount {
        note(.leavesPeerGroup, mount)
        newMaster = successor(of: mount)
        leaveRing(mount)
      } else {
        note(.lastPeerLeaves, mount)
      }
      mounts[mount.index].group = 0
      transferSlaves(
        of: mount, to: isBroken(.leavingMemberTakesSlavesAlong) ? .none : newMaster,
        atTail: rules.handsSlavesOverAtTail)
    }
    leaveMaster(mount)
    switch type {
    case .slave:
      if isBroken(.slaveClearsUnbindable) { mounts[mount.index].state.remove(.unbindable) }
      if newMaster != .none {
        note(.becomesSlave, mount)
        if isBroken(.slaveInsertedAtTail) {
          insertSlaveAtTail(mount, of: newMaster)
        } else {
          insertSlaveAtHead(mount, of: newMaster)
        }
      } else {
        note(.slaveOfNothingIsPrivate, mount)
      }
    case .private:
      note(.becomesPrivate, mount)
      mounts[mount.index].state.remove(.unbindable)
    case .unbindable:
      note(.becomesUnbindable, mount)
      mounts[mount.index].state.insert(.unbindable)
    case .shared:
      break
    }
    changeTablesDownstream(of: mount)
  }

  mutating func insertSlaveAtTail(_ slave: Mount, of master: Mount) {
    let last = mounts[master.index].lastSlave
    if last == .none {
      insertSlaveAtHead(slave, of: master)
    } else {
      insertSlave(slave, behind: last)
    }
  }

  /// The peer that takes over when a member leaves its group: the next in the ring; up to 6.16 the next one
  /// with the same root if there is one (`do_make_slave`, 1.4).
  func successor(of mount: Mount) -> Mount {
    let next = mounts[mount.index].nextPeer
    guard rules.prefersPeerWithSameRoot else { return next }
    var peer = next
    while peer != mount {
      if mounts[peer.index].root == mounts[mount.index].root { return peer }
      peer = mounts[peer.index].nextPeer
    }
    return next
  }
}
