/// How quantities are written in profiles and on command lines: `90s`, `10m`, `64k`, `20%`.
public enum Quantity {
  /// Reads `250ms`, `90s`, `10m`, `8h` or `2d`; nil for anything else, a number without a unit included.
  public static func duration(_ text: some StringProtocol) -> Duration? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = Int64(digits), count < 1_000_000 else { return nil }
    return switch text.dropFirst(digits.count) {
    case "ms": .milliseconds(count)
    case "s": .seconds(count)
    case "m": .seconds(count * 60)
    case "h": .seconds(count * 3_600)
    case "d": .seconds(count * 86_400)
    default: nil
    }
  }

  /// Reads a number of bytes: `4096`, `64k`, `16m`, `1g` (powers of 1,024); nil for anything else.
  public static func bytes(_ text: some StringProtocol) -> Int? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = Int(digits), count <= 1 << 40 else { return nil }
    return switch text.dropFirst(digits.count).lowercased() {
    case "": count
    case "k": count << 10
    case "m": count << 20
    case "g": count << 30
    default: nil
    }
  }

  /// Reads a share of one: `0.25` or `25%`; nil for anything else and outside 0 ... 1.
  public static func share(_ text: some StringProtocol) -> Double? {
    let value = text.hasSuffix("%") ? Double(text.dropLast()).map { $0 / 100 } : Double(text)
    guard let value, (0...1).contains(value) else { return nil }
    return value
  }
}
