public import StormVocabulary

// Questions that change nothing but what a path walk changes.

extension MountModel {
  /// The file system that a path ends on, by the name it was first mounted under, and whether the path ends on its root.
  public mutating func place(
    of path: PathArgument, by process: Int
  ) -> (Errno, source: String, isRoot: Bool) {
    guard isAlive(process) else { return (.noSuchProcess, "", false) }
    switch resolve(path, by: Process(number: process)) {
    case .failure(let errno): return (errno, "", false)
    case .success(let location):
      let superblock = superblocks[mounts[location.mount.index].superblock.index]
      return (.none, names[superblock.deviceName], superblock.root == location.dentry)
    }
  }

  /// Whether a process that enters the namespace of another one would stand on the absolute root of that namespace. In a
  /// sandbox that is the machine's own rootfs, which nobody may touch.
  public func absoluteRootIsBare(inNamespaceOf process: Int) -> Bool {
    guard isAlive(process) else { return false }
    return absoluteRootIsBare(in: processes[Process(number: process).index].namespace)
  }

  /// The same of the namespace whose file a process has in a slot; false where it is no mount namespace's file.
  public func absoluteRootIsBare(
    inNamespaceOfFileIn slot: DescriptorSlot, of process: Int
  ) -> Bool {
    guard isAlive(process) else { return false }
    let file = openFile(slot, of: Process(number: process))
    guard file != .none else { return false }
    let other = namespace(of: files[file.index].location.dentry)
    return other != .none && absoluteRootIsBare(in: other)
  }

  /// The empty nullfs of newer kernels is no root that anybody could touch.
  private func absoluteRootIsBare(in namespace: Namespace) -> Bool {
    let root = namespaces[namespace.index].root
    guard topmost(of: root) == root else { return false }
    return !superblocks[mounts[root.index].superblock.index].isForKernelOnly
  }

  /// Whether a file system that was first mounted under this name is read-only as a whole.
  public func isReadOnly(fileSystem source: String) -> Bool {
    for index in 1..<superblocks.slotCount where superblocks[index].mountCount > 0 {
      let superblock = superblocks[index]
      if superblock.isReadOnly, names[superblock.deviceName] == source { return true }
    }
    return false
  }

  /// What the magic link of a descriptor says: the path from the top of its tree.
  public func descriptorPath(_ slot: DescriptorSlot, of process: Int) -> (Errno, path: String) {
    guard isAlive(process) else { return (.noSuchProcess, "") }
    let file = openFile(slot, of: Process(number: process))
    guard file != .none else { return (.noSuchEntry, "") }
    var here = files[file.index].location
    var path = ""
    while true {
      var dentry = here.dentry
      while dentry != mounts[here.mount.index].root, dentry != .none {
        path = "/" + names[dentries[dentry.index].name] + path
        dentry = dentries[dentry.index].parent
      }
      let parent = mounts[here.mount.index].parent
      if parent == .none { break }
      here = Location(mount: parent, dentry: mounts[here.mount.index].mountpoint)
    }
    return (.none, path.isEmpty ? "/" : path)
  }
}
