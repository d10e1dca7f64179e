import StormKernel
public import StormVocabulary

/// What was read from a file that strace (or `nsstorm record`) wrote.
public struct StraceHistory: Sendable {
  public var file: String
  /// In the order in which things took effect: a child begins before its first call.
  public var events: [TracedEvent]
  /// The kernel that answered, where the file says so.
  public var kernel: String?
  public var build: String?
  /// The table before the first call, where the file has it.
  public var initialTable: MountTable?
  /// Lines of the file.
  public var lines = 0
  /// Tasks whose parent cannot be told; what they did is not followed.
  public var orphans: [Orphan] = []
  /// The last line was written only in part.
  public var isCutOff = false

  public struct Orphan: Hashable, Sendable {
    public var task: Int
    public var line: Int
    public var reason: String
  }

  public init(file: String, events: [TracedEvent]) {
    self.file = file
    self.events = events
  }
}

/// Reads the output of `strace -f`, in all its shapes: with -o or -ttt or -r, -y, -yy, -T, -X raw and verbose, calls that
/// were interrupted and resumed, signals and exits.
public struct StraceReader: ~Copyable {
  /// A history beyond this is refused: it would not fit into memory.
  public static let mostEvents = 5_000_000

  private let file: String
  private var line = 0
  private var records: [Record] = []
  private var appearances: [Appearance] = []
  private var living: Set<Int> = []
  private var pending: [Int: Pending] = [:]
  /// The only task of a file without process numbers.
  private var unnumbered: Int?
  private var kernel: String?
  private var build: String?
  private var initialTable: MountTable?
  private var table: (task: Int, line: Int, text: String)?

  private enum Record {
    case event(TracedEvent)
    case clone(Clone)
  }

  private struct Clone {
    var task: Int
    var line: Int
    var startLine: Int
    var flags: UInt64
    /// What the call answered: a number of the parent's PID namespace.
    var returned: Int
    var child: Int?
  }

  private struct Appearance {
    var task: Int
    var line: Int
    /// How many records stood before it.
    var position: Int
  }

  private struct Pending {
    var name: String
    var arguments: [UInt8]
    var line: Int
  }

  /// Reads a whole file.
  ///
  /// - Throws: ``TraceError`` of kind `inaccessible` or `damaged`, with the line and what stands there.
  public static func read(_ path: String) throws(TraceError) -> StraceHistory {
    var lines = try LineReader(path: path)
    var reader = StraceReader(file: path)
    var isCutOff = false
    while let bytes = try lines.next() {
      reader.line = lines.line
      do throws(StraceProblem) {
        try reader.take(Array(bytes))
      } catch {
        if !lines.isTerminated {
          isCutOff = true
          break
        }
        throw reader.damaged(error.message)
      }
      guard reader.records.count < mostEvents else {
        throw reader.damaged(
          "more than \(mostEvents) calls that concern mounts; trace less at a time")
      }
    }
    try reader.finishTable()
    guard reader.line > 0 else {
      throw TraceError(
        file: path, line: 0, kind: .foreign,
        message: "the file is empty; `strace -f -o \(path) COMMAND` writes one")
    }
    var history = try reader.history()
    history.isCutOff = isCutOff
    return history
  }

  private init(file: String) {
    self.file = file
  }

  private func damaged(_ message: String) -> TraceError {
    TraceError(file: file, line: line, kind: .damaged, message: message)
  }

  private mutating func take(_ bytes: [UInt8]) throws(StraceProblem) {
    let parsed = try StraceLine(bytes)
    if case .own(let text) = parsed.what {
      try takeOwn(text)
      return
    }
    try finishOwnTable()
    if case .nothing = parsed.what, parsed.task == nil { return }
    let task = number(of: parsed)
    if living.insert(task).inserted {
      appearances.append(Appearance(task: task, line: line, position: records.count))
    }
    switch parsed.what {
    case .nothing, .own: return
    case .unfinished(let name, let arguments):
      pending[task] = Pending(name: name, arguments: arguments, line: line)
    case .resumed(let name, let rest):
      guard let begun = pending.removeValue(forKey: task) else {
        // strace was attached in the middle of the call.
        if StraceDecoder.isMountCall(name) {
          records.append(
            .event(
              TracedEvent(
                task: task, line: line,
                .unreadable(
                  call: name, reason: "its beginning was not traced", isMountCall: true))))
        }
        return
      }
      guard begun.name == name else {
        throw StraceProblem(message: "\(name) resumes, but \(begun.name) was unfinished")
      }
      try complete(task, name, begun.arguments + rest, startLine: begun.line)
    case .call(let name, let arguments): try complete(task, name, arguments, startLine: line)
    case .ended:
      pending[task] = nil
      living.remove(task)
      records.append(.event(TracedEvent(task: task, line: line, .exit)))
    case .superseded(let other):
      // From now on the thread that called execve has the number of its process.
      pending[task] = pending.removeValue(forKey: other)
      living.remove(other)
      records.append(.event(TracedEvent(task: other, line: line, .exit)))
    }
  }

