import StormVocabulary

/// Turns a call as strace prints it into a ``TracedCall``.
enum StraceDecoder {
  enum Decoded {
    /// Of no interest to mounts.
    case irrelevant
    case call(TracedCall)
    case unreadable(String)
  }

  /// The calls that ``decode(_:_:)`` takes; the arguments of others are not even looked at.
  static func isRelevant(_ name: String) -> Bool { relevant.contains(name) }

  /// Calls that are there for the sake of mounts, whether they are understood or not.
  static func isMountCall(_ name: String) -> Bool { mountCalls.contains(name) }

  private static let mountCalls: Set<String> = [
    "mount", "umount", "umount2", "unshare", "setns", "pivot_root", "open_tree", "open_tree_attr",
    "move_mount", "mount_setattr", "fsopen", "fsconfig", "fsmount", "fspick", "chroot",
  ]

  private static let relevant: Set<String> = mountCalls.union([
    "clone", "clone3", "fork", "vfork", "open", "openat", "openat2", "creat", "close",
    "close_range", "dup", "dup2", "dup3", "fcntl", "pidfd_open", "chdir", "fchdir", "mkdir",
    "mkdirat", "mknod", "mknodat", "rmdir", "unlink", "unlinkat", "rename", "renameat",
    "renameat2", "symlink", "symlinkat", "link", "linkat", "readlink", "readlinkat", "stat",
    "lstat", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2", "statfs",
    "write", "execve", "execveat", "mmap", "munmap", "name_to_handle_at", "open_by_handle_at",
    "quotactl_fd", "swapon",
  ])

  static func decode(_ name: String, _ arguments: [StraceArgument]) -> Decoded {
    let reader = ArgumentReader(name: name, arguments: arguments)
    do throws(StraceProblem) {
      guard let call = try reader.call() else { return .irrelevant }
      return .call(call)
    } catch {
      return .unreadable(error.message)
    }
  }
}

private struct ArgumentReader {
  let name: String
  let arguments: [StraceArgument]

  private func value(_ index: Int) throws(StraceProblem) -> StraceValue {
    guard index < arguments.count else {
      throw StraceProblem(message: "argument \(index + 1) is missing")
    }
    return arguments[index].value
  }

  private func number(_ index: Int) throws(StraceProblem) -> UInt64 {
    let value = try value(index)
    guard let number = value.number else {
      throw StraceProblem(
        message: "argument \(index + 1) is \(value.excerpt), no number or known flag")
    }
    return number
  }

  private func descriptor(_ index: Int) throws(StraceProblem) -> TracedDescriptor {
    let value = try value(index)
    guard let descriptor = value.descriptor else {
      throw StraceProblem(message: "argument \(index + 1) is \(value.excerpt), no descriptor")
    }
    return descriptor
  }

  private func text(_ index: Int) throws(StraceProblem) -> TracedText { try value(index).text }

  /// A path that begins at the working directory.
  private func path(_ index: Int) throws(StraceProblem) -> TracedPath {
    TracedPath(try text(index))
  }

  /// A descriptor and the path behind it.
  private func pathAt(_ index: Int) throws(StraceProblem) -> TracedPath {
    TracedPath(try text(index + 1), from: try descriptor(index))
  }

  private func member(
    _ name: String, of index: Int
  ) throws(StraceProblem) -> UInt64? {
    guard case .structure(let members) = try value(index) else {
      throw StraceProblem(message: "argument \(index + 1) is no structure")
    }
    guard let member = members.first(where: { $0.name == name }) else { return nil }
    guard let number = member.value.number else {
      throw StraceProblem(message: "`\(name)` is \(member.value.excerpt), no number or known flag")
    }
    return number
  }

  private func named(_ name: String) throws(StraceProblem) -> UInt64? {
    guard let argument = arguments.first(where: { $0.name == name }) else { return nil }
    guard let number = argument.value.number else {
      throw StraceProblem(
        message: "`\(name)` is \(argument.value.excerpt), no number or known flag")
    }
    return number
  }

  private func mode(_ index: Int, _ member: String) -> UInt64? {
    guard index < arguments.count, case .structure(let members) = arguments[index].value else {
      return nil
    }
    return members.first { $0.name == member }?.value.number
  }

  func call() throws(StraceProblem) -> TracedCall? {
    if let call = try mountCall() { return call }
    if let call = try taskCall() { return call }
    if let call = try descriptorCall() { return call }
    return try nameCall()
  }

  private func mountCall() throws(StraceProblem) -> TracedCall? {
    switch name {
    case "mount":
      return .mount(
        source: try text(0), target: try text(1), type: try text(2), flags: try number(3),
        data: arguments.count > 4 ? try text(4) : .null)
    case "umount2": return .umount(try text(0), flags: try number(1))
    case "umount": return .umount(try text(0), flags: arguments.count > 1 ? try number(1) : 0)
    case "setns": return .setns(try descriptor(0), flags: try number(1))
    case "pivot_root": return .pivotRoot(newRoot: try text(0), putOld: try text(1))
    case "open_tree": return .openTree(try pathAt(0), flags: try number(2))
    case "open_tree_attr":
      throw StraceProblem(message: "open_tree_attr is not modelled")
    case "move_mount":
      return .moveMount(from: try pathAt(0), to: try pathAt(2), flags: try number(4))
    case "mount_setattr":
      return .mountSetattr(
        try pathAt(0), flags: try number(2), set: try member("attr_set", of: 3) ?? 0,
        clear: try member("attr_clr", of: 3) ?? 0,
        propagation: try member("propagation", of: 3) ?? 0)
    case "fsopen": return .fsopen(type: try text(0), flags: try number(1))
    case "fsconfig":
      return .fsconfig(
        try descriptor(0), command: try number(1), key: try text(2), value: try text(3))
    case "fsmount":
      return .fsmount(try descriptor(0), flags: try number(1), attributes: try number(2))
    case "fspick": return .fspick(try pathAt(0), flags: try number(2))
    case "chroot": return .chroot(try text(0))
    case "unshare": return .unshare(flags: try number(0))
    default: return nil
    }
  }

