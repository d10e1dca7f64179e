import StormVocabulary

/// Says calls as C expressions. What they need besides libc's own is noted, so that a program has no more than it uses.
struct CExpressions {
  /// Pieces of a program that some call needs.
  enum Need {
    case slots, procfs, borrowing, setattr, treeAttr, fsmount, namespaces, users, setns
    case namespaceFiles, holds
  }

  private(set) var needs: Set<Need> = []
  /// How deep each namespace stands in user namespaces below the initial one.
  private var userDepth: [NamespaceNumber: Int] = [0: 0]
  let names: @Sendable (NamespaceNumber) -> String

  init(names: @escaping @Sendable (NamespaceNumber) -> String) {
    self.names = names
  }

  /// A value of type `int`: 0 or an errno.
  mutating func expression(_ operation: Operation, by namespace: NamespaceNumber) -> String {
    switch operation {
    case .mkdir(let path):
      return at(path) { directory, path in
        directory == nil ? "mkdir(\(path), 0755)" : "mkdirat(\(directory ?? ""), \(path), 0755)"
      }
    case .rmdir(let path):
      return at(path) { directory, path in
        directory == nil
          ? "rmdir(\(path))" : "unlinkat(\(directory ?? ""), \(path), AT_REMOVEDIR)"
      }
    case .unlink(let path):
      return at(path) { directory, path in
        directory == nil ? "unlink(\(path))" : "unlinkat(\(directory ?? ""), \(path), 0)"
      }
    case .touch(let path):
      return at(path) { directory, path in
        "mknodat(\(directory ?? "AT_FDCWD"), \(path), S_IFREG | 0644, 0)"
      }
    case .symlink(let contents, let path):
      return at(path) { directory, path in
        "symlinkat(\(literal(contents)), \(directory ?? "AT_FDCWD"), \(path))"
      }
    case .rename(let from, let to):
      let (first, second) = (place(from), place(to))
      return guarded(
        [from, to],
        "CALL(renameat(\(first.directory), \(first.path), \(second.directory), \(second.path)))")
    case .stat(let path):
      let place = emptyPathPlace(path)
      return guarded(
        [path],
        "CALL(fstatat(\(place.directory), \(place.path), &(struct stat){ 0 }, \(place.isEmpty ? "AT_EMPTY_PATH" : "0")))"
      )
    case .mount(let call):
      let type = call.type.map(literal) ?? "NULL"
      return strings([call.source, call.target]) { paths in
        "mount(\(paths[0]), \(paths[1]), \(type), \(Self.flags(call.flags)), NULL)"
      }
    case .umount2(let path, let flags):
      return strings([path]) { "umount2(\($0[0]), \(Self.flags(flags)))" }
    case .chdir(let path):
      // A working directory that was borrowed must not be given back.
      if case .descriptor(let slot) = path {
        needs.insert(.slots)
        return guarded([path], "CALL(fchdir(slot[\(slot)]))")
      }
      return strings([path]) { "chdir(\($0[0]))" }
    case .chroot(let path): return strings([path]) { "chroot(\($0[0]))" }
    case .pivotRoot(let new, let old):
      return strings([new, old]) { "syscall(SYS_pivot_root, \($0[0]), \($0[1]))" }
    case .open(let path, let flags, let slot):
      needs.insert(.slots)
      let words =
        (flags.contains(.path) ? "O_PATH" : "O_RDONLY") + " | O_CLOEXEC"
        + (flags.contains(.directory) ? " | O_DIRECTORY" : "")
      let place = place(path)
      return guarded([path], "keep(\(slot), openat(\(place.directory), \(place.path), \(words)))")
    case .close(let slot):
      needs.insert(.slots)
      return "drop(\(slot))"
    case .openTree(let path, let flags, let slot):
      needs.insert(.slots)
      let place = emptyPathPlace(path)
      let words = Self.treeFlags(flags, isEmptyPath: place.isEmpty)
      return guarded(
        [path],
        "keep(\(slot), syscall(SYS_open_tree, \(place.directory), \(place.path), \(words)))"
      )
    case .fsmount(let type, let source, let slot):
      needs.formUnion([.slots, .fsmount])
      return "keep(\(slot), detached_mount(\(literal(type)), \(literal(source)), 0))"
    case .fsmountNamespace(let type, let source, let slot):
      needs.formUnion([.slots, .fsmount])
      return
        "keep(\(slot), detached_mount(\(literal(type)), \(literal(source)), 2 /* FSMOUNT_NAMESPACE */))"
    case .openTreeAttr(let path, let flags, let change, let slot):
      needs.formUnion([.slots, .treeAttr])
      let place = emptyPathPlace(path)
      let words = Self.treeFlags(flags, isEmptyPath: place.isEmpty)
      return guarded(
        [path],
        "keep(\(slot), changed_tree(\(place.directory), \(place.path), \(words), \(Self.attributes(change))))"
      )
    case .openNamespaceFile(let kind, of: let other, let slot):
      needs.formUnion([.slots, .procfs, .namespaceFiles])
      return "keep(\(slot), namespace_file(\(names(other)), \(literal(kind.rawValue))))"
    case .setnsDescriptor(let slot):
      needs.insert(.slots)
      return guarded([.descriptor(slot)], "CALL(setns(slot[\(slot)], CLONE_NEWNS))")
    case .hold(let slot, let kind, let number):
      needs.formUnion([.slots, .holds])
      return guarded(
        [.descriptor(slot)],
        kind == .mapping ? "map(\(number), slot[\(slot)])" : "send_away(\(number), slot[\(slot)])")
    case .letGo(let number):
      needs.insert(.holds)
      return "let_go(\(number))"
    case .moveMount(let from, let to, let flags):
      let (first, second) = (emptyPathPlace(from), emptyPathPlace(to))
      var words: [String] = []
      if first.isEmpty { words.append("MOVE_MOUNT_F_EMPTY_PATH") }
      if second.isEmpty { words.append("MOVE_MOUNT_T_EMPTY_PATH") }
      if flags.contains(.setGroup) { words.append("MOVE_MOUNT_SET_GROUP") }
      if flags.contains(.beneath) { words.append("MOVE_MOUNT_BENEATH") }
      return guarded(
        [from, to],
        "CALL(syscall(SYS_move_mount, \(first.directory), \(first.path), \(second.directory), \(second.path), \(words.isEmpty ? "0" : words.joined(separator: " | "))))"
      )
    case .mountSetattr(let path, let recursive, let change):
      needs.insert(.setattr)
      if case .idmap = change { needs.insert(.slots) }
      let place = emptyPathPlace(path)
      var words: [String] = []
      if recursive { words.append("AT_RECURSIVE") }
      if place.isEmpty { words.append("AT_EMPTY_PATH") }
      return guarded(
        [path],
        "change(\(place.directory), \(place.path), \(words.isEmpty ? "0" : words.joined(separator: " | ")), \(Self.attributes(change)))"
      )
    case .unshare(let new, let newUser), .unshareEmpty(let new, let newUser):
      needs.insert(.namespaces)
      let depth = userDepth[namespace] ?? 0
      userDepth[new] = newUser ? depth + 1 : depth
      if newUser { needs.formUnion([.users, .procfs]) }
      // A user namespace inside another one stays without a map.
      let maps = newUser && depth == 0
      var words = ["CLONE_NEWNS"]
      if newUser { words.append("CLONE_NEWUSER") }
      if case .unshareEmpty = operation { words.append("0x00100000 /* UNSHARE_EMPTY_MNTNS */") }
      return
        "new_namespace(\(names(new)), \(words.joined(separator: " | ")), \(maps ? 1 : 0))"
    case .setns(let other):
      needs.formUnion([.setns, .procfs])
      return "join(\(names(other)))"
    case .exit:
      // The process ends once it has answered.
      return "0"
    }
  }

