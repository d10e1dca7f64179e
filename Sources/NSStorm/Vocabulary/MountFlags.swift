/// The flag word of `mount(2)`.
public struct MountFlags: OptionSet, Hashable, Sendable, Codable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  public static let readOnly = MountFlags(rawValue: 1)
  public static let noSetuid = MountFlags(rawValue: 2)
  public static let noDevices = MountFlags(rawValue: 4)
  public static let noExecute = MountFlags(rawValue: 8)
  public static let remount = MountFlags(rawValue: 32)
  public static let noSymlinkFollow = MountFlags(rawValue: 256)
  public static let noAccessTime = MountFlags(rawValue: 1024)
  public static let noDirectoryAccessTime = MountFlags(rawValue: 2048)
  public static let bind = MountFlags(rawValue: 4096)
  public static let move = MountFlags(rawValue: 8192)
  public static let recursive = MountFlags(rawValue: 16384)
  public static let silent = MountFlags(rawValue: 32768)
  public static let unbindable = MountFlags(rawValue: 1 << 17)
  public static let `private` = MountFlags(rawValue: 1 << 18)
  public static let slave = MountFlags(rawValue: 1 << 19)
  public static let shared = MountFlags(rawValue: 1 << 20)
  public static let relativeAccessTime = MountFlags(rawValue: 1 << 21)
  public static let strictAccessTime = MountFlags(rawValue: 1 << 24)
  public static let noUser = MountFlags(rawValue: 1 << 31)

  /// The four bits that ask for a change of the propagation type.
  public static let propagationTypes: MountFlags = [.shared, .private, .slave, .unbindable]

  /// The words of the trace format and of profiles, in the order in which they are written.
  public static let words: [(word: String, flag: MountFlags)] = [
    ("ro", .readOnly), ("nosuid", .noSetuid), ("nodev", .noDevices), ("noexec", .noExecute),
    ("noatime", .noAccessTime), ("nodiratime", .noDirectoryAccessTime),
    ("relatime", .relativeAccessTime), ("strictatime", .strictAccessTime),
    ("nosymfollow", .noSymlinkFollow),
    ("remount", .remount), ("bind", .bind), ("move", .move), ("rec", .recursive),
    ("silent", .silent), ("unbindable", .unbindable), ("private", .private), ("slave", .slave),
    ("shared", .shared),
  ]
}

/// The flag word of `umount2(2)`.
public struct UmountFlags: OptionSet, Hashable, Sendable, Codable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  public static let force = UmountFlags(rawValue: 1)
  public static let detach = UmountFlags(rawValue: 2)
  public static let expire = UmountFlags(rawValue: 4)
  public static let noFollow = UmountFlags(rawValue: 8)

  public static let words: [(word: String, flag: UmountFlags)] = [
    ("force", .force), ("detach", .detach), ("expire", .expire), ("nofollow", .noFollow),
  ]
}

/// How `open(2)` is called by a worker; anything else is plain `O_RDONLY`.
public struct OpenFlags: OptionSet, Hashable, Sendable, Codable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// `O_PATH`.
  public static let path = OpenFlags(rawValue: 1)
  /// `O_DIRECTORY`.
  public static let directory = OpenFlags(rawValue: 2)
  /// `O_RDONLY`, written out in traces.
  public static let readOnly = OpenFlags(rawValue: 4)

  public static let words: [(word: String, flag: OpenFlags)] = [
    ("path", .path), ("directory", .directory), ("rdonly", .readOnly),
  ]
}

/// The flags of `open_tree(2)` that matter to mounts.
public struct OpenTreeFlags: OptionSet, Hashable, Sendable, Codable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// `OPEN_TREE_CLONE`.
  public static let clone = OpenTreeFlags(rawValue: 1)
  /// `AT_RECURSIVE`.
  public static let recursive = OpenTreeFlags(rawValue: 2)
  /// `OPEN_TREE_NAMESPACE` (7.x): the copy becomes a mount namespace of its own.
  public static let namespace = OpenTreeFlags(rawValue: 4)

  public static let words: [(word: String, flag: OpenTreeFlags)] = [
    ("clone", .clone), ("recursive", .recursive), ("namespace", .namespace),
  ]
}

/// The flags of `move_mount(2)` that change what it does; the empty-path flags follow from the arguments.
public struct MoveMountFlags: OptionSet, Hashable, Sendable, Codable {
  public let rawValue: UInt32

  public init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// `MOVE_MOUNT_BENEATH` (6.5+).
  public static let beneath = MoveMountFlags(rawValue: 1)
  /// `MOVE_MOUNT_SET_GROUP` (5.15+).
  public static let setGroup = MoveMountFlags(rawValue: 2)

  public static let words: [(word: String, flag: MoveMountFlags)] = [
    ("beneath", .beneath), ("set_group", .setGroup),
  ]
}

/// The attributes that a mount has of its own, as the sixth field of mountinfo shows them.
public struct MountAttributes: OptionSet, Hashable, Sendable, Codable, BitwiseCopyable {
  public let rawValue: UInt16

  public init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  public static let readOnly = MountAttributes(rawValue: 1)
  public static let noSetuid = MountAttributes(rawValue: 2)
  public static let noDevices = MountAttributes(rawValue: 4)
  public static let noExecute = MountAttributes(rawValue: 8)
  public static let noAccessTime = MountAttributes(rawValue: 16)
  public static let noDirectoryAccessTime = MountAttributes(rawValue: 32)
  public static let relativeAccessTime = MountAttributes(rawValue: 64)
  public static let noSymlinkFollow = MountAttributes(rawValue: 128)
  public static let idmapped = MountAttributes(rawValue: 256)
  /// An option word that this version of nsstorm does not know was seen.
  public static let unknown = MountAttributes(rawValue: 1 << 15)

  /// The words in the order in which the kernel prints them (`show_mnt_opts`).
  public static let words: [(word: String, attribute: MountAttributes)] = [
    ("ro", .readOnly), ("nosuid", .noSetuid), ("nodev", .noDevices), ("noexec", .noExecute),
    ("noatime", .noAccessTime), ("nodiratime", .noDirectoryAccessTime),
    ("relatime", .relativeAccessTime), ("nosymfollow", .noSymlinkFollow), ("idmapped", .idmapped),
    ("?", .unknown),
  ]

  /// Reads an option list such as `rw,nosuid,relatime`; words that are not known set ``unknown``.
  public init(options: some StringProtocol) {
    var attributes: MountAttributes = []
    for word in options.split(separator: ",") where word != "rw" {
      attributes.insert(Self.words.first { $0.word == word }?.attribute ?? .unknown)
    }
    self = attributes
  }

  /// The option list as the kernel writes it: `rw` or `ro` first.
  public var options: String {
    var words = contains(.readOnly) ? ["ro"] : ["rw"]
    for (word, attribute) in Self.words.dropFirst() where contains(attribute) { words.append(word) }
    return words.joined(separator: ",")
  }
}
