public import StormVocabulary

// What a judge asks before it splits racing calls into parts that cannot meet.

extension MountModel {
  /// Whether absolute paths of the process begin at the root of its mount namespace, so that a path names the same place
  /// as in the table of another process that stands there.
  public func standsAtNamespaceRoot(_ process: Int) -> Bool {
    guard isAlive(process) else { return false }
    let record = processes[Process(number: process).index]
    var here = record.root
    let top = namespaces[record.namespace.index].root
    while here.dentry == mounts[here.mount.index].root {
      if here.mount == top { return true }
      let parent = mounts[here.mount.index].parent
      if parent == .none { return false }
      here = Location(mount: parent, dentry: mounts[here.mount.index].mountpoint)
    }
    return false
  }

  /// Whether a name is a symbolic link anywhere: then a path may lead to a place that its text does not name.
  public var hasSymbolicLinks: Bool {
    for index in 1..<dentries.slotCount
    where dentries[index].superblock != .none && dentries[index].kind == .symbolicLink {
      return true
    }
    return false
  }

  /// The mountpoint, as the process sees it, of the mount that a descriptor is on; nil where nothing is open there, or
  /// where the mount is detached or out of the process's sight.
  public func mountpoint(ofDescriptor slot: DescriptorSlot, of process: Int) -> String? {
    guard isAlive(process) else { return nil }
    let process = Process(number: process)
    let file = openFile(slot, of: process)
    guard file != .none else { return nil }
    let mount = files[file.index].location.mount
    guard mounts[mount.index].namespace == processes[process.index].namespace else { return nil }
    var known: [UInt32: String] = [:]
    return path(of: mount, root: processes[process.index].root, &known)
  }

  /// Goes on under other rules, as of a kernel that has a known issue.
  public mutating func changeRules(_ rules: KernelRules) { self.rules = rules }

  /// Whether the descriptor in this slot is on a mount that was umounted and has nothing below it, so that closing it shows
  /// nowhere.
  public func isAdrift(_ slot: DescriptorSlot, of process: Int) -> Bool {
    guard isAlive(process) else { return false }
    let file = openFile(slot, of: Process(number: process))
    guard file != .none, !files[file.index].needsUmount else { return false }
    let mount = mounts[files[file.index].location.mount.index]
    return mount.state.contains(.umounted) && mount.firstChild == .none
  }

  /// The mounts on which the call puts or takes a reference while it runs, by their ids.
  public mutating func mountsMoved(by call: CallInFlight) -> [UInt64] {
    var moved = mountsHeld(by: call)
    if case .close(let slot) = call.operation, isAlive(call.process) {
      let file = openFile(slot, of: Process(number: call.process))
      if file != .none { moved.append(mounts[files[file.index].location.mount.index].uniqueID) }
    }
    return moved + mountsPassed(by: call)
  }
}
