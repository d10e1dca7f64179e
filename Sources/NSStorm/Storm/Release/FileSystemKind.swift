/// A file system that a release phase mounts.
public enum FileSystemKind: String, CaseIterable, Hashable, Sendable, Codable {
  case tmpfs
  /// On a loop device over an unnamed file in memory.
  case ext4, xfs
  /// Over a tmpfs.
  case overlay
  /// With a small server of nsstorm's own.
  case fuse
  /// The same on a loop device, where the kernel sends `FUSE_DESTROY`.
  case fuseBlock = "fuse-block"
  /// A bind mount of a single file, the last mount of its tmpfs.
  case boundFile = "bound-file"

  /// Whether it has a block device that can be claimed.
  public var isOnDevice: Bool { self == .ext4 || self == .xfs || self == .fuseBlock }
  /// Whether a server sees its connection end.
  public var isServed: Bool { self == .fuse || self == .fuseBlock }

  /// Whether such a file system can be held so.
  public func allows(_ holder: ReleaseHolder) -> Bool {
    self != .boundFile || (holder != .directory && holder != .request)
  }

  /// The slot of actor 0 that keeps its loop device.
  public var deviceSlot: Int? {
    switch self {
    case .ext4: ReleaseSlot.ext4
    case .xfs: ReleaseSlot.xfs
    case .fuseBlock: ReleaseSlot.block
    default: nil
    }
  }
}

/// The descriptor slots of a release round.
enum ReleaseSlot {
  static let watch = 0
  static let ext4 = 1
  static let xfs = 2
  static let block = 3
  static let server = 4
  static let mounts = 5
  static let tree = 6
  static let namespace = 7
  static let process = 8
  static let hold = 9
}
