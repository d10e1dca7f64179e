public import StormVocabulary

/// A table as a process sees it, with the engine's mounts that stand for its entries.
public struct AdoptedTable: Sendable {
  /// One mount of the table.
  public struct Member: Sendable {
    /// The engine's number of the mount; nil where the engine has none like it.
    public var mount: UInt64?
    public var entry: MountTable.Entry

    public init(mount: UInt64?, entry: MountTable.Entry) {
      self.mount = mount
      self.entry = entry
    }
  }

  public var process: Int
  public var members: [Member]
  /// Mounts that the engine shows there and the kernel does not.
  public var gone: [UInt64]

  public init(process: Int, members: [Member], gone: [UInt64]) {
    self.process = process
    self.members = members
    self.gone = gone
  }
}

// The model becomes what tables show: after a divergence that nothing explains, the kernel is believed.

extension MountModel {
  /// Takes over mounts, places, attributes, groups and masters as tables show them.
  ///
  /// What no table shows stays as it was: locks, the order of rings and slave lists, what detached trees hold.
  ///
  /// - Parameter tables: those of all living processes.
  /// - Returns: false where the tables do not say enough; then the model is as far as it came, and the caller rolls back.
  public mutating func adopt(_ tables: [AdoptedTable]) -> Bool {
    var adoption = Adoption(mounts: liveMountsByID())
    for table in tables { adoption.learn(table, superblockOf: { mounts[$0.index].superblock }) }
    var seen: Set<UInt32> = []
    for table in tables.sorted(by: { $0.members.count > $1.members.count }) {
      guard isAlive(table.process) else { return false }
      let namespace = processes[Process(number: table.process).index].namespace
      // Others in the same namespace see the same mounts, or fewer.
      guard seen.insert(namespace.index).inserted else { continue }
      guard adopt(table, in: namespace, &adoption) else { return false }
    }
    let isWhole = adoptGroups(adoption)
    changeAllTables()
    return isWhole
  }

  private func liveMountsByID() -> [UInt64: Mount] {
    var found: [UInt64: Mount] = [:]
    for index in 1..<mounts.slotCount where mounts[index].nextPeer != .none {
      found[mounts[index].uniqueID] = Mount(index: index)
    }
    return found
  }

  /// What is known while tables are taken over.
  private struct Adoption {
    /// By the engine's numbers.
    let mounts: [UInt64: Mount]
    var superblocks: [DeviceNumber: Superblock] = [:]
    /// The mounts that tables show, with what they show.
    var visible: [(mount: Mount, entry: MountTable.Entry)] = []

    init(mounts: [UInt64: Mount]) { self.mounts = mounts }

    /// Whatever the first mount with a device stands on is that device.
    mutating func learn(_ table: AdoptedTable, superblockOf: (Mount) -> Superblock) {
      for member in table.members {
        guard let id = member.mount, let mount = mounts[id],
          superblocks[member.entry.device] == nil
        else { continue }
        superblocks[member.entry.device] = superblockOf(mount)
      }
    }
  }

  // MARK: one table

  private mutating func adopt(
    _ table: AdoptedTable, in namespace: Namespace, _ adoption: inout Adoption
  ) -> Bool {
    var known: [UInt64: Mount] = [:]
    var gone = Set(table.gone)
    for member in table.members {
      guard let id = member.mount, let mount = adoption.mounts[id] else { continue }
      if isSame(mount, member.entry, adoption) {
        known[member.entry.id] = mount
      } else {
        gone.insert(id)
      }
    }
    let kept = Set(known.values)
    for id in gone.sorted() {
      guard let mount = adoption.mounts[id], take(mount, keeping: kept, gone) else { return false }
    }
    for member in table.members where known[member.entry.id] == nil {
      guard let mount = makeAdopted(member.entry, &adoption) else { return false }
      known[member.entry.id] = mount
      join(namespace, mount)
    }
    guard rehang(table, known) else { return false }
    for member in table.members {
      guard let mount = known[member.entry.id] else { return false }
      let entry = member.entry
      mounts[mount.index].attributes = entry.attributes
      if entry.isUnbindable {
        mounts[mount.index].state.insert(.unbindable)
      } else {
        mounts[mount.index].state.remove(.unbindable)
      }
      if let isReadOnly = entry.superblockIsReadOnly {
        superblocks[mounts[mount.index].superblock.index].isReadOnly = isReadOnly
      }
      adoption.visible.append((mount, entry))
    }
    return true
  }

  /// Whether the mount can be the one that the entry shows, wherever that hangs.
  private func isSame(
    _ mount: Mount, _ entry: MountTable.Entry, _ adoption: Adoption
  ) -> Bool {
    let record = mounts[mount.index]
    let isFile = isNamespaceFile(record.root)
    return record.superblock == adoption.superblocks[entry.device]
      && isFile == !entry.root.hasPrefix("/")
      && (isFile || pathInSuperblock(record.root) == entry.root)
      && names[record.deviceName] == entry.source
  }

  /// Takes a mount out of its namespace; false where something that is not in the table stands on it, or it is the root.
  private mutating func take(
    _ mount: Mount, keeping kept: Set<Mount>, _ gone: Set<UInt64>
  ) -> Bool {
    let namespace = mounts[mount.index].namespace
    guard namespace != .none, namespaces[namespace.index].root != mount else { return false }
    while mounts[mount.index].firstChild != .none {
      let child = mounts[mount.index].firstChild
      guard kept.contains(child) || gone.contains(mounts[child.index].uniqueID) else {
        return false
      }
      separate(child)
    }
    separate(mount)
    changePropagation(of: mount, to: .private)
    leaveNamespace(mount)
    mounts[mount.index].state.remove(.locked)
    mounts[mount.index].state.insert(.umounted)
    putIfUnused(mount)
    return true
  }

