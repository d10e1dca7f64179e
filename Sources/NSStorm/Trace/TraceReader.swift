import StormVerdict
import StormVocabulary

/// Reads a trace, line by line (the format: `docs/trace-format.md`). Memory is bounded by the longest line.
public struct TraceReader: ~Copyable {
  public let header: TraceHeader
  /// How the file ended; known once ``next()`` has returned nil.
  public private(set) var ending = Ending.unread
  /// The number of the line that was read last, counted from 1.
  public var line: Int { lines.line }

  public enum Ending: Hashable, Sendable {
    case unread
    /// The last line was an `end` line.
    case complete
    /// The recorder was stopped: the file ends without an `end` line. What stands is valid.
    case cutOff
    /// As ``cutOff``, and the last line was written only in part.
    case cutOffInLine(Int)
  }

  /// Calls that were announced and never answered; known once ``next()`` has returned nil.
  public var unansweredCalls: [NumberedCall] { announcements.open }

  private var announcements = AnnouncementBook()
  private let file: String
  private var lines: LineReader
  private var parser: StepParser
  private var lastStep = -1
  /// Nil in files of version 1, which have no windows.
  private var windows: WindowAssembly?

  /// Opens a trace and reads its header.
  ///
  /// - Throws: ``TraceError`` of kind `inaccessible`, `foreign`, `wrongVersion` or `damaged`.
  public init(path: String) throws(TraceError) {
    var lines = try LineReader(path: path)
    var parser = StepParser()
    header = try Self.readHeader(&lines, &parser, file: path)
    file = path
    parser.version = header.version
    if header.version > 1 { windows = WindowAssembly(initialTable: header.table) }
    self.lines = lines
    self.parser = parser
  }

  /// Whether a file begins as a trace does, of whatever version.
  public static func isTrace(path: String) -> Bool {
    guard var lines = try? LineReader(path: path) else { return false }
    guard let bytes = try? lines.next() else {
      return false
    }
    var isTrace = false
    var scanner = JSONScanner(bytes)
    try? scanner.readObject { (scanner, key) throws(JSONProblem) in
      if case "trace" = key { isTrace = true }
      try scanner.skipValue()
    }
    return isTrace
  }

  /// The next step, or the end line; nil at the end of the file.
  ///
  /// - Throws: ``TraceError``; nothing that follows a damaged line can be read.
  public mutating func next() throws(TraceError) -> TraceLine? {
    while let bytes = try lines.next() {
      if Self.isBlank(bytes) { continue }
      if ending == .complete {
        throw damaged("something stands behind the end line")
      }
      let parsed: TraceLine
      do throws(JSONProblem) {
        switch try parser.parse(bytes) {
        case .line(let line): parsed = line
        case .part(let part):
          guard let line = try take(part) else { continue }
          parsed = line
        case .announced(let call):
          announcements.add(call)
          continue
        case .answered(let number):
          announcements.settle(number)
          continue
        }
      } catch {
        // A recorder that was killed leaves the beginning of a line; only whole lines count.
        if !lines.isTerminated {
          ending = .cutOffInLine(lines.line)
          return nil
        }
        throw TraceError(
          file: file, line: lines.line, kind: .damaged,
          message: "\(error.message) (column \(error.offset + 1))")
      }
      switch parsed {
      case .end: ending = .complete
      case .step(let step):
        announcements.settle(step.number)
        guard step.number > lastStep else {
          throw damaged("`step` is \(step.number), but step \(lastStep) stands before it")
        }
        lastStep = step.number
        try follow(step)
      case .window, .release: break
      }
      return parsed
    }
    if ending == .unread { ending = .cutOff }
    return nil
  }

  private mutating func take(_ part: WindowLine) throws(JSONProblem) -> TraceLine? {
    do throws(WindowProblem) {
      return try windows?.add(part)
    } catch {
      throw JSONProblem(offset: 0, message: error.message)
    }
  }

  private mutating func follow(_ step: TraceStep) throws(TraceError) {
    do throws(WindowProblem) {
      try windows?.follow(step)
    } catch {
      throw damaged(error.message)
    }
  }

  /// Calls of a window that the file was cut off in; they are not read.
  public var unfinishedCalls: Int { windows?.openCalls ?? 0 }

  private func damaged(_ message: String) -> TraceError {
    TraceError(file: file, line: lines.line, kind: .damaged, message: message)
  }

  private static func isBlank(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
  }

