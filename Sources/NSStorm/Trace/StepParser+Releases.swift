import StormPlanning
import StormVerdict
import StormVocabulary

// The keys of release rounds (`docs/trace-format.md`).

/// What a `release` line says about the round in which it was seen.
struct ReleaseFields {
  var fileSystem: FileSystemKind?
  var base: String?
  var fileBytes: Int?
  var boundNanoseconds: UInt64?
  var walkers = 0
  var readers = 0
  var usesNormalGracePeriods = false
  var moments: [ObservedRelease.Call]?

  /// Whether the key is one of these; its value has been read then.
  mutating func read(
    _ scanner: inout JSONScanner, _ key: JSONScanner.Key
  ) throws(JSONProblem) -> Bool {
    switch key {
    case "fs": fileSystem = try word(&scanner, "fs")
    case "base": base = try scanner.readString()
    case "bytes": fileBytes = Int(clamping: try number(&scanner, "bytes", atMost: 64 << 20))
    case "bound": boundNanoseconds = try number(&scanner, "bound", atMost: .max)
    case "walkers": walkers = Int(try number(&scanner, "walkers", atMost: 16))
    case "readers": readers = Int(try number(&scanner, "readers", atMost: 16))
    case "rcu_normal": usesNormalGracePeriods = try scanner.readBool() ?? false
    case "moments":
      var read: [ObservedRelease.Call] = []
      try scanner.readArray { (scanner) throws(JSONProblem) in
        read.append(try moment(&scanner))
      }
      moments = read
    default: return false
    }
    return true
  }

  /// The round that the line describes; nil where it names none.
  func round(
    way: String?, phase: Int?, _ scanner: JSONScanner
  ) throws(JSONProblem) -> TraceRelease.Round? {
    guard moments != nil || fileSystem != nil else { return nil }
    guard let moments, let fileSystem, let base, let fileBytes, let boundNanoseconds else {
      throw scanner.problem(
        "a release round needs `fs`, `base`, `bytes`, `bound` and `moments`", at: 0)
    }
    guard base.hasPrefix("/") else {
      throw scanner.problem("`base` is \"\(base)\"; it begins with \"/\"", at: 0)
    }
    guard let text = way, let way = ReleaseWay(rawValue: text) else {
      let allowed = ReleaseWay.allCases.map(\.rawValue).joined(separator: ", ")
      throw scanner.problem(
        "`way` is \(way.map { "\"\($0)\"" } ?? "absent"); a release round allows \(allowed)", at: 0)
    }
    let conditions = ReleaseConditions(
      base: base, walkers: walkers, readers: readers, boundNanoseconds: boundNanoseconds,
      fileBytes: fileBytes, usesNormalGracePeriods: usesNormalGracePeriods)
    return TraceRelease.Round(
      phase: phase ?? 0, conditions: conditions,
      observed: ObservedRelease(
        fileSystem: fileSystem, way: way, company: walkers > 0 ? .walkers : .none, calls: moments))
  }

  private func moment(
    _ scanner: inout JSONScanner
  ) throws(JSONProblem) -> ObservedRelease.Call {
    var mark: ReleaseRound.Mark?
    var errno: Errno?
    var times: [UInt64] = []
    var value: UInt64 = 0
    try scanner.readObject { (scanner, key) throws(JSONProblem) in
      switch key {
      case "what":
        let start = scanner.offset
        let name = try scanner.readString()
        mark = ReleaseRound.Mark(name: name)
        guard mark != nil else {
          let allowed = ReleaseRound.Mark.all.map(\.name).joined(separator: ", ")
          throw scanner.problem("`what` is \"\(name)\"; allowed are \(allowed)", at: start)
        }
      case "ret": errno = try scanner.readAnswer()
      case "t":
        var read: [UInt64] = []
        try scanner.readArray { (scanner) throws(JSONProblem) in
          read.append(try number(&scanner, "t", atMost: .max))
        }
        times = read
      case "value": value = try number(&scanner, "value", atMost: UInt64(UInt32.max))
      default: try scanner.skipValue()
      }
    }
    guard let mark, let errno, times.count == 2, times[0] <= times[1] else {
      throw scanner.problem("a moment needs `what`, `ret` and `t`, a start and an end")
    }
    return ObservedRelease.Call(
      mark: mark, errno: errno, startNanoseconds: times[0], endNanoseconds: times[1],
      value: UInt32(clamping: value))
  }

  private func word<Word: RawRepresentable & CaseIterable>(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> Word where Word.RawValue == String {
    let start = scanner.offset
    let text = try scanner.readString()
    guard let word = Word(rawValue: text) else {
      let allowed = Word.allCases.map { $0.rawValue }.joined(separator: ", ")
      throw scanner.problem("`\(key)` is \"\(text)\"; allowed are \(allowed)", at: start)
    }
    return word
  }

  private func number(
    _ scanner: inout JSONScanner, _ key: StaticString, atMost most: UInt64
  ) throws(JSONProblem) -> UInt64 {
    scanner.skipSpace()
    let start = scanner.offset
    guard let value = try scanner.readNumber(), value <= most else {
      throw scanner.problem(
        "`\(key)` is \(scanner.excerpt(at: start)); a whole number from 0 to \(most) is allowed",
        at: start)
    }
    return value
  }
}

extension JSONScanner {
  /// What a call answered: 0 or the name of an errno.
  mutating func readAnswer() throws(JSONProblem) -> Errno {
    let byte = peek()
    let start = offset
    if byte == 0x22 {
      if let result = Errno(name: try readString()), result != .none { return result }
    } else if try readNumber() == 0 {
      return .none
    }
    throw problem(
      "`ret` is \(excerpt(at: start)); allowed are 0 and the name of an errno such as \"EBUSY\"",
      at: start)
  }
}
