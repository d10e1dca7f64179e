import CMount
import Glibc
import StormVocabulary

/// Runs a program in a private sandbox, stops at its mount calls, and writes what it did as a trace.
///
/// The trace is text in strace's notation with lines of its own for the tables (`docs/record.md`); what reads strace reads it.
public struct Recorder: ~Copyable {
  public struct Options: Sendable {
    public var arguments: [String]
    /// Where the program starts; the sandbox has the machine's directories.
    public var directory: String
    public var timeLimit = Duration.seconds(600)
    /// How much the program may write, bytes.
    public var rootBytes = 512 << 20
    /// How much a trace may hold, bytes; tables are left out beyond half of it.
    public var traceBytes = 512 << 20

    public init(arguments: [String], directory: String) {
      self.arguments = arguments
      self.directory = directory
    }
  }

  /// How the recording ended.
  public struct Outcome: Sendable {
    public enum Ending: Hashable, Sendable {
      /// The program ended by itself, with this status or signal.
      case exited(Int32)
      case killed(signal: Int32)
      case timeLimit
      case interrupted
      case traceTooLong
    }

    public var ending: Ending
    /// Calls that the sandbox refused, by name, with the reason and how often.
    public var refusals: [Refusal] = []
    public var calls = 0
    public var tables = 0
    /// Processes that still ran when the program had ended.
    public var leftRunning = 0
    public var warnings: [String] = []
  }

  public struct Refusal: Hashable, Sendable {
    public var call: String
    public var reason: String
    public var count: Int
  }

  private struct Task {
    var call: CallText?
    /// Its child was seen: the answer of the call tells nothing new.
    var isAnswered = false
    /// Another task was let go before this one's call ended; its beginning stands in the trace.
    var isSplit = false
    var refusal: RefusedCall?
    var isExiting = false
    var isInNewUserNamespace = false
    /// Its effective capabilities as the trace has them.
    var capabilities: Substring?
  }

  private let options: Options
  private let output: Int32
  private var started = nss_record_started()
  private var tasks: [Int32: Task] = [:]
  /// New tasks that stopped before their parent said so.
  private var early: Set<Int32> = []
  /// The task whose call is under way; the others wait.
  private var current: Int32?
  private var waiting: [Int32] = []
  private var outcome = Outcome(ending: .exited(0))
  private var refusals: [String: (reason: String, count: Int)] = [:]
  private var buffer: [UInt8] = []
  private var written = 0
  private var isOver = false

  /// - Parameter output: a descriptor that takes the trace.
  public init(_ options: Options, output: Int32) {
    self.options = options
    self.output = output
  }

  /// Runs the program to its end.
  ///
  /// - Parameters:
  ///   - kernel: `uname -r`, for the trace.
  ///   - build: `uname -v`.
  public mutating func run(
    kernel: String, build: String
  ) throws(RecorderError) -> Outcome {
    try start()
    defer { end() }
    let directory = Self.link("/proc/\(started.program)/cwd") ?? "/"
    let words = options.arguments.map { CallText.quoted(Array($0.utf8)) }
    write("# nsstorm record 1: \(words.joined(separator: " "))")
    write("# kernel \(kernel)")
    write("# build \(build)")
    writeTable(of: started.program)
    write("\(started.init_) chdir(\"/\") = 0")
    write("\(started.init_) fork() = \(started.program)")
    write("\(started.program) chdir(\(CallText.quoted(Array(directory.utf8)))) = 0")
    tasks[started.program] = Task()
    nss_trace_prepare()
    _ = nss_record_go(&started)
    let deadline = ContinuousClock.now + options.timeLimit
    while !isOver {
      var stop = nss_trace_stop()
      let patience: Int32 = waiting.isEmpty ? 1000 : 200
      guard nss_trace_next(patience, &stop) == 0 else { break }
      try handle(stop)
      if ContinuousClock.now >= deadline {
        outcome.ending = .timeLimit
        break
      }
      if written > options.traceBytes {
        outcome.ending = .traceTooLong
        break
      }
    }
    let error = nss_record_exec_error(&started)
    flush()
    if error != 0 {
      throw .programNotStarted(options.arguments[0], Errno(rawValue: error))
    }
    outcome.refusals = refusals.map {
      Refusal(call: $0.key, reason: $0.value.reason, count: $0.value.count)
    }
    .sorted { $0.call < $1.call }
    return outcome
  }

