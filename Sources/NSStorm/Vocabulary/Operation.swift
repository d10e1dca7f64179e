/// One system call, or one short fixed sequence of calls, that a worker makes.
///
/// The cases carry the kernel's names. Their answers are errnos; what they do is kernel-mounts section 3 and 5.
public enum Operation: Hashable, Sendable {
  case mkdir(PathArgument)
  case rmdir(PathArgument)
  case unlink(PathArgument)
  case rename(from: PathArgument, to: PathArgument)
  case symlink(contents: String, at: PathArgument)
  /// Creates an empty regular file.
  case touch(PathArgument)
  case mount(MountCall)
  case umount2(PathArgument, UmountFlags)
  /// A new process, forked from this namespace's without its open files, makes a mount namespace
  /// (and, if `newUser`, a user namespace first, its ids mapped 0 to 0) and becomes namespace `namespace`.
  case unshare(namespace: NamespaceNumber, newUser: Bool)
  /// As ``unshare(namespace:newUser:)``, but with UNSHARE_EMPTY_MNTNS (7.1+): nothing is copied but the root mount.
  case unshareEmpty(namespace: NamespaceNumber, newUser: Bool)
  /// The process ends.
  case exit
  /// Into the mount namespace of that namespace's process, by a pidfd of it.
  case setns(NamespaceNumber)
  /// `setns` to the mount namespace whose file the slot holds.
  case setnsDescriptor(DescriptorSlot)
  /// Opens `/proc/PID/ns/mnt` or `/proc/PID/ns/user` of the process of a namespace.
  case openNamespaceFile(NamespaceFileKind, of: NamespaceNumber, DescriptorSlot)
  case open(PathArgument, OpenFlags, DescriptorSlot)
  case close(DescriptorSlot)
  case chdir(PathArgument)
  case chroot(PathArgument)
  case pivotRoot(newRoot: PathArgument, putOld: PathArgument)
  case openTree(PathArgument, OpenTreeFlags, DescriptorSlot)
  /// `open_tree_attr` (6.15+): the attributes change before anybody sees the descriptor.
  case openTreeAttr(PathArgument, OpenTreeFlags, AttributeChange, DescriptorSlot)
  /// `fsopen`, `fsconfig` (the source, then create) and `fsmount`.
  case fsmount(type: String, source: String, DescriptorSlot)
  /// As ``fsmount(type:source:_:)``, with FSMOUNT_NAMESPACE (7.1+): the mount becomes a namespace of its own, and the
  /// slot holds its file.
  case fsmountNamespace(type: String, source: String, DescriptorSlot)
  case moveMount(from: PathArgument, to: PathArgument, MoveMountFlags)
  case mountSetattr(PathArgument, recursive: Bool, AttributeChange)
  /// Path resolution alone.
  case stat(PathArgument)
  /// Something besides a descriptor keeps the open file of a slot (kernel-mounts 6.5), under a number of its own.
  case hold(DescriptorSlot, HoldKind, HoldNumber)
  /// Ends what ``hold(_:_:_:)`` began.
  case letGo(HoldNumber)
}

/// Which namespace of a process a file in `/proc/PID/ns` stands for.
public enum NamespaceFileKind: String, Hashable, Sendable, CaseIterable {
  case mount = "mnt"
  case user
}

/// What keeps an open file beside its descriptor.
public enum HoldKind: String, Hashable, Sendable, CaseIterable, BitwiseCopyable {
  /// A private mapping of its first page; regular files only.
  case mapping = "mmap"
  /// A message in a socket that nobody has received (SCM_RIGHTS).
  case message = "sendmsg"
}

/// The recorder's own number for a mapping or message of one process.
public typealias HoldNumber = Int

/// The arguments of `mount(2)`.
public struct MountCall: Hashable, Sendable {
  /// The file system type; nil is a NULL pointer.
  public var type: String?
  /// A path for bind and move, the device name for a new file system.
  public var source: PathArgument
  public var target: PathArgument
  public var flags: MountFlags

  public init(
    type: String? = nil, source: PathArgument = .null, target: PathArgument, flags: MountFlags = []
  ) {
    self.type = type
    self.source = source
    self.target = target
    self.flags = flags
  }
}

/// What `mount_setattr(2)` changes.
public enum AttributeChange: Hashable, Sendable {
  case set(MountAttributes)
  case clear(MountAttributes)
  case propagation(PropagationType)
  /// MOUNT_ATTR_IDMAP with the user namespace whose file the slot holds.
  case idmap(DescriptorSlot)
}

