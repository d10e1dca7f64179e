import StormVerdict
import StormVocabulary

/// A line of version 2 that stands for a part of a window, or for a release.
enum WindowLine {
  case barrier(number: Int, phase: Int, time: UInt64?, workers: [ConcurrentWorker])
  case call(window: Int, ContendedWindow.Call)
  case walker(window: Int, ContendedWindow.Reader)
  /// The living namespaces; nil where no table was read.
  case quiescent(number: Int, time: UInt64?, living: [NamespaceNumber]?, [NamespaceTable])
  case release(TraceRelease)
}

/// The values that only lines of version 2 have.
struct WindowFields {
  var barrier: Int?
  var window: Int?
  var quiescent: Int?
  var release: String?
  var phase: Int?
  var at: UInt64?
  var worker: Int?
  var isWalker = false
  var interval: CallInterval?
  /// One number at a quiescent point, two behind a step.
  var read: [UInt64] = []
  var workers: [ConcurrentWorker]?
  var living: [Int]?
  var device: DeviceNumber?
  var way: String?
  var by: String?
  var round = ReleaseFields()

  /// Whether the key is one of version 2; its value has been read then.
  mutating func read(
    _ scanner: inout JSONScanner, _ key: JSONScanner.Key
  ) throws(JSONProblem) -> Bool {
    switch key {
    case "barrier": barrier = try number(&scanner, "barrier")
    case "window": window = try number(&scanner, "window")
    case "quiescent": quiescent = try number(&scanner, "quiescent")
    case "release": release = try scanner.readString()
    case "phase": phase = try number(&scanner, "phase")
    case "at": at = try time(&scanner, "at")
    case "worker": worker = try number(&scanner, "worker")
    case "walker": isWalker = try scanner.readBool() ?? false
    case "t":
      let times = try numbers(&scanner, "t")
      guard times.count == 2, times[0] <= times[1] else {
        throw scanner.problem("`t` is a start and an end in nanoseconds, such as [1000,1500]")
      }
      interval = CallInterval(startNanoseconds: times[0], endNanoseconds: times[1])
    case "read":
      if scanner.peek() == 0x5B {
        read = try numbers(&scanner, "read")
      } else {
        read = [try time(&scanner, "read")]
      }
    case "workers": workers = try workerList(&scanner)
    case "living": living = try numbers(&scanner, "living").map { Int(clamping: $0) }
    case "dev": device = try deviceNumber(&scanner)
    case "way": way = try scanner.readString()
    case "by": by = try scanner.readString()
    default: return try round.read(&scanner, key)
    }
    return true
  }

  private func number(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> Int {
    let value = try time(&scanner, key)
    guard value <= UInt64(Int32.max) else {
      throw scanner.problem("`\(key)` is \(value); at most \(Int32.max) is allowed")
    }
    return Int(value)
  }

  private func time(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> UInt64 {
    scanner.skipSpace()
    let start = scanner.offset
    guard let value = try scanner.readNumber() else {
      throw scanner.problem(
        "`\(key)` is \(scanner.excerpt(at: start)); a whole number is allowed", at: start)
    }
    return value
  }

  private func numbers(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> [UInt64] {
    var values: [UInt64] = []
    try scanner.readArray { (scanner) throws(JSONProblem) in
      values.append(try time(&scanner, key))
    }
    return values
  }

  private func deviceNumber(_ scanner: inout JSONScanner) throws(JSONProblem) -> DeviceNumber {
    let text = try scanner.readString()
    let parts = text.split(separator: ":").map { UInt32($0) }
    guard parts.count == 2, let major = parts[0], let minor = parts[1] else {
      throw scanner.problem("`dev` is \"\(text)\"; it is written as \"0:45\"")
    }
    return DeviceNumber(major: major, minor: minor)
  }

  private func workerList(
    _ scanner: inout JSONScanner
  ) throws(JSONProblem) -> [ConcurrentWorker] {
    var workers: [ConcurrentWorker] = []
    try scanner.readArray { (scanner) throws(JSONProblem) in
      var worker: Int?
      var process: Int?
      var isThread = false
      var cpu: Int?
      var priority = 0
      try scanner.readObject { (scanner, key) throws(JSONProblem) in
        switch key {
        case "worker": worker = try number(&scanner, "worker")
        case "ns": process = try number(&scanner, "ns")
        case "thread": isThread = try scanner.readBool() ?? false
        case "cpu": cpu = try number(&scanner, "cpu")
        case "nice":
          let isNegative = scanner.peek() == 0x2D
          if isNegative { scanner.passByte() }
          priority = try number(&scanner, "nice") * (isNegative ? -1 : 1)
        default: try scanner.skipValue()
        }
      }
      guard let worker, let process else {
        throw scanner.problem("a worker needs `worker` and `ns`")
      }
      workers.append(
        ConcurrentWorker(
          number: worker, process: process, isThread: isThread, cpu: cpu, priority: priority))
    }
    return workers
  }
}

extension StepParser {
  /// The part of a window that a line says; nil for a step.
  func windowLine(
    _ special: WindowFields, _ fields: Fields, _ namespace: Int?, _ call: String?, _ errno: Errno?,
    _ tables: [NamespaceTable]
  ) throws(JSONProblem) -> WindowLine? {
    let scanner = fields.scanner
    if let number = special.barrier {
      guard let workers = special.workers, !workers.isEmpty else {
        throw scanner.problem("the barrier has no `workers`", at: 0)
      }
      return .barrier(
        number: number, phase: special.phase ?? 0, time: special.at, workers: workers)
    }
    if let number = special.quiescent {
      guard tables.isEmpty || special.living != nil else {
        throw scanner.problem("a quiescent point with `tables` needs `living`", at: 0)
      }
      return .quiescent(
        number: number, time: special.read.first, living: special.living, tables)
    }
    if let what = special.release {
      guard let seenBy = special.by, let interval = special.interval else {
        throw scanner.problem("a release needs `by` and `t`", at: 0)
      }
      var release = TraceRelease(
        what: what, device: special.device, way: special.way, seenBy: seenBy, interval: interval)
      release.round = try special.round.round(way: special.way, phase: special.phase, scanner)
      return .release(release)
    }
    guard let window = special.window else { return nil }
    guard let namespace else { throw scanner.problem("the line has no `ns`", at: 0) }
    guard let interval = special.interval else {
      throw scanner.problem("the line has no `t`", at: 0)
    }
    if special.isWalker {
      guard case .stat(let path) = try fields.operation("stat") else { return nil }
      return .walker(
        window: window,
        ContendedWindow.Reader(
          process: namespace, path: path, startNanoseconds: interval.startNanoseconds,
          endNanoseconds: interval.endNanoseconds))
    }
    guard let worker = special.worker, let call, let errno else {
      throw scanner.problem("a call of a window needs `worker`, `call` and `ret`", at: 0)
    }
    return .call(
      window: window,
      ContendedWindow.Call(
        worker: worker, process: namespace, operation: try fields.operation(call), errno: errno,
        startNanoseconds: interval.startNanoseconds, endNanoseconds: interval.endNanoseconds))
  }
}
