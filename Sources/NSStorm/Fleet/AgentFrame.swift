/// What guest and host say to each other, one frame after the other on a serial line.
///
/// A frame is the byte 0xA5, a kind, a length of four bytes (little end first), and so many bytes.
public struct AgentFrame: Hashable, Sendable {
  public enum Kind: UInt8, CaseIterable, Sendable {
    /// The first process of the guest runs; `uname -r` and `uname -v`, one line each.
    case hello = 1
    /// Comes every second while the command runs.
    case heartbeat
    /// Standard output of the command.
    case output
    /// Standard error of the command.
    case errors
    /// A piece of the trace, where it has no line of its own.
    case trace
    /// A piece of the file that the command wrote its result to.
    case result
    /// The command ended: `exit N` or `signal N`.
    case ended
    /// The guest itself could not do something.
    case problem
  }

  public var kind: Kind
  public var payload: [UInt8]

  static let mark: UInt8 = 0xA5
  static let headBytes = 6
  /// Longer ones are no frames but noise.
  static let mostBytes = 1 << 16

  public init(_ kind: Kind, _ payload: [UInt8] = []) {
    self.kind = kind
    self.payload = payload
  }

  public init(_ kind: Kind, text: String) {
    self.init(kind, Array(text.utf8))
  }

  /// The payload as text.
  public var text: String { String(decoding: payload, as: UTF8.self) }

  public var bytes: [UInt8] {
    let count = UInt32(payload.count)
    return [Self.mark, kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
      + payload
  }
}

/// Takes frames out of a stream of bytes; bytes that belong to no frame are skipped and counted.
public struct AgentFrameReader: Sendable {
  private var pending: [UInt8] = []
  private var start = 0
  /// Bytes that belonged to no frame.
  public private(set) var noiseBytes = 0

  public init() {}

  public mutating func add(_ bytes: some Sequence<UInt8>) {
    if start > 0 {
      pending.removeFirst(start)
      start = 0
    }
    pending += bytes
  }

  /// The next whole frame, or nil until more bytes come.
  public mutating func next() -> AgentFrame? {
    while pending.count - start >= AgentFrame.headBytes {
      let length = (0..<4).reduce(0) { $0 | Int(pending[start + 2 + $1]) << ($1 * 8) }
      guard pending[start] == AgentFrame.mark,
        let kind = AgentFrame.Kind(rawValue: pending[start + 1]),
        length <= AgentFrame.mostBytes
      else {
        start += 1
        noiseBytes += 1
        continue
      }
      let end = start + AgentFrame.headBytes + length
      guard pending.count >= end else { return nil }
      defer { start = end }
      return AgentFrame(kind, Array(pending[(start + AgentFrame.headBytes)..<end]))
    }
    return nil
  }
}
