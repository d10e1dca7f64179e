import StormEngine
import StormVocabulary

// The calls that change mounts.

extension CallFollower {
  /// The flag words of mount(2) once carried a magic number in their upper half.
  private static let oldMagic: UInt64 = 0xC0ED_0000

  mutating func followMountCall(
    _ call: TracedCall, _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    let task = event.task
    switch call {
    case .mount(let source, let target, let type, let flags, let data):
      try mount(source, target, type, flags, data, result, event)
    case .umount(let text, let flags):
      let place = try argument(TracedPath(text), of: task)
      let umountFlags = UmountFlags(rawValue: UInt32(truncatingIfNeeded: flags))
      let operation = Operation.umount2(place, umountFlags)
      var terms = Terms(description: "\(operation)", isMountCall: true)
      terms.names = [(place, .unknown, true)]
      terms.isUmount = place
      _ = judge(event, task: task, .operation(operation), answered: result, terms)
    case .pivotRoot(let newRoot, let putOld):
      let new = try argument(TracedPath(newRoot), of: task)
      let old = try argument(TracedPath(putOld), of: task)
      let operation = Operation.pivotRoot(newRoot: new, putOld: old)
      var terms = Terms(description: "\(operation)", isMountCall: true)
      terms.names = [(new, .directory, true), (old, .directory, true)]
      _ = judge(event, task: task, .operation(operation), answered: result, terms)
    case .openTree(let path, let flags): try openTree(path, flags, result, event)
    case .moveMount(let from, let to, let flags):
      let source = try argument(from, of: task)
      let target = try argument(to, of: task)
      var words: MoveMountFlags = []
      if flags & TracedFlags.moveBeneath != 0 { words.insert(.beneath) }
      if flags & TracedFlags.moveSetGroup != 0 { words.insert(.setGroup) }
      let operation = Operation.moveMount(from: source, to: target, words)
      var terms = Terms(description: "\(operation)", isMountCall: true)
      terms.names = [(source, .unknown, true), (target, .unknown, true)]
      _ = judge(event, task: task, .operation(operation), answered: result, terms)
    case .mountSetattr(let path, let flags, let set, let clear, let propagation):
      try setAttributes(path, flags, set, clear, propagation, result, event)
    case .fsopen(let type, let flags):
      guard case .text(let name) = type else {
        throw PathProblem(reason: .unreadableArgument, detail: "the type")
      }
      if case .value(let number, _) = result {
        book.contexts.append(TaskBook.Context(type: name))
        replace(
          Int32(number),
          with: .init(kind: .context(book.contexts.count - 1), closeOnExec: flags & 1 != 0),
          of: task)
      } else {
        leave(
          event, "fsopen \(name)", .fileSystem, "whether the kernel has this type",
          isMountCall: true, mayHaveChanged: false)
      }
    case .fsconfig(let descriptor, let command, let key, let value):
      try configure(descriptor, command, key, value, result, event)
    case .fsmount(let descriptor, let flags, let attributes):
      try fsmount(descriptor, flags, attributes, result, event)
    case .fspick:
      throw PathProblem(
        reason: .notModelled, detail: "fspick and the reconfiguration that follows are not modelled"
      )
    default: break
    }
  }

  // MARK: mount(2)

  private mutating func mount(
    _ source: TracedText, _ target: TracedText, _ type: TracedText, _ flags: UInt64,
    _ data: TracedText, _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    let task = event.task
    var number = flags
    if number & 0xFFFF_0000 == Self.oldMagic { number &= 0xFFFF }
    let words = MountFlags(rawValue: number)
    let place = try argument(TracedPath(target), of: task)
    var call = MountCall(target: place, flags: words)
    let usesSource =
      !words.contains(.remount)
      && (words.contains(.bind)
        || words.isDisjoint(with: .propagationTypes) && words.contains(.move))
    let isNew =
      !words.contains(.remount) && !words.contains(.bind) && !words.contains(.move)
      && words.isDisjoint(with: .propagationTypes)
    var terms = Terms(description: "", isMountCall: true)
    terms.names = [(place, isNew ? .directory : .unknown, true)]
    if usesSource {
      call.source = try argument(TracedPath(source), of: task)
      terms.names.append((call.source, .unknown, true))
      if words.contains(.bind) { terms.bind = (call.source, place) }
    } else if isNew {
      switch source {
      case .text(let name): call.source = .path(name)
      case .null: call.source = .null
      case .unreadable(let why): throw PathProblem(reason: .unreadableArgument, detail: why)
      }
      switch type {
      case .text(let name): call.type = name
      case .null: call.type = nil
      case .unreadable(let why): throw PathProblem(reason: .unreadableArgument, detail: why)
      }
      if let name = call.type {
        expect(name, source: call.source.description, of: task, result)
        terms.fileSystemDecides = data != .null || !Self.isNative(name)
      }
    } else if words.contains(.remount), !words.contains(.bind) {
      terms.fileSystemDecides = true
    }
    terms.description = "\(call)"
    let operation = Operation.mount(call)
    _ = judge(event, task: task, .operation(operation), answered: result, terms)
  }