  private mutating func makeAdopted(
    _ entry: MountTable.Entry, _ adoption: inout Adoption
  ) -> Mount? {
    // What was removed, and which namespace a file stands for, no table says.
    guard entry.root.hasPrefix("/"), !entry.root.hasSuffix("//deleted") else { return nil }
    let superblock =
      adoption.superblocks[entry.device]
      ?? makeSuperblock(
        type: names.intern(entry.fileSystemType), owner: state.initialUserNamespace)
    adoption.superblocks[entry.device] = superblock
    let root = makePath(entry.root, from: superblocks[superblock.index].root)
    return makeMount(
      of: superblock, root: root, deviceName: names.intern(entry.source),
      attributes: entry.attributes)
  }

  /// Hangs every mount of a table where that shows it.
  private mutating func rehang(_ table: AdoptedTable, _ known: [UInt64: Mount]) -> Bool {
    let root = processes[Process(number: table.process).index].root
    var mountpoints: [UInt64: String] = [:]
    for member in table.members { mountpoints[member.entry.id] = member.entry.mountpoint }
    var moves: [(mount: Mount, parent: Mount, place: Dentry)] = []
    for member in table.members {
      let entry = member.entry
      guard let mount = known[entry.id] else { return false }
      guard let parent = known[entry.parent], let prefix = mountpoints[entry.parent],
        entry.parent != entry.id
      else {
        // Above the top of a table nobody sees anything: it must hang where it hung.
        if mounts[mount.index].parent == .none, mount != root.mount { return false }
        continue
      }
      guard !entry.mountpoint.hasSuffix("//deleted"),
        prefix == "/" || entry.mountpoint == prefix || entry.mountpoint.hasPrefix(prefix + "/")
      else { return false }
      let base = parent == root.mount ? root.dentry : mounts[parent.index].root
      let below = entry.mountpoint.dropFirst(prefix == "/" ? 0 : prefix.count)
      let place = makePath(String(below), from: base)
      let record = mounts[mount.index]
      if record.parent != parent || record.mountpoint != place {
        moves.append((mount, parent, place))
      }
    }
    for move in moves { separate(move.mount) }
    for move in moves {
      if child(of: move.parent, at: move.place) != .none { return false }
      attach(move.mount, to: move.parent, at: move.place)
    }
    return true
  }

  // MARK: groups and masters

  private mutating func adoptGroups(_ adoption: Adoption) -> Bool {
    let groups = correspondingGroups(adoption)
    for (mount, entry) in adoption.visible {
      let wanted = entry.sharedGroup.flatMap { groups[$0] } ?? 0
      guard mounts[mount.index].group != wanted, isShared(mount) else { continue }
      let heir = mounts[mount.index].nextPeer == mount ? Mount.none : mounts[mount.index].nextPeer
      leaveRing(mount)
      mounts[mount.index].group = 0
      transferSlaves(of: mount, to: heir, atTail: true)
    }
    var members = someMembers()
    for (mount, entry) in adoption.visible {
      guard let wanted = entry.sharedGroup.flatMap({ groups[$0] }), !isShared(mount) else {
        continue
      }
      mounts[mount.index].group = wanted
      if let peer = members[wanted] {
        insertPeer(mount, after: peer)
      } else {
        members[wanted] = mount
      }
    }
    for (mount, entry) in adoption.visible {
      let wanted = entry.masterGroup.flatMap { groups[$0] } ?? 0
      let master = mounts[mount.index].master
      let current = master == .none ? 0 : mounts[master.index].group
      guard current != wanted else { continue }
      leaveMaster(mount)
      guard wanted != 0 else { continue }
      guard let newMaster = members[wanted], newMaster != mount else { return false }
      insertSlaveAtHead(mount, of: newMaster)
    }
    return adoption.visible.allSatisfy { mount, entry in
      (entry.masterGroup == nil) == (mounts[mount.index].master == .none)
    }
  }

  /// The engine's group for each of the kernel's: that of the first mount that is in both, or a fresh one.
  private mutating func correspondingGroups(_ adoption: Adoption) -> [UInt32: UInt32] {
    var groups: [UInt32: UInt32] = [:]
    var taken: Set<UInt32> = []
    func pair(_ theirs: UInt32, _ ours: UInt32) {
      guard ours != 0, groups[theirs] == nil, taken.insert(ours).inserted else { return }
      groups[theirs] = ours
    }
    for (mount, entry) in adoption.visible {
      if let group = entry.sharedGroup { pair(group, mounts[mount.index].group) }
    }
    for (mount, entry) in adoption.visible {
      let master = mounts[mount.index].master
      if let group = entry.masterGroup, master != .none { pair(group, mounts[master.index].group) }
    }
    for (_, entry) in adoption.visible {
      if let group = entry.sharedGroup, groups[group] == nil { groups[group] = freshGroup() }
    }
    return groups
  }

  /// One member of each group, those that no table shows included.
  private func someMembers() -> [UInt32: Mount] {
    var members: [UInt32: Mount] = [:]
    for index in 1..<mounts.slotCount where mounts[index].nextPeer != .none {
      let group = mounts[index].group
      if group != 0, members[group] == nil { members[group] = Mount(index: index) }
    }
    return members
  }
}
