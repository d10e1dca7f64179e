import StormVocabulary

/// A value as strace prints it.
enum StraceValue: Equatable {
  /// A string; `isCut` when strace left its end out (`"abc"...`).
  case string(String, isCut: Bool)
  /// `{st_mode=S_IFREG|0644, …}`; members without a name have the empty one.
  case structure([StraceArgument])
  case array([StraceArgument])
  /// Anything else: numbers, flags, descriptors. The path is what `-y` prints behind a descriptor.
  case word(String, path: String?)
}

struct StraceArgument: Equatable {
  var name = ""
  var value: StraceValue
}

/// Why a line cannot be understood.
struct StraceProblem: Error {
  var message: String
}

/// Takes the argument list of a call apart.
struct StraceScanner {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  private var current: UInt8 { position < bytes.count ? bytes[position] : 0 }
  var isAtEnd: Bool { position >= bytes.count }

  /// What has not been read yet.
  var rest: String { String(decoding: bytes[min(position, bytes.count)...], as: UTF8.self) }

  /// The arguments up to the closing parenthesis, which is consumed.
  mutating func arguments() throws(StraceProblem) -> [StraceArgument] {
    try list(until: UInt8(ascii: ")"))
  }

  private mutating func list(until end: UInt8) throws(StraceProblem) -> [StraceArgument] {
    var arguments: [StraceArgument] = []
    while true {
      skipBlanksAndRemarks()
      guard !isAtEnd else { throw StraceProblem(message: "the argument list has no end") }
      if current == end {
        position += 1
        return arguments
      }
      if current == UInt8(ascii: ",") {
        position += 1
        continue
      }
      // What the kernel changed in place: `{…} => {…}`, and the results that clone3 shows.
      if current == UInt8(ascii: "="), position + 1 < bytes.count,
        bytes[position + 1] == UInt8(ascii: ">")
      {
        position += 2
        continue
      }
      arguments.append(try argument(until: end))
    }
  }

  private mutating func argument(until end: UInt8) throws(StraceProblem) -> StraceArgument {
    var name = ""
    let start = position
    while isNameByte(current) { position += 1 }
    if position > start, current == UInt8(ascii: "=") {
      name = String(decoding: bytes[start..<position], as: UTF8.self)
      position += 1
    } else {
      position = start
    }
    return StraceArgument(name: name, value: try value(until: end))
  }

  private mutating func value(until end: UInt8) throws(StraceProblem) -> StraceValue {
    switch current {
    case UInt8(ascii: "\""): return try string()
    case UInt8(ascii: "{"):
      position += 1
      return .structure(try list(until: UInt8(ascii: "}")))
    case UInt8(ascii: "["):
      position += 1
      return .array(try list(until: UInt8(ascii: "]")))
    default: return word()
    }
  }

  private mutating func skipBlanksAndRemarks() {
    while !isAtEnd {
      if current == UInt8(ascii: " ") || current == UInt8(ascii: "\t") {
        position += 1
      } else if current == UInt8(ascii: "/"), position + 1 < bytes.count,
        bytes[position + 1] == UInt8(ascii: "*")
      {
        position += 2
        while position + 1 < bytes.count,
          !(bytes[position] == UInt8(ascii: "*") && bytes[position + 1] == UInt8(ascii: "/"))
        {
          position += 1
        }
        position = min(position + 2, bytes.count)
      } else {
        return
      }
    }
  }

  /// A string in C notation, its quotes included.
  private mutating func string() throws(StraceProblem) -> StraceValue {
    position += 1
    var text: [UInt8] = []
    while true {
      guard !isAtEnd else { throw StraceProblem(message: "a string has no end") }
      let byte = current
      position += 1
      if byte == UInt8(ascii: "\"") { break }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      text.append(try escaped())
    }
    let isCut = bytes[min(position, bytes.count)...].starts(with: Array("...".utf8))
    if isCut { position += 3 }
    return .string(String(decoding: text, as: UTF8.self), isCut: isCut)
  }