  private static func isNative(_ type: String) -> Bool {
    ["tmpfs", "ramfs", "sysfs", "mqueue"].contains(type)
  }

  /// The key of file systems of which there is one instance (for each device, or in all).
  static func sharingKey(type: String, source: String) -> String? {
    switch type {
    case "sysfs", "mqueue": return "\(type) of 0"
    case "cgroup2", "securityfs", "debugfs", "tracefs", "pstore", "configfs", "fusectl",
      "devtmpfs", "efivarfs", "binfmt_misc", "selinuxfs":
      return type
    case "ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "f2fs", "squashfs", "erofs", "iso9660":
      return "\(type) on \(source)"
    default: return nil
    }
  }

  /// Tells the engine what file system the next mount gets.
  private mutating func expect(
    _ type: String, source: String, of task: Int, _ result: TracedResult
  ) {
    var description = ForeignFileSystem()
    guard let state = book[task] else { return }
    switch type {
    case "tmpfs", "ramfs": break
    case "proc":
      // Who owns the caller's PID namespace decides, and those are not followed.
      description.type = type
      description.isForced = true
    case "sysfs", "mqueue":
      description.type = type
      description.isForced = true
      description.sharingKey = "\(type) of \(type == "sysfs" ? state.network : state.interprocess)"
    default:
      // Whether the kernel has the type its answer says.
      if case .errno(.unknownDevice) = result { break }
      description.type = type
      description.isForced = true
      description.sharingKey = Self.sharingKey(type: type, source: source)
    }
    model.expect(description)
  }

  // MARK: detached trees

  private mutating func openTree(
    _ path: TracedPath, _ flags: UInt64, _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    let task = event.task
    if flags & 2 != 0 {
      if case .value(let number, _) = result {
        replace(Int32(number), with: .init(kind: .other, closeOnExec: true), of: task)
      }
      throw PathProblem(reason: .notModelled, detail: "OPEN_TREE_NAMESPACE is not modelled")
    }
    let place = try argument(path, of: task)
    var words: OpenTreeFlags = []
    if flags & TracedFlags.openTreeClone != 0 { words.insert(.clone) }
    if flags & TracedFlags.atRecursive != 0 { words.insert(.recursive) }
    let slot = newSlot(result, of: task)
    var terms = Terms(description: "open_tree \(place)", isMountCall: true)
    terms.names = [(place, .unknown, true)]
    let worked = judge(
      event, task: task, .operation(.openTree(place, words, slot)), answered: result, terms)
    settle(slot, worked, flags & TracedFlags.closeOnExec != 0, result, of: task)
  }

  /// The slot of a call that makes a descriptor: its answer, freed of what was there; or a scratch slot.
  private mutating func newSlot(_ result: TracedResult, of task: Int) -> Int {
    guard case .value(let number, _) = result else { return Self.scratchSlot }
    close(Int32(number), of: task)
    return Int(number)
  }

  private mutating func settle(
    _ slot: Int, _ worked: Bool, _ closesOnExec: Bool, _ result: TracedResult, of task: Int
  ) {
    guard case .value = result else { return }
    book.set(
      .init(kind: worked ? .place : .other, closeOnExec: closesOnExec), Int32(slot), of: task)
  }

  private mutating func configure(
    _ descriptor: TracedDescriptor, _ command: UInt64, _ key: TracedText, _ value: TracedText,
    _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    guard case .context(let index) = book.descriptor(descriptor.number, of: event.task)?.kind else {
      throw PathProblem(
        reason: .unknownStart, detail: "the trace does not show the fsopen of \(descriptor.number)")
    }
    guard case .value = result else {
      leave(
        event, "fsconfig \(descriptor.number)", .fileSystem, "what options it takes",
        isMountCall: true, mayHaveChanged: false)
      return
    }
    switch (command, key, value) {
    case (0, .text("ro"), _): book.contexts[index].isReadOnly = true
    case (0, .text("rw"), _): book.contexts[index].isReadOnly = false
    case (1, .text("source"), .text(let source)): book.contexts[index].source = source
    case (6, _, _), (8, _, _): book.contexts[index].isCreated = true
    default: book.contexts[index].hasOptions = true
    }
    countLearned()
  }