  private mutating func start() throws(RecorderError) {
    guard !options.arguments.isEmpty else { throw .noProgram }
    var watched = Array(WatchedCall.followed.keys.filter { $0 != 9 } + WatchedCall.refused.keys)
      .map { UInt32($0) }
    watched.sort()
    var strings = options.arguments.map { strdup($0) }
    strings.append(nil)
    defer { for string in strings { free(string) } }
    var step: Int32 = 0
    let result = options.directory.withCString { directory in
      watched.withUnsafeBufferPointer { watched in
        strings.map { UnsafePointer($0) }.withUnsafeBufferPointer { arguments in
          var request = nss_record_request(
            arguments: arguments.baseAddress, directory: directory,
            root_bytes: UInt64(options.rootBytes), watched: watched.baseAddress,
            watched_count: UInt32(watched.count))
          return nss_record_start(&request, &started, &step)
        }
      }
    }
    guard result == 0 else {
      throw .sandbox(
        step: RecorderError.Step(rawValue: Int(step)) ?? .namespaces, Errno(rawValue: -result))
    }
  }

  /// Ends whatever is left, and waits until it is gone.
  private mutating func end() {
    outcome.leftRunning = max(0, tasks.count)
    kill(started.init_, SIGKILL)
    let limit = ContinuousClock.now + .seconds(10)
    var isInitGone = false
    while !isInitGone, ContinuousClock.now < limit {
      var stop = nss_trace_stop()
      guard nss_trace_next(100, &stop) == 0 else { break }
      if stop.what == NSS_TRACE_ENDED.number, stop.task == started.init_ { isInitGone = true }
      if stop.what == NSS_TRACE_ENDING.number { _ = nss_trace_continue(stop.task, 0, 0) }
    }
    if !isInitGone { outcome.warnings.append("the sandbox did not end within 10 s") }
    close(started.control)
  }

  // MARK: stops

  private mutating func handle(_ stop: nss_trace_stop) throws(RecorderError) {
    switch UInt32(stop.what) {
    case NSS_TRACE_NOTHING.rawValue: letNextGo(force: true)
    case NSS_TRACE_SIGNAL.rawValue:
      outcome.ending = .interrupted
      isOver = true
    case NSS_TRACE_CALL.rawValue:
      tasks[stop.task, default: Task()].isAnswered = false
      waiting.append(stop.task)
      letNextGo()
    case NSS_TRACE_ANSWER.rawValue: answer(stop.task)
    case NSS_TRACE_CHILD.rawValue: child(Int32(truncatingIfNeeded: stop.detail), of: stop.task)
    case NSS_TRACE_EXECUTED.rawValue:
      executed(stop.task, formerly: Int32(truncatingIfNeeded: stop.detail))
    case NSS_TRACE_ENDING.rawValue:
      tasks[stop.task]?.isExiting = true
      waiting.removeAll { $0 == stop.task }
      if current == stop.task { current = nil }
      _ = nss_trace_continue(stop.task, 0, 0)
      letNextGo()
    case NSS_TRACE_ENDED.rawValue: ended(stop.task, status: Int32(truncatingIfNeeded: stop.detail))
    case NSS_TRACE_STARTED.rawValue:
      if tasks[stop.task] == nil {
        early.insert(stop.task)
      } else {
        _ = nss_trace_continue(stop.task, 0, 0)
      }
    case NSS_TRACE_STOPPED.rawValue: _ = nss_trace_listen(stop.task)
    case NSS_TRACE_DELIVERY.rawValue:
      let isInCall = tasks[stop.task]?.call != nil
      _ = nss_trace_continue(stop.task, isInCall ? 1 : 0, Int32(truncatingIfNeeded: stop.detail))
    default: isOver = true
    }
  }

