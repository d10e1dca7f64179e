import StormVocabulary

// Who inherits the slaves of mounts that go, kernel-mounts 5.7 (`bulk_make_private`; `change_mnt_propagation` before 6.17).

extension MountModel {
  /// Takes all members out of their groups and gives their slaves to the next surviving peer, else to the
  /// surviving master, else to nobody.
  mutating func handOver(_ dying: [Mount]) {
    guard rules.handsOverInBulk else {
      for mount in dying {
        changePropagation(of: mount, to: .private)
        mounts[mount.index].state.remove(.unbindable)
      }
      return
    }
    // A mark holds the heir's index plus one, so that "nobody" is known from "not decided".
    marks.begin(slotCount: mounts.slotCount)
    var path: [Mount] = []
    for mount in dying where needsHeir(mount) && marks[mount] == 0 {
      path.removeAll(keepingCapacity: true)
      var member = mount
      var heir = Mount.none
      while true {
        path.append(member)
        var next = mounts[member.index].nextPeer
        if isBroken(.heirIsTheMaster), isShared(member), next != member {
          leaveRing(member)
          next = mounts[member.index].master
        } else if isShared(member), next != member {
          leaveRing(member)
        } else {
          next = mounts[member.index].master
        }
        mounts[member.index].group = 0
        leaveMaster(member)
        if next == .none || !mounts[next.index].state.contains(.umounted) {
          heir = next
          break
        }
        if marks[next] != 0 {
          heir = Mount(index: marks[next] - 1)
          break
        }
        member = next
      }
      for member in path { marks[member] = heir.index + 1 }
    }
    for mount in dying {
      if marks[mount] != 0, mounts[mount.index].firstSlave != .none {
        let heir = isBroken(.slavesOfDyingLoseMaster) ? .none : Mount(index: marks[mount] - 1)
        transferSlaves(of: mount, to: heir, atTail: isBroken(.handoverAtTail))
      }
      mounts[mount.index].state.remove(.unbindable)
    }
  }

  private func needsHeir(_ mount: Mount) -> Bool {
    mounts[mount.index].group != 0 || mounts[mount.index].master != .none
  }
}
