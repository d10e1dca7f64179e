public import StormVocabulary

extension MountModel {
  /// Makes one system call and returns what the kernel would answer.
  ///
  /// - Parameter process: a living process; a call by a dead one answers ESRCH.
  public mutating func perform(_ operation: Operation, by process: Int) -> Errno {
    guard isAlive(process) else { return .noSuchProcess }
    if isExplaining { reasons.removeAll(keepingCapacity: true) }
    let errno = dispatch(operation, by: Process(number: process))
    if !releasedNamespaces.isEmpty { putReleasedNamespaces() }
    return errno
  }

  @inline(__always)
  private mutating func dispatch(_ operation: Operation, by process: Process) -> Errno {
    switch operation {
    case .mkdir(let path): return create(path, kind: .directory, by: process)
    case .touch(let path): return create(path, kind: .regular, by: process)
    case .symlink(let contents, let path):
      return create(path, kind: .symbolicLink, contents: contents, by: process)
    case .rmdir(let path): return removeName(path, directory: true, by: process)
    case .unlink(let path): return removeName(path, directory: false, by: process)
    case .rename(let from, let to): return rename(from: from, to: to, by: process)
    case .mount(let call): return mount(call, by: process)
    case .umount2(let path, let flags): return umount(path, flags, by: process)
    case .unshare(let namespace, let newUser):
      return unshare(process, becoming: namespace, newUser: newUser, isEmpty: false)
    case .unshareEmpty(let namespace, let newUser):
      return unshare(process, becoming: namespace, newUser: newUser, isEmpty: true)
    case .exit: return exit(process)
    case .setns(let other): return setNamespace(of: process, to: other)
    case .setnsDescriptor(let slot): return setNamespace(of: process, toFileIn: slot)
    case .openNamespaceFile(let kind, let other, let slot):
      return openNamespaceFile(kind, of: other, slot, by: process)
    case .hold(let slot, let kind, let number): return hold(slot, kind, number, by: process)
    case .letGo(let number): return letGo(number, by: process)
    case .open(let path, let flags, let slot): return open(path, flags, slot, by: process)
    case .close(let slot): return close(slot, by: process)
    case .chdir(let path): return changeDirectory(path, by: process)
    case .chroot(let path): return changeRoot(path, by: process)
    case .pivotRoot(let newRoot, let putOld): return pivotRoot(newRoot, putOld, by: process)
    case .openTree(let path, let flags, let slot): return openTree(path, flags, slot, by: process)
    case .openTreeAttr(let path, let flags, let change, let slot):
      return openTree(path, flags, changing: change, slot, by: process)
    case .fsmount(let type, let source, let slot):
      return fsmount(type, source: source, slot, isNamespace: false, by: process)
    case .fsmountNamespace(let type, let source, let slot):
      return fsmount(type, source: source, slot, isNamespace: true, by: process)
    case .moveMount(let from, let to, let flags): return moveMount(from, to, flags, by: process)
    case .mountSetattr(let path, let recursive, let change):
      return mountSetattr(path, recursive: recursive, change, by: process)
    case .stat(let path):
      switch resolve(path, by: process) {
      case .failure(let errno): return errno
      case .success: return .none
      }
    }
  }

  /// CAP_SYS_ADMIN over a user namespace: in it or in an ancestor. Every process is root in its own, unless somebody said
  /// otherwise (``setMountCapability(_:of:)``).
  func hasCapability(_ process: Process, over users: UserNamespace) -> Bool {
    if processes[process.index].lacksMountCapability { return false }
    var here = users
    while here != .none {
      if here == processes[process.index].userNamespace { return true }
      here = userNamespaces[here.index].parent
    }
    return false
  }

  /// `may_mount`: CAP_SYS_ADMIN over the owner of the caller's mount namespace.
  func mayMount(_ process: Process) -> Bool {
    hasCapability(process, over: owner(ofNamespaceOf: process))
  }
}
