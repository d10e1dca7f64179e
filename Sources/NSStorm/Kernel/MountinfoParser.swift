public import StormVocabulary

/// A line of mountinfo that is not as `proc(5)` describes it.
public struct MountinfoError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Counted from 1.
  public var line: Int
  public var text: String
  public var expected: String

  public var description: String {
    "line \(line): expected \(expected) in \"\(text.prefix(200))\""
  }
}

extension MountTable {
  /// Reads the bytes of `/proc/PID/mountinfo` (kernel-mounts 1.6; written by `show_mountinfo`).
  ///
  /// A parser of our own, because a table is read at nearly every step and the copying of libmount costs half as much
  /// again; the tests compare it with libmount.
  public init(mountinfo bytes: UnsafeRawBufferPointer) throws(MountinfoError) {
    var scanner = MountinfoScanner(bytes: bytes)
    self.init(entries: [])
    entries.reserveCapacity(bytes.count / 96)
    while !scanner.isAtEnd { entries.append(try scanner.entry()) }
  }

  /// Reads the text of a mountinfo file.
  public init(mountinfo text: String) throws(MountinfoError) {
    let result: Result<MountTable, MountinfoError> = Array(text.utf8).withUnsafeBytes { bytes in
      do throws(MountinfoError) {
        return .success(try MountTable(mountinfo: bytes))
      } catch {
        return .failure(error)
      }
    }
    self = try result.get()
  }
}

private struct MountinfoScanner {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var lineStart = 0
  private var line = 1

  init(bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { position >= bytes.count }

  mutating func entry() throws(MountinfoError) -> MountTable.Entry {
    lineStart = position
    let id = try number("the mount's id")
    try skip(UInt8(ascii: " "), "a space")
    let parent = try number("the parent's id")
    try skip(UInt8(ascii: " "), "a space")
    let major = try number("the major number")
    try skip(UInt8(ascii: ":"), "a colon")
    let minor = try number("the minor number")
    try skip(UInt8(ascii: " "), "a space")
    let root = try text("the root")
    let mountpoint = try text("the mountpoint")
    let options = try word("the mount's options")
    var entry = MountTable.Entry(
      id: id, parent: parent,
      device: DeviceNumber(
        major: UInt32(truncatingIfNeeded: major), minor: UInt32(truncatingIfNeeded: minor)),
      root: root, mountpoint: mountpoint, attributes: attributes(options), fileSystemType: "",
      source: "")
    try optionalFields(of: &entry)
    entry.fileSystemType = try text("the file system type")
    entry.source = try text("the source")
    entry.superblockIsReadOnly = try superblockOptions()
    return entry
  }

  // The common option lists without the cost of taking a string apart.
  private func attributes(_ range: Range<Int>) -> MountAttributes {
    if range.count == 11, equals(range, "rw,relatime") { return .relativeAccessTime }
    if range.count == 2, equals(range, "rw") { return [] }
    return MountAttributes(options: decode(range))
  }

  private mutating func optionalFields(of entry: inout MountTable.Entry) throws(MountinfoError) {
    while true {
      let field = try word("an optional field or the separator")
      if equals(field, "-") { return }
      if let number = tagged(field, "shared:") {
        entry.sharedGroup = number
      } else if let number = tagged(field, "master:") {
        entry.masterGroup = number
      } else if let number = tagged(field, "propagate_from:") {
        entry.propagateFromGroup = number
      } else if equals(field, "unbindable") {
        entry.isUnbindable = true
      }
    }
  }

  // The rest of the line; options may contain blanks that a file system did not escape.
  private mutating func superblockOptions() throws(MountinfoError) -> Bool {
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
    let range = start..<position
    guard range.count >= 2, position < bytes.count else {
      throw error("the superblock's options and the end of the line")
    }
    let isReadOnly = equals(start..<start + 2, "ro")
    guard isReadOnly || equals(start..<start + 2, "rw") else { throw error("rw or ro") }
    position += 1
    line += 1
    return isReadOnly
  }

  private mutating func number(_ expected: String) throws(MountinfoError) -> UInt64 {
    let start = position
    var value: UInt64 = 0
    while position < bytes.count {
      let digit = bytes[position] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      guard !overflow, product <= UInt64.max - UInt64(digit) else { throw error(expected) }
      value = product + UInt64(digit)
      position += 1
    }
    guard position > start else { throw error(expected) }
    return value
  }

  private mutating func skip(_ byte: UInt8, _ expected: String) throws(MountinfoError) {
    guard position < bytes.count, bytes[position] == byte else { throw error(expected) }
    position += 1
  }

  // Up to the next space, which is consumed. Empty only where the kernel wrote an empty source.
  private mutating func word(_ expected: String) throws(MountinfoError) -> Range<Int> {
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: " ") {
      guard bytes[position] != UInt8(ascii: "\n") else { throw error(expected) }
      position += 1
    }
    guard position < bytes.count else { throw error(expected) }
    position += 1
    return start..<position - 1
  }

  private mutating func text(_ expected: String) throws(MountinfoError) -> String {
    decode(try word(expected))
  }

  // Blanks, tabs, newlines, backslashes and number signs are written as octal escapes (mangle).
  private func decode(_ range: Range<Int>) -> String {
    let part = UnsafeRawBufferPointer(rebasing: bytes[range])
    guard part.contains(UInt8(ascii: "\\")) else { return String(decoding: part, as: UTF8.self) }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(part.count)
    var index = 0
    while index < part.count {
      if part[index] == UInt8(ascii: "\\"), let byte = octal(part, at: index + 1) {
        decoded.append(byte)
        index += 4
      } else {
        decoded.append(part[index])
        index += 1
      }
    }
    return String(decoding: decoded, as: UTF8.self)
  }

  private func octal(_ part: UnsafeRawBufferPointer, at index: Int) -> UInt8? {
    guard index + 3 <= part.count else { return nil }
    var value = 0
    for digit in part[index..<index + 3] {
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "7") else { return nil }
      value = value * 8 + Int(digit - UInt8(ascii: "0"))
    }
    return UInt8(exactly: value)
  }

  private func tagged(_ range: Range<Int>, _ tag: StaticString) -> UInt32? {
    let length = tag.utf8CodeUnitCount
    guard range.count > length, equals(range.lowerBound..<range.lowerBound + length, tag) else {
      return nil
    }
    var value: UInt32 = 0
    for byte in bytes[(range.lowerBound + length)..<range.upperBound] {
      let digit = byte &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      value = value &* 10 &+ UInt32(digit)
    }
    return value
  }

  private func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    for offset in 0..<range.count
    where bytes[range.lowerBound + offset] != text.utf8Start[offset] { return false }
    return true
  }

  private func error(_ expected: String) -> MountinfoError {
    var end = lineStart
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
    let part = UnsafeRawBufferPointer(rebasing: bytes[lineStart..<end])
    return MountinfoError(
      line: line, text: String(decoding: part, as: UTF8.self), expected: expected)
  }
}
