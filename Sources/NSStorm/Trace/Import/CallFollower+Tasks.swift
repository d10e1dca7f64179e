import StormEngine
import StormVocabulary

// Beginnings and ends of tasks, what they share, and the namespaces that they enter.

extension CallFollower {
  mutating func begin(first task: Int) {
    book[task] = TaskBook.Task(
      process: 0, table: book.freshNumber(), network: 0, interprocess: 0,
      knowsDirectory: start.workingDirectory != nil)
    countProcess()
  }

  /// A task without a parent in the trace: nothing it does can be told.
  mutating func begin(orphan task: Int, because reason: String) {
    book[task] = TaskBook.Task(
      process: -1, table: book.freshNumber(), network: 0, interprocess: 0, knowsDirectory: false,
      lostReason: reason)
    countProcess()
  }

  mutating func beginChild(_ child: Int, flags: UInt64, of event: TracedEvent) {
    guard var state = book[event.task] else { return }
    countProcess()
    let parent = state.process
    guard state.lostReason == nil else {
      book[child] = state
      return
    }
    let sharesFileSystem = flags & TracedFlags.shareFileSystem != 0
    let sharesFiles = flags & TracedFlags.shareFiles != 0
    if !sharesFileSystem || !sharesFiles {
      state.process = freshProcess()
      model.fork(parent, to: state.process, sharingFiles: sharesFiles)
      book.mappings[state.process] = book.mappings[parent]
      if sharesFileSystem {
        leave(
          event, "clone", .notModelled, "root and directory are shared, descriptors are not",
          isMountCall: true, mayHaveChanged: false)
      }
    }
    if !sharesFiles {
      let table = book.freshNumber()
      book.tables[table] = book.tables[state.table]
      state.table = table
    }
    if flags & TracedFlags.newNetwork != 0 { state.network = book.freshNumber() }
    if flags & TracedFlags.newIPC != 0 { state.interprocess = book.freshNumber() }
    book[child] = state
    let mounts = flags & TracedFlags.newMounts != 0
    let users = flags & TracedFlags.newUsers != 0
    guard mounts || users else { return }
    // The kernel copies for the child; here the child does it as its first act.
    var description = "clone"
    if users { description += " (new user namespace)" }
    if mounts { description += " (new mount namespace)" }
    _ = judge(
      event, task: child, .unshare(mounts: mounts, users: users), answered: .value(0),
      Terms(description: description, isMountCall: true))
    if users, state.rights != .unknown { book[child]?.rights = .full }
    noteNamespace(of: child)
  }

  mutating func noteNamespace(of task: Int) {
    if let process = book[task]?.process, let number = model.namespaceNumber(of: process) {
      namespacesSeen.insert(number)
    }
  }

  mutating func freshProcess() -> Int {
    defer { nextProcess += 1 }
    return nextProcess
  }

  mutating func end(_ task: Int) {
    guard let state = book[task] else { return }
    let isLastOfProcess = !book.isShared(processOf: task)
    let isLastOfTable = !book.isShared(tableOf: task)
    if isLastOfTable {
      for descriptor in book.tables[state.table, default: [:]].values { drop(descriptor.kind) }
      book.tables[state.table] = nil
    }
    book[task] = nil
    if isLastOfProcess, state.process >= 0 {
      book.mappings[state.process] = nil
      _ = model.perform(.exit, by: state.process)
    }
  }

  /// What a descriptor kept alive besides a place goes.
  func keeps(_ kind: TaskBook.Descriptor.Kind) -> Int? {
    if case .mountNamespace(let keeper) = kind { keeper } else { nil }
  }

  mutating func drop(_ kind: TaskBook.Descriptor.Kind) {
    guard let keeper = keeps(kind) else { return }
    let isKeptElsewhere = book.tables.values.reduce(0) { count, table in
      count + table.values.filter { keeps($0.kind) == keeper }.count
    }
    if isKeptElsewhere <= 1 { _ = model.perform(.exit, by: keeper) }
  }

  /// A task that shares its root and directory with others gets its own (unshare of anything does that).
  private mutating func separate(_ task: Int) {
    guard let state = book[task], book.isShared(processOf: task) else { return }
    let own = freshProcess()
    model.fork(state.process, to: own, sharingFiles: true)
    book[task]?.process = own
  }

  mutating func unshare(_ event: TracedEvent, _ flags: UInt64, _ result: TracedResult) {
    let mounts = flags & TracedFlags.newMounts != 0
    let users = flags & TracedFlags.newUsers != 0
    guard case .value = result else {
      let why = Self.words(of: flags)
      _ = judge(
        event, task: event.task,
        mounts || users ? .unshare(mounts: mounts, users: users) : .nothing,
        answered: result, Terms(description: "unshare \(why)", isMountCall: mounts || users))
      return
    }
    if mounts || users || flags & TracedFlags.shareFileSystem != 0 { separate(event.task) }
    if flags & TracedFlags.shareFiles != 0, let state = book[event.task],
      book.isShared(tableOf: event.task)
    {
      separate(event.task)
      model.unshareFiles(by: book[event.task]?.process ?? state.process)
      let table = book.freshNumber()
      book.tables[table] = book.tables[state.table]
      book[event.task]?.table = table
    }
    let fresh = book.freshNumber()
    if flags & TracedFlags.newNetwork != 0 { book[event.task]?.network = fresh }
    if flags & TracedFlags.newIPC != 0 { book[event.task]?.interprocess = fresh }
    guard mounts || users else { return }
    _ = judge(
      event, task: event.task, .unshare(mounts: mounts, users: users), answered: result,
      Terms(description: "unshare \(Self.words(of: flags))", isMountCall: true))
    noteNamespace(of: event.task)
  }

