import StormEngine
import StormVerdict
import StormVocabulary

// What each call of a watched program is to the engine.

extension CallFollower {
  mutating func follow(_ event: TracedEvent) {
    switch event.what {
    case .child(let child, let flags):
      beginChild(child, flags: flags, of: event)
      return
    case .exit:
      end(event.task)
      return
    case .table(let table):
      compare(table, event)
      return
    case .usersMapped:
      if let process = book[event.task]?.process { model.mapUsers(of: process) }
      return
    case .capabilities(let set):
      book[event.task]?.rights = TaskBook.Rights(effective: set)
      return
    default: break
    }
    guard let state = book[event.task] else { return }
    if let reason = state.lostReason {
      let isMountCall: Bool
      if case .call(let call, let result) = event.what {
        isMountCall = call.isMountCall
        if isMountCall, case .value = result, unfollowedSince == nil {
          unfollowedSince = event.line
        }
      } else {
        isMountCall = true
      }
      if isMountCall {
        leave(
          event, event.callName, .unfollowedTask, reason, isMountCall: true, mayHaveChanged: true)
      }
      return
    }
    switch event.what {
    case .unreadable(let call, let reason, let isMountCall):
      leave(
        event, call, reason.hasSuffix("not modelled") ? .notModelled : .unreadableArgument, reason,
        isMountCall: isMountCall, mayHaveChanged: isMountCall)
    case .call(let call, let result):
      do throws(PathProblem) {
        try follow(call, result, event)
      } catch {
        let succeeded = if case .errno = result { false } else { true }
        leave(
          event, call.name, error.reason, error.detail, isMountCall: call.isMountCall,
          mayHaveChanged: succeeded && call.isMountCall)
        if succeeded, case .chdir = call { book[event.task]?.knowsDirectory = false }
      }
    default: break
    }
  }

  private mutating func follow(
    _ call: TracedCall, _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    let task = event.task
    switch call {
    case .mount, .umount, .pivotRoot, .openTree, .moveMount, .mountSetattr, .fsopen, .fsconfig,
      .fsmount, .fspick:
      try followMountCall(call, result, event)
    case .unshare(let flags): unshare(event, flags, result)
    case .clone(let flags):
      // Only refusals come this way.
      if call.isMountCall { unshare(event, flags, result) }
    case .setns(let descriptor, let flags): enter(event, descriptor, flags, result)
    case .open(let path, let flags): try open(path, flags, result, event)
    case .close(let first, let last, let flags): closeRange(first, last, flags, result, task)
    case .duplicate(let old, let closeOnExec): duplicate(old, closeOnExec, result, task)
    case .setCloseOnExec(let descriptor, let isSet):
      if var known = book.descriptor(descriptor.number, of: task) {
        known.closeOnExec = isSet
        book.set(known, descriptor.number, of: task)
      }
    case .pidDescriptor(let process):
      if case .value(let number, _) = result {
        replace(
          Int32(number), with: .init(kind: .pidDescriptor(task: Int(process)), closeOnExec: true),
          of: task)
      }
    case .write(let descriptor):
      if case .value = result,
        case .userMap(let target) = book.descriptor(descriptor.number, of: task)?.kind,
        let process = book[target]?.process
      {
        model.mapUsers(of: process)
      }
    case .execute(let path):
      if case .value = result { execute(event, path) }
    case .mapFile(let descriptor, let bytes):
      if case .value(let address, _) = result { map(event, descriptor, bytes: bytes, at: address) }
    case .unmap(let address, let bytes):
      if case .value = result { unmap(event, address: address, bytes: bytes) }
    default: try followNameCall(call, result, event)
    }
  }

  // MARK: descriptors

  /// A new descriptor takes a number; what was there goes.
  mutating func replace(
    _ number: Int32, with descriptor: TaskBook.Descriptor, of task: Int
  ) {
    close(number, of: task)
    book.set(descriptor, number, of: task)
  }

  private mutating func closeRange(
    _ first: UInt32, _ last: UInt32, _ flags: UInt64, _ result: TracedResult, _ task: Int
  ) {
    guard case .value = result, let state = book[task] else { return }
    for number in book.tables[state.table, default: [:]].keys
    where number >= 0 && UInt32(number) >= first && UInt32(number) <= last {
      if flags & TracedFlags.closeRangeCloseOnExec != 0 {
        book.tables[state.table]?[number]?.closeOnExec = true
      } else {
        close(number, of: task)
      }
    }
  }

  private mutating func duplicate(
    _ old: TracedDescriptor, _ closeOnExec: Bool, _ result: TracedResult, _ task: Int
  ) {
    guard case .value(let number, _) = result, let state = book[task],
      Int32(number) != old.number
    else { return }
    guard let known = book.descriptor(old.number, of: task) else {
      close(Int32(number), of: task)
      return
    }
    replace(Int32(number), with: .init(kind: known.kind, closeOnExec: closeOnExec), of: task)
    if case .place = known.kind {
      model.duplicate(Int(old.number), to: Int(number), by: state.process)
    }
  }