  private mutating func escaped() throws(StraceProblem) -> UInt8 {
    guard !isAtEnd else { throw StraceProblem(message: "a string has no end") }
    let byte = current
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return 0x0A
    case UInt8(ascii: "t"): return 0x09
    case UInt8(ascii: "r"): return 0x0D
    case UInt8(ascii: "v"): return 0x0B
    case UInt8(ascii: "f"): return 0x0C
    case UInt8(ascii: "x"):
      var value: UInt8 = 0
      for _ in 0..<2 {
        guard let digit = hexadecimal(current) else {
          throw StraceProblem(message: "\\x needs two hexadecimal digits")
        }
        value = value << 4 | digit
        position += 1
      }
      return value
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      var value = UInt16(byte - UInt8(ascii: "0"))
      for _ in 0..<2 where current >= UInt8(ascii: "0") && current <= UInt8(ascii: "7") {
        value = value * 8 + UInt16(current - UInt8(ascii: "0"))
        position += 1
      }
      return UInt8(truncatingIfNeeded: value)
    default: return byte
    }
  }

  private func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// A number, a flag word, a descriptor with its path, a macro call such as `makedev(0x1, 0x3)`.
  private mutating func word() -> StraceValue {
    let start = position
    var path: String?
    var end = position
    var depth = 0
    while !isAtEnd {
      let byte = current
      if byte == UInt8(ascii: "<"), depth == 0, end > start, path == nil {
        path = annotation()
        continue
      }
      if byte == UInt8(ascii: "(") || byte == UInt8(ascii: "[") || byte == UInt8(ascii: "{") {
        depth += 1
      }
      if byte == UInt8(ascii: ")") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}") {
        if depth == 0 { break }
        depth -= 1
      }
      if depth == 0, byte == UInt8(ascii: ",") { break }
      if depth == 0, byte == UInt8(ascii: " "),
        !(position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "&"))
      {
        break
      }
      position += 1
      if path == nil { end = position }
    }
    if position == start { position += 1 }
    return .word(String(decoding: bytes[start..<end], as: UTF8.self), path: path)
  }

  /// `</root>`; brackets inside a path are escaped, those of a device (`<char 1:3>`) are not.
  private mutating func annotation() -> String {
    position += 1
    let start = position
    var depth = 1
    while !isAtEnd {
      if current == UInt8(ascii: "<") { depth += 1 }
      if current == UInt8(ascii: ">") { depth -= 1 }
      if depth == 0 { break }
      position += 1
    }
    var text = String(decoding: bytes[start..<position], as: UTF8.self)
    if !isAtEnd { position += 1 }
    if text.hasSuffix(">"), let inner = text.lastIndex(of: "<") { text = String(text[..<inner]) }
    return text
  }

  private func isNameByte(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
      || byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}

extension StraceValue {
  /// The number, or the flags that are named; nil with a name that is not known here.
  var number: UInt64? {
    guard case .word(let text, _) = self, !text.isEmpty else { return nil }
    var value: UInt64 = 0
    for part in text.split(separator: "|") {
      guard let number = Self.integer(part) ?? TracedFlags.number(named: part) else { return nil }
      value |= number
    }
    return value
  }

  static func integer(_ text: some StringProtocol) -> UInt64? {
    if text.hasPrefix("-") { return Int64(text).map { UInt64(bitPattern: $0) } }
    if text.hasPrefix("0x") { return UInt64(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("0"), text.count > 1 { return UInt64(text, radix: 8) }
    return UInt64(text)
  }

  var descriptor: TracedDescriptor? {
    guard case .word(_, let path) = self, let number else { return nil }
    return TracedDescriptor(Int32(truncatingIfNeeded: Int64(bitPattern: number)), path: path)
  }

  var text: TracedText {
    switch self {
    case .string(let text, isCut: false): .text(text)
    case .string(_, isCut: true): .unreadable("strace cut the string; -s 4096 keeps it")
    case .word("NULL", _), .word("0", _), .word("0x0", _): .null
    case .word(let word, _): .unreadable("strace printed the address \(word) instead of the string")
    case .structure, .array: .unreadable("strace printed a structure instead of a string")
    }
  }
}
