import StormVerdict
import StormVocabulary

/// Reads the tables of a line.
///
/// A step changes a few mounts of a table and writes all of it, so nearly every entry stands byte for byte in the last
/// table of its namespace: then it is compared and taken from there. Option lists are few, so each is split once.
struct TableParser {
  private var lastTexts: [NamespaceNumber: TableText] = [:]
  private var optionLists: [(text: [UInt8], attributes: MountAttributes)] = []
  /// Lists beyond these are split anew every time.
  private static let mostOptionLists = 32

  /// Reads `{"0":[…],"3":[…]}`.
  mutating func readTables(_ scanner: inout JSONScanner) throws(JSONProblem) -> [NamespaceTable] {
    var tables: [NamespaceTable] = []
    try scanner.readObject { (scanner, key) throws(JSONProblem) in
      guard let namespace = Int(key.text), (0...StepParser.highestNumber).contains(namespace)
      else {
        throw scanner.problem(
          "`\(key.text)` is not the number of a namespace (0 to \(StepParser.highestNumber))")
      }
      let table = MountTable(entries: try readTable(&scanner, of: namespace))
      if let last = tables.last, last.namespace >= namespace {
        guard !tables.contains(where: { $0.namespace == namespace }) else {
          throw scanner.problem("namespace \(namespace) has two tables")
        }
        let index = tables.firstIndex { $0.namespace > namespace } ?? tables.count
        tables.insert(NamespaceTable(namespace: namespace, table: table), at: index)
      } else {
        tables.append(NamespaceTable(namespace: namespace, table: table))
      }
    }
    return tables
  }

  private mutating func readTable(
    _ scanner: inout JSONScanner, of namespace: NamespaceNumber
  ) throws(JSONProblem) -> [MountTable.Entry] {
    let last = lastTexts.removeValue(forKey: namespace) ?? TableText()
    var next = TableText()
    next.entries.reserveCapacity(last.entries.count + 1)
    var candidate = 0
    try scanner.readArray { (scanner) throws(JSONProblem) in
      // One entry may have gone or come; the others still stand in their order.
      for index in candidate..<min(candidate + 2, last.entries.count) {
        if last.withText(of: index, { scanner.pass($0) }) {
          next.append(last.entries[index], last, index)
          candidate = index + 1
          return
        }
      }
      scanner.skipSpace()
      let start = scanner.offset
      let entry = try readEntry(&scanner)
      next.append(entry, scanner.bytes(from: start))
      if candidate < last.entries.count, last.entries[candidate].id == entry.id { candidate += 1 }
    }
    defer { lastTexts[namespace] = next }
    return next.entries
  }

  /// A table with the bytes from which each entry was read.
  private struct TableText {
    var entries: [MountTable.Entry] = []
    private var text: [UInt8] = []
    private var ends: [Int] = []

    @inline(__always)
    func withText(of index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Bool) -> Bool {
      let start = index == 0 ? 0 : ends[index - 1]
      return text.withUnsafeBufferPointer {
        body(UnsafeBufferPointer(rebasing: $0[start..<ends[index]]))
      }
    }

    mutating func append(_ entry: MountTable.Entry, _ bytes: UnsafeBufferPointer<UInt8>) {
      entries.append(entry)
      text.append(contentsOf: bytes)
      ends.append(text.count)
    }

    mutating func append(_ entry: MountTable.Entry, _ other: TableText, _ index: Int) {
      entries.append(entry)
      text.append(
        contentsOf: other.text[(index == 0 ? 0 : other.ends[index - 1])..<other.ends[index]])
      ends.append(text.count)
    }
  }

