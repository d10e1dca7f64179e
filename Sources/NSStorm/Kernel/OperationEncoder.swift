import CMount
import StormVocabulary

/// Writes operations in the form that workers execute: a record of fixed size, its strings beside it.
struct OperationEncoder {
  /// The strings, each with its terminating zero; offset 0 means "none".
  var text: [UInt8] = [0]
  /// Finds the worker of a namespace for `setns`.
  var workerOfNamespace: (NamespaceNumber) throws(SandboxError) -> UInt32

  init(workerOfNamespace: @escaping (NamespaceNumber) throws(SandboxError) -> UInt32) {
    self.workerOfNamespace = workerOfNamespace
  }

  /// - Parameter newWorker: takes a free worker for a namespace that is to be made.
  mutating func encode(
    _ operation: Operation, newWorker: (NamespaceNumber) throws(SandboxError) -> UInt32
  ) throws(SandboxError) -> nss_op {
    var record = nss_op()
    switch operation {
    case .mkdir(let path): try set(&record, NSS_OP_MKDIR, path)
    case .rmdir(let path): try set(&record, NSS_OP_RMDIR, path)
    case .unlink(let path): try set(&record, NSS_OP_UNLINK, path)
    case .touch(let path): try set(&record, NSS_OP_TOUCH, path)
    case .chdir(let path): try set(&record, NSS_OP_CHDIR, path)
    case .chroot(let path): try set(&record, NSS_OP_CHROOT, path)
    case .stat(let path): try set(&record, NSS_OP_STAT, path)
    case .rename(let from, let to): try set(&record, NSS_OP_RENAME, from, to)
    case .symlink(let contents, let path):
      try set(&record, NSS_OP_SYMLINK, path)
      record.text = try append(contents)
    case .mount(let call):
      try set(&record, NSS_OP_MOUNT, call.source, call.target)
      if let type = call.type { record.text = try append(type) }
      record.flags = call.flags.rawValue
    case .umount2(let path, let flags):
      try set(&record, NSS_OP_UMOUNT, path)
      record.flags = UInt64(flags.rawValue)
    case .unshare(let namespace, let newUser):
      record.code = UInt16(NSS_OP_UNSHARE)
      record.worker = try newWorker(namespace)
      record.flags = newUser ? UInt64(NSS_UNSHARE_USER) : 0
    case .unshareEmpty(let namespace, let newUser):
      record.code = UInt16(NSS_OP_UNSHARE)
      record.worker = try newWorker(namespace)
      record.flags = UInt64(NSS_UNSHARE_EMPTY | (newUser ? NSS_UNSHARE_USER : 0))
    case .exit: record.code = UInt16(NSS_OP_EXIT)
    case .setns(let namespace):
      record.code = UInt16(NSS_OP_SETNS)
      record.worker = try workerOfNamespace(namespace)
    case .setnsDescriptor(let slot):
      record.code = UInt16(NSS_OP_SETNS_DESCRIPTOR)
      record.slot.0 = try checked(slot)
    case .openNamespaceFile(let kind, let namespace, let slot):
      record.code = UInt16(NSS_OP_OPEN_NAMESPACE)
      record.worker = try workerOfNamespace(namespace)
      record.text = try append(kind.rawValue)
      record.result_slot = try checked(slot)
    case .hold(let slot, let kind, let number):
      record.code = UInt16(NSS_OP_HOLD)
      record.slot.0 = try checked(slot)
      record.flags = UInt64(kind == .mapping ? NSS_HOLD_MAPPING : NSS_HOLD_MESSAGE)
      record.result_slot = try checkedHold(number)
    case .letGo(let number):
      record.code = UInt16(NSS_OP_LET_GO)
      record.slot.0 = try checkedHold(number)
    case .open(let path, let flags, let slot):
      try set(&record, NSS_OP_OPEN, path)
      record.flags = UInt64(systemFlags(flags))
      record.result_slot = try checked(slot)
    case .close(let slot):
      record.code = UInt16(NSS_OP_CLOSE)
      record.slot.0 = try checked(slot)
    case .pivotRoot(let newRoot, let putOld): try set(&record, NSS_OP_PIVOT_ROOT, newRoot, putOld)
    case .openTree(let path, let flags, let slot):
      try set(&record, NSS_OP_OPEN_TREE, path)
      record.flags = UInt64(systemFlags(flags))
      record.result_slot = try checked(slot)
    case .openTreeAttr(let path, let flags, let change, let slot):
      try set(&record, NSS_OP_OPEN_TREE_ATTR, path)
      record.flags = UInt64(systemFlags(flags))
      try encode(change, into: &record)
      record.result_slot = try checked(slot)
    case .fsmount(let type, let source, let slot):
      try set(&record, NSS_OP_FSMOUNT, .path(source))
      record.text = try append(type)
      record.result_slot = try checked(slot)
    case .fsmountNamespace(let type, let source, let slot):
      try set(&record, NSS_OP_FSMOUNT, .path(source))
      record.text = try append(type)
      record.flags = UInt64(NSS_FSMOUNT_NAMESPACE)
      record.result_slot = try checked(slot)
    case .moveMount(let from, let to, let flags):
      try set(&record, NSS_OP_MOVE_MOUNT, from, to)
      record.flags =
        (flags.contains(.beneath) ? 0x200 : 0) | (flags.contains(.setGroup) ? 0x100 : 0)
    case .mountSetattr(let path, let recursive, let change):
      try set(&record, NSS_OP_MOUNT_SETATTR, path)
      record.flags = recursive ? UInt64(AttributeWords.recursive) : 0
      try encode(change, into: &record)
    }
    return record
  }