  /// Lets one of the waiting tasks make its call: one at a time, so that every table belongs to one call.
  ///
  /// - Parameter force: the call under way takes long (it waits for another task); the next one begins beside it.
  private mutating func letNextGo(force: Bool = false) {
    guard !waiting.isEmpty else { return }
    if tasks.values.contains(where: \.isExiting), !force { return }
    if let busy = current {
      guard force, let call = tasks[busy]?.call else { return }
      tasks[busy]?.isSplit = true
      write("\(busy) \(call.beginning) <unfinished ...>")
      current = nil
    }
    let task = waiting.removeFirst()
    var registers = nss_registers()
    guard nss_trace_registers(task, &registers) == 0 else {
      letNextGo()
      return
    }
    begin(task, registers)
  }

  private mutating func begin(_ task: Int32, _ registers: nss_registers) {
    if registers.is_native == 0 {
      refuse(
        task,
        RefusedCall(
          registers.number, "call \(registers.number) of a 32-bit program", 38,
          "only 64-bit programs are followed"))
      return
    }
    if let refused = WatchedCall.refused[registers.number] {
      refuse(task, refused)
      return
    }
    guard let known = WatchedCall.followed[registers.number] else {
      _ = nss_trace_continue(task, 0, 0)
      letNextGo()
      return
    }
    let call = CallText(known, task: task, registers: registers)
    if call.writesMachineSettings {
      refuse(
        task,
        RefusedCall(
          registers.number, call.beginning + ")", 1,
          "it would change a setting of the whole machine"))
      return
    }
    if known.needsRights { noteCapabilities(of: task) }
    tasks[task]?.call = call
    current = task
    _ = nss_trace_continue(task, 1, 0)
  }

  private mutating func refuse(_ task: Int32, _ refused: RefusedCall) {
    refusals[refused.name, default: (refused.reason, 0)].count += 1
    tasks[task]?.refusal = refused
    current = task
    _ = nss_trace_skip(task)
    _ = nss_trace_continue(task, 1, 0)
  }

  private mutating func answer(_ task: Int32) {
    guard let state = tasks[task] else {
      _ = nss_trace_continue(task, 0, 0)
      return
    }
    if let refused = state.refusal {
      _ = nss_trace_answer(task, -Int64(refused.errno))
    } else if let call = state.call, !state.isAnswered {
      var registers = nss_registers()
      if nss_trace_registers(task, &registers) == 0 {
        finish(task, call, answer: registers.result, isSplit: state.isSplit)
      }
    }
    settle(task)
    _ = nss_trace_continue(task, 0, 0)
    letNextGo()
  }

  private mutating func finish(_ task: Int32, _ call: CallText, answer: Int64, isSplit: Bool) {
    let line = call.line(answer: answer)
    if isSplit {
      write("\(task) <... \(call.call.name) resumed>) = \(CallText.answer(answer))")
    } else {
      write("\(task) \(line)")
    }
    outcome.calls += 1
    noteUserNamespaces()
    if answer >= 0, call.mayChangeTables { writeTables(after: task) }
  }

  private mutating func settle(_ task: Int32) {
    tasks[task]?.call = nil
    tasks[task]?.refusal = nil
    tasks[task]?.isSplit = false
    if current == task { current = nil }
  }

  private mutating func child(_ new: Int32, of task: Int32) {
    if let call = tasks[task]?.call {
      let line = call.line(answer: Int64(new))
      if tasks[task]?.isSplit ?? false {
        write("\(task) <... \(call.call.name) resumed>) = \(new)")
      } else {
        write("\(task) \(line)")
      }
      outcome.calls += 1
    }
    tasks[task]?.isAnswered = true
    // A parent that made a vfork waits for its child, and the child's calls must not wait for it.
    if current == task { current = nil }
    tasks[new] = Task(isInNewUserNamespace: true)
    if early.remove(new) != nil { _ = nss_trace_continue(new, 0, 0) }
    _ = nss_trace_continue(task, 1, 0)
    writeTables(after: new)
    letNextGo()
  }

