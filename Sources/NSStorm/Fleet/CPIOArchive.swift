/// An archive in the `newc` format, which the kernel unpacks as its first file system
/// (`Documentation/driver-api/early-userspace/buffer-format.rst`).
public struct CPIOArchive: Sendable {
  /// The bytes written so far; complete after ``finish()``.
  public private(set) var bytes: [UInt8] = []
  private var nextInode: UInt32 = 1
  private var directories: Set<String> = []

  private enum Kind: UInt32 {
    case file = 0o100000
    case directory = 0o040000
    case link = 0o120000
    case characterDevice = 0o020000
  }

  public init() {}

  /// Adds a file; the directories above it are added where they are missing.
  public mutating func add(file path: String, permissions: UInt32 = 0o644, content: [UInt8]) {
    addParents(of: path)
    add(path, .file, permissions, content)
  }

  /// Adds a directory and those above it; one that stands already is not added again.
  public mutating func add(directory path: String, permissions: UInt32 = 0o755) {
    let name = Self.name(path)
    guard !name.isEmpty, directories.insert(name).inserted else { return }
    addParents(of: path)
    add(path, .directory, permissions, [])
  }

  /// Adds a symbolic link.
  public mutating func add(link path: String, to target: String) {
    addParents(of: path)
    add(path, .link, 0o777, Array(target.utf8))
  }

  /// Adds a character device; `/dev/console` must be one of them, because the kernel opens it for its first process.
  public mutating func add(
    characterDevice path: String, major: UInt32, minor: UInt32, permissions: UInt32 = 0o600
  ) {
    addParents(of: path)
    add(path, .characterDevice, permissions, [], device: (major, minor))
  }

  /// Writes the end mark. Nothing may be added afterwards.
  public mutating func finish() {
    write("TRAILER!!!", inode: 0, mode: 0, links: 1, content: [], device: (0, 0))
  }

  private mutating func addParents(of path: String) {
    let parts = Self.name(path).split(separator: "/").dropLast()
    guard !parts.isEmpty else { return }
    add(directory: parts.joined(separator: "/"))
  }

  private mutating func add(
    _ path: String, _ kind: Kind, _ permissions: UInt32, _ content: [UInt8],
    device: (UInt32, UInt32) = (0, 0)
  ) {
    write(
      Self.name(path), inode: nextInode, mode: kind.rawValue | permissions,
      links: kind == .directory ? 2 : 1, content: content, device: device)
    nextInode += 1
  }

  // A header of 110 bytes, the name and the content, both padded to four bytes.
  private mutating func write(
    _ name: String, inode: UInt32, mode: UInt32, links: UInt32, content: [UInt8],
    device: (UInt32, UInt32)
  ) {
    let nameBytes = Array(name.utf8) + [0]
    let fields: [UInt32] = [
      inode, mode, 0, 0, links, 0, UInt32(content.count), 0, 0, device.0, device.1,
      UInt32(nameBytes.count), 0,
    ]
    bytes.reserveCapacity(bytes.count + 120 + nameBytes.count + content.count)
    bytes += Array("070701".utf8)
    for field in fields { bytes += Self.hexadecimal(field) }
    bytes += nameBytes
    pad()
    bytes += content
    pad()
  }

  private mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  private static func name(_ path: String) -> String {
    String(path.drop { $0 == "/" })
  }

  private static func hexadecimal(_ value: UInt32) -> [UInt8] {
    (0..<8).reversed().map { digit in
      let nibble = UInt8(truncatingIfNeeded: value >> (4 * UInt32(digit))) & 0xF
      return nibble < 10 ? 0x30 + nibble : 0x41 + nibble - 10
    }
  }
}
