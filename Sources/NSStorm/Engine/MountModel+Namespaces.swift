import StormVocabulary

// Mount namespaces and user namespaces, kernel-mounts 3.14.

extension MountModel {
  mutating func makeNamespace(owner: UserNamespace, isAnonymous: Bool) -> Namespace {
    let namespace = Namespace(index: namespaces.allocate())
    namespaces[namespace.index].owner = owner
    namespaces[namespace.index].isAnonymous = isAnonymous
    if !isAnonymous {
      state.lastNamespaceSequence += 1
      namespaces[namespace.index].sequence = state.lastNamespaceSequence
    }
    return namespace
  }

  /// A child is forked without its open files and calls unshare(2). When the call fails the child ends.
  ///
  /// - Parameter isEmpty: with UNSHARE_EMPTY_MNTNS, which kernels before 7.1 do not know.
  mutating func unshare(
    _ parent: Process, becoming number: Int, newUser: Bool, isEmpty: Bool
  ) -> Errno {
    let child = Process(number: number)
    processes.extend(to: child.index + 1)
    if processes[child.index].isAlive { return .fileExists }
    if isEmpty, !rules.hasEmptyNamespaces { return refuse(.callMissing, .invalidArgument) }
    let origin = processes[parent.index]
    var users = origin.userNamespace
    if newUser {
      if let errno = refuseNewUserNamespace(parent) { return errno }
      users = UserNamespace(index: userNamespaces.allocate())
      userNamespaces[users.index].parent = origin.userNamespace
      // A recorder may write the maps only of user namespaces right below the initial one.
      userNamespaces[users.index].mapsRoot = origin.userNamespace == state.initialUserNamespace
    }
    note(newUser ? .namespaceForOtherUsers : .namespaceCopied)
    processes[child.index] = ProcessRecord()
    processes[child.index].isAlive = true
    processes[child.index].userNamespace = users
    var root = origin.root
    var workingDirectory = origin.workingDirectory
    let namespace =
      isEmpty
      ? emptyCopy(
        of: origin.namespace, owner: users, root: &root, workingDirectory: &workingDirectory)
      : copyNamespace(
        origin.namespace, owner: users, root: &root, workingDirectory: &workingDirectory)
    processes[child.index].namespace = namespace
    processes[child.index].root = root
    processes[child.index].workingDirectory = workingDirectory
    hold(root)
    hold(workingDirectory)
    namespaces[namespace.index].users += 1
    return .none
  }

  /// `create_user_ns`: not from a root that is covered or elsewhere, and not with ids that nobody knows.
  mutating func refuseNewUserNamespace(_ process: Process) -> Errno? {
    let record = processes[process.index]
    let top = topmost(of: namespaces[record.namespace.index].root)
    if record.root != Location(mount: top, dentry: mounts[top.index].root) {
      return refuse(.newUsersWhileChrooted, .notPermitted)
    }
    if !userNamespaces[record.userNamespace.index].mapsRoot {
      return refuse(.newUsersUnmapped, .notPermitted)
    }
    return nil
  }

  /// `copy_mnt_ns`: everything from the namespace's root, unbindable mounts included.
  mutating func copyNamespace(
    _ original: Namespace, owner: UserNamespace, root: inout Location,
    workingDirectory: inout Location
  ) -> Namespace {
    let otherUsers = namespaces[original.index].owner != owner
    var flags: CloneFlags = .copyUnbindable
    if otherUsers { flags.insert(.slave) }
    let oldRoot = namespaces[original.index].root
    let namespace = makeNamespace(owner: owner, isAnonymous: false)
    // Nothing is refused here: unbindable mounts are copied, and mount-max is not asked.
    guard
      case .success(let newRoot) = copyTree(oldRoot, at: mounts[oldRoot.index].root, flags)
    else { preconditionFailure("a namespace copy cannot be refused") }
    if otherUsers { lock(newRoot) }
    namespaces[namespace.index].root = newRoot
    var old = oldRoot
    var new = newRoot
    while new != .none {
      // Mounts of mount-namespace files were left out, with what is on them.
      while mounts[old.index].root != mounts[new.index].root {
        old = nextOutsideSubtree(old, root: oldRoot)
      }
      join(namespace, new)
      if root.mount == old { root.mount = new }
      if workingDirectory.mount == old { workingDirectory.mount = new }
      old = nextInTree(old, root: oldRoot)
      new = nextInTree(new, root: newRoot)
    }
    return namespace
  }