  private mutating func open(
    _ path: TracedPath, _ flags: UInt64, _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    let task = event.task
    let closesOnExec = flags & TracedFlags.closeOnExec != 0
    if case .value(let number, _) = result, let kind = specialKind(path, of: task) {
      replace(Int32(number), with: .init(kind: kind, closeOnExec: closesOnExec), of: task)
      return
    }
    guard let process = book[task]?.process else { return }
    let place: PathArgument
    do throws(PathProblem) {
      place = try argument(path, of: task)
    } catch {
      if case .value(let number, let seen) = result {
        // Where it leads is known all the same if the observer saw it.
        close(Int32(number), of: task)
        if let seen, seen.hasPrefix("/"), error.reason == .unknownStart {
          _ = model.learn(.path(seen), as: .unknown, by: process)
          if model.perform(.open(.path(seen), .path, Int(number)), by: process) == .none {
            book.set(.init(kind: .place, closeOnExec: closesOnExec), Int32(number), of: task)
            countLearned()
            return
          }
        }
        book.set(.init(kind: .other, closeOnExec: closesOnExec), Int32(number), of: task)
      }
      throw error
    }
    let creates = flags & TracedFlags.openCreate != 0 && flags & TracedFlags.openPath == 0
    let kind: LearnedKind =
      flags & TracedFlags.openDirectory != 0
      ? .directory
      : creates ? .regular : flags & TracedFlags.openPath != 0 ? .unknown : .probablyRegular
    var terms = Terms(description: "open \(place)", isMountCall: false)
    terms.judgedErrnos = [.none, .noSuchEntry, .notDirectory]
    var operations: [Operation] = []
    if creates {
      terms.parents = [place]
      if case .value = result, model.perform(.stat(place), by: process) == .noSuchEntry {
        if let above = place.parent { _ = model.learn(above, as: .directory, by: process) }
        if model.meetsUnseenNames(place, by: process) {
          _ = model.learn(place, as: .regular, by: process)
        } else {
          operations.append(.touch(place))
        }
      }
    } else {
      terms.names = [(place, kind, flags & TracedFlags.openNoFollow == 0)]
    }
    if flags & (TracedFlags.openTemporary & ~TracedFlags.openDirectory) != 0
      || flags & TracedFlags.openNoFollow != 0
    {
      terms.judgedErrnos = [.none]
    }
    let slot: Int
    if case .value(let number, _) = result { slot = Int(number) } else { slot = Self.scratchSlot }
    if case .value = result { close(Int32(slot), of: task) }
    operations.append(
      .open(place, flags & TracedFlags.openDirectory != 0 ? .directory : .path, slot))
    let worked = judge(event, task: task, .sequence(operations), answered: result, terms)
    if worked {
      book.set(.init(kind: .place, closeOnExec: closesOnExec), Int32(slot), of: task)
    } else if case .value = result {
      book.set(.init(kind: .other, closeOnExec: closesOnExec), Int32(slot), of: task)
    }
  }

  /// Files of proc that name namespaces and the maps of user namespaces.
  private mutating func specialKind(
    _ path: TracedPath, of task: Int
  ) -> TaskBook.Descriptor.Kind? {
    guard case .text(let text) = path.text else { return nil }
    let directory =
      text.hasPrefix("/") || path.directory.isWorkingDirectory ? nil : Int(path.directory.number)
    guard let place = procPlace(text, from: directory, of: task), let other = book[place.task]
    else {
      return nil
    }
    switch place.rest {
    case ["uid_map"], ["gid_map"]: return .userMap(task: place.task)
    case ["ns", "mnt"]:
      let keeper = freshProcess()
      guard model.fork(other.process, to: keeper) else { return .other }
      // It keeps the namespace alive and stands on its root, where nothing but the namespace's end moves it.
      model.closeAll(of: keeper)
      _ = model.perform(.setns(other.process), by: keeper)
      return .mountNamespace(keeper)
    case ["ns", "user"]: return .userNamespace(process: other.process)
    case ["ns", "net"]: return .networkNamespace(other.network)
    case ["ns", "ipc"]: return .interprocessNamespace(other.interprocess)
    case let rest where rest.first == "ns": return .other
    default: return nil
    }
  }

  // MARK: names

