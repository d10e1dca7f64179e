import StormVerdict
import StormVocabulary

/// Reads the lines behind the header. The keys of an object may stand in any order, so the values that depend on the
/// call are passed first and read when the call is known.
struct StepParser {
  /// Namespaces, descriptor slots and the like are small numbers; a larger one is a damaged line.
  static let highestNumber = 1_000_000

  static let calls = [
    "mkdir", "rmdir", "unlink", "rename", "symlink", "touch", "mount", "umount2", "unshare",
    "exit", "setns", "open", "close", "chdir", "chroot", "pivot_root", "open_tree", "fsmount",
    "move_mount", "mount_setattr", "stat", "open_namespace", "open_tree_attr", "mmap", "sendmsg",
    "let_go",
  ]

  private var tables = TableParser()
  /// The version of the file that is read.
  var version = 1

  /// What a line says.
  enum Line {
    case line(TraceLine)
    case part(WindowLine)
    case announced(NumberedCall)
    /// The calls that were announced for this step have all returned.
    case answered(Int)
  }

  mutating func readTables(_ scanner: inout JSONScanner) throws(JSONProblem) -> [NamespaceTable] {
    try tables.readTables(&scanner)
  }

  /// The values of a line that wait for the name of the call.
  struct Fields {
    var scanner: JSONScanner
    var values: [(key: Name, value: JSONScanner.Value)] = []

    enum Name: String, CaseIterable {
      case path, target, source, type, from, to, flags, fd, new, user, set, clear, propagation
      case contents, empty, of, hold
      case newRoot = "new_root"
      case putOld = "put_old"
      case pathDescriptor = "path_fd"
      case targetDescriptor = "target_fd"
      case sourceDescriptor = "source_fd"
      case fromDescriptor = "from_fd"
      case toDescriptor = "to_fd"
      case newRootDescriptor = "new_root_fd"
      case putOldDescriptor = "put_old_fd"
      case idmapDescriptor = "idmap_fd"
    }
  }

  mutating func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONProblem) -> Line {
    var scanner = JSONScanner(bytes)
    var fields = Fields(scanner: scanner)
    var step: Int?
    var namespace: Int?
    var call: String?
    var result: Errno?
    var announced: Int?
    var answered: Int?
    var isEnd = false
    var changed: [NamespaceTable] = []
    var special = WindowFields()
    try scanner.readObject { (scanner, key) throws(JSONProblem) in
      switch key {
      case "step": step = try readNumber(&scanner, "step")
      case "ns": namespace = try readNumber(&scanner, "ns")
      case "call": call = try scanner.readString()
      case "ret": result = try scanner.readAnswer()
      case "tables": changed = try tables.readTables(&scanner)
      case "announced": announced = try readNumber(&scanner, "announced")
      case "answered": answered = try readNumber(&scanner, "answered")
      case "end":
        guard try scanner.readBool() == true else {
          throw scanner.problem("`end` is allowed to be true only")
        }
        isEnd = true
      default:
        if version > 1, try special.read(&scanner, key) { return }
        let value = try scanner.deferValue()
        if let name = Fields.Name(key) { fields.values.append((name, value)) }
      }
    }
    guard scanner.peek() == 0, scanner.isAtEnd else {
      throw scanner.problem("something stands behind the object")
    }
    if isEnd { return .line(.end(changed)) }
    if let answered { return .answered(answered) }
    if let announced {
      guard let namespace, let call else {
        throw scanner.problem("the announcement has no `ns` or no `call`", at: 0)
      }
      return .announced(
        NumberedCall(
          number: announced, namespace: namespace, operation: try fields.operation(call)))
    }
    if version > 1,
      let part = try windowLine(special, fields, namespace, call, result, changed)
    {
      return .part(part)
    }
    guard let step else { throw scanner.problem("the line has neither `step` nor `end`", at: 0) }
    guard let namespace else { throw scanner.problem("the step has no `ns`", at: 0) }
    guard let call else { throw scanner.problem("the step has no `call`", at: 0) }
    guard let result else { throw scanner.problem("the step has no `ret`", at: 0) }
    var made = TraceStep(
      number: step, namespace: namespace, operation: try fields.operation(call), result: result,
      tables: changed, interval: special.interval)
    if special.read.count == 2, special.read[0] <= special.read[1] {
      made.readingInterval = CallInterval(
        startNanoseconds: special.read[0], endNanoseconds: special.read[1])
    }
    return .line(.step(made))
  }

  private func readNumber(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> Int {
    scanner.skipSpace()
    let start = scanner.offset
    guard let number = try scanner.readNumber(), number <= UInt64(Int32.max) else {
      throw scanner.problem(
        "`\(key)` is \(scanner.excerpt(at: start)); a whole number from 0 to \(Int32.max) is allowed",
        at: start)
    }
    return Int(number)
  }
}

extension StepParser.Fields.Name {
  /// The key's name, if it is one that some call has; found by its bytes, without a copy.
  init?(_ key: JSONScanner.Key) {
    switch key {
    case "path": self = .path
    case "target": self = .target
    case "source": self = .source
    case "type": self = .type
    case "from": self = .from
    case "to": self = .to
    case "flags": self = .flags
    case "fd": self = .fd
    case "new": self = .new
    case "user": self = .user
    case "set": self = .set
    case "clear": self = .clear
    case "propagation": self = .propagation
    case "contents": self = .contents
    case "new_root": self = .newRoot
    case "put_old": self = .putOld
    case "path_fd": self = .pathDescriptor
    case "target_fd": self = .targetDescriptor
    case "source_fd": self = .sourceDescriptor
    case "from_fd": self = .fromDescriptor
    case "to_fd": self = .toDescriptor
    case "new_root_fd": self = .newRootDescriptor
    case "put_old_fd": self = .putOldDescriptor
    case "empty": self = .empty
    case "of": self = .of
    case "hold": self = .hold
    case "idmap_fd": self = .idmapDescriptor
    default: return nil
    }
  }
}
