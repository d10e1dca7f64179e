/// A call at which a recorded program stops, and how its arguments are written.
struct WatchedCall: Sendable {
  /// What one argument is.
  enum Argument: Sendable {
    /// A string of the caller.
    case text
    /// A descriptor.
    case descriptor
    /// A number, written in hexadecimal.
    case number
    /// Of no interest; written as 0.
    case ignored
    /// A buffer that the call fills with as many bytes as it answers.
    case output
    /// `struct stat`, filled by the call.
    case status
    /// `struct statx`, filled by the call.
    case extendedStatus
    /// `struct clone_args`
    case cloneArguments
    /// `struct open_how`
    case openHow
    /// `struct mount_attr`
    case mountAttributes
  }

  var number: Int64
  var name: String
  var arguments: [Argument]
  /// The names of arguments that are written with one.
  var names: [String] = []
  /// Whether the kernel asks for capabilities over mounts, as far as the caller goes.
  var needsRights: Bool { Self.askingForRights.contains(name) }

  init(_ number: Int64, _ name: String, _ arguments: [Argument], names: [String] = []) {
    self.number = number
    self.name = name
    self.arguments = arguments
    self.names = names
  }

  /// The calls that are followed, by their x86-64 number.
  static let followed: [Int64: WatchedCall] = Dictionary(
    uniqueKeysWithValues: list.map { ($0.number, $0) })

  private static let askingForRights: Set<String> = [
    "mount", "umount2", "unshare", "clone", "clone3", "setns", "pivot_root", "open_tree",
    "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
  ]

  private static let list: [WatchedCall] = [
    WatchedCall(165, "mount", [.text, .text, .text, .number, .text]),
    WatchedCall(166, "umount2", [.text, .number]),
    WatchedCall(272, "unshare", [.number]),
    WatchedCall(56, "clone", [.number], names: ["flags"]),
    WatchedCall(435, "clone3", [.cloneArguments]),
    WatchedCall(57, "fork", []),
    WatchedCall(58, "vfork", []),
    WatchedCall(308, "setns", [.descriptor, .number]),
    WatchedCall(155, "pivot_root", [.text, .text]),
    WatchedCall(161, "chroot", [.text]),
    WatchedCall(428, "open_tree", [.descriptor, .text, .number]),
    WatchedCall(467, "open_tree_attr", [.descriptor, .text, .number, .mountAttributes, .number]),
    WatchedCall(429, "move_mount", [.descriptor, .text, .descriptor, .text, .number]),
    WatchedCall(430, "fsopen", [.text, .number]),
    WatchedCall(431, "fsconfig", [.descriptor, .number, .text, .text, .number]),
    WatchedCall(432, "fsmount", [.descriptor, .number, .number]),
    WatchedCall(433, "fspick", [.descriptor, .text, .number]),
    WatchedCall(442, "mount_setattr", [.descriptor, .text, .number, .mountAttributes, .number]),
    WatchedCall(2, "open", [.text, .number]),
    WatchedCall(257, "openat", [.descriptor, .text, .number]),
    WatchedCall(437, "openat2", [.descriptor, .text, .openHow, .number]),
    WatchedCall(85, "creat", [.text]),
    WatchedCall(3, "close", [.descriptor]),
    WatchedCall(436, "close_range", [.number, .number, .number]),
    WatchedCall(32, "dup", [.descriptor]),
    WatchedCall(33, "dup2", [.descriptor, .descriptor]),
    WatchedCall(292, "dup3", [.descriptor, .descriptor, .number]),
    WatchedCall(72, "fcntl", [.descriptor, .number, .number]),
    WatchedCall(434, "pidfd_open", [.number, .number]),
    WatchedCall(80, "chdir", [.text]),
    WatchedCall(81, "fchdir", [.descriptor]),
    WatchedCall(83, "mkdir", [.text]),
    WatchedCall(258, "mkdirat", [.descriptor, .text]),
    WatchedCall(133, "mknod", [.text]),
    WatchedCall(259, "mknodat", [.descriptor, .text]),
    WatchedCall(84, "rmdir", [.text]),
    WatchedCall(87, "unlink", [.text]),
    WatchedCall(263, "unlinkat", [.descriptor, .text, .number]),
    WatchedCall(82, "rename", [.text, .text]),
    WatchedCall(264, "renameat", [.descriptor, .text, .descriptor, .text]),
    WatchedCall(316, "renameat2", [.descriptor, .text, .descriptor, .text, .number]),
    WatchedCall(88, "symlink", [.text, .text]),
    WatchedCall(266, "symlinkat", [.text, .descriptor, .text]),
    WatchedCall(86, "link", [.text, .text]),
    WatchedCall(265, "linkat", [.descriptor, .text, .descriptor, .text]),
    WatchedCall(89, "readlink", [.text, .output]),
    WatchedCall(267, "readlinkat", [.descriptor, .text, .output]),
    WatchedCall(4, "stat", [.text, .status]),
    WatchedCall(6, "lstat", [.text, .status]),
    WatchedCall(262, "newfstatat", [.descriptor, .text, .status, .number]),
    WatchedCall(332, "statx", [.descriptor, .text, .number, .number, .extendedStatus]),
    WatchedCall(21, "access", [.text, .number]),
    WatchedCall(269, "faccessat", [.descriptor, .text, .number]),
    WatchedCall(439, "faccessat2", [.descriptor, .text, .number, .number]),
    WatchedCall(59, "execve", [.text]),
    WatchedCall(322, "execveat", [.descriptor, .text]),
    WatchedCall(9, "mmap", [.ignored, .number, .ignored, .ignored, .descriptor]),
    WatchedCall(11, "munmap", [.number, .number]),
  ]

  /// The calls that the sandbox refuses: what they would do reaches beyond it, or past the observer.
  static let refused: [Int64: RefusedCall] = Dictionary(
    uniqueKeysWithValues: [
      RefusedCall(
        101, "ptrace", 1, "the program is traced already; a tracer cannot run under another"),
      RefusedCall(175, "init_module", 1, "it loads code into the machine's kernel"),
      RefusedCall(313, "finit_module", 1, "it loads code into the machine's kernel"),
      RefusedCall(176, "delete_module", 1, "it takes code out of the machine's kernel"),
      RefusedCall(246, "kexec_load", 1, "it replaces the machine's kernel"),
      RefusedCall(320, "kexec_file_load", 1, "it replaces the machine's kernel"),
      RefusedCall(169, "reboot", 1, "it ends the machine"),
      RefusedCall(167, "swapon", 1, "it changes the machine's memory"),
      RefusedCall(168, "swapoff", 1, "it changes the machine's memory"),
      RefusedCall(164, "settimeofday", 1, "it sets the machine's clock"),
      RefusedCall(227, "clock_settime", 1, "it sets the machine's clock"),
      RefusedCall(163, "acct", 1, "it changes the machine's accounting"),
      RefusedCall(304, "open_by_handle_at", 1, "a file handle leads out of the sandbox"),
      RefusedCall(425, "io_uring_setup", 38, "calls made through io_uring pass the observer by"),
    ].map { ($0.number, $0) })
}

/// A call that does not happen in the sandbox.
struct RefusedCall: Sendable {
  var number: Int64
  var name: String
  /// What the program is told: EPERM or ENOSYS.
  var errno: Int32
  var reason: String

  init(_ number: Int64, _ name: String, _ errno: Int32, _ reason: String) {
    self.number = number
    self.name = name
    self.errno = errno
    self.reason = reason
  }
}