  private mutating func executed(_ task: Int32, formerly old: Int32) {
    if old != task, let state = tasks.removeValue(forKey: old) {
      write("\(task) +++ superseded by execve in pid \(old) +++")
      tasks[task] = state
      if current == old { current = task }
    }
    if let call = tasks[task]?.call {
      finish(task, call, answer: 0, isSplit: tasks[task]?.isSplit ?? false)
    }
    tasks[task]?.isAnswered = true
    _ = nss_trace_continue(task, 1, 0)
  }

  private mutating func ended(_ task: Int32, status: Int32) {
    early.remove(task)
    guard tasks.removeValue(forKey: task) != nil else { return }
    waiting.removeAll { $0 == task }
    if current == task { current = nil }
    let signal = status & 0x7F
    write(
      signal == 0
        ? "\(task) +++ exited with \((status >> 8) & 0xFF) +++"
        : "\(task) +++ killed by signal \(signal) +++")
    if task == started.program {
      outcome.ending = signal == 0 ? .exited((status >> 8) & 0xFF) : .killed(signal: signal)
      isOver = true
    }
    letNextGo()
  }

  // MARK: tables

  /// Writes the table of a task and of one task of each other mount namespace.
  private mutating func writeTables(after task: Int32) {
    guard written < options.traceBytes / 2 else {
      if !outcome.warnings.contains(where: { $0.hasPrefix("tables") }) {
        outcome.warnings.append("tables are not recorded any more: the trace is too long")
      }
      return
    }
    var seen: Set<String> = []
    for other in [task] + tasks.keys.sorted() {
      guard tasks[other].map({ !$0.isExiting }) ?? false,
        let namespace = Self.namespace(of: other), seen.insert(namespace).inserted
      else { continue }
      writeTable(of: other)
    }
  }

  private mutating func writeTable(of task: Int32) {
    guard let text = ProcessText.read("/proc/\(task)/mountinfo"), !text.isEmpty else { return }
    outcome.tables += 1
    write("# table \(task)")
    for line in text.split(separator: "\n") { write("# | \(line)") }
  }

  private static func namespace(of task: Int32) -> String? { link("/proc/\(task)/ns/mnt") }

  private static func link(_ path: String) -> String? {
    var target = [CChar](repeating: 0, count: 4097)
    guard readlink(path, &target, 4096) > 0 else { return nil }
    return String(decoding: target.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// Says when the ids of a new user namespace have been mapped: the engine must know, and writes are not watched.
  private mutating func noteUserNamespaces() {
    for task in tasks.keys.sorted() where tasks[task]?.isInNewUserNamespace ?? false {
      guard let map = ProcessText.read("/proc/\(task)/uid_map") else { continue }
      if !map.isEmpty {
        write("# mapped \(task)")
        tasks[task]?.isInNewUserNamespace = false
      }
    }
  }

  /// Says which capabilities decide the call that a task is about to make, where the trace does not say so yet. Programs
  /// change them in many ways (set-user-id calls, capset, execve, namespaces), and the kernel tells what came of it.
  private mutating func noteCapabilities(of task: Int32) {
    guard let status = ProcessText.read("/proc/\(task)/status"),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
      let set = line.split(whereSeparator: \.isWhitespace).last, tasks[task]?.capabilities != set
    else { return }
    tasks[task]?.capabilities = set
    write("# capabilities \(task) \(set)")
  }

  // MARK: output

  private mutating func write(_ line: String) {
    buffer += line.utf8
    buffer.append(0x0A)
    written += line.utf8.count + 1
    if buffer.count > 1 << 16 { flush() }
  }

  private mutating func flush() {
    var offset = 0
    while offset < buffer.count {
      let count = buffer.withUnsafeBytes {
        Glibc.write(output, $0.baseAddress?.advanced(by: offset), $0.count - offset)
      }
      if count > 0 { offset += count } else if errno != EINTR { break }
    }
    buffer.removeAll(keepingCapacity: true)
  }
}

/// Small files of /proc.
enum ProcessText {
  static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(file, &part, part.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += part[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension nss_trace_what {
  fileprivate var number: Int32 { Int32(rawValue) }
}
