public import StormKernel

/// A guest's console: its lines, and the signs of a broken kernel among them.
public struct ConsoleLog: Sendable {
  /// A sign of a broken kernel.
  public struct Sign: Hashable, Sendable, Codable {
    public var kind: KernelFault.Kind
    /// Its first line.
    public var line: String
    /// The number of that line on the console, from 0.
    public var lineNumber: Int
  }

  /// All lines, without the kernel's time stamps removed; the last one may be incomplete.
  public private(set) var lines: [String] = []
  public private(set) var signs: [Sign] = []
  /// Lines that were dropped because there were more than ``mostLines``.
  public private(set) var droppedLines = 0
  private var rest: [UInt8] = []

  /// A guest that prints without end must not fill the host's memory.
  public static let mostLines = 100_000
  private static let mostLineBytes = 4096
  private static let mostSigns = 100

  public init() {}

  public mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      if byte == 0x0A || rest.count >= Self.mostLineBytes { finishLine() }
      if byte != 0x0A && byte != 0x0D { rest.append(byte) }
    }
  }

  /// Takes an incomplete last line for a whole one.
  public mutating func finish() {
    if !rest.isEmpty { finishLine() }
  }

  /// The last lines, or those from the first sign on where there is one.
  public func excerpt(lines count: Int, since sign: Sign? = nil) -> [String] {
    guard let sign, sign.lineNumber < lines.count else { return Array(lines.suffix(count)) }
    return Array(lines[sign.lineNumber...].prefix(count))
  }

  private mutating func finishLine() {
    defer { rest.removeAll(keepingCapacity: true) }
    guard lines.count < Self.mostLines else {
      droppedLines += 1
      return
    }
    let line = Self.withoutEscapes(String(decoding: rest, as: UTF8.self))
    if let kind = KernelFault.Kind(line: line), kind.isFault, signs.count < Self.mostSigns {
      signs.append(Sign(kind: kind, line: line, lineNumber: lines.count))
    }
    lines.append(line)
  }

  // The firmware clears the screen and moves the cursor before the kernel speaks.
  private static func withoutEscapes(_ line: String) -> String {
    guard line.contains("\u{1B}") else { return line }
    var result = ""
    var isEscape = false
    for character in line {
      if isEscape {
        isEscape = !(character.isLetter || character == "=")
      } else if character == "\u{1B}" {
        isEscape = true
      } else {
        result.append(character)
      }
    }
    return result
  }
}
