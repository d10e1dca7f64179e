public import StormVocabulary

// What processes see of the mounts, kernel-mounts 1.6 (`show_mountinfo`, `get_dominating_id`).

extension MountModel {
  /// What `/proc/PID/mountinfo` of the process would show. Ids, groups and device minors are the engine's own
  /// numbers: one number is one thing for as long as that lives.
  public func table(seenBy process: Int) -> MountTable {
    guard isAlive(process) else { return MountTable() }
    let record = processes[Process(number: process).index]
    let root = record.root
    var paths: [UInt32: String] = [:]
    var entries: [MountTable.Entry] = []
    entries.reserveCapacity(Int(namespaces[record.namespace.index].mountCount))
    var mount = namespaces[record.namespace.index].firstMount
    while mount != .none {
      if let path = path(of: mount, root: root, &paths) {
        entries.append(entry(mount, mountpoint: path, root: root, reader: record.namespace))
      }
      mount = mounts[mount.index].nextInNamespace
    }
    if rules.tableIsInCreationOrder { entries.sort { $0.id < $1.id } }
    return MountTable(entries: entries)
  }

  private func entry(
    _ mount: Mount, mountpoint: String, root: Location, reader: Namespace
  ) -> MountTable.Entry {
    let record = mounts[mount.index]
    let superblock = superblocks[record.superblock.index]
    var entry = MountTable.Entry(
      id: record.uniqueID,
      parent: record.parent == .none ? 0 : mounts[record.parent.index].uniqueID,
      device: DeviceNumber(major: 0, minor: record.superblock.index),
      root: pathInSuperblock(record.root), mountpoint: mountpoint, attributes: record.attributes,
      fileSystemType: names[superblock.type], source: names[record.deviceName],
      superblockIsReadOnly: superblock.isReadOnly)
    if record.group != 0 { entry.sharedGroup = record.group }
    if record.master != .none {
      let masterGroup = mounts[record.master.index].group
      entry.masterGroup = masterGroup
      let dominating = dominatingGroup(of: mount, root: root)
      if dominating != 0, dominating != masterGroup { entry.propagateFromGroup = dominating }
    }
    entry.isUnbindable = record.state.contains(.unbindable)
    return entry
  }

  /// The nearest group up the chain of masters that has a member which the reader can see.
  private func dominatingGroup(of mount: Mount, root: Location) -> UInt32 {
    let namespace = mounts[mount.index].namespace
    var master = mounts[mount.index].master
    while master != .none {
      var peer = master
      repeat {
        if mounts[peer.index].namespace == namespace,
          isReachable(Location(mount: peer, dentry: mounts[peer.index].root), from: root)
        {
          return mounts[peer.index].group
        }
        peer = mounts[peer.index].nextPeer
      } while peer != master
      master = mounts[master.index].master
    }
    return 0
  }

  /// The mountpoint as the process sees it; nil when it cannot reach it.
  func path(of mount: Mount, root: Location, _ known: inout [UInt32: String]) -> String? {
    if mount == root.mount {
      return root.dentry == mounts[mount.index].root ? "/" : nil
    }
    if let path = known[mount.index] { return path.isEmpty ? nil : path }
    // Climb to the first ancestor whose path is known, then name the way back down.
    var climb: [Mount] = []
    var here = mount
    var base: String?
    while true {
      climb.append(here)
      let parent = mounts[here.index].parent
      if parent == .none { break }
      if parent == root.mount {
        base = ""
        break
      }
      if let path = known[parent.index] {
        base = path.isEmpty ? nil : path == "/" ? "" : path
        break
      }
      here = parent
    }
    for member in climb.reversed() {
      guard let prefix = base else {
        known[member.index] = ""
        continue
      }
      let parent = mounts[member.index].parent
      let stop = parent == root.mount ? root.dentry : mounts[parent.index].root
      if let suffix = pathSuffix(mounts[member.index].mountpoint, below: stop) {
        let path = prefix + suffix
        known[member.index] = path.isEmpty ? "/" : path
        base = path
      } else {
        known[member.index] = ""
        base = nil
      }
    }
    let path = known[mount.index] ?? ""
    return path.isEmpty ? nil : path
  }

  /// The names between two dentries, each with its slash; nil when the upper one is not an ancestor.
  private func pathSuffix(_ dentry: Dentry, below upper: Dentry) -> String? {
    var components: [NameTable.Index] = []
    var here = dentry
    while here != upper {
      guard here != .none else { return nil }
      components.append(dentries[here.index].name)
      here = dentries[here.index].parent
    }
    if here == .none { return nil }
    if components.count == 1 { return "/" + names[components[0]] }
    var path = ""
    for name in components.reversed() {
      path += "/"
      path += names[name]
    }
    return path
  }

  /// A dentry's path in its file system; `//deleted` marks a removed one (`seq_dentry`).
  func pathInSuperblock(_ dentry: Dentry) -> String {
    let root = superblocks[dentries[dentry.index].superblock.index].root
    if dentry == root { return "/" }
    if let text = namespaceFileText(dentry) { return text }
    let path = pathSuffix(dentry, below: root) ?? "/"
    return dentries[dentry.index].isUnlinked ? path + "//deleted" : path
  }