  private mutating func readEntry(
    _ scanner: inout JSONScanner
  ) throws(JSONProblem) -> MountTable.Entry {
    let start = scanner.offset
    var entry = MountTable.Entry(
      id: 0, parent: 0, device: DeviceNumber(major: 0, minor: 0), root: "", mountpoint: "",
      attributes: [], fileSystemType: "", source: "")
    // One bit for each of the eight keys that every entry must have.
    var seen: UInt8 = 0
    try scanner.readObject { (scanner, key) throws(JSONProblem) in
      switch key {
      case "id":
        entry.id = try readNumber(&scanner, "id")
        seen |= 1
      case "parent":
        entry.parent = try readNumber(&scanner, "parent")
        seen |= 2
      case "dev":
        entry.device = try readDevice(&scanner)
        seen |= 4
      case "root":
        entry.root = try scanner.readString()
        seen |= 8
      case "mountpoint":
        entry.mountpoint = try scanner.readString()
        seen |= 16
      case "options":
        entry.attributes = try readOptions(&scanner)
        seen |= 32
      case "fstype":
        entry.fileSystemType = try scanner.readString()
        seen |= 64
      case "source":
        entry.source = try scanner.readString()
        seen |= 128
      case "shared": entry.sharedGroup = try readGroup(&scanner, "shared")
      case "master": entry.masterGroup = try readGroup(&scanner, "master")
      case "propagate_from": entry.propagateFromGroup = try readGroup(&scanner, "propagate_from")
      case "unbindable": entry.isUnbindable = try readFlag(&scanner, "unbindable")
      case "superblock": entry.superblockIsReadOnly = try readSuperblock(&scanner)
      default: try scanner.skipValue()
      }
    }
    guard seen == 0xFF else {
      let keys = ["id", "parent", "dev", "root", "mountpoint", "options", "fstype", "source"]
      let missing = keys.indices.filter { seen & (1 << $0) == 0 }.map { "`\(keys[$0])`" }
      throw scanner.problem(
        "an entry of a table lacks \(missing.joined(separator: ", "))", at: start)
    }
    return entry
  }

  @inline(__always)
  private func readNumber(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> UInt64 {
    scanner.skipSpace()
    let start = scanner.offset
    guard let number = try scanner.readNumber() else {
      throw scanner.problem(
        "`\(key)` is \(scanner.excerpt(at: start)); a whole number from 0 is allowed", at: start)
    }
    return number
  }

  private func readGroup(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> UInt32 {
    let number = try readNumber(&scanner, key)
    // Group numbers are positive `int`s in the kernel.
    guard number <= UInt64(Int32.max) else {
      throw scanner.problem("`\(key)` is \(number); group numbers go up to \(Int32.max)")
    }
    return UInt32(number)
  }

  private func readFlag(
    _ scanner: inout JSONScanner, _ key: StaticString
  ) throws(JSONProblem) -> Bool {
    scanner.skipSpace()
    let start = scanner.offset
    guard let flag = try scanner.readBool() else {
      throw scanner.problem(
        "`\(key)` is \(scanner.excerpt(at: start)); allowed are true and false", at: start)
    }
    return flag
  }

  private func readSuperblock(_ scanner: inout JSONScanner) throws(JSONProblem) -> Bool {
    scanner.skipSpace()
    let start = scanner.offset
    switch try scanner.readString() {
    case "ro": return true
    case "rw": return false
    default:
      throw scanner.problem(
        "`superblock` is \(scanner.excerpt(at: start)); allowed are \"ro\" and \"rw\"", at: start)
    }
  }

  private func readDevice(_ scanner: inout JSONScanner) throws(JSONProblem) -> DeviceNumber {
    scanner.skipSpace()
    let start = scanner.offset
    let device = try scanner.readWord { bytes -> DeviceNumber? in
      var numbers: (UInt32, UInt32) = (0, 0)
      var digits = 0
      var isMinor = false
      for byte in bytes {
        if byte == 0x3A, !isMinor, digits > 0 {
          numbers.0 = numbers.1
          numbers.1 = 0
          digits = 0
          isMinor = true
        } else if byte &- 0x30 < 10, digits < 9 {
          numbers.1 = numbers.1 * 10 + UInt32(byte &- 0x30)
          digits += 1
        } else {
          return nil
        }
      }
      return isMinor && digits > 0 ? DeviceNumber(major: numbers.0, minor: numbers.1) : nil
    }
    guard let device else {
      throw scanner.problem(
        "`dev` is \(scanner.excerpt(at: start)); `\"major:minor\"` is allowed", at: start)
    }
    return device
  }

  private mutating func readOptions(
    _ scanner: inout JSONScanner
  ) throws(JSONProblem) -> MountAttributes {
    let known = optionLists
    let word = try scanner.readWord { bytes -> (MountAttributes, [UInt8])? in
      for list in known where list.text.count == bytes.count {
        if list.text.elementsEqual(bytes) { return (list.attributes, []) }
      }
      return (MountAttributes(options: String(decoding: bytes, as: UTF8.self)), Array(bytes))
    }
    guard let (attributes, text) = word else { return [] }
    if !text.isEmpty, optionLists.count < Self.mostOptionLists {
      optionLists.append((text, attributes))
    }
    return attributes
  }
}