  // MARK: - Paths

  private mutating func at(
    _ path: PathArgument, _ call: (_ directory: String?, _ path: String) -> String
  ) -> String {
    if case .path(let text) = path { return "CALL(\(call(nil, literal(text))))" }
    let place = place(path)
    return guarded([path], "CALL(\(call(place.directory, place.path)))")
  }

  /// For calls that take a directory and a path, and no empty path.
  private mutating func place(_ path: PathArgument) -> (directory: String, path: String) {
    switch path {
    case .null: return ("AT_FDCWD", "NULL")
    case .path(let text): return ("AT_FDCWD", literal(text))
    case .relative(let slot, let text):
      needs.insert(.slots)
      return ("slot[\(slot)]", literal(text))
    case .descriptor(let slot):
      needs.formUnion([.slots, .procfs, .borrowing])
      return ("proc", "self_fd(0, \(slot), \"\")")
    }
  }

  /// For calls that can be given the descriptor itself.
  private mutating func emptyPathPlace(
    _ path: PathArgument
  ) -> (directory: String, path: String, isEmpty: Bool) {
    if case .descriptor(let slot) = path {
      needs.insert(.slots)
      return ("slot[\(slot)]", "\"\"", true)
    }
    let place = place(path)
    return (place.directory, place.path, false)
  }

