import StormVocabulary

// Dentries, superblocks, and the calls that make and remove names.

extension MountModel {
  // MARK: superblocks and dentries

  mutating func makeSuperblock(type: NameTable.Index, owner: UserNamespace) -> Superblock {
    let superblock = Superblock(index: superblocks.allocate())
    let root = Dentry(index: dentries.allocate())
    dentries[root.index].superblock = superblock
    superblocks[superblock.index].root = root
    superblocks[superblock.index].type = type
    superblocks[superblock.index].userNamespace = owner
    return superblock
  }

  mutating func makeDentry(_ name: NameTable.Index, in parent: Dentry, kind: FileKind) -> Dentry {
    let dentry = Dentry(index: dentries.allocate())
    dentries[dentry.index].superblock = dentries[parent.index].superblock
    dentries[dentry.index].name = name
    dentries[dentry.index].kind = kind
    link(dentry, into: parent)
    return dentry
  }

  private mutating func link(_ dentry: Dentry, into parent: Dentry) {
    let next = dentries[parent.index].firstChild
    dentries[dentry.index].parent = parent
    dentries[dentry.index].nextSibling = next
    dentries[dentry.index].previousSibling = .none
    if next != .none { dentries[next.index].previousSibling = dentry }
    dentries[parent.index].firstChild = dentry
    dentryTable.set(parent.index, dentries[dentry.index].name, to: dentry.index)
  }

  private mutating func unlinkFromDirectory(_ dentry: Dentry) {
    let record = dentries[dentry.index]
    dentryTable.set(record.parent.index, record.name, to: 0)
    if record.previousSibling == .none {
      dentries[record.parent.index].firstChild = record.nextSibling
    } else {
      dentries[record.previousSibling.index].nextSibling = record.nextSibling
    }
    if record.nextSibling != .none {
      dentries[record.nextSibling.index].previousSibling = record.previousSibling
    }
    dentries[dentry.index].nextSibling = .none
    dentries[dentry.index].previousSibling = .none
  }

  /// Takes the name away; the dentry lives on while something stands on it.
  private mutating func remove(_ dentry: Dentry) {
    unlinkFromDirectory(dentry)
    dentries[dentry.index].isUnlinked = true
    if dentries[dentry.index].pins == 0 {
      dentries.free(dentry.index)
      return
    }
    // A dentry holds its parent: the path of what was removed outlives the removal of the directories above it.
    pin(dentries[dentry.index].parent)
    if dentries[dentry.index].kind == .directory {
      superblocks[dentries[dentry.index].superblock.index].removedHeldCount += 1
    }
  }

  @inline(__always)
  mutating func pin(_ dentry: Dentry) {
    dentries[dentry.index].pins += 1
  }

  mutating func unpin(_ dentry: Dentry) {
    dentries[dentry.index].pins -= 1
    guard dentries[dentry.index].pins == 0 else { return }
    guard dentries[dentry.index].isUnlinked else {
      if isNamespaceFile(dentry) { releaseNamespaceFile(dentry) }
      return
    }
    if dentries[dentry.index].kind == .directory {
      superblocks[dentries[dentry.index].superblock.index].removedHeldCount -= 1
    }
    let parent = dentries[dentry.index].parent
    dentries.free(dentry.index)
    unpin(parent)
  }

  /// The last mount of the superblock is gone (`kill_sb`).
  mutating func releaseSuperblock(_ superblock: Superblock) {
    var pending = [superblocks[superblock.index].root]
    while let dentry = pending.popLast() {
      var child = dentries[dentry.index].firstChild
      while child != .none {
        pending.append(child)
        child = dentries[child.index].nextSibling
      }
      if dentry != superblocks[superblock.index].root {
        dentryTable.set(dentries[dentry.index].parent.index, dentries[dentry.index].name, to: 0)
      }
      dentries.free(dentry.index)
    }
    if superblocks[superblock.index].isSingleton { forgetSingleton(superblock) }
    superblocks.free(superblock.index)
    state.counters.superblocksReleased += 1
  }

