/// The mounts that one process sees, in the order of `/proc/PID/mountinfo` (kernel-mounts 1.6).
///
/// Predictions and observations use this one type, so that one comparison serves every source.
public struct MountTable: Hashable, Sendable {
  public var entries: [Entry]

  public init(entries: [Entry] = []) {
    self.entries = entries
  }

  /// One mount. Ids, devices and group numbers mean nothing beyond identity within one run.
  public struct Entry: Hashable, Sendable {
    public var id: UInt64
    /// The mount that this one is attached to; for the topmost printed mount usually one that is not in the table.
    public var parent: UInt64
    public var device: DeviceNumber
    /// The part of the file system that is visible, as a path in it; `//deleted` is appended once it was removed.
    public var root: String
    /// The place, relative to the reader's root.
    public var mountpoint: String
    public var attributes: MountAttributes
    public var sharedGroup: UInt32?
    public var masterGroup: UInt32?
    public var propagateFromGroup: UInt32?
    public var isUnbindable: Bool
    public var fileSystemType: String
    public var source: String
    /// Whether the superblock is read-only; nil where the observer does not tell (traces of version 1).
    public var superblockIsReadOnly: Bool?

    public init(
      id: UInt64, parent: UInt64, device: DeviceNumber, root: String, mountpoint: String,
      attributes: MountAttributes, sharedGroup: UInt32? = nil, masterGroup: UInt32? = nil,
      propagateFromGroup: UInt32? = nil, isUnbindable: Bool = false, fileSystemType: String,
      source: String, superblockIsReadOnly: Bool? = nil
    ) {
      self.id = id
      self.parent = parent
      self.device = device
      self.root = root
      self.mountpoint = mountpoint
      self.attributes = attributes
      self.sharedGroup = sharedGroup
      self.masterGroup = masterGroup
      self.propagateFromGroup = propagateFromGroup
      self.isUnbindable = isUnbindable
      self.fileSystemType = fileSystemType
      self.source = source
      self.superblockIsReadOnly = superblockIsReadOnly
    }
  }
}

/// `st_dev` of a superblock.
public struct DeviceNumber: Hashable, Sendable, CustomStringConvertible {
  public var major: UInt32
  public var minor: UInt32

  public init(major: UInt32, minor: UInt32) {
    self.major = major
    self.minor = minor
  }

  public var description: String { "\(major):\(minor)" }
}