  private mutating func fsmount(
    _ descriptor: TracedDescriptor, _ flags: UInt64, _ attributes: UInt64, _ result: TracedResult,
    _ event: TracedEvent
  ) throws(PathProblem) {
    guard case .context(let index) = book.descriptor(descriptor.number, of: event.task)?.kind else {
      throw PathProblem(
        reason: .unknownStart, detail: "the trace does not show the fsopen of \(descriptor.number)")
    }
    let context = book.contexts[index]
    let source = context.source ?? "none"
    expect(context.type, source: source, of: event.task, result)
    let slot = newSlot(result, of: event.task)
    var operations = [Operation.fsmount(type: context.type, source: source, slot)]
    operations += try Self.changes(.descriptor(slot), recursive: false, set: attributes, clear: 0)
    if context.isReadOnly { model.expectReadOnly() }
    var terms = Terms(
      description: "fsmount \(context.type) \(source)", isMountCall: true)
    terms.fileSystemDecides = true
    let worked = judge(
      event, task: event.task, .sequence(operations), answered: result, terms)
    settle(slot, worked, flags & 1 != 0, result, of: event.task)
  }

  // MARK: mount_setattr

  private mutating func setAttributes(
    _ path: TracedPath, _ flags: UInt64, _ set: UInt64, _ clear: UInt64, _ propagation: UInt64,
    _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    if set & TracedFlags.attributeIdmap != 0 {
      throw PathProblem(reason: .notModelled, detail: "idmapped mounts are not modelled")
    }
    let place = try argument(path, of: event.task)
    let recursive = flags & TracedFlags.atRecursive != 0
    var operations = try Self.changes(place, recursive: recursive, set: set, clear: clear)
    let types: [(MountFlags, PropagationType)] = [
      (.shared, .shared), (.private, .private), (.slave, .slave), (.unbindable, .unbindable),
    ]
    if propagation != 0 {
      guard let type = types.first(where: { $0.0.rawValue == propagation })?.1 else {
        throw PathProblem(reason: .notModelled, detail: "propagation \(propagation)")
      }
      operations.append(.mountSetattr(place, recursive: recursive, .propagation(type)))
    }
    if operations.isEmpty { operations = [.mountSetattr(place, recursive: recursive, .set([]))] }
    var terms = Terms(description: "mount_setattr \(place)", isMountCall: true)
    terms.names = [(place, .unknown, true)]
    _ = judge(event, task: event.task, .sequence(operations), answered: result, terms)
  }

  /// The attribute words of mount_setattr and fsmount as changes.
  private static func changes(
    _ place: PathArgument, recursive: Bool, set: UInt64, clear: UInt64
  ) throws(PathProblem) -> [Operation] {
    let bits: [(UInt64, MountAttributes)] = [
      (1, .readOnly), (2, .noSetuid), (4, .noDevices), (8, .noExecute),
      (0x80, .noDirectoryAccessTime),
      (0x20_0000, .noSymlinkFollow),
    ]
    let times: UInt64 = 0x70
    let known = bits.reduce(times) { $0 | $1.0 }
    guard (set | clear) & ~known == 0 else {
      throw PathProblem(
        reason: .notModelled, detail: "attributes 0x\(String((set | clear) & ~known, radix: 16))")
    }
    var added: MountAttributes = []
    var removed: MountAttributes = []
    for (bit, attribute) in bits {
      if set & bit != 0 { added.insert(attribute) }
      if clear & bit != 0 { removed.insert(attribute) }
    }
    if clear & times != 0 || set & times != 0 {
      removed.formUnion([.noAccessTime, .relativeAccessTime])
      switch set & times {
      case 0: added.insert(.relativeAccessTime)
      case 0x10: added.insert(.noAccessTime)
      default: break
      }
      removed.subtract(added)
    }
    var operations: [Operation] = []
    if !removed.isEmpty {
      operations.append(.mountSetattr(place, recursive: recursive, .clear(removed)))
    }
    if !added.isEmpty {
      operations.append(.mountSetattr(place, recursive: recursive, .set(added)))
    }
    return operations
  }
}
