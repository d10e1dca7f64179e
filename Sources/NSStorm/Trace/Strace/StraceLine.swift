import StormVocabulary

/// One line of strace's output, taken apart as far as the call's name.
struct StraceLine {
  enum What {
    /// A whole call: its arguments, and everything behind the closing parenthesis.
    case call(name: String, arguments: [UInt8])
    case unfinished(name: String, arguments: [UInt8])
    case resumed(name: String, rest: [UInt8])
    case ended
    /// Another thread of the process called execve; the task goes on under the number of its process.
    case superseded(by: Int)
    /// A signal, a remark of strace.
    case nothing
    /// A line that nsstorm itself wrote: `# word …`.
    case own(String)
  }

  /// The number that stands before the call, where there is one.
  var task: Int?
  var what: What

  init(_ bytes: [UInt8]) throws(StraceProblem) {
    var position = 0
    func at(_ index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }
    func skipBlanks() {
      while at(position) == UInt8(ascii: " ") || at(position) == UInt8(ascii: "\t") {
        position += 1
      }
    }
    func digits(from start: Int) -> Int {
      var end = start
      while at(end) >= UInt8(ascii: "0"), at(end) <= UInt8(ascii: "9") { end += 1 }
      return end
    }
    func starts(_ text: StaticString) -> Bool {
      guard position + text.utf8CodeUnitCount <= bytes.count else { return false }
      for offset in 0..<text.utf8CodeUnitCount
      where bytes[position + offset] != text.utf8Start[offset] { return false }
      return true
    }
    if bytes.first == UInt8(ascii: "#") {
      what = .own(String(decoding: bytes.dropFirst(), as: UTF8.self))
      return
    }
    skipBlanks()
    if position == bytes.count || starts("strace: ") {
      what = .nothing
      return
    }
    if starts("[pid") {
      position += 4
      skipBlanks()
      let end = digits(from: position)
      task = Int(String(decoding: bytes[position..<end], as: UTF8.self))
      position = end
      while position < bytes.count, bytes[position] != UInt8(ascii: "]") { position += 1 }
      position += 1
      guard task != nil else { throw StraceProblem(message: "[pid needs a number") }
    } else {
      let end = digits(from: position)
      // A number with a point or a colon is a time.
      if end > position, at(end) == UInt8(ascii: " ") || at(end) == UInt8(ascii: "<") {
        task = Int(String(decoding: bytes[position..<end], as: UTF8.self))
        position = end
        if at(position) == UInt8(ascii: "<") {
          while position < bytes.count, bytes[position] != UInt8(ascii: ">") { position += 1 }
          position += 1
        }
      }
    }
    skipBlanks()
    Self.skipTimesAndPlaces(bytes, &position)
    if starts("<... ") {
      position += 5
      let start = position
      while position < bytes.count, Self.isNameByte(bytes[position]) { position += 1 }
      let name = String(decoding: bytes[start..<position], as: UTF8.self)
      guard starts(" resumed>") else {
        throw StraceProblem(message: "`<... \(name)` must go on with ` resumed>`")
      }
      what = .resumed(name: name, rest: Array(bytes[(position + 9)...]))
      return
    }
    if starts("+++ ") {
      let text = String(decoding: bytes[position...], as: UTF8.self)
      if text.hasPrefix("+++ superseded by execve in pid ") {
        let number = text.dropFirst(32).prefix { $0.isNumber }
        guard let number = Int(number) else { throw StraceProblem(message: "no number in \(text)") }
        what = .superseded(by: number)
      } else {
        what = .ended
      }
      return
    }
    if starts("--- ") {
      what = .nothing
      return
    }
    let start = position
    while position < bytes.count, Self.isNameByte(bytes[position]) { position += 1 }
    guard position > start, at(position) == UInt8(ascii: "(") else {
      let text = String(decoding: bytes[start...].prefix(60), as: UTF8.self)
      throw StraceProblem(
        message:
          "\"\(text)\" is no line of strace; allowed are `name(arguments) = answer`, `<... name resumed>`, `+++ … +++`, "
          + "`--- … ---`, each after a process number. Write strace's output with -o, apart from the program's own"
      )
    }
    let name = String(decoding: bytes[start..<position], as: UTF8.self)
    position += 1
    let unfinished = Array("<unfinished ...>".utf8)
    var end = bytes.count
    while end > position, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    if end - position >= unfinished.count,
      bytes[(end - unfinished.count)..<end].elementsEqual(unfinished)
    {
      what = .unfinished(name: name, arguments: Array(bytes[position..<(end - unfinished.count)]))
    } else {
      what = .call(name: name, arguments: Array(bytes[position..<end]))
    }
  }