  /// The task of a line: without a number it is the only one that lives, or the one that came first.
  private mutating func number(of line: StraceLine) -> Int {
    if let task = line.task {
      // The first task's number shows only once there is a second one.
      if let first = unnumbered, first == 0, !living.contains(task), living.contains(0),
        !records.contains(where: {
          if case .clone(let clone) = $0 { clone.returned == task } else { false }
        })
      {
        rename(0, to: task)
        unnumbered = task
      }
      return task
    }
    if let unnumbered, living.contains(unnumbered) { return unnumbered }
    if living.count == 1, let only = living.first { return only }
    unnumbered = unnumbered ?? 0
    return unnumbered ?? 0
  }

  private mutating func rename(_ old: Int, to new: Int) {
    living.remove(old)
    living.insert(new)
    pending[new] = pending.removeValue(forKey: old)
    for index in appearances.indices where appearances[index].task == old {
      appearances[index].task = new
    }
    for index in records.indices {
      switch records[index] {
      case .event(var event) where event.task == old:
        event.task = new
        records[index] = .event(event)
      case .clone(var clone) where clone.task == old:
        clone.task = new
        records[index] = .clone(clone)
      default: break
      }
    }
  }

  private mutating func complete(
    _ task: Int, _ name: String, _ bytes: [UInt8], startLine: Int
  ) throws(StraceProblem) {
    guard StraceDecoder.isRelevant(name) else {
      guard bytes.contains(UInt8(ascii: ")")) else {
        throw StraceProblem(message: "\(name)( has no closing parenthesis")
      }
      return
    }
    var scanner = StraceScanner(bytes)
    let arguments = try scanner.arguments()
    let result = try TracedResult(strace: scanner.rest)
    switch StraceDecoder.decode(name, arguments) {
    case .irrelevant: return
    case .unreadable(let reason):
      records.append(
        .event(
          TracedEvent(
            task: task, line: line, startLine: startLine,
            .unreadable(
              call: name, reason: reason, isMountCall: StraceDecoder.isMountCall(name)))))
    case .call(.clone(let flags)):
      guard case .value(let child, _) = result else {
        records.append(
          .event(
            TracedEvent(
              task: task, line: line, startLine: startLine, .call(.clone(flags: flags), result))))
        return
      }
      records.append(
        .clone(
          Clone(
            task: task, line: line, startLine: startLine, flags: flags, returned: Int(child))))
    case .call(let call):
      records.append(
        .event(TracedEvent(task: task, line: line, startLine: startLine, .call(call, result))))
    }
  }

  // MARK: nsstorm's own lines

  private mutating func takeOwn(_ text: String) throws(StraceProblem) {
    if text.hasPrefix(" | "), table != nil {
      table?.text += text.dropFirst(3) + "\n"
      return
    }
    try finishOwnTable()
    let words = text.split(separator: " ", maxSplits: 2)
    switch words.first {
    case "kernel": kernel = words.count > 1 ? String(words[1]) : nil
    case "build":
      build = text.split(separator: " ", maxSplits: 1).dropFirst().first.map(String.init)
    case "table":
      guard words.count > 1, let task = Int(words[1]) else {
        throw StraceProblem(message: "`# table` needs the number of a process")
      }
      table = (task, line, "")
    case "mapped":
      guard words.count > 1, let task = Int(words[1]) else {
        throw StraceProblem(message: "`# mapped` needs the number of a process")
      }
      records.append(.event(TracedEvent(task: task, line: line, .usersMapped)))
    case "capabilities":
      guard words.count > 2, let task = Int(words[1]), let set = UInt64(words[2], radix: 16) else {
        throw StraceProblem(
          message: "`# capabilities` needs the number of a process and its effective set in hex")
      }
      records.append(.event(TracedEvent(task: task, line: line, .capabilities(set))))
    default: break
    }
  }