  /// Adds or drops a reference of a working directory, root or open file.
  mutating func hold(_ location: Location) {
    mounts[location.mount.index].holds += 1
    pin(location.dentry)
  }

  mutating func release(_ location: Location) {
    guard location != .none else { return }
    clearExpiryMark(location.mount)
    unpin(location.dentry)
    mounts[location.mount.index].holds -= 1
    putIfUnused(location.mount)
  }

  // MARK: names

  /// Whether the file system refuses writes through this mount (`mnt_want_write`).
  private func isReadOnly(_ mount: Mount) -> Bool {
    mounts[mount.index].attributes.contains(.readOnly)
      || superblocks[mounts[mount.index].superblock.index].isReadOnly
  }

  /// mkdir, symlink and creat: the order of their checks is that of `filename_create` (2.4).
  mutating func create(
    _ path: PathArgument, kind: FileKind, contents: String = "", by process: Process
  ) -> Errno {
    let parent: Location
    let last: LastComponent
    switch resolveParent(path, by: process) {
    case .failure(let errno): return errno
    case .success(let found): (parent, last) = found
    }
    guard case .name(let name) = last else { return refuse(.pathExists, .fileExists) }
    if dentries[parent.dentry.index].isUnlinked {
      return refuse(.createInRemovedDirectory, .noSuchEntry)
    }
    if superblocks[mounts[parent.mount.index].superblock.index].isForKernelOnly {
      // Its lookup knows no names at all, not even those that are to be made (`empty_dir_lookup`).
      return refuse(.coverIsImmutable, .noSuchEntry)
    }
    if lookup(name, in: parent.dentry) != .none { return refuse(.pathExists, .fileExists) }
    // Only a directory may be made by a name with a slash behind it.
    if kind != .directory, path.endsInSlash { return refuse(.nameNotFound, .noSuchEntry) }
    if isReadOnly(parent.mount) { return refuse(.writeToReadOnly, .readOnlyFileSystem) }
    let owner = superblocks[mounts[parent.mount.index].superblock.index].userNamespace
    if !userNamespaces[owner.index].mapsRoot { return refuse(.ownerNotMapped, .overflow) }
    let dentry = makeDentry(name, in: parent.dentry, kind: kind)
    if kind == .symbolicLink { dentries[dentry.index].contents = names.intern(contents) }
    return .none
  }

  /// rmdir and unlink (2.4): what is a mountpoint in the caller's namespace is busy; elsewhere its mounts go.
  mutating func removeName(_ path: PathArgument, directory: Bool, by process: Process) -> Errno {
    let parent: Location
    let last: LastComponent
    switch resolveParent(path, by: process) {
    case .failure(let errno): return errno
    case .success(let found): (parent, last) = found
    }
    let name: NameTable.Index
    switch last {
    case .root: return refuse(.removeRoot, directory ? .busy : .isDirectory)
    case .dot: return refuse(.removeDot, directory ? .invalidArgument : .isDirectory)
    case .dotDot: return refuse(.removeDotDot, directory ? .notEmpty : .isDirectory)
    case .name(let component): name = component
    }
    if isReadOnly(parent.mount) { return refuse(.writeToReadOnly, .readOnlyFileSystem) }
    let dentry = lookup(name, in: parent.dentry)
    guard dentry != .none else { return refuse(.nameNotFound, .noSuchEntry) }
    let isDirectory = dentries[dentry.index].kind == .directory
    if directory && !isDirectory { return refuse(.removeWrongKind, .notDirectory) }
    if !directory && isDirectory { return refuse(.removeWrongKind, .isDirectory) }
    if !directory && path.endsInSlash { return refuse(.removeWrongKind, .notDirectory) }
    if isLocalMountpoint(dentry, for: process) { return refuse(.removeLocalMountpoint, .busy) }
    if directory, dentries[dentry.index].firstChild != .none {
      return refuse(.removeNotEmpty, .notEmpty)
    }
    detachMountsOfRemoved(dentry)
    remove(dentry)
    return .none
  }

