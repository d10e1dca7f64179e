import Glibc

/// What is wrong with a line, and where in it.
struct JSONProblem: Error {
  /// Bytes from the start of the line.
  var offset: Int
  var message: String
}

/// Reads the JSON of one line in one pass over its bytes, without building a tree.
///
/// A trace is mostly tables, and a checker must read 100,000 steps a second. Foundation's JSONDecoder reads 55,000 steps of
/// the sample traces in a second of CPU time, before anything is made of them; this reader reads 700,000, 12 times as many
/// (`TraceMeasurement`, release build).
struct JSONScanner {
  private let bytes: UnsafeBufferPointer<UInt8>
  private(set) var offset = 0

  /// Deeper nesting than this is refused: nothing in a trace nests deeper than four, and depth costs stack nowhere.
  private static let deepestNesting = 64

  /// - Parameter bytes: one line; must outlive the scanner.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// A name in an object, compared without being copied.
  struct Key {
    fileprivate let bytes: UnsafeBufferPointer<UInt8>

    @inline(__always)
    static func ~= (name: StaticString, key: Key) -> Bool {
      guard name.utf8CodeUnitCount == key.bytes.count, let start = key.bytes.baseAddress else {
        return false
      }
      return memcmp(name.utf8Start, start, key.bytes.count) == 0
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// A value that is read later, when it is known what it means.
  struct Value {
    fileprivate let offset: Int
  }

  func problem(_ message: String, at offset: Int? = nil) -> JSONProblem {
    JSONProblem(offset: offset ?? self.offset, message: message)
  }

  /// The bytes of a value as they stand in the line, shortened for a message.
  func excerpt(at start: Int) -> String {
    var probe = self
    probe.offset = start
    let end = (try? probe.skipValue()) == nil ? bytes.count : probe.offset
    let text = String(decoding: bytes[start..<min(end, start + 60)], as: UTF8.self)
    return end > start + 60 ? text + "…" : text
  }

  @inline(__always)
  mutating func skipSpace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0D, 0x0A: offset += 1
      default: return
      }
    }
  }

  /// Passes one byte that was looked at.
  mutating func passByte() { offset += 1 }

  var isAtEnd: Bool { offset >= bytes.count }

  /// The next byte that is no space, without passing it; 0 at the end of the line.
  @inline(__always)
  mutating func peek() -> UInt8 {
    skipSpace()
    return offset < bytes.count ? bytes[offset] : 0
  }

  @inline(__always)
  private mutating func expect(_ byte: UInt8, _ what: StaticString) throws(JSONProblem) {
    guard peek() == byte else { throw problem("expected \(what), found \(found)") }
    offset += 1
  }

  private var found: String {
    guard offset < bytes.count else { return "the end of the line" }
    let byte = bytes[offset]
    return byte >= 0x21 && byte < 0x7F
      ? "`\(Character(UnicodeScalar(byte)))`" : "byte \(byte)"
  }

  /// Reads an object; `body` must read (or skip) the value of the key that it is given.
  @inline(__always)
  mutating func readObject(
    _ body: (inout JSONScanner, Key) throws(JSONProblem) -> Void
  ) throws(JSONProblem) {
    try expect(0x7B, "`{`")
    if peek() == 0x7D {
      offset += 1
      return
    }
    while true {
      skipSpace()
      let key = try readKey()
      try expect(0x3A, "`:`")
      try body(&self, key)
      switch peek() {
      case 0x2C: offset += 1
      case 0x7D:
        offset += 1
        return
      default: throw problem("expected `,` or `}`, found \(found)")
      }
    }
  }

  /// Passes the next bytes if they are exactly these.
  @inline(__always)
  mutating func pass(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    skipSpace()
    guard let start = text.baseAddress, let here = bytes.baseAddress,
      bytes.count - offset >= text.count, memcmp(here + offset, start, text.count) == 0
    else { return false }
    offset += text.count
    return true
  }

  /// The bytes of the line from an offset to here.
  func bytes(from start: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: bytes[start..<offset])
  }

  /// Reads an array; `body` must read (or skip) one element.
  @inline(__always)
  mutating func readArray(
    _ body: (inout JSONScanner) throws(JSONProblem) -> Void
  ) throws(JSONProblem) {
    try expect(0x5B, "`[`")
    if peek() == 0x5D {
      offset += 1
      return
    }
    while true {
      try body(&self)
      switch peek() {
      case 0x2C: offset += 1
      case 0x5D:
        offset += 1
        return
      default: throw problem("expected `,` or `]`, found \(found)")
      }
    }
  }

  /// A key that is written with escapes is none that the format knows, so it is left as it stands.
  @inline(__always)
  private mutating func readKey() throws(JSONProblem) -> Key {
    let extent = try scanString()
    return Key(bytes: UnsafeBufferPointer(rebasing: bytes[extent.start..<extent.end]))
  }

  private struct StringExtent {
    var start: Int
    var end: Int
    var hasEscapes: Bool
    /// Says nothing of what stands behind a backslash.
    var isASCII: Bool
  }

  /// Passes a string; its contents stand between the two offsets.
  @inline(__always)
  private mutating func scanString() throws(JSONProblem) -> StringExtent {
    try expect(0x22, "a string")
    let start = offset
    var hasEscapes = false
    var highBits: UInt8 = 0
    while offset < bytes.count {
      let byte = bytes[offset]
      switch byte {
      case 0x22:
        offset += 1
        return StringExtent(
          start: start, end: offset - 1, hasEscapes: hasEscapes, isASCII: highBits < 0x80)
      case 0x5C:
        hasEscapes = true
        offset += 2
      case 0..<0x20: throw problem("a control character stands in a string")
      default:
        highBits |= byte
        offset += 1
      }
    }
    offset = bytes.count
    throw problem("the string has no end", at: start - 1)
  }

  mutating func readString() throws(JSONProblem) -> String {
    let extent = try scanString()
    let (start, end) = (extent.start, extent.end)
    if extent.hasEscapes { return try unescape(start, end) }
    // Nothing in ASCII can be wrong UTF-8, and the validating initialiser costs three times as much.
    if extent.isASCII {
      return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
    }
    guard
      let text = String(
        validating: UnsafeBufferPointer(rebasing: bytes[start..<end]), as: UTF8.self)
    else { throw problem("the string is not UTF-8", at: start) }
    return text
  }

  /// Reads a string, and lends its bytes where it has no escapes: for short words that need no copy.
  @inline(__always)
  mutating func readWord<Result>(
    _ body: (UnsafeBufferPointer<UInt8>) -> Result?
  ) throws(JSONProblem) -> Result? {
    let extent = try scanString()
    guard !extent.hasEscapes else {
      var text = try unescape(extent.start, extent.end)
      return text.withUTF8(body)
    }
    return body(UnsafeBufferPointer(rebasing: bytes[extent.start..<extent.end]))
  }

  private func unescape(_ start: Int, _ end: Int) throws(JSONProblem) -> String {
    var text: [UInt8] = []
    var index = start
    while index < end {
      guard bytes[index] == 0x5C else {
        text.append(bytes[index])
        index += 1
        continue
      }
      index += 2
      switch bytes[index - 1] {
      case 0x22: text.append(0x22)
      case 0x5C: text.append(0x5C)
      case 0x2F: text.append(0x2F)
      case 0x62: text.append(0x08)
      case 0x66: text.append(0x0C)
      case 0x6E: text.append(0x0A)
      case 0x72: text.append(0x0D)
      case 0x74: text.append(0x09)
      case 0x75:
        var unit = try hexUnit(at: index, end)
        index += 4
        if unit & 0xFC00 == 0xD800 {
          guard index + 1 < end, bytes[index] == 0x5C, bytes[index + 1] == 0x75 else {
            throw problem("half of a surrogate pair", at: index)
          }
          let low = try hexUnit(at: index + 2, end)
          guard low & 0xFC00 == 0xDC00 else { throw problem("half of a surrogate pair", at: index) }
          unit = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
          index += 6
        }
        guard let scalar = UnicodeScalar(unit) else {
          throw problem("half of a surrogate pair", at: index)
        }
        text.append(contentsOf: Array(Character(scalar).utf8))
      default: throw problem("unknown escape in a string", at: index - 2)
      }
    }
    guard let result = String(validating: text, as: UTF8.self) else {
      throw problem("the string is not UTF-8", at: start)
    }
    return result
  }

  private func hexUnit(at start: Int, _ end: Int) throws(JSONProblem) -> UInt32 {
    guard start + 4 <= end else { throw problem("`\\u` needs four digits", at: start) }
    var value: UInt32 = 0
    for index in start..<(start + 4) {
      guard let digit = Character(UnicodeScalar(bytes[index])).hexDigitValue else {
        throw problem("`\\u` needs four digits", at: start)
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  /// Reads a whole number that is not negative; nil for any other value, which is passed.
  @inline(__always)
  mutating func readNumber() throws(JSONProblem) -> UInt64? {
    skipSpace()
    let start = offset
    var value: UInt64 = 0
    while offset < bytes.count, case let digit = bytes[offset] &- 0x30, digit < 10 {
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = shifted.addingReportingOverflow(UInt64(digit))
      guard !overflow, !carry else { return try skipForNil(from: start) }
      value = sum
      offset += 1
    }
    if offset > start, offset >= bytes.count || isBoundary(bytes[offset]) { return value }
    return try skipForNil(from: start)
  }

  private mutating func skipForNil(from start: Int) throws(JSONProblem) -> UInt64? {
    offset = start
    try skipValue()
    return nil
  }

  @inline(__always)
  private func isBoundary(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x2C, 0x5D, 0x7D, 0x20, 0x09, 0x0D, 0x0A: true
    default: false
    }
  }

  /// Reads `true` or `false`; nil for any other value, which is passed.
  mutating func readBool() throws(JSONProblem) -> Bool? {
    skipSpace()
    let start = offset
    try skipValue()
    switch Key(bytes: UnsafeBufferPointer(rebasing: bytes[start..<offset])) {
    case "true": return true
    case "false": return false
    default: return nil
    }
  }

  /// Passes a value that is to be read later.
  mutating func deferValue() throws(JSONProblem) -> Value {
    skipSpace()
    let value = Value(offset: offset)
    try skipValue()
    return value
  }

  /// A scanner that stands before a deferred value.
  func scanner(at value: Value) -> JSONScanner {
    var scanner = self
    scanner.offset = value.offset
    return scanner
  }

  /// Passes any value.
  mutating func skipValue() throws(JSONProblem) {
    var closers: [UInt8] = []
    repeat {
      switch peek() {
      case 0x7B:
        offset += 1
        if peek() == 0x7D {
          offset += 1
        } else {
          closers.append(0x7D)
          try skipName()
          continue
        }
      case 0x5B:
        offset += 1
        if peek() == 0x5D {
          offset += 1
        } else {
          closers.append(0x5D)
          continue
        }
      case 0x22: _ = try scanString()
      default: try skipScalar()
      }
      // A value has ended: go on behind it, through all that ends with it.
      while let closer = closers.last {
        let next = peek()
        if next == closer {
          offset += 1
          closers.removeLast()
        } else if next == 0x2C {
          offset += 1
          if closer == 0x7D { try skipName() }
          break
        } else {
          throw problem("expected `,` or a closing bracket, found \(found)")
        }
      }
    } while !closers.isEmpty && closers.count <= Self.deepestNesting
    guard closers.isEmpty else { throw problem("nested too deeply") }
  }

  private mutating func skipName() throws(JSONProblem) {
    skipSpace()
    _ = try scanString()
    try expect(0x3A, "`:`")
  }

  private mutating func skipScalar() throws(JSONProblem) {
    let start = offset
    while offset < bytes.count, !isBoundary(bytes[offset]), bytes[offset] != 0x22 { offset += 1 }
    let word = UnsafeBufferPointer(rebasing: bytes[start..<offset])
    switch Key(bytes: word) {
    case "true", "false", "null": return
    default: break
    }
    guard Self.isNumber(word) else { throw problem("expected a value, found \(found)", at: start) }
  }

  private static func isNumber(_ word: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = 0
    func digits() -> Bool {
      let start = index
      while index < word.count, word[index] &- 0x30 < 10 { index += 1 }
      return index > start
    }
    if index < word.count, word[index] == 0x2D { index += 1 }
    guard digits() else { return false }
    if index < word.count, word[index] == 0x2E {
      index += 1
      guard digits() else { return false }
    }
    if index < word.count, word[index] | 0x20 == 0x65 {
      index += 1
      if index < word.count, word[index] == 0x2B || word[index] == 0x2D { index += 1 }
      guard digits() else { return false }
    }
    return index == word.count
  }
}
