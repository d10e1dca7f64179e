/// The number that, together with a profile and its rules, decides a plan. Written as hex, read as hex or decimal.
public struct Seed: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// Reads `7` or `0x7`; nil for anything else, negative numbers and numbers above 64 bits included.
  public init?(_ text: some StringProtocol) {
    let lowered = text.lowercased()
    let value =
      lowered.hasPrefix("0x") ? UInt64(lowered.dropFirst(2), radix: 16) : UInt64(lowered)
    guard let value else { return nil }
    rawValue = value
  }

  public var description: String { "0x" + String(rawValue, radix: 16) }
}
