import CMount
import Glibc
public import StormVocabulary

extension MountTable {
  /// Reads a file in the format of mountinfo through libmount: the machine's own table, and the yardstick of the parser
  /// that reads the tables of a sandbox.
  ///
  /// libmount shows an empty source as `none`.
  public init(libmountFile path: String) throws(SandboxError) {
    guard let table = nss_libmount_open(path) else {
      throw .setupFailed(attempt: "read \(path) with libmount", errno: Errno(rawValue: errno))
    }
    defer { nss_libmount_close(table) }
    self.init(entries: [])
    var entry = nss_libmount_entry()
    while true {
      let result = nss_libmount_next(table, &entry)
      if result == 0 { return }
      guard result > 0 else {
        throw .setupFailed(attempt: "read \(path) with libmount", errno: Errno(rawValue: -result))
      }
      entries.append(Entry(entry))
    }
  }
}

extension MountTable.Entry {
  fileprivate init(_ entry: nss_libmount_entry) {
    func text(_ pointer: UnsafePointer<CChar>?) -> String {
      pointer.map { String(cString: $0) } ?? ""
    }
    self.init(
      id: UInt64(entry.id), parent: UInt64(entry.parent),
      device: DeviceNumber(major: entry.major, minor: entry.minor),
      root: text(entry.root), mountpoint: text(entry.target),
      attributes: MountAttributes(options: text(entry.options)),
      fileSystemType: text(entry.type), source: text(entry.source),
      superblockIsReadOnly: text(entry.superblock_options).split(separator: ",").first == "ro")
    for field in text(entry.optional_fields).split(separator: " ") {
      let parts = field.split(separator: ":")
      let number = parts.count == 2 ? UInt32(parts[1]) : nil
      switch parts.first {
      case "shared": sharedGroup = number
      case "master": masterGroup = number
      case "propagate_from": propagateFromGroup = number
      case "unbindable": isUnbindable = true
      default: break
      }
    }
  }
}
