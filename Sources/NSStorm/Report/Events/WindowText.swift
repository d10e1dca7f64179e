import StormVocabulary

extension WindowEvent {
  /// What raced, as text: why no order explains it, or the calls with their intervals where nothing is wrong with them.
  var lines: [String] {
    if let reason, verdict == .violated {
      return reason.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
    var lines = ["window \(number): \(calls.count) racing calls, \(reason ?? verdict.rawValue)"]
    lines += calls.enumerated().map { index, call in
      "  \(index + 1) w\(call.worker) \(call.call) = \(call.errno == .none ? "0" : call.errno.name), "
        + "\(Self.microseconds(call.startNanoseconds)) … \(Self.microseconds(call.endNanoseconds)) µs"
    }
    return lines
  }

  private static func microseconds(_ nanoseconds: UInt64) -> String {
    let tenths = (nanoseconds + 50) / 100
    return "\(tenths / 10).\(tenths % 10)"
  }
}
