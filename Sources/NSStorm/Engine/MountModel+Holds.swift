import StormVocabulary

// What keeps an open file beside its descriptor, kernel-mounts 6.5: mappings and messages that nobody received.

extension MountModel {
  /// Holds share the list of a process's open files, under negative slots.
  private func holdSlot(_ number: HoldNumber) -> DescriptorSlot { -1 - number }

  /// mmap(2) of the first page, or sendmsg(2) with SCM_RIGHTS to a socket that nobody reads.
  mutating func hold(
    _ slot: DescriptorSlot, _ kind: HoldKind, _ number: HoldNumber, by process: Process
  ) -> Errno {
    let file = openFile(slot, of: process)
    guard file != .none else { return refuse(.descriptorClosed, .badFileDescriptor) }
    var record = files[file.index]
    if kind == .mapping {
      if record.isPathOnly { return refuse(.pathDescriptorUnusable, .badFileDescriptor) }
      if dentries[record.location.dentry.index].kind != .regular {
        return refuse(.holdNotMappable, .unknownDevice)
      }
    }
    if openFile(holdSlot(number), of: process) != .none { _ = letGo(number, by: process) }
    note(.holdKeepsFile, record.location.mount)
    record.slot = Int32(truncatingIfNeeded: holdSlot(number))
    record.hold = kind
    record.next = processes[process.index].firstFile
    let copy = OpenFile(index: files.allocate())
    files[copy.index] = record
    processes[process.index].firstFile = copy
    hold(record.location)
    return .none
  }

  /// munmap(2), or the close of the socket.
  mutating func letGo(_ number: HoldNumber, by process: Process) -> Errno {
    close(holdSlot(number), by: process)
  }
}
