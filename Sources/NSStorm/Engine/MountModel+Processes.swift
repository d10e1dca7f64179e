import StormVocabulary

// Open files, working directories and roots, kernel-mounts 1.8, 3.8 and 3.12.

extension MountModel {
  /// The open file in a slot, or none.
  func openFile(_ slot: DescriptorSlot, of process: Process) -> OpenFile {
    var file = processes[filesOwner(of: process).index].firstFile
    while file != .none {
      if files[file.index].slot == Int32(truncatingIfNeeded: slot) { return file }
      file = files[file.index].next
    }
    return .none
  }

  /// Puts a file into a slot of a process; a file that was there is closed.
  mutating func install(
    _ location: Location, _ slot: DescriptorSlot, of process: Process, needsUmount: Bool = false,
    isPathOnly: Bool = false
  ) {
    let process = filesOwner(of: process)
    if openFile(slot, of: process) != .none { _ = close(slot, by: process) }
    let file = OpenFile(index: files.allocate())
    files[file.index].location = location
    files[file.index].slot = Int32(truncatingIfNeeded: slot)
    files[file.index].needsUmount = needsUmount
    files[file.index].isPathOnly = isPathOnly
    state.lastDescription += 1
    files[file.index].description = state.lastDescription
    files[file.index].next = processes[process.index].firstFile
    processes[process.index].firstFile = file
    hold(location)
  }

  mutating func open(
    _ path: PathArgument, _ flags: OpenFlags, _ slot: DescriptorSlot, by process: Process
  ) -> Errno {
    let isBarePath = flags.contains(.path) && !flags.contains(.directory)
    switch resolve(
      path, by: process, isBarePath ? .followFinalLink : .intoAutomounts)
    {
    case .failure(let errno): return errno
    case .success(let location):
      if flags.contains(.directory), dentries[location.dentry.index].kind != .directory {
        return refuse(.componentNotDirectory, .notDirectory)
      }
      install(location, slot, of: process, isPathOnly: flags.contains(.path))
      return .none
    }
  }

  mutating func close(_ slot: DescriptorSlot, by process: Process) -> Errno {
    let file = openFile(slot, of: process)
    guard file != .none else { return refuse(.descriptorClosed, .badFileDescriptor) }
    let process = filesOwner(of: process)
    var link = processes[process.index].firstFile
    if link == file {
      processes[process.index].firstFile = files[file.index].next
    } else {
      while files[link.index].next != file { link = files[link.index].next }
      files[link.index].next = files[file.index].next
    }
    put(file)
    return .none
  }

  /// The last reference to an open file goes (`__fput`, `dissolve_on_fput`).
  mutating func put(_ file: OpenFile) {
    let record = files[file.index]
    files.free(file.index)
    if record.needsUmount, !isOpenElsewhere(record.description) {
      let mount = record.location.mount
      let namespace = mounts[mount.index].namespace
      if namespace != .none, namespaces[namespace.index].isAnonymous,
        namespaces[namespace.index].root == mount
      {
        note(.detachedTreeDissolves, mount)
        umountTree(mount, .connected)
        namespaces.free(namespace.index)
      }
    }
    release(record.location)
  }

  private func isOpenElsewhere(_ description: UInt32) -> Bool {
    for index in 1..<processes.slotCount where processes[index].isAlive {
      var file = processes[index].firstFile
      while file != .none {
        if files[file.index].description == description { return true }
        file = files[file.index].next
      }
    }
    return false
  }

  /// A forked child keeps its parent's open files, unlike the children of `unshare` in traces, which close them.
  public mutating func inheritFiles(from parent: Int, to child: Int) {
    guard isAlive(parent), isAlive(child) else { return }
    let child = Process(number: child)
    var file = processes[Process(number: parent).index].firstFile
    while file != .none {
      // Workers map with MADV_DONTFORK and close the sockets: holds stay with the parent.
      if files[file.index].hold != nil {
        file = files[file.index].next
        continue
      }
      let copy = OpenFile(index: files.allocate())
      files[copy.index] = files[file.index]
      files[copy.index].next = processes[child.index].firstFile
      processes[child.index].firstFile = copy
      hold(files[copy.index].location)
      file = files[file.index].next
    }
  }

  mutating func changeDirectory(_ path: PathArgument, by process: Process) -> Errno {
    switch resolve(path, by: process, .intoAutomounts) {
    case .failure(let errno): return errno
    case .success(let location):
      if dentries[location.dentry.index].kind != .directory {
        return refuse(.componentNotDirectory, .notDirectory)
      }
      let old = processes[process.index].workingDirectory
      hold(location)
      processes[process.index].workingDirectory = location
      release(old)
      return .none
    }
  }