  /// rename without flags: mounts on the renamed entry stay on it, those on a replaced one go (2.4).
  mutating func rename(from: PathArgument, to: PathArgument, by process: Process) -> Errno {
    let source: (parent: Location, last: LastComponent)
    let target: (parent: Location, last: LastComponent)
    switch resolveParent(from, by: process) {
    case .failure(let errno): return errno
    case .success(let found): source = found
    }
    switch resolveParent(to, by: process) {
    case .failure(let errno): return errno
    case .success(let found): target = found
    }
    if source.parent.mount != target.parent.mount {
      return refuse(.renameAcrossMounts, .crossDevice)
    }
    guard case .name(let oldName) = source.last, case .name(let newName) = target.last else {
      return refuse(.removeRoot, .busy)
    }
    if isReadOnly(source.parent.mount) { return refuse(.writeToReadOnly, .readOnlyFileSystem) }
    let dentry = lookup(oldName, in: source.parent.dentry)
    guard dentry != .none else { return refuse(.nameNotFound, .noSuchEntry) }
    if dentries[target.parent.dentry.index].isUnlinked {
      return refuse(.createInRemovedDirectory, .noSuchEntry)
    }
    let replaced = lookup(newName, in: target.parent.dentry)
    if dentries[dentry.index].kind != .directory, from.endsInSlash || to.endsInSlash {
      return refuse(.removeWrongKind, .notDirectory)
    }
    if isAtOrBelow(target.parent.dentry, dentry) {
      return refuse(.renameIntoItself, .invalidArgument)
    }
    if replaced != .none, isAtOrBelow(source.parent.dentry, replaced) {
      return refuse(.removeNotEmpty, .notEmpty)
    }
    if replaced == dentry { return .none }
    if replaced != .none {
      let isDirectory = dentries[dentry.index].kind == .directory
      let replacesDirectory = dentries[replaced.index].kind == .directory
      if isDirectory && !replacesDirectory { return refuse(.removeWrongKind, .notDirectory) }
      if !isDirectory && replacesDirectory { return refuse(.removeWrongKind, .isDirectory) }
    }
    if isLocalMountpoint(dentry, for: process)
      || replaced != .none && isLocalMountpoint(replaced, for: process)
    {
      return refuse(.removeLocalMountpoint, .busy)
    }
    if replaced != .none {
      if dentries[replaced.index].firstChild != .none { return refuse(.removeNotEmpty, .notEmpty) }
      detachMountsOfRemoved(replaced)
      remove(replaced)
    }
    unlinkFromDirectory(dentry)
    dentries[dentry.index].name = newName
    link(dentry, into: target.parent.dentry)
    changeAllTables()
    return .none
  }

  /// Whether something is mounted on the dentry in the process's namespace (`is_local_mountpoint`).
  private func isLocalMountpoint(_ dentry: Dentry, for process: Process) -> Bool {
    let namespace = processes[process.index].namespace
    var mount = dentries[dentry.index].firstMountOn
    while mount != .none {
      if mounts[mount.index].namespace == namespace { return true }
      mount = mounts[mount.index].nextOnDentry
    }
    return false
  }

  /// Lazily removes every mount on a dentry that goes, in all namespaces (`__detach_mounts`, 2.4).
  mutating func detachMounts(on dentry: Dentry) {
    while true {
      let mount = dentries[dentry.index].firstMountOn
      guard mount != .none, !isBroken(.removalKeepsMountsElsewhere) else { return }
      note(.removalDetachesMountsElsewhere, mount)
      if mounts[mount.index].state.contains(.umounted) {
        separate(mount)
        putIfUnused(mount)
      } else {
        umountTree(mount, .connected)
      }
    }
  }
}