  private mutating func followNameCall(
    _ call: TracedCall, _ result: TracedResult, _ event: TracedEvent
  ) throws(PathProblem) {
    let task = event.task
    let exists = if case .errno(.fileExists) = result { true } else { false }
    switch call {
    case .chdir(let text):
      let place = try argument(TracedPath(text), of: task)
      var terms = Terms(description: "chdir \(place)", isMountCall: false)
      terms.names = [(place, .directory, true)]
      if judge(event, task: task, .operation(.chdir(place)), answered: result, terms) {
        knowDirectory(of: task)
      }
    case .fchdir(let descriptor):
      let place = try argument(descriptor, of: task)
      var terms = Terms(description: "fchdir \(place)", isMountCall: false)
      terms.names = [(place, .directory, true)]
      if judge(event, task: task, .operation(.chdir(place)), answered: result, terms) {
        knowDirectory(of: task)
      }
    case .chroot(let text):
      let place = try argument(TracedPath(text), of: task)
      var terms = Terms(description: "chroot \(place)", isMountCall: true)
      terms.names = [(place, .directory, true)]
      _ = judge(event, task: task, .operation(.chroot(place)), answered: result, terms)
    case .makeDirectory(let path):
      try makeName(path, "mkdir", exists, result, event) { .mkdir($0) }
    case .makeNode(let path):
      try makeName(path, "mknod", exists, result, event) { .touch($0) }
    case .symlink(let contents, let path):
      guard case .text(let contents) = contents else { return }
      try makeName(path, "symlink", exists, result, event) { .symlink(contents: contents, at: $0) }
    case .link(_, let path):
      try makeName(path, "link", exists, result, event) { .touch($0) }
    case .remove(let path, let directory):
      let place = try argument(path, of: task)
      var terms = Terms(
        description: "\(directory ? "rmdir" : "unlink") \(place)", isMountCall: false)
      terms.names = [(place, directory ? .directory : .unknown, false)]
      if !directory, case .value = result, case .learned = learnFile(place, task) {}
      _ = judge(
        event, task: task, .operation(directory ? .rmdir(place) : .unlink(place)), answered: result,
        terms)
    case .rename(let from, let to, let flags):
      let source = try argument(from, of: task)
      let target = try argument(to, of: task)
      var terms = Terms(description: "rename \(source) \(target)", isMountCall: false)
      terms.names = [(source, .probablyRegular, false)]
      terms.parents = [target]
      if flags != 0 { terms.judgedErrnos = [] }
      _ = judge(
        event, task: task, .operation(.rename(from: source, to: target)), answered: result, terms)
    case .readLink(let path, let contents):
      guard let place = try? argument(path, of: task), let process = book[task]?.process,
        !isInProc(place, process)
      else { return }
      if case .value = result, case .text(let text) = contents {
        _ = model.learn(
          place, as: .symbolicLink(text), by: process, isFinalLinkFollowed: false)
        countLearned()
      } else if case .errno(.invalidArgument) = result {
        _ = model.learn(place, as: .unknown, by: process, isFinalLinkFollowed: false)
        countLearned()
      }
    case .inspect(let path, let mode, let follows):
      guard case .value = result, let place = try? argument(path, of: task),
        let process = book[task]?.process, !isInProc(place, process)
      else { return }
      let kind: LearnedKind
      switch mode.map({ $0 & 0o170000 }) {
      case 0o40000: kind = .directory
      case nil, 0o120000: kind = .unknown
      default: kind = .regular
      }
      _ = model.learn(place, as: kind, by: process, isFinalLinkFollowed: follows)
      countLearned()
    default: break
    }
  }

  private mutating func learnFile(_ place: PathArgument, _ task: Int) -> Learning {
    guard let process = book[task]?.process else { return .known }
    return model.learn(place, as: .regular, by: process, isFinalLinkFollowed: false)
  }

  private mutating func isInProc(_ place: PathArgument, _ process: Int) -> Bool {
    guard let above = place.parent else { return false }
    return model.fileSystem(at: above, by: process)?.type == "proc"
  }

  private mutating func makeName(
    _ path: TracedPath, _ name: String, _ exists: Bool, _ result: TracedResult,
    _ event: TracedEvent, _ operation: (PathArgument) -> Operation
  ) throws(PathProblem) {
    let place = try argument(path, of: event.task)
    var terms = Terms(description: "\(name) \(place)", isMountCall: false)
    terms.parents = [place]
    if exists { terms.names = [(place, .unknown, false)] }
    _ = judge(event, task: event.task, .operation(operation(place)), answered: result, terms)
  }

  // MARK: tables

  private mutating func compare(_ table: MountTable, _ event: TracedEvent) {
    guard let state = book[event.task], state.lostReason == nil,
      let namespace = model.namespaceNumber(of: state.process), !silencedTables.contains(namespace)
    else { return }
    let living = Set(model.livingProcesses.compactMap { model.namespaceNumber(of: $0) })
    let ended = comparison.namespaces.filter { !living.contains($0) }
    let differences = comparison.update(
      predicted: [NamespaceTable(namespace: namespace, table: model.table(seenBy: state.process))],
      observed: [NamespaceTable(namespace: namespace, table: table)], ended: ended)
    countTable(entries: table.entries.count)
    guard let difference = differences.first(where: { $0.namespace == namespace }) else { return }
    silencedTables.insert(namespace)
    if let line = unfollowedSince {
      leave(
        event, "the table of process \(event.task)", .doubt,
        "it differs, but line \(line) could not be followed", isMountCall: true,
        mayHaveChanged: false)
    } else {
      diverge(
        event, "the table of process \(event.task)", predicted: .none, observed: .none,
        tables: [difference])
    }
    warn(
      "line \(event.line): the tables of the namespace of process \(event.task) are not compared from here on"
    )
  }
}