extension Operation {
  /// The name of the system call in traces and reports.
  public var name: String {
    switch self {
    case .mkdir: "mkdir"
    case .rmdir: "rmdir"
    case .unlink: "unlink"
    case .rename: "rename"
    case .symlink: "symlink"
    case .touch: "touch"
    case .mount: "mount"
    case .umount2: "umount2"
    case .unshare: "unshare"
    case .unshareEmpty: "unshare_empty"
    case .exit: "exit"
    case .setns, .setnsDescriptor: "setns"
    case .openNamespaceFile: "open_namespace"
    case .open: "open"
    case .close: "close"
    case .chdir: "chdir"
    case .chroot: "chroot"
    case .pivotRoot: "pivot_root"
    case .openTree: "open_tree"
    case .openTreeAttr: "open_tree_attr"
    case .fsmount: "fsmount"
    case .fsmountNamespace: "fsmount_namespace"
    case .moveMount: "move_mount"
    case .mountSetattr: "mount_setattr"
    case .stat: "stat"
    case .hold(_, let kind, _): kind.rawValue
    case .letGo: "let_go"
    }
  }

  /// The name in traces, where flags that other kernels have as well stand in keys of their own.
  public var callName: String {
    switch self {
    case .unshareEmpty: "unshare"
    case .fsmountNamespace: "fsmount"
    default: name
    }
  }

  /// The namespace that a new process of this call becomes; nil for every other call.
  public var newNamespace: NamespaceNumber? {
    switch self {
    case .unshare(let namespace, _), .unshareEmpty(let namespace, _): namespace
    default: nil
    }
  }
}

extension Operation: CustomStringConvertible {
  /// The call as a person would write it: `mount --rbind /a /b`, `umount2 /s (detach)`.
  public var description: String {
    switch self {
    case .mkdir(let path), .rmdir(let path), .unlink(let path), .touch(let path),
      .chdir(let path), .chroot(let path), .stat(let path):
      return "\(name) \(path)"
    case .rename(let from, let to): return "rename \(from) \(to)"
    case .symlink(let contents, let path): return "symlink \(contents) \(path)"
    case .mount(let call): return call.description
    case .umount2(let path, let flags):
      return "umount2 \(path)"
        + suffix(UmountFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .unshare(let namespace, let newUser):
      return "unshare\(newUser ? " (user)" : "") -> namespace \(namespace)"
    case .unshareEmpty(let namespace, let newUser):
      return "unshare (empty\(newUser ? ",user" : "")) -> namespace \(namespace)"
    case .exit: return "exit"
    case .setns(let namespace): return "setns \(namespace)"
    case .setnsDescriptor(let slot): return "setns %\(slot)"
    case .openNamespaceFile(let kind, let namespace, let slot):
      return "open ns/\(kind.rawValue) of \(namespace) -> %\(slot)"
    case .open(let path, let flags, let slot):
      return "open \(path) -> %\(slot)"
        + suffix(OpenFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .close(let slot): return "close %\(slot)"
    case .pivotRoot(let newRoot, let putOld): return "pivot_root \(newRoot) \(putOld)"
    case .openTree(let path, let flags, let slot):
      return "open_tree \(path) -> %\(slot)"
        + suffix(OpenTreeFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .openTreeAttr(let path, let flags, let change, let slot):
      return "open_tree_attr \(path) \(change) -> %\(slot)"
        + suffix(OpenTreeFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .fsmount(let type, let source, let slot): return "fsmount \(type) \(source) -> %\(slot)"
    case .fsmountNamespace(let type, let source, let slot):
      return "fsmount \(type) \(source) -> %\(slot) (namespace)"
    case .moveMount(let from, let to, let flags):
      return "move_mount \(from) \(to)"
        + suffix(MoveMountFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .mountSetattr(let path, let recursive, let change):
      return "mount_setattr \(path) \(change)" + suffix(recursive ? ["recursive"] : [])
    case .hold(let slot, let kind, let number): return "\(kind.rawValue) %\(slot) -> hold \(number)"
    case .letGo(let number): return "let go hold \(number)"
    }
  }

  private func suffix(_ words: [String]) -> String {
    words.isEmpty ? "" : " (" + words.joined(separator: ",") + ")"
  }
}

extension AttributeChange: CustomStringConvertible {
  public var description: String {
    switch self {
    case .set(let attributes): "set \(attributes.options)"
    case .clear(let attributes): "clear \(attributes.options)"
    case .propagation(let type): type.rawValue
    case .idmap(let slot): "idmap %\(slot)"
    }
  }
}

extension MountCall: CustomStringConvertible {
  public var description: String {
    let words = MountFlags.words.filter { flags.contains($0.flag) }.map(\.word)
    var text = "mount"
    if let type { text += " -t \(type)" }
    if case .null = source {} else { text += " \(source)" }
    text += " \(target)"
    if !words.isEmpty { text += " (" + words.joined(separator: ",") + ")" }
    return text
  }
}
