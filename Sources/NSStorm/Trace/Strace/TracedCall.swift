public import StormVocabulary

/// A string argument of a call that somebody watched.
public enum TracedText: Hashable, Sendable {
  case null
  case text(String)
  /// It was there and is not known, and why.
  case unreadable(String)
}

/// A descriptor argument.
public struct TracedDescriptor: Hashable, Sendable {
  public var number: Int32
  /// The path that the observer saw behind it (`strace -y`).
  public var path: String?

  public init(_ number: Int32, path: String? = nil) {
    self.number = number
    self.path = path
  }

  /// `AT_FDCWD`
  public static let workingDirectory = TracedDescriptor(-100)
  public var isWorkingDirectory: Bool { number == -100 }
}

/// A path argument with the descriptor that it starts at.
public struct TracedPath: Hashable, Sendable {
  public var directory: TracedDescriptor
  public var text: TracedText

  public init(_ text: TracedText, from directory: TracedDescriptor = .workingDirectory) {
    self.directory = directory
    self.text = text
  }
}

/// A system call of a program that was watched, with the kernel's numbers for its flags.
///
/// Only what can change mounts, pin them, or tell what exists; the rest of a program's calls are not kept.
public enum TracedCall: Hashable, Sendable {
  case mount(
    source: TracedText, target: TracedText, type: TracedText, flags: UInt64, data: TracedText)
  case umount(TracedText, flags: UInt64)
  case unshare(flags: UInt64)
  /// fork, vfork, clone and clone3.
  case clone(flags: UInt64)
  case setns(TracedDescriptor, flags: UInt64)
  case pivotRoot(newRoot: TracedText, putOld: TracedText)
  case openTree(TracedPath, flags: UInt64)
  case moveMount(from: TracedPath, to: TracedPath, flags: UInt64)
  case mountSetattr(
    TracedPath, flags: UInt64, set: UInt64, clear: UInt64, propagation: UInt64)
  case fsopen(type: TracedText, flags: UInt64)
  case fsconfig(TracedDescriptor, command: UInt64, key: TracedText, value: TracedText)
  case fsmount(TracedDescriptor, flags: UInt64, attributes: UInt64)
  case fspick(TracedPath, flags: UInt64)
  /// open, openat, openat2 and creat.
  case open(TracedPath, flags: UInt64)
  /// close and close_range.
  case close(first: UInt32, last: UInt32, flags: UInt64)
  /// dup, dup2, dup3 and F_DUPFD; the answer is the new number.
  case duplicate(TracedDescriptor, closeOnExec: Bool)
  case setCloseOnExec(TracedDescriptor, Bool)
  case pidDescriptor(process: Int32)
  case chdir(TracedText)
  case fchdir(TracedDescriptor)
  case chroot(TracedText)
  case makeDirectory(TracedPath)
  case makeNode(TracedPath)
  case remove(TracedPath, directory: Bool)
  case rename(from: TracedPath, to: TracedPath, flags: UInt64)
  case symlink(contents: TracedText, at: TracedPath)
  case link(from: TracedPath, to: TracedPath)
  case readLink(TracedPath, contents: TracedText)
  /// stat, access and their kin: they tell what exists.
  case inspect(TracedPath, mode: UInt64?, followsFinalLink: Bool)
  case write(TracedDescriptor)
  case execute(TracedPath)
  case mapFile(TracedDescriptor, bytes: UInt64)
  case unmap(address: UInt64, bytes: UInt64)

  /// The name that messages use.
  public var name: String {
    switch self {
    case .mount: "mount"
    case .umount: "umount2"
    case .unshare: "unshare"
    case .clone: "clone"
    case .setns: "setns"
    case .pivotRoot: "pivot_root"
    case .openTree: "open_tree"
    case .moveMount: "move_mount"
    case .mountSetattr: "mount_setattr"
    case .fsopen: "fsopen"
    case .fsconfig: "fsconfig"
    case .fsmount: "fsmount"
    case .fspick: "fspick"
    case .open: "open"
    case .close: "close"
    case .duplicate: "dup"
    case .setCloseOnExec: "fcntl"
    case .pidDescriptor: "pidfd_open"
    case .chdir: "chdir"
    case .fchdir: "fchdir"
    case .chroot: "chroot"
    case .makeDirectory: "mkdir"
    case .makeNode: "mknod"
    case .remove(_, let directory): directory ? "rmdir" : "unlink"
    case .rename: "rename"
    case .symlink: "symlink"
    case .link: "link"
    case .readLink: "readlink"
    case .inspect: "stat"
    case .write: "write"
    case .execute: "execve"
    case .mapFile: "mmap"
    case .unmap: "munmap"
    }
  }

  /// Whether the call is made for the sake of mounts and namespaces: what is said of it is said aloud.
  public var isMountCall: Bool {
    switch self {
    case .mount, .umount, .unshare, .setns, .pivotRoot, .openTree, .moveMount, .mountSetattr,
      .fsopen,
      .fsconfig, .fsmount, .fspick, .chroot:
      true
    case .clone(let flags):
      flags & (TracedFlags.newMounts | TracedFlags.newUsers) != 0
    default: false
    }
  }
}

/// What a watched call answered.
public enum TracedResult: Hashable, Sendable {
  /// Success, with the value and the path that the observer saw behind a new descriptor.
  case value(Int64, path: String? = nil)
  case errno(Errno)
  /// The answer is not known, and why.
  case unknown(String)
}

/// One thing that an observer saw, in the order in which it took effect.
public struct TracedEvent: Sendable {
  public enum What: Sendable {
    case call(TracedCall, TracedResult)
    /// A call that belongs here and cannot be understood.
    case unreadable(call: String, reason: String, isMountCall: Bool)
    /// A new task, as the answer of a clone; `child` is how the observer numbers it.
    case child(Int, flags: UInt64)
    /// The task is gone and has let go of everything.
    case exit
    /// The ids of the task's user namespace are mapped now.
    case usersMapped
    /// The effective capabilities of the task, until the observer says otherwise.
    case capabilities(UInt64)
    /// The table that the task sees now.
    case table(MountTable)
  }

  /// How the observer numbers the task.
  public var task: Int
  /// The line on which it ended, and the one on which it began.
  public var line: Int
  public var startLine: Int
  public var what: What

  public init(task: Int, line: Int, startLine: Int? = nil, _ what: What) {
    self.task = task
    self.line = line
    self.startLine = startLine ?? line
    self.what = what
  }
}
