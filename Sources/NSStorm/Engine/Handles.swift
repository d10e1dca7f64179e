/// A mount (`struct mount`), named by its place in the arena. Handle 0 is ``none``.
struct Mount: Hashable, BitwiseCopyable {
  var index: UInt32
  static let none = Mount(index: 0)
}

/// A directory entry together with its inode.
struct Dentry: Hashable, BitwiseCopyable {
  var index: UInt32
  static let none = Dentry(index: 0)
}

/// A superblock.
struct Superblock: Hashable, BitwiseCopyable {
  var index: UInt32
  static let none = Superblock(index: 0)
}

/// A mount namespace, anonymous ones included.
struct Namespace: Hashable, BitwiseCopyable {
  var index: UInt32
  static let none = Namespace(index: 0)
}

/// A user namespace.
struct UserNamespace: Hashable, BitwiseCopyable {
  var index: UInt32
  static let none = UserNamespace(index: 0)
}

/// A process with one thread.
struct Process: Hashable, BitwiseCopyable {
  var index: UInt32
  static let none = Process(index: 0)

  /// Processes are numbered from outside, from 0.
  init(number: Int) { index = UInt32(number) + 1 }
  private init(index: UInt32) { self.index = index }
  var number: Int { Int(index) - 1 }
}

/// An open file of one process.
struct OpenFile: Hashable, BitwiseCopyable {
  var index: UInt32
  static let none = OpenFile(index: 0)
}

/// A mount and a dentry on it (`struct path`).
struct Location: Hashable, BitwiseCopyable {
  var mount: Mount
  var dentry: Dentry
  static let none = Location(mount: .none, dentry: .none)
}