  static func words(of flags: UInt64) -> String {
    let names: [(UInt64, String)] = [
      (TracedFlags.newMounts, "CLONE_NEWNS"), (TracedFlags.newUsers, "CLONE_NEWUSER"),
      (TracedFlags.newProcessIDs, "CLONE_NEWPID"), (TracedFlags.newNetwork, "CLONE_NEWNET"),
      (TracedFlags.newIPC, "CLONE_NEWIPC"), (TracedFlags.shareFileSystem, "CLONE_FS"),
      (TracedFlags.shareFiles, "CLONE_FILES"),
    ]
    return names.filter { flags & $0.0 != 0 }.map(\.1).joined(separator: "|")
  }

  mutating func enter(
    _ event: TracedEvent, _ descriptor: TracedDescriptor, _ flags: UInt64, _ result: TracedResult
  ) {
    let description = "setns \(descriptor.number) \(Self.words(of: flags))"
    var action = Action.nothing
    switch book.descriptor(descriptor.number, of: event.task)?.kind {
    case .mountNamespace(let keeper): action = .enter(users: nil, mounts: keeper)
    case .userNamespace(let process): action = .enter(users: process, mounts: nil)
    case .pidDescriptor(let other) where book[other] != nil:
      let target = book[other]
      action = .enter(
        users: flags & TracedFlags.newUsers != 0 ? target?.process : nil,
        mounts: flags & TracedFlags.newMounts != 0 ? target?.process : nil)
      if case .value = result, let target {
        if flags & TracedFlags.newNetwork != 0 { book[event.task]?.network = target.network }
        if flags & TracedFlags.newIPC != 0 {
          book[event.task]?.interprocess = target.interprocess
        }
      }
    case .networkNamespace(let number):
      if case .value = result { book[event.task]?.network = number }
      return
    case .interprocessNamespace(let number):
      if case .value = result { book[event.task]?.interprocess = number }
      return
    default:
      let mayBeMounts =
        flags == 0 || flags & (TracedFlags.newMounts | TracedFlags.newUsers) != 0
      guard mayBeMounts, !(descriptor.path.map { Self.isOtherNamespace($0) } ?? false) else {
        return
      }
      leave(
        event, description, .unknownStart, "the trace does not show which namespace this is",
        isMountCall: true, mayHaveChanged: true)
      if case .value = result {
        book[event.task]?.lostReason =
          "line \(event.line): it entered a namespace that the trace does not show"
      }
      return
    }
    if case .value = result { separate(event.task) }
    if judge(
      event, task: event.task, action, answered: result,
      Terms(description: description, isMountCall: true))
    {
      knowDirectory(of: event.task)
      noteNamespace(of: event.task)
    }
  }

  private static func isOtherNamespace(_ path: String) -> Bool {
    !path.hasPrefix("mnt:") && !path.hasPrefix("user:") && !path.hasSuffix("/mnt")
      && !path.hasSuffix("/user")
  }

  mutating func execute(_ event: TracedEvent, _ path: TracedPath) {
    guard let state = book[event.task] else { return }
    if book.isShared(tableOf: event.task) {
      let table = book.freshNumber()
      book.tables[table] = book.tables[state.table]
      if !book.isShared(processOf: event.task) { model.unshareFiles(by: state.process) }
      book[event.task]?.table = table
    }
    for (number, descriptor) in book.tables[book[event.task]?.table ?? 0, default: [:]]
    where descriptor.closeOnExec {
      close(number, of: event.task)
    }
    for mapping in book.mappings[state.process] ?? [] {
      _ = model.perform(.close(mapping.slot), by: state.process)
    }
    book.mappings[state.process] = nil
    guard let program = try? argument(path, of: event.task) else { return }
    _ = model.learn(program, as: .regular, by: state.process)
    _ = model.perform(.close(Self.executableSlot), by: state.process)
    _ = model.perform(.open(program, .path, Self.executableSlot), by: state.process)
  }

  mutating func close(_ number: Int32, of task: Int) {
    guard let state = book[task], let descriptor = book.descriptor(number, of: task) else { return }
    book.set(nil, number, of: task)
    if case .place = descriptor.kind {
      _ = model.perform(.close(Int(number)), by: state.process)
    } else if let keeper = keeps(descriptor.kind) {
      let isKept = book.tables.values.contains { table in
        table.values.contains { keeps($0.kind) == keeper }
      }
      if !isKept { _ = model.perform(.exit, by: keeper) }
    }
  }

  mutating func map(_ event: TracedEvent, _ descriptor: TracedDescriptor, bytes: UInt64, at: Int64)
  {
    guard let state = book[event.task],
      case .place = book.descriptor(descriptor.number, of: event.task)?.kind
    else { return }
    let slot = 1 << 29 | book.freshNumber()
    guard model.duplicate(Int(descriptor.number), to: slot, by: state.process) else { return }
    book.mappings[state.process, default: []].append(
      TaskBook.Mapping(address: UInt64(bitPattern: at), bytes: bytes, slot: slot))
  }

  mutating func unmap(_ event: TracedEvent, address: UInt64, bytes: UInt64) {
    guard let process = book[event.task]?.process, let mappings = book.mappings[process] else {
      return
    }
    let end = address &+ bytes
    for mapping in mappings
    where mapping.address >= address && mapping.address &+ mapping.bytes <= end {
      _ = model.perform(.close(mapping.slot), by: process)
      book.mappings[process]?.removeAll { $0.slot == mapping.slot }
    }
  }
}
