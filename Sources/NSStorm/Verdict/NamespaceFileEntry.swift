import StormVocabulary

// A mount of a namespace file shows no path as its root but `mnt:[4026532207]`: a number that, like a device's, means
// nothing beyond identity. All such mounts stand on one file system, so their number is compared instead of the device's.

extension MountTable.Entry {
  /// Whether the root is a namespace file; every other root is an absolute path.
  @inline(__always)
  var isNamespaceFile: Bool { root.utf8.first != UInt8(ascii: "/") }

  /// The number that is compared by identity: of the superblock, or of the namespace whose file is mounted.
  var identityNumber: UInt64 {
    guard isNamespaceFile else { return device.number }
    var number: UInt64 = 0
    for byte in root.utf8 where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
      number = number &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
    }
    let isUsers = root.utf8.first == UInt8(ascii: "u")
    return number & (1 << 61 - 1) | 1 << 63 | (isUsers ? 1 << 62 : 0)
  }

  /// Whether the roots agree, as far as they mean something by themselves.
  @inline(__always)
  func rootAgrees(with other: borrowing MountTable.Entry) -> Bool {
    root == other.root
      || isNamespaceFile && other.isNamespaceFile
        && root.prefix { $0 != "[" } == other.root.prefix { $0 != "[" }
  }
}
