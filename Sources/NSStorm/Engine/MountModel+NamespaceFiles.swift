import StormVocabulary

// The files of mount and user namespaces (nsfs), kernel-mounts 3.3, 3.14: what they pin, and where they may be bound.

extension MountModel {
  /// The kernel's own mount of nsfs, on which the files of all namespaces stand.
  private mutating func namespaceFileMount() -> Mount {
    if state.namespaceFiles != .none { return state.namespaceFiles }
    let superblock = makeSuperblock(
      type: names.intern("nsfs"), owner: state.initialUserNamespace)
    let mount = makeMount(
      of: superblock, root: superblocks[superblock.index].root, deviceName: names.intern("nsfs"),
      attributes: [])
    mounts[mount.index].state = .isInternal
    state.namespaceFiles = mount
    return mount
  }

  private mutating func makeNamespaceFile(_ kind: FileKind, of index: UInt32) -> Location {
    let mount = namespaceFileMount()
    let dentry = Dentry(index: dentries.allocate())
    dentries[dentry.index].superblock = mounts[mount.index].superblock
    dentries[dentry.index].kind = kind
    dentries[dentry.index].contents = index
    return Location(mount: mount, dentry: dentry)
  }

  /// The file of a mount namespace; it holds the namespace while anything refers to it.
  mutating func file(of namespace: Namespace) -> Location {
    let known = namespaces[namespace.index].file
    if known != .none { return Location(mount: namespaceFileMount(), dentry: known) }
    let place = makeNamespaceFile(.mountNamespaceFile, of: namespace.index)
    namespaces[namespace.index].file = place.dentry
    namespaces[namespace.index].users += 1
    return place
  }

  private mutating func file(of users: UserNamespace) -> Location {
    let known = userNamespaces[users.index].file
    if known != .none { return Location(mount: namespaceFileMount(), dentry: known) }
    let place = makeNamespaceFile(.userNamespaceFile, of: users.index)
    userNamespaces[users.index].file = place.dentry
    return place
  }

  /// The last reference to a namespace file is gone (`nsfs_evict`). The namespace is put once the running call has
  /// done its work, because its mounts go with it.
  mutating func releaseNamespaceFile(_ dentry: Dentry) {
    let record = dentries[dentry.index]
    switch record.kind {
    case .mountNamespaceFile:
      note(.namespaceKeptByFile)
      namespaces[record.contents].file = .none
      releasedNamespaces.append(Namespace(index: record.contents))
    case .userNamespaceFile: userNamespaces[record.contents].file = .none
    case .directory, .regular, .symbolicLink: return
    }
    dentries.free(dentry.index)
  }

  mutating func putReleasedNamespaces() {
    while let namespace = releasedNamespaces.popLast() { put(namespace) }
  }

  /// The mount namespace whose file a dentry is (`mnt_ns_from_dentry`); none for any other dentry.
  func namespace(of file: Dentry) -> Namespace {
    dentries[file.index].kind == .mountNamespaceFile
      ? Namespace(index: dentries[file.index].contents) : .none
  }

  func isNamespaceFile(_ dentry: Dentry) -> Bool {
    let kind = dentries[dentry.index].kind
    return kind == .mountNamespaceFile || kind == .userNamespaceFile
  }

  func isMountNamespaceFile(_ mount: Mount) -> Bool {
    dentries[mounts[mount.index].root.index].kind == .mountNamespaceFile
  }

  /// Whether a mount of the dentry could make two namespaces keep each other: its namespace is not newer than the
  /// caller's (`mnt_ns_loop`).
  func couldLoop(_ dentry: Dentry, _ process: Process) -> Bool {
    let other = namespace(of: dentry)
    guard other != .none else { return false }
    let own = processes[process.index].namespace
    return namespaces[own.index].sequence >= namespaces[other.index].sequence
  }

  /// Whether a tree holds such a mount (`check_for_nsfs_mounts`).
  func treeCouldLoop(_ root: Mount, _ process: Process) -> Bool {
    if state.namespaceFiles == .none { return false }
    var member = root
    while member != .none {
      if couldLoop(mounts[member.index].root, process) { return true }
      member = nextInTree(member, root: root)
    }
    return false
  }

  /// What mountinfo shows as the root of a mount of a namespace file (`nsfs_show_path`).
  func namespaceFileText(_ dentry: Dentry) -> String? {
    switch dentries[dentry.index].kind {
    case .mountNamespaceFile: "mnt:[\(dentries[dentry.index].contents)]"
    case .userNamespaceFile: "user:[\(dentries[dentry.index].contents)]"
    case .directory, .regular, .symbolicLink: nil
    }
  }

  // MARK: calls

  /// Opens `/proc/PID/ns/mnt` or `/user` (`proc_ns_get_link`: the caller must be able to trace the process).
  mutating func openNamespaceFile(
    _ kind: NamespaceFileKind, of number: NamespaceNumber, _ slot: DescriptorSlot,
    by process: Process
  ) -> Errno {
    guard isAlive(number) else { return refuse(.nameNotFound, .noSuchEntry) }
    let target = Process(number: number)
    if target != process,
      !hasCapability(process, over: processes[target.index].userNamespace)
    {
      return refuse(.namespaceFileDenied, .accessDenied)
    }
    let place =
      switch kind {
      case .mount: file(of: processes[target.index].namespace)
      case .user: file(of: processes[target.index].userNamespace)
      }
    install(place, slot, of: process)
    return .none
  }

  /// setns(2) with CLONE_NEWNS.
  mutating func setNamespace(of process: Process, toFileIn slot: DescriptorSlot) -> Errno {
    let file = openFile(slot, of: process)
    guard file != .none else { return refuse(.descriptorClosed, .badFileDescriptor) }
    if files[file.index].isPathOnly { return refuse(.pathDescriptorUnusable, .badFileDescriptor) }
    let other = namespace(of: files[file.index].location.dentry)
    if other == .none { return refuse(.descriptorIsNoNamespace, .invalidArgument) }
    return enter(other, process)
  }
}
