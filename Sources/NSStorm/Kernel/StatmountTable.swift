import CMount
public import StormVocabulary

/// A table as `listmount` and `statmount` show it.
public struct StatmountTable: Hashable, Sendable {
  /// With unique ids, which are never used again.
  public var table: MountTable
  /// The numbers that mountinfo has for the same mounts, in the same order: of the mount and of its parent.
  public var shortNumbers: [ShortNumbers]

  public struct ShortNumbers: Hashable, Sendable {
    public var id: UInt64
    public var parent: UInt64
  }

  /// The table in mountinfo's numbers.
  public var inShortNumbers: MountTable {
    var table = table
    for (index, numbers) in shortNumbers.enumerated() {
      table.entries[index].id = numbers.id
      table.entries[index].parent = numbers.parent
    }
    return table
  }

  /// Takes the kernel's answers as an observer writes them: one after the other, each padded to 8 bytes.
  init(answers bytes: UnsafeRawBufferPointer) {
    table = MountTable()
    shortNumbers = []
    var start = 0
    while start + MemoryLayout<nss_statmount>.size <= bytes.count {
      let status = bytes.loadUnaligned(fromByteOffset: start, as: nss_statmount.self)
      let end = min(bytes.count, start + Int(status.size))
      let strings = UnsafeRawBufferPointer(
        rebasing: bytes[min(end, start + MemoryLayout<nss_statmount>.size)..<end])
      table.entries.append(MountTable.Entry(status, strings))
      shortNumbers.append(
        ShortNumbers(id: UInt64(status.old_mount_id), parent: UInt64(status.old_parent_id)))
      start += max(MemoryLayout<nss_statmount>.size, (Int(status.size) + 7) & ~7)
    }
  }
}

extension MountTable.Entry {
  fileprivate init(_ status: nss_statmount, _ strings: UnsafeRawBufferPointer) {
    func has(_ field: Int) -> Bool { status.mask & UInt64(field) != 0 }
    func text(_ offset: UInt32, _ field: Int) -> String {
      guard has(field), Int(offset) < strings.count else { return "" }
      let tail = strings[Int(offset)...]
      return String(decoding: tail.prefix { $0 != 0 }, as: UTF8.self)
    }
    var type = text(status.file_system_type, NSS_STATMOUNT_FILE_SYSTEM_TYPE)
    let subtype = text(status.file_system_subtype, NSS_STATMOUNT_FILE_SYSTEM_SUBTYPE)
    if !subtype.isEmpty { type += "." + subtype }
    self.init(
      id: status.mount_id, parent: status.parent_id,
      device: DeviceNumber(major: status.superblock_major, minor: status.superblock_minor),
      root: text(status.root, NSS_STATMOUNT_ROOT),
      mountpoint: text(status.point, NSS_STATMOUNT_POINT),
      attributes: MountAttributes(statmount: status.attributes),
      isUnbindable: status.propagation & MountFlags.unbindable.rawValue != 0,
      fileSystemType: type,
      source: text(status.superblock_source, NSS_STATMOUNT_SUPERBLOCK_SOURCE),
      superblockIsReadOnly: UInt64(status.superblock_flags) & MountFlags.readOnly.rawValue != 0)
    if status.peer_group != 0 { sharedGroup = UInt32(truncatingIfNeeded: status.peer_group) }
    if status.master != 0 { masterGroup = UInt32(truncatingIfNeeded: status.master) }
    // mountinfo leaves out what says the same as the master.
    if has(NSS_STATMOUNT_PROPAGATE_FROM), status.propagate_from != 0,
      status.propagate_from != status.master
    {
      propagateFromGroup = UInt32(truncatingIfNeeded: status.propagate_from)
    }
  }
}

extension MountAttributes {
  /// The `MOUNT_ATTR_*` word of statmount; relatime is the value 0 of its field.
  fileprivate init(statmount word: UInt64) {
    self = []
    let bits: [(UInt64, MountAttributes)] = [
      (0x1, .readOnly), (0x2, .noSetuid), (0x4, .noDevices), (0x8, .noExecute),
      (0x80, .noDirectoryAccessTime), (0x10_0000, .idmapped), (0x20_0000, .noSymlinkFollow),
    ]
    for (bit, attribute) in bits where word & bit != 0 { insert(attribute) }
    switch word & 0x70 {
    case 0: insert(.relativeAccessTime)
    case 0x10: insert(.noAccessTime)
    default: break
    }
  }
}