  private mutating func finishOwnTable() throws(StraceProblem) {
    guard let finished = table else { return }
    table = nil
    let entries: MountTable
    do throws(MountinfoError) {
      entries = try MountTable(mountinfo: finished.text)
    } catch {
      throw StraceProblem(message: "the table that begins on line \(finished.line): \(error)")
    }
    if records.isEmpty, initialTable == nil {
      initialTable = entries
    } else {
      records.append(.event(TracedEvent(task: finished.task, line: finished.line, .table(entries))))
    }
  }

  private mutating func finishTable() throws(TraceError) {
    do throws(StraceProblem) { try finishOwnTable() } catch { throw damaged(error.message) }
  }

  // MARK: parents

  /// Puts every child behind its parent's clone and before its own first call.
  private mutating func history() throws(TraceError) -> StraceHistory {
    guard !appearances.isEmpty else {
      throw TraceError(
        file: file, line: line, kind: .foreign, message: "the file has no call; is it of strace?")
    }
    var clones: [Int] = []
    for (index, record) in records.enumerated() { if case .clone = record { clones.append(index) } }
    var orphans: [StraceHistory.Orphan] = []
    var births: [(position: Int, clone: Int)] = []
    var nested: Set<Int> = []
    var free = clones
    for appearance in appearances.dropFirst() {
      func clone(_ index: Int) -> Clone? {
        if case .clone(let clone) = records[index] { clone } else { nil }
      }
      let possible = free.filter { (clone($0)?.startLine ?? .max) <= appearance.line }
      var chosen = possible.last { clone($0)?.returned == appearance.task }
      if chosen == nil {
        // In a PID namespace of its own a parent gets numbers that strace does not print.
        let candidates = possible.filter { index in
          clone(index).map { nested.contains($0.task) } ?? false
        }
        let parents = Set(candidates.compactMap { clone($0)?.task })
        if parents.count == 1 { chosen = candidates.first }
        if parents.count > 1 {
          orphans.append(
            StraceHistory.Orphan(
              task: appearance.task, line: appearance.line,
              reason:
                "its parent is one of \(parents.sorted().map(String.init).joined(separator: ", ")), in a PID namespace "
                + "of their own; strace --pidns-translation tells which"))
          continue
        }
      }
      guard let chosen, case .clone(var found) = records[chosen] else {
        orphans.append(
          StraceHistory.Orphan(
            task: appearance.task, line: appearance.line,
            reason: "no clone of the file made it; strace was attached to it"))
        continue
      }
      found.child = appearance.task
      records[chosen] = .clone(found)
      free.removeAll { $0 == chosen }
      if nested.contains(found.task) || found.flags & TracedFlags.newProcessIDs != 0
        || unsharedProcessIDs(found.task, before: chosen)
      {
        nested.insert(appearance.task)
      }
      births.append((min(chosen, appearance.position), chosen))
    }
    var history = StraceHistory(file: file, events: ordered(births))
    history.orphans = orphans
    history.kernel = kernel
    history.build = build
    history.initialTable = initialTable
    history.lines = line
    return history
  }

  private func unsharedProcessIDs(_ task: Int, before index: Int) -> Bool {
    records[..<index].contains { record in
      guard case .event(let event) = record, event.task == task,
        case .call(let call, .value) = event.what
      else { return false }
      switch call {
      case .unshare(let flags), .setns(_, let flags):
        return flags & TracedFlags.newProcessIDs != 0
      default: return false
      }
    }
  }

  private func ordered(_ births: [(position: Int, clone: Int)]) -> [TracedEvent] {
    let bornAt = Dictionary(grouping: births, by: \.position)
    var events: [TracedEvent] = []
    events.reserveCapacity(records.count + births.count)
    for index in 0...records.count {
      for birth in bornAt[index] ?? [] {
        guard case .clone(let clone) = records[birth.clone], let child = clone.child else {
          continue
        }
        events.append(
          TracedEvent(
            task: clone.task, line: clone.line, startLine: clone.startLine,
            .child(child, flags: clone.flags)))
      }
      guard index < records.count else { break }
      switch records[index] {
      case .event(let event): events.append(event)
      case .clone(let clone):
        guard clone.child == nil else { continue }
        events.append(
          TracedEvent(
            task: clone.task, line: clone.line, startLine: clone.startLine,
            .unreadable(
              call: "clone",
              reason: "its child \(clone.returned) never shows; strace -f follows children",
              isMountCall: true)))
      }
    }
    return events
  }
}
