/// Numbers as pictures need them: rounded, with units, in the coordinates of a drawing.
enum PageScale {
  /// `350 ns`, `1.2 µs`, `3.4 ms`, `2.5 s`, `4 min 10 s`
  static func time(_ nanoseconds: UInt64) -> String {
    switch nanoseconds {
    case ..<1_000: return "\(nanoseconds) ns"
    case ..<1_000_000: return tenths(nanoseconds, 1_000) + " µs"
    case ..<1_000_000_000: return tenths(nanoseconds, 1_000_000) + " ms"
    case ..<120_000_000_000: return tenths(nanoseconds, 1_000_000_000) + " s"
    default:
      let seconds = nanoseconds / 1_000_000_000
      return seconds < 7_200
        ? "\(seconds / 60) min \(seconds % 60) s" : "\(seconds / 3_600) h \(seconds / 60 % 60) min"
    }
  }

  private static func tenths(_ value: UInt64, _ unit: UInt64) -> String {
    let tenths = (value * 10 + unit / 2) / unit
    // Three digits say enough.
    return tenths >= 1_000 || tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
  }

  /// A coordinate with two decimals at most.
  static func coordinate(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let fraction = abs(hundredths % 100)
    let sign = hundredths < 0 ? "-" : ""
    let whole = abs(hundredths / 100)
    if fraction == 0 { return "\(sign)\(whole)" }
    return "\(sign)\(whole).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}