  mutating func changeRoot(_ path: PathArgument, by process: Process) -> Errno {
    switch resolve(path, by: process, .intoAutomounts) {
    case .failure(let errno): return errno
    case .success(let location):
      if dentries[location.dentry.index].kind != .directory {
        return refuse(.componentNotDirectory, .notDirectory)
      }
      let old = processes[process.index].root
      hold(location)
      processes[process.index].root = location
      changeTable(of: processes[process.index].namespace)
      release(old)
      return .none
    }
  }

  // MARK: pivot_root (3.8)

  mutating func pivotRoot(
    _ newRoot: PathArgument, _ putOld: PathArgument, by process: Process
  ) -> Errno {
    if rules.pivotChecksCapabilityFirst, !mayMount(process) {
      return refuse(.noMountCapability, .notPermitted)
    }
    let new: Location
    let old: Location
    switch resolve(newRoot, by: process, .intoAutomounts) {
    case .failure(let errno): return errno
    case .success(let found): new = found
    }
    switch resolve(putOld, by: process, .intoAutomounts) {
    case .failure(let errno): return errno
    case .success(let found): old = found
    }
    for location in [new, old] where dentries[location.dentry.index].kind != .directory {
      return refuse(.componentNotDirectory, .notDirectory)
    }
    if !mayMount(process) { return refuse(.noMountCapability, .notPermitted) }
    let place: Location
    switch lockTarget(old) {
    case .failure(let errno): return errno
    case .success(let found): place = found
    }
    let root = processes[process.index].root
    if let errno = refusePivot(new: new, place: place, root: root, process) { return errno }
    note(.pivotSwapsRoots, new.mount)
    swapRoots(new: new, place: place, root: root)
    switchTasks(from: root, to: new)
    return .none
  }

  private mutating func refusePivot(
    new: Location, place: Location, root: Location, _ process: Process
  ) -> Errno? {
    let newRecord = mounts[new.mount.index]
    let rootRecord = mounts[root.mount.index]
    if isShared(place.mount)
      || newRecord.parent != .none && isShared(newRecord.parent)
      || rootRecord.parent != .none && isShared(rootRecord.parent)
      || newRecord.parent == .none && isShared(new.mount)
      || rootRecord.parent == .none && isShared(root.mount)
    {
      return refuse(.pivotShared, .invalidArgument)
    }
    if !isOurs(root.mount, process) || !isOurs(new.mount, process) {
      return refuse(.pivotForeign, .invalidArgument)
    }
    if newRecord.state.contains(.locked) { return refuse(.pivotLocked, .invalidArgument) }
    if dentries[new.dentry.index].isUnlinked { return refuse(.targetRemoved, .noSuchEntry) }
    if new.mount == root.mount || place.mount == root.mount {
      return refuse(.pivotOnRoot, .busy)
    }
    if root.dentry != rootRecord.root { return refuse(.pivotRootNotMountRoot, .invalidArgument) }
    if rootRecord.parent == .none { return refuse(.pivotRootWithoutParent, .invalidArgument) }
    if new.dentry != newRecord.root { return refuse(.pivotNewNotMountRoot, .invalidArgument) }
    if newRecord.parent == .none { return refuse(.pivotNewWithoutParent, .invalidArgument) }
    if !isReachable(place, from: new) { return refuse(.pivotOldUnreachable, .invalidArgument) }
    if !isReachable(new, from: root) { return refuse(.pivotNewUnreachable, .invalidArgument) }
    return nil
  }

  private mutating func swapRoots(new: Location, place: Location, root: Location) {
    let rootRecord = mounts[root.mount.index]
    separate(new.mount)
    separate(root.mount)
    if rootRecord.state.contains(.locked) {
      note(.pivotMovesLock, new.mount)
      mounts[new.mount.index].state.insert(.locked)
      mounts[root.mount.index].state.remove(.locked)
    }
    if rules.pivotAttachesOldFirst {
      attach(root.mount, to: place.mount, at: place.dentry)
      attach(new.mount, to: rootRecord.parent, at: rootRecord.mountpoint)
    } else {
      attach(new.mount, to: rootRecord.parent, at: rootRecord.mountpoint)
      attach(root.mount, to: place.mount, at: place.dentry)
    }
    changeTable(of: mounts[new.mount.index].namespace)
  }

  /// `chroot_fs_refs`: every task that stands exactly on the old root follows.
  private mutating func switchTasks(from old: Location, to new: Location) {
    for index in 1..<processes.slotCount where processes[index].isAlive {
      if processes[index].root == old {
        processes[index].root = new
        changeTable(of: processes[index].namespace)
        hold(new)
        release(old)
      }
      if processes[index].workingDirectory == old {
        processes[index].workingDirectory = new
        hold(new)
        release(old)
      }
    }
  }
}