  private func taskCall() throws(StraceProblem) -> TracedCall? {
    switch name {
    case "fork", "vfork": return .clone(flags: 0)
    case "clone":
      guard let flags = try named("flags") else {
        throw StraceProblem(message: "`flags` is missing")
      }
      return .clone(flags: flags)
    case "clone3":
      guard let flags = try member("flags", of: 0) else {
        throw StraceProblem(message: "`flags` is missing")
      }
      return .clone(flags: flags)
    case "execve": return .execute(try path(0))
    case "execveat": return .execute(try pathAt(0))
    case "mmap":
      let descriptor = try descriptor(4)
      guard descriptor.number >= 0 else { return nil }
      return .mapFile(descriptor, bytes: try number(1))
    case "munmap": return .unmap(address: try number(0), bytes: try number(1))
    case "pidfd_open": return .pidDescriptor(process: try descriptor(0).number)
    default: return nil
    }
  }

  private func descriptorCall() throws(StraceProblem) -> TracedCall? {
    switch name {
    case "open": return .open(try path(0), flags: try number(1))
    case "openat": return .open(try pathAt(0), flags: try number(2))
    case "openat2": return .open(try pathAt(0), flags: try member("flags", of: 2) ?? 0)
    case "creat":
      return .open(try path(0), flags: TracedFlags.openCreate)
    case "close":
      let number = UInt32(bitPattern: try descriptor(0).number)
      return .close(first: number, last: number, flags: 0)
    case "close_range":
      return .close(
        first: UInt32(truncatingIfNeeded: try number(0)),
        last: UInt32(truncatingIfNeeded: try number(1)), flags: try number(2))
    case "dup", "dup2": return .duplicate(try descriptor(0), closeOnExec: false)
    case "dup3":
      return .duplicate(
        try descriptor(0), closeOnExec: try number(2) & TracedFlags.closeOnExec != 0)
    case "fcntl":
      guard let command = try value(1).number else { return nil }
      switch command {
      case 0: return .duplicate(try descriptor(0), closeOnExec: false)
      case 1030: return .duplicate(try descriptor(0), closeOnExec: true)
      case 2: return .setCloseOnExec(try descriptor(0), try number(2) & 1 != 0)
      default: return nil
      }
    case "write": return .write(try descriptor(0))
    case "fchdir": return .fchdir(try descriptor(0))
    case "open_by_handle_at": throw StraceProblem(message: "file handles are not modelled")
    default: return nil
    }
  }

  private func nameCall() throws(StraceProblem) -> TracedCall? {
    switch name {
    case "chdir": return .chdir(try text(0))
    case "mkdir": return .makeDirectory(try path(0))
    case "mkdirat": return .makeDirectory(try pathAt(0))
    case "mknod": return .makeNode(try path(0))
    case "mknodat": return .makeNode(try pathAt(0))
    case "rmdir": return .remove(try path(0), directory: true)
    case "unlink": return .remove(try path(0), directory: false)
    case "unlinkat":
      return .remove(try pathAt(0), directory: try number(2) & TracedFlags.atRemoveDirectory != 0)
    case "rename": return .rename(from: try path(0), to: try path(1), flags: 0)
    case "renameat", "renameat2":
      return .rename(
        from: try pathAt(0), to: try pathAt(2), flags: name == "renameat" ? 0 : try number(4))
    case "symlink": return .symlink(contents: try text(0), at: try path(1))
    case "symlinkat": return .symlink(contents: try text(0), at: try pathAt(1))
    case "link": return .link(from: try path(0), to: try path(1))
    case "linkat": return .link(from: try pathAt(0), to: try pathAt(2))
    case "readlink": return .readLink(try path(0), contents: try text(1))
    case "readlinkat": return .readLink(try pathAt(0), contents: try text(2))
    case "stat": return .inspect(try path(0), mode: mode(1, "st_mode"), followsFinalLink: true)
    case "lstat": return .inspect(try path(0), mode: mode(1, "st_mode"), followsFinalLink: false)
    case "newfstatat", "fstatat64":
      return .inspect(
        try pathAt(0), mode: mode(2, "st_mode"),
        followsFinalLink: try number(3) & TracedFlags.atSymlinkNoFollow == 0)
    case "statx":
      return .inspect(
        try pathAt(0), mode: mode(4, "stx_mode"),
        followsFinalLink: try number(2) & TracedFlags.atSymlinkNoFollow == 0)
    case "access", "statfs": return .inspect(try path(0), mode: nil, followsFinalLink: true)
    case "faccessat", "faccessat2":
      return .inspect(try pathAt(0), mode: nil, followsFinalLink: true)
    default: return nil
    }
  }
}

extension StraceValue {
  /// The value as a message shows it.
  fileprivate var excerpt: String {
    switch self {
    case .string(let text, _): "\"\(text.prefix(40))\""
    case .structure: "a structure"
    case .array: "a list"
    case .word(let text, _): "`\(text.prefix(60))`"
    }
  }
}