  private static let expected = "a trace begins with {\"trace\":\"nsstorm\",\"version\":1,…}"

  private static func readHeader(
    _ lines: inout LineReader, _ parser: inout StepParser, file: String
  ) throws(TraceError) -> TraceHeader {
    func refuse(_ kind: TraceError.Kind, _ message: String) -> TraceError {
      TraceError(file: file, line: 1, kind: kind, message: message)
    }
    guard let bytes = try lines.next() else {
      throw refuse(.foreign, "the file is empty; \(expected)")
    }
    var fields = HeaderFields()
    var scanner = JSONScanner(bytes)
    do throws(JSONProblem) {
      try fields.read(&scanner, &parser)
    } catch {
      // Once it has said that it is a trace it is a damaged one; before, it is anything.
      if let refusal = fields.refusal { throw refuse(refusal.0, refusal.1) }
      guard fields.name == "nsstorm" else {
        throw refuse(.foreign, "not a trace: \(error.message); \(expected)")
      }
      throw refuse(.damaged, "\(error.message) (column \(error.offset + 1))")
    }
    if let refusal = fields.refusal { throw refuse(refusal.0, refusal.1) }
    guard fields.name != nil else { throw refuse(.foreign, "not a trace: no `trace`; \(expected)") }
    guard let version = fields.version else {
      throw refuse(.wrongVersion, "the header has no `version`; this nsstorm reads 1 and 2")
    }
    guard let kernel = fields.kernel else { throw refuse(.damaged, "the header has no `kernel`") }
    guard let tables = fields.tables else { throw refuse(.damaged, "the header has no `tables`") }
    guard tables.map(\.namespace) == [0], let first = tables.first else {
      let numbers = tables.map { "\($0.namespace)" }.joined(separator: ", ")
      throw refuse(
        .damaged, "the header has tables of the namespaces [\(numbers)]; only 0 is allowed")
    }
    var header = TraceHeader(
      kernel: kernel, build: fields.build ?? "", seed: fields.seed, level: fields.level,
      table: first.table)
    header.version = Int(version)
    header.mountLimit = fields.mountLimit
    if version > 1 {
      header.profile = fields.profile
      header.planRules = fields.rules.flatMap { KernelRelease(release: $0) }
      header.design = fields.design
    }
    return header
  }
}

/// What was found in the first line so far.
private struct HeaderFields {
  var name: String?
  var version: UInt64?
  var kernel: String?
  var build: String?
  var seed: UInt64?
  var level: Int?
  var mountLimit: Int?
  var profile: String?
  var rules: String?
  var design: String?
  var tables: [NamespaceTable]?
  var refusal: (TraceError.Kind, String)?

  mutating func read(
    _ scanner: inout JSONScanner, _ parser: inout StepParser
  ) throws(JSONProblem) {
    try scanner.readObject { (scanner, key) throws(JSONProblem) in
      scanner.skipSpace()
      let start = scanner.offset
      switch key {
      case "trace":
        let name = try? scanner.readString()
        self.name = name
        guard name == "nsstorm" else {
          refusal =
            refusal
            ?? (.foreign, "`trace` is \(scanner.excerpt(at: start)); \"nsstorm\" is allowed")
          throw scanner.problem("not a trace")
        }
      case "version":
        version = try scanner.readNumber()
        guard let version, TraceHeader.versions.contains(Int(clamping: version)) else {
          refusal =
            refusal
            ?? (
              .wrongVersion,
              "`version` is \(scanner.excerpt(at: start)); this nsstorm reads versions 1 and 2"
            )
          throw scanner.problem("wrong version")
        }
      case "kernel": kernel = try scanner.readString()
      case "build": build = try scanner.readString()
      case "profile" where scanner.peek() == 0x22: profile = try scanner.readString()
      case "rules" where scanner.peek() == 0x22: rules = try scanner.readString()
      case "mount-max":
        mountLimit = try scanner.readNumber().flatMap { Int(exactly: $0) }
      case "design" where scanner.peek() == 0x22: design = try scanner.readString()
      case "seed":
        seed = try scanner.readNumber()
      case "level":
        level = try scanner.readNumber().flatMap { Int(exactly: $0) }
      case "tables": tables = try parser.readTables(&scanner)
      default: try scanner.skipValue()
      }
    }
    guard scanner.peek() == 0, scanner.isAtEnd else {
      throw scanner.problem("something stands behind the object")
    }
  }
}