  /// -t, -tt, -ttt, -r and -i, -n print before the call.
  private static func skipTimesAndPlaces(_ bytes: [UInt8], _ position: inout Int) {
    func isTimeByte(_ byte: UInt8) -> Bool {
      byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || byte == UInt8(ascii: ".")
        || byte == UInt8(ascii: ":")
    }
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: " ") {
        position += 1
      } else if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "(") {
        let close = byte == UInt8(ascii: "[") ? UInt8(ascii: "]") : UInt8(ascii: ")")
        guard let end = bytes[position...].firstIndex(of: close) else { return }
        position = end + 1
      } else if byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") {
        while position < bytes.count, isTimeByte(bytes[position]) { position += 1 }
      } else {
        return
      }
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
      || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }
}

extension TracedResult {
  /// What stands behind the closing parenthesis: `= 3</x>`, `= -1 EBUSY (…)`, `= ? ERESTARTSYS (…)`.
  init(strace text: String) throws(StraceProblem) {
    var rest = text[...]
    rest = rest.drop { $0 == " " }
    guard rest.hasPrefix("=") else {
      throw StraceProblem(message: "\"\(text.prefix(40))\" has no answer; allowed is `= value`")
    }
    rest = rest.dropFirst().drop { $0 == " " }
    if rest.contains("(INJECTED)") {
      self = .unknown("the answer was injected by strace")
      return
    }
    if rest.hasPrefix("?") {
      self = .unknown("the call was interrupted or its answer was not seen")
      return
    }
    let word = rest.prefix { $0 != " " && $0 != "<" }
    guard let number = StraceValue.integer(word) else {
      throw StraceProblem(message: "the answer \"\(word)\" is no number")
    }
    rest = rest.dropFirst(word.count)
    let value = Int64(bitPattern: number)
    if value < 0 {
      let name = rest.drop { $0 == " " }.prefix { $0 != " " }
      if let errno = Errno(name: String(name)) {
        self = .errno(errno)
      } else if value > -4096, value < -1 {
        self = .errno(Errno(rawValue: Int32(-value)))
      } else {
        throw StraceProblem(message: "the error \"\(name)\" is none that is known")
      }
      return
    }
    var path: String?
    if rest.hasPrefix("<") {
      var text = rest.dropFirst()
      var depth = 1
      var end = text.startIndex
      while end < text.endIndex {
        if text[end] == "<" { depth += 1 }
        if text[end] == ">" { depth -= 1 }
        if depth == 0 { break }
        end = text.index(after: end)
      }
      text = text[..<end]
      if text.hasSuffix(">"), let inner = text.lastIndex(of: "<") { text = text[..<inner] }
      path = String(text)
    }
    // `2 /* 12346 in strace's PID NS */`
    if let remark = rest.range(of: "/* ") {
      let digits = rest[remark.upperBound...].prefix { $0.isNumber }
      if let translated = Int64(digits), rest.contains("PID NS") {
        self = .value(translated, path: path)
        return
      }
    }
    self = .value(value, path: path)
  }
}

extension Substring {
  /// Foundation is not used here.
  fileprivate func range(of text: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
      start = index(after: start)
    }
    return nil
  }

  fileprivate func contains(_ text: String) -> Bool { range(of: text) != nil }
}
