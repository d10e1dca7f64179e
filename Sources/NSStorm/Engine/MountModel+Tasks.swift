public import StormVocabulary

// Several processes in one namespace: fork, threads, and the calls that change the caller itself.

extension MountModel {
  /// The process whose descriptors a process uses.
  @inline(__always)
  func filesOwner(of process: Process) -> Process {
    let owner = processes[process.index].filesOwner
    return owner == .none ? process : owner
  }

  /// `copy_process`: a child in the namespace of its parent, with root and working directory of its own.
  ///
  /// - Parameters:
  ///   - child: a number that no living process has.
  ///   - sharingFiles: the two use one descriptor table (CLONE_FILES); else the child gets a copy.
  /// - Returns: whether parent and number allowed it.
  @discardableResult
  public mutating func fork(_ parent: Int, to child: Int, sharingFiles: Bool = false) -> Bool {
    guard isAlive(parent), child >= 0, !isAlive(child) else { return false }
    let origin = Process(number: parent)
    let new = Process(number: child)
    processes.extend(to: new.index + 1)
    var record = processes[origin.index]
    record.firstFile = .none
    record.filesOwner = sharingFiles ? filesOwner(of: origin) : .none
    processes[new.index] = record
    hold(record.root)
    hold(record.workingDirectory)
    namespaces[record.namespace.index].users += 1
    if !sharingFiles { inheritFiles(from: filesOwner(of: origin).number, to: child) }
    return true
  }

  /// `unshare(2)` on the caller itself: a user namespace first, then a copy of the mount namespace.
  public mutating func unshareInPlace(mounts: Bool, users: Bool, by process: Int) -> Errno {
    guard isAlive(process) else { return .noSuchProcess }
    if isExplaining { reasons.removeAll(keepingCapacity: true) }
    let process = Process(number: process)
    if users {
      if let errno = refuseNewUserNamespace(process) { return errno }
      let new = UserNamespace(index: userNamespaces.allocate())
      userNamespaces[new.index].parent = processes[process.index].userNamespace
      processes[process.index].userNamespace = new
      // Whoever makes a user namespace has all capabilities in it.
      processes[process.index].lacksMountCapability = false
    }
    if mounts, !hasCapability(process, over: processes[process.index].userNamespace) {
      return refuse(.noMountCapability, .notPermitted)
    }
    guard mounts else { return .none }
    let old = processes[process.index]
    note(users ? .namespaceForOtherUsers : .namespaceCopied)
    var root = old.root
    var workingDirectory = old.workingDirectory
    let namespace = copyNamespace(
      old.namespace, owner: old.userNamespace, root: &root, workingDirectory: &workingDirectory)
    hold(root)
    hold(workingDirectory)
    namespaces[namespace.index].users += 1
    processes[process.index].namespace = namespace
    processes[process.index].root = root
    processes[process.index].workingDirectory = workingDirectory
    release(old.root)
    release(old.workingDirectory)
    put(old.namespace)
    return .none
  }

  /// Says whether a process has CAP_SYS_ADMIN in its own user namespace; each one does until this says otherwise.
  public mutating func setMountCapability(_ hasIt: Bool, of process: Int) {
    guard isAlive(process) else { return }
    processes[Process(number: process).index].lacksMountCapability = !hasIt
  }

  /// Whether the user namespace of a process owns its mount namespace, so that its own capabilities are all that counts
  /// there; over others, being the owner counts as well.
  public func isInOwningUserNamespace(_ process: Int) -> Bool {
    guard isAlive(process) else { return false }
    let record = processes[Process(number: process).index]
    return namespaces[record.namespace.index].owner == record.userNamespace
  }

  /// The ids of root in a process's user namespace were mapped (`uid_map`, `gid_map`).
  public mutating func mapUsers(of process: Int) {
    guard isAlive(process) else { return }
    let users = processes[Process(number: process).index].userNamespace
    userNamespaces[users.index].mapsRoot = true
  }

  /// The process enters the user namespace of another one.
  public mutating func joinUsers(of other: Int, by process: Int) {
    guard isAlive(process), isAlive(other) else { return }
    processes[Process(number: process).index].userNamespace =
      processes[Process(number: other).index].userNamespace
  }

  /// `dup3`: another slot for the same open file.
  ///
  /// - Returns: whether the old slot was open.
  @discardableResult
  public mutating func duplicate(
    _ old: DescriptorSlot, to new: DescriptorSlot, by process: Int
  ) -> Bool {
    guard isAlive(process) else { return false }
    let process = Process(number: process)
    let file = openFile(old, of: process)
    guard file != .none else { return false }
    if old == new { return true }
    if openFile(new, of: process) != .none { _ = close(new, by: process) }
    let owner = filesOwner(of: process)
    let copy = OpenFile(index: files.allocate())
    files[copy.index] = files[file.index]
    files[copy.index].slot = Int32(truncatingIfNeeded: new)
    files[copy.index].next = processes[owner.index].firstFile
    processes[owner.index].firstFile = copy
    hold(files[copy.index].location)
    return true
  }

  /// Closes every descriptor of a process.
  public mutating func closeAll(of process: Int) {
    guard isAlive(process) else { return }
    let owner = Process(number: process)
    while processes[owner.index].firstFile != .none {
      let file = processes[owner.index].firstFile
      processes[owner.index].firstFile = files[file.index].next
      put(file)
    }
  }

  /// Whether a slot is open.
  public func isOpen(_ slot: DescriptorSlot, of process: Int) -> Bool {
    isAlive(process) && openFile(slot, of: Process(number: process)) != .none
  }

  /// The process gets a descriptor table of its own (`unshare(CLONE_FILES)`).
  public mutating func unshareFiles(by process: Int) {
    guard isAlive(process) else { return }
    let own = Process(number: process)
    let owner = processes[own.index].filesOwner
    if owner != .none {
      processes[own.index].filesOwner = .none
      inheritFiles(from: owner.number, to: process)
    } else if let heir = sharers(of: own).first {
      // The others keep the table; the caller gets a copy of it.
      handOverFiles(of: own)
      inheritFiles(from: heir.number, to: process)
    }
  }

  private func sharers(of owner: Process) -> [Process] {
    (1..<processes.slotCount).filter {
      processes[$0].isAlive && processes[$0].filesOwner == owner
    }.map { Process(number: Int($0) - 1) }
  }

  /// The owner of a shared table goes; another of its users owns it from now on.
  mutating func handOverFiles(of process: Process) {
    if processes[process.index].filesOwner != .none {
      processes[process.index].filesOwner = .none
      return
    }
    let others = sharers(of: process)
    guard let heir = others.first else { return }
    processes[heir.index].firstFile = processes[process.index].firstFile
    processes[heir.index].filesOwner = .none
    processes[process.index].firstFile = .none
    for other in others.dropFirst() { processes[other.index].filesOwner = heir }
  }

  /// A process of another number in the same namespace, or nil where this one is alone in it.
  public func companion(of process: Int) -> Int? {
    guard isAlive(process) else { return nil }
    let namespace = processes[Process(number: process).index].namespace
    return (1..<processes.slotCount).first {
      processes[$0].isAlive && processes[$0].namespace == namespace && Int($0) - 1 != process
    }.map { Int($0) - 1 }
  }

  /// A number that is the same for all processes of one mount namespace, and no other's while it lives.
  public func namespaceNumber(of process: Int) -> Int? {
    guard isAlive(process) else { return nil }
    return Int(processes[Process(number: process).index].namespace.index)
  }
}
