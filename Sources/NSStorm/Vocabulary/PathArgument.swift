/// A path as a call gets it.
public enum PathArgument: Hashable, Sendable {
  /// A NULL pointer.
  case null
  /// A path string; relative ones start at the working directory.
  case path(String)
  /// The magic link `/proc/self/fd/N` of the descriptor in this slot, or the descriptor itself with the
  /// empty-path flag: both name exactly the mount and dentry that the descriptor holds (kernel-mounts 2.1).
  case descriptor(DescriptorSlot)
  /// A path that starts at the directory in this slot (`openat`, `move_mount` with a descriptor).
  case relative(DescriptorSlot, String)
}

extension PathArgument {
  /// Whether the path has a slash behind its last name: then only a directory can be meant.
  public var endsInSlash: Bool {
    switch self {
    case .path(let path), .relative(_, let path): path.utf8.last == UInt8(ascii: "/")
    case .null, .descriptor: false
    }
  }
}

/// The recorder's own number for an open descriptor of one process; not the kernel's number.
public typealias DescriptorSlot = Int

/// The number of a mount namespace in a plan or trace; used again once its namespace has ended.
public typealias NamespaceNumber = Int

extension PathArgument: ExpressibleByStringLiteral {
  public init(stringLiteral value: String) {
    self = .path(value)
  }
}

extension PathArgument: CustomStringConvertible {
  public var description: String {
    switch self {
    case .null: "-"
    case .path(let path): path
    case .descriptor(let slot): "%\(slot)"
    case .relative(let slot, let path): "%\(slot):\(path)"
    }
  }
}
