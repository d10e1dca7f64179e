import CMount
import StormPlanning
import StormVocabulary

extension OperationEncoder {
  /// - Parameter newWorker: takes a free worker for a namespace that is to be made.
  mutating func encode(
    _ call: WorkerCall, newWorker: (NamespaceNumber) throws(SandboxError) -> UInt32
  ) throws(SandboxError) -> nss_op {
    var record = nss_op()
    switch call {
    case .operation(let operation): return try encode(operation, newWorker: newWorker)
    case .watch(let path, let actor, let adds, let slot):
      try set(&record, adds ? NSS_OP_WATCH_ALSO : NSS_OP_WATCH, .path(path))
      record.result_slot = try checked(slot)
      if let actor {
        record.worker = try workerOfNamespace(actor)
        record.value = 1
      }
    case .waitFor(let sign, let slot, let count, let limit):
      record.code = UInt16(NSS_OP_AWAIT)
      record.slot.0 = try checked(slot)
      record.flags = UInt64(code(of: sign))
      record.worker = UInt32(clamping: count)
      record.value = limit
    case .watchProcess(let actor, let slot):
      record.code = UInt16(NSS_OP_WATCH_PROCESS)
      record.worker = try workerOfNamespace(actor)
      record.result_slot = try checked(slot)
    case .watchMounts(let slot):
      record.code = UInt16(NSS_OP_WATCH_MOUNTS)
      record.result_slot = try checked(slot)
    case .claim(let slot, let limit):
      record.code = UInt16(NSS_OP_CLAIM)
      record.slot.0 = try checked(slot)
      record.value = limit
    case .attach(let image, let slot):
      record.code = UInt16(NSS_OP_LOOP_ATTACH)
      record.result_slot = try checked(slot)
      record.value = UInt64(clamping: image.bytes)
      record.flags = UInt64(image.extents.count)
      record.text = UInt32(text.count)
      text += image.extents
    case .mount(let type, let device, let target, let data):
      try set(&record, NSS_OP_MOUNT_DATA, .path(target), .path(data))
      record.text = try append(type)
      record.slot.0 = try device.map(checked) ?? -1
    case .mountServed(let device, let target, let slot):
      try set(&record, NSS_OP_MOUNT_FUSE, .path(target))
      record.slot.0 = try device.map(checked) ?? -1
      record.result_slot = try checked(slot)
    case .fill(let path, let bytes):
      try set(&record, NSS_OP_FILL, .path(path))
      record.value = UInt64(clamping: bytes)
    case .load(let path, let rounds):
      try set(&record, NSS_OP_LOAD, .path(path))
      record.value = rounds
    case .mountID(let path): try set(&record, NSS_OP_MOUNT_ID, .path(path))
    case .sharedMemory: record.code = UInt16(NSS_OP_SHARED_MEMORY)
    case .hold(let holder, let path, let slot):
      try set(&record, NSS_OP_PIN, .path(path))
      record.flags = UInt64(try code(of: holder))
      record.result_slot = try checked(slot)
    case .letGo(let holder, let slot):
      record.code = UInt16(NSS_OP_UNPIN)
      record.flags = UInt64(try code(of: holder))
      record.slot.0 = try checked(slot)
    case .holdNamespace(let actor, let slot):
      record.code = UInt16(NSS_OP_HOLD_NAMESPACE)
      record.worker = try workerOfNamespace(actor)
      record.result_slot = try checked(slot)
    case .meet(let actor, let limit):
      record.code = UInt16(NSS_OP_MEET)
      record.worker = try workerOfNamespace(actor)
      record.value = limit
    case .kill(let actor):
      record.code = UInt16(NSS_OP_KILL)
      record.worker = try workerOfNamespace(actor)
    case .umountUntil(let path, let flags, let limit):
      try set(&record, NSS_OP_UMOUNT_UNTIL, .path(path))
      record.flags = UInt64(flags.rawValue)
      record.value = limit
    case .mountAndUmount(let path, let rounds):
      try set(&record, NSS_OP_BASELINE, .null, .path(path))
      record.value = UInt64(clamping: rounds)
    case .readTable: record.code = UInt16(NSS_OP_READ_TABLE)
    case .cloneNamespace: record.code = UInt16(NSS_OP_CLONE_NAMESPACE)
    case .container(let image, let place):
      try set(&record, NSS_OP_CONTAINER, .path(image), .path(place))
    case .failNth(let number):
      record.code = UInt16(NSS_OP_FAIL_NTH)
      record.value = number
    }
    return record
  }

  private func code(of sign: ReleaseSign) -> Int {
    switch sign {
    case .unmount: NSS_SIGN_UNMOUNT
    case .connectionEnd: NSS_SIGN_END
    case .destroy: NSS_SIGN_DESTROY
    case .processEnd: NSS_SIGN_GONE
    case .mountDetached: NSS_SIGN_DETACHED
    }
  }

  private func code(of holder: ReleaseHolder) throws(SandboxError) -> Int {
    switch holder {
    case .map: NSS_PIN_MAP
    case .message: NSS_PIN_MESSAGE
    case .ring: NSS_PIN_RING
    case .request: NSS_PIN_REQUEST
    case .program: NSS_PIN_PROGRAM
    // These are calls under test: open and chdir.
    case .descriptor, .directory: throw .unusableText(holder.rawValue)
    }
  }
}