  /// UNSHARE_EMPTY_MNTNS: a copy of the root mount alone, on which the process then stands.
  private mutating func emptyCopy(
    of original: Namespace, owner: UserNamespace, root: inout Location,
    workingDirectory: inout Location
  ) -> Namespace {
    note(.namespaceEmpty)
    let otherUsers = namespaces[original.index].owner != owner
    let oldRoot = namespaces[original.index].root
    let namespace = makeNamespace(owner: owner, isAnonymous: false)
    let newRoot = clone(oldRoot, root: mounts[oldRoot.index].root, otherUsers ? .slave : [])
    mounts[newRoot.index].state.remove(.locked)
    if otherUsers { lock(newRoot) }
    namespaces[namespace.index].root = newRoot
    join(namespace, newRoot)
    root = Location(mount: newRoot, dentry: mounts[newRoot.index].root)
    workingDirectory = root
    return namespace
  }

  /// A task or a descriptor lets go of a namespace; the last one takes its mounts down without propagation.
  mutating func put(_ namespace: Namespace) {
    namespaces[namespace.index].users -= 1
    guard namespaces[namespace.index].users == 0 else { return }
    note(.namespaceDies)
    let root = namespaces[namespace.index].root
    if root != .none { umountTree(root, isBroken(.namespaceDeathPropagates) ? .propagates : []) }
    namespaces.free(namespace.index)
  }

  /// The process ends: files, then working directory and root, then the namespace (6.4).
  mutating func exit(_ process: Process) -> Errno {
    handOverFiles(of: process)
    while processes[process.index].firstFile != .none {
      let file = processes[process.index].firstFile
      processes[process.index].firstFile = files[file.index].next
      put(file)
    }
    let record = processes[process.index]
    processes[process.index].workingDirectory = .none
    processes[process.index].root = .none
    processes[process.index].namespace = .none
    processes[process.index].isAlive = false
    release(record.workingDirectory)
    release(record.root)
    put(record.namespace)
    return .none
  }

  /// setns(2) by a pidfd to the mount namespace of another process, which needs rights over both (`validate_nsset` asks
  /// `ptrace_may_access`, `mntns_install` for the namespace's owner): root and working directory go to the top of its root.
  mutating func setNamespace(of process: Process, to number: Int) -> Errno {
    guard isAlive(number) else { return refuse(.nameNotFound, .noSuchEntry) }
    let target = Process(number: number)
    if target != process,
      !hasCapability(process, over: processes[target.index].userNamespace)
    {
      return refuse(.setnsCapability, .notPermitted)
    }
    return enter(processes[target.index].namespace, process)
  }

  /// `mntns_install`.
  mutating func enter(_ namespace: Namespace, _ process: Process) -> Errno {
    let record = processes[process.index]
    if !hasCapability(process, over: namespaces[namespace.index].owner) {
      return refuse(.setnsCapability, .notPermitted)
    }
    note(.setnsLandsOnTopmost)
    let top = topmost(of: namespaces[namespace.index].root)
    let here = Location(mount: top, dentry: mounts[top.index].root)
    namespaces[namespace.index].users += 1
    hold(here)
    hold(here)
    processes[process.index].namespace = namespace
    processes[process.index].root = here
    processes[process.index].workingDirectory = here
    changeTable(of: namespace)
    release(record.root)
    release(record.workingDirectory)
    put(record.namespace)
    return .none
  }
}