  /// For calls that take strings only: a descriptor is reached through its magic link, from /proc as working directory.
  private mutating func strings(
    _ paths: [PathArgument], _ call: ([String]) -> String
  ) -> String {
    let borrows = paths.contains {
      switch $0 {
      case .descriptor, .relative: true
      case .null, .path: false
      }
    }
    var words: [String] = []
    for (index, path) in paths.enumerated() {
      switch path {
      case .null: words.append("NULL")
      case .path(let text): words.append(literal(text))
      case .descriptor(let slot): words.append("self_fd(\(index), \(slot), \"\")")
      case .relative(let slot, let text):
        words.append("self_fd(\(index), \(slot), \(literal(text)))")
      }
    }
    guard borrows else { return "CALL(\(call(words)))" }
    needs.formUnion([.slots, .procfs, .borrowing])
    return guarded(paths, "BORROWED(\(call(words)))")
  }

  /// EBADF without a call where a slot is empty.
  private mutating func guarded(_ paths: [PathArgument], _ expression: String) -> String {
    let slots: [DescriptorSlot] = paths.compactMap {
      switch $0 {
      case .descriptor(let slot), .relative(let slot, _): slot
      case .null, .path: nil
      }
    }
    guard !slots.isEmpty else { return expression }
    needs.insert(.slots)
    let tests = slots.map { "slot[\($0)] < 0" }.joined(separator: " || ")
    return "(\(tests)) ? EBADF : \(expression)"
  }

  // MARK: - Words

  private static func words(
    _ bits: UInt64, _ names: [(String, UInt64)]
  ) -> String {
    var rest = bits
    var words: [String] = []
    for (name, bit) in names where rest & bit == bit {
      words.append(name)
      rest &= ~bit
    }
    if rest != 0 { words.append("0x" + String(rest, radix: 16)) }
    return words.isEmpty ? "0" : words.joined(separator: " | ")
  }

  /// The flags of open_tree and open_tree_attr.
  private static func treeFlags(_ flags: OpenTreeFlags, isEmptyPath: Bool) -> String {
    var words = ["OPEN_TREE_CLOEXEC"]
    if flags.contains(.clone) { words.append("OPEN_TREE_CLONE") }
    if flags.contains(.namespace) { words.append("2 /* OPEN_TREE_NAMESPACE */") }
    if flags.contains(.recursive) { words.append("AT_RECURSIVE") }
    if isEmptyPath { words.append("AT_EMPTY_PATH") }
    return words.joined(separator: " | ")
  }