  /// The names that a process can reach, breadth first from its root, at most `limit`; for generators. Links are not followed.
  public func names(seenBy process: Int, limit: Int) -> [SeenName] {
    guard isAlive(process) else { return [] }
    let start = processes[Process(number: process).index].root
    var found = [SeenName(path: "/", kind: .directory)]
    var queue: [(place: Location, path: String)] = [(start, "")]
    var position = 0
    while position < queue.count, found.count < limit {
      let (place, path) = queue[position]
      position += 1
      var children: [(name: String, dentry: Dentry)] = []
      var child = dentries[place.dentry.index].firstChild
      while child != .none {
        children.append((names[dentries[child.index].name], child))
        child = dentries[child.index].nextSibling
      }
      children.sort { $0.name < $1.name }
      for (name, dentry) in children where found.count < limit {
        let below = path + "/" + name
        let kind = dentries[dentry.index].kind
        found.append(
          SeenName(
            path: below, kind: kind,
            contents: kind == .symbolicLink ? names[dentries[dentry.index].contents] : ""))
        if kind == .directory {
          queue.append((traversed(Location(mount: place.mount, dentry: dentry)), below))
        }
      }
    }
    return found
  }

  /// The directory paths among ``names(seenBy:limit:)``.
  public func directories(seenBy process: Int, limit: Int) -> [String] {
    names(seenBy: process, limit: limit).filter { $0.kind == .directory }.map(\.path)
  }

  // MARK: what changed

  /// A number that changes whenever the table that this process sees may have changed; never twice the same
  /// while the process lives. Compare it with the value of an earlier step.
  public func tableVersion(seenBy process: Int) -> UInt64 {
    guard isAlive(process) else { return 0 }
    let namespace = processes[Process(number: process).index].namespace
    return UInt64(namespace.index) << 32 | UInt64(namespaces[namespace.index].version)
  }

  // MARK: the start

  mutating func adoptInitialTable(_ table: MountTable) {
    let namespace = makeNamespace(owner: state.initialUserNamespace, isAnonymous: false)
    var known: [UInt64: Mount] = [:]
    var superblocksByDevice: [DeviceNumber: Superblock] = [:]
    var pathOfMount: [UInt64: String] = [:]
    var groups: [UInt32: Mount] = [:]
    for entry in table.entries {
      let superblock: Superblock
      if let existing = superblocksByDevice[entry.device] {
        superblock = existing
      } else {
        superblock = makeSuperblock(
          type: names.intern(entry.fileSystemType), owner: state.initialUserNamespace)
        superblocks[superblock.index].isReadOnly = entry.superblockIsReadOnly ?? false
        superblocksByDevice[entry.device] = superblock
      }
      let root = makePath(entry.root, from: superblocks[superblock.index].root)
      let mount = makeMount(
        of: superblock, root: root, deviceName: names.intern(entry.source),
        attributes: entry.attributes)
      known[entry.id] = mount
      pathOfMount[entry.id] = entry.mountpoint
      if let parent = known[entry.parent] {
        let prefix = pathOfMount[entry.parent] ?? "/"
        let place = makePath(
          String(entry.mountpoint.dropFirst(prefix == "/" ? 0 : prefix.count)),
          from: mounts[parent.index].root)
        attach(mount, to: parent, at: place)
      } else if namespaces[namespace.index].root == .none {
        let absolute = entry.parent == entry.id ? mount : hiddenRoot(below: mount, in: namespace)
        namespaces[namespace.index].root = absolute
      }
      join(namespace, mount)
      if entry.isUnbindable { mounts[mount.index].state.insert(.unbindable) }
      if let group = entry.sharedGroup {
        if let peer = groups[group] {
          mounts[mount.index].group = mounts[peer.index].group
          insertPeer(mount, after: peer)
        } else {
          mounts[mount.index].group = freshGroup()
          groups[group] = mount
        }
      }
    }
    for entry in table.entries {
      if let group = entry.masterGroup, let master = groups[group], let mount = known[entry.id] {
        insertSlaveAtHead(mount, of: master)
      }
    }
    let process = Process(number: 0)
    processes.extend(to: process.index + 1)
    let top = topmost(of: namespaces[namespace.index].root)
    let here = Location(mount: top, dentry: mounts[top.index].root)
    processes[process.index].isAlive = true
    processes[process.index].namespace = namespace
    processes[process.index].userNamespace = state.initialUserNamespace
    processes[process.index].root = here
    processes[process.index].workingDirectory = here
    hold(here)
    hold(here)
    namespaces[namespace.index].users = 1
  }

  /// The namespace's absolute root (rootfs, or nullfs since 7.0), which no process of a sandbox sees: the first
  /// mount of the table is mounted on it.
  private mutating func hiddenRoot(below mount: Mount, in namespace: Namespace) -> Mount {
    let name = names.intern(rules.rootIsNullfs ? "nullfs" : "rootfs")
    let superblock = makeSuperblock(type: name, owner: state.initialUserNamespace)
    superblocks[superblock.index].isForKernelOnly = rules.rootIsNullfs
    let hidden = makeMount(
      of: superblock, root: superblocks[superblock.index].root, deviceName: name, attributes: [])
    // The initial namespace's absolute root is locked from boot, and its copies inherit that (`init_mount_tree`).
    mounts[hidden.index].state.insert(.locked)
    join(namespace, hidden)
    attach(mount, to: hidden, at: mounts[hidden.index].root)
    return hidden
  }

  /// The dentry of a path below a directory; what is missing is made.
  mutating func makePath(_ path: String, from directory: Dentry) -> Dentry {
    var here = directory
    for component in path.split(separator: "/") {
      let name = names.intern(String(component))
      let next = lookup(name, in: here)
      here = next != .none ? next : makeDentry(name, in: here, kind: .directory)
    }
    return here
  }
}

/// A name that a process can reach.
public struct SeenName: Hashable, Sendable {
  public var path: String
  public var kind: FileKind
  /// What a symbolic link says; empty for others.
  public var contents = ""
}