  private func encode(
    _ change: AttributeChange, into record: inout nss_op
  ) throws(SandboxError) {
    // Without a slot the user namespace's descriptor is none, which is what a bare MOUNT_ATTR_IDMAP asks for.
    record.slot.1 = -1
    switch change {
    case .idmap(let slot):
      record.value = UInt64(AttributeWords.idmap)
      record.slot.1 = try checked(slot)
    case .set(let attributes):
      let (set, clear) = AttributeWords.words(toSet: attributes)
      record.value = UInt64(set) | UInt64(clear) << 32
    case .clear(let attributes):
      record.value = UInt64(AttributeWords.words(toClear: attributes)) << 32
    case .propagation(let type):
      let flag: MountFlags =
        switch type {
        case .shared: .shared
        case .private: .private
        case .slave: .slave
        case .unbindable: .unbindable
        }
      record.flags |= flag.rawValue << 32
    }
  }

  mutating func set(
    _ record: inout nss_op, _ code: Int, _ first: PathArgument, _ second: PathArgument = .null
  ) throws(SandboxError) {
    record.code = UInt16(code)
    (record.kind.0, record.path.0, record.slot.0) = try encode(first)
    (record.kind.1, record.path.1, record.slot.1) = try encode(second)
  }

  private mutating func encode(
    _ path: PathArgument
  ) throws(SandboxError) -> (kind: UInt8, offset: UInt32, slot: Int32) {
    switch path {
    case .null: (UInt8(NSS_PATH_NULL), 0, -1)
    case .path(let path): (UInt8(NSS_PATH_TEXT), try append(path), -1)
    case .descriptor(let slot): (UInt8(NSS_PATH_DESCRIPTOR), 0, try checked(slot))
    case .relative(let slot, let path):
      (UInt8(NSS_PATH_RELATIVE), try append(path), try checked(slot))
    }
  }

  mutating func append(_ string: String) throws(SandboxError) -> UInt32 {
    let offset = text.count
    text.append(contentsOf: string.utf8)
    let length = text.count - offset
    guard length < Self.textLimit, !text[offset...].contains(0) else {
      throw .unusableText(string)
    }
    text.append(0)
    return UInt32(offset)
  }

  func checked(_ slot: DescriptorSlot) throws(SandboxError) -> Int32 {
    guard slot >= 0, slot < Int(NSS_DESCRIPTOR_SLOTS) else {
      throw .descriptorSlotOutOfRange(slot)
    }
    return Int32(slot)
  }

  private func checkedHold(_ number: HoldNumber) throws(SandboxError) -> Int32 {
    guard number >= 0, number < Int(NSS_HOLD_SLOTS) else {
      throw .descriptorSlotOutOfRange(number)
    }
    return Int32(number)
  }

  private func systemFlags(_ flags: OpenFlags) -> Int {
    (flags.contains(.path) ? NSS_OPEN_PATH : 0)
      | (flags.contains(.directory) ? NSS_OPEN_DIRECTORY : 0)
  }

  private func systemFlags(_ flags: OpenTreeFlags) -> UInt32 {
    (flags.contains(.clone) ? 1 : 0) | (flags.contains(.namespace) ? 2 : 0)
      | (flags.contains(.recursive) ? AttributeWords.recursive : 0)
  }

  /// Longer than the kernel's own limit on a path (4096), so that ENAMETOOLONG is its answer; three fit into a scratch.
  static let textLimit = 5_000
}

/// `MOUNT_ATTR_*` of linux/mount.h.
enum AttributeWords {
  /// `AT_RECURSIVE`.
  static let recursive: UInt32 = 0x8000
  /// `MOUNT_ATTR_IDMAP`.
  static let idmap: UInt32 = 0x10_0000
  private static let accessTimeMask: UInt32 = 0x70

  // noatime and relatime are values of one field, which must be cleared whole to be set.
  static func words(toSet attributes: MountAttributes) -> (set: UInt32, clear: UInt32) {
    var set = plain(attributes)
    var clear: UInt32 = 0
    if attributes.contains(.noAccessTime) { set |= 0x10 }
    if !attributes.isDisjoint(with: [.noAccessTime, .relativeAccessTime]) {
      clear |= accessTimeMask
    }
    return (set, clear)
  }

  static func words(toClear attributes: MountAttributes) -> UInt32 {
    let clearsTime = !attributes.isDisjoint(with: [.noAccessTime, .relativeAccessTime])
    return plain(attributes) | (clearsTime ? accessTimeMask : 0)
  }

  private static func plain(_ attributes: MountAttributes) -> UInt32 {
    var word: UInt32 = 0
    if attributes.contains(.readOnly) { word |= 0x1 }
    if attributes.contains(.noSetuid) { word |= 0x2 }
    if attributes.contains(.noDevices) { word |= 0x4 }
    if attributes.contains(.noExecute) { word |= 0x8 }
    if attributes.contains(.noDirectoryAccessTime) { word |= 0x80 }
    if attributes.contains(.noSymlinkFollow) { word |= 0x20_0000 }
    if attributes.contains(.idmapped) { word |= idmap }
    return word
  }
}