  static func flags(_ flags: MountFlags) -> String {
    words(
      flags.rawValue,
      [
        ("MS_RDONLY", 1), ("MS_NOSUID", 2), ("MS_NODEV", 4), ("MS_NOEXEC", 8),
        ("MS_REMOUNT", 32), ("MS_NOATIME", 1024), ("MS_NODIRATIME", 2048), ("MS_BIND", 4096),
        ("MS_MOVE", 8192), ("MS_REC", 16384), ("MS_SILENT", 32768), ("MS_UNBINDABLE", 1 << 17),
        ("MS_PRIVATE", 1 << 18), ("MS_SLAVE", 1 << 19), ("MS_SHARED", 1 << 20),
        ("MS_RELATIME", 1 << 21), ("MS_STRICTATIME", 1 << 24),
      ])
  }

  static func flags(_ flags: UmountFlags) -> String {
    words(
      UInt64(flags.rawValue),
      [("MNT_FORCE", 1), ("MNT_DETACH", 2), ("MNT_EXPIRE", 4), ("UMOUNT_NOFOLLOW", 8)])
  }

  /// `set, clear, propagation, userns` of `change()`.
  static func attributes(_ change: AttributeChange) -> String {
    func plain(_ attributes: MountAttributes) -> UInt64 {
      let bits: [(MountAttributes, UInt64)] = [
        (.readOnly, 0x1), (.noSetuid, 0x2), (.noDevices, 0x4), (.noExecute, 0x8),
        (.noDirectoryAccessTime, 0x80), (.noSymlinkFollow, 0x20_0000), (.idmapped, 0x10_0000),
      ]
      return bits.reduce(0) { attributes.contains($1.0) ? $0 | $1.1 : $0 }
    }
    let names: [(String, UInt64)] = [
      ("MOUNT_ATTR_RDONLY", 1), ("MOUNT_ATTR_NOSUID", 2), ("MOUNT_ATTR_NODEV", 4),
      ("MOUNT_ATTR_NOEXEC", 8), ("MOUNT_ATTR__ATIME", 0x70), ("MOUNT_ATTR_NODIRATIME", 0x80),
      ("MOUNT_ATTR_NOATIME", 0x10), ("MOUNT_ATTR_IDMAP", 0x10_0000),
    ]
    switch change {
    case .propagation(let type):
      let word =
        switch type {
        case .shared: "MS_SHARED"
        case .private: "MS_PRIVATE"
        case .slave: "MS_SLAVE"
        case .unbindable: "MS_UNBINDABLE"
        }
      return "0, 0, \(word), -1"
    case .idmap(let slot): return "MOUNT_ATTR_IDMAP, 0, 0, slot[\(slot)]"
    case .set(let attributes):
      // The kinds of access time are values of one field, which must be cleared whole to be set.
      var set = plain(attributes)
      if attributes.contains(.noAccessTime) { set |= 0x10 }
      let clears = !attributes.isDisjoint(with: [.noAccessTime, .relativeAccessTime])
      return "\(words(set, names)), \(clears ? "MOUNT_ATTR__ATIME" : "0"), 0, -1"
    case .clear(let attributes):
      let clears = !attributes.isDisjoint(with: [.noAccessTime, .relativeAccessTime])
      return "0, \(words(plain(attributes) | (clears ? 0x70 : 0), names)), 0, -1"
    }
  }
}

/// A string as C has it.
func literal(_ text: String) -> String {
  var quoted = "\""
  for byte in text.utf8 {
    switch byte {
    case 0x22, 0x5C: quoted += "\\" + String(UnicodeScalar(byte))
    case 0x20..<0x7F: quoted += String(UnicodeScalar(byte))
    default:
      // Octal escapes end after three digits, hexadecimal ones do not.
      let digits = String(byte, radix: 8)
      quoted += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
    }
  }
  return quoted + "\""
}
