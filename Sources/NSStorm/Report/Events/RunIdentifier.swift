public import Foundation

/// The name of one run, unique over machines and time: `20261125T184416Z-9f3a61c2`.
///
/// The time first, so that names sort; then 32 random bits, because two runs may begin in one second. Plans never see it.
public struct RunIdentifier: Hashable, Sendable, Codable, CustomStringConvertible {
  public let description: String

  /// - Parameter date: when the run began.
  public init(startedAt date: Date) {
    let digits = String(UInt32.random(in: 0...UInt32.max), radix: 16)
    let random = String(repeating: "0", count: 8 - digits.count) + digits
    let stamp = Self.timestamp(date).filter { $0 != "-" && $0 != ":" }
    description = "\(stamp)-\(random)"
  }

  /// A name that was given out before; it may become a file name, so it has no other characters.
  ///
  /// - Returns: nil for anything but 1 to 64 letters, digits and dashes.
  public init?(_ text: String) {
    guard (1...64).contains(text.utf8.count),
      text.utf8.allSatisfy({
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || $0 == 0x2D
      })
    else { return nil }
    description = text
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let identifier = RunIdentifier(text) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "'\(text)' is no run id: letters, digits and dashes")
    }
    self = identifier
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }

  /// UTC to the second: `2026-11-25T18:44:16Z`.
  public static func timestamp(_ date: Date) -> String {
    date.formatted(.iso8601)
  }
}
