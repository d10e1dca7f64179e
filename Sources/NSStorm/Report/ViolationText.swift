public import StormVerdict
import StormVocabulary

/// A window that no order explains, as text: who did what when, the order that explains most, and why nothing continues it.
public struct ViolationText: Sendable {
  private let violation: ConcurrencyViolation
  private let number: Int

  /// - Parameter number: the number of the window in its run.
  public init(_ violation: ConcurrencyViolation, windowNumber number: Int) {
    self.violation = violation
    self.number = number
  }

  public var lines: [String] {
    let calls = violation.calls
    var lines = [
      "window \(number): no order of these \(calls.count) calls gives "
        + (violation.tables.isEmpty ? "their answers" : "their answers and the tables after them")
    ]
    if violation.explainedBefore > 0 {
      lines.append("  \(violation.explainedBefore) calls before them have an order")
    }
    lines += picture
    lines += list
    lines += order
    lines += continuations
    if !violation.tables.isEmpty {
      lines.append(
        "  \(violation.endStates) end states fit the answers; the nearest differs from the tables:")
      for table in violation.tables {
        lines.append("    namespace \(table.namespace) (- in the order's end, + observed)")
        lines += table.folded().map { "    \($0)" }
        lines += table.mounts.prefix(6).map { "      \($0)" }
      }
    }
    lines.append("  \(violation.steps) points were tried")
    return lines
  }

  /// The width of the time axis in characters.
  private static let width = 72

  private var picture: [String] {
    let timeLines = TimeLines(violation.calls)
    var lines: [String] = []
    for worker in timeLines.workers {
      var row = Array(repeating: Character(" "), count: Self.width + 1)
      for bar in timeLines.bars where bar.worker == worker {
        let from = Int(bar.start * Double(Self.width - 4))
        let to = max(from + 3, Int(bar.end * Double(Self.width)))
        let ended = violation.hasEnded[bar.call]
        for column in from...min(to, Self.width) { row[column] = "=" }
        row[from] = "["
        row[min(to, Self.width)] = ended ? "]" : ">"
        for (offset, digit) in String(bar.call + 1).enumerated()
        where from + 1 + offset < min(to, Self.width) {
          row[from + 1 + offset] = digit
        }
      }
      let process = violation.calls.first { $0.worker == worker }?.process ?? 0
      let name = pad("w\(worker)", 4) + pad("ns \(process)", 7)
      lines.append("  " + name + trimmed(String(row)))
    }
    lines.append(
      "  " + pad("", 11) + "0 µs" + String(repeating: " ", count: Self.width - 12)
        + "\(timeLines.microseconds((violation.calls.map(\.endNanoseconds).max() ?? 0))) µs")
    return lines
  }

  private var list: [String] {
    let timeLines = TimeLines(violation.calls)
    return violation.calls.enumerated().map { index, call in
      let answer = violation.hasEnded[index] ? call.errno.name : "still runs"
      return "  " + pad("\(index + 1)", 4) + pad("w\(call.worker)", 5)
        + pad("\(call.operation)", 40) + " " + pad(answer, 11)
        + "\(timeLines.microseconds(call.startNanoseconds)) … "
        + "\(timeLines.microseconds(call.endNanoseconds)) µs"
    }
  }

  private var order: [String] {
    guard !violation.bestOrder.isEmpty else {
      return ["  none of them can come first with the answer that it gave"]
    }
    var lines = ["  the order that explains most:"]
    var line = "   "
    for point in violation.bestOrder {
      let text = " \(point.call + 1) \(describe(point));"
      if line.count + text.count > 100 {
        lines.append(line)
        line = "   "
      }
      line += text
    }
    lines.append(line)
    return lines
  }

  private func describe(_ point: OrderedPoint) -> String {
    let text =
      switch point.kind {
      case .resolve: "resolves"
      case .walk: "walks on"
      case .check: "is checked"
      case .commit: "commits in part"
      case .answer(let errno): "answers \(errno.name)"
      case .release: "drops its references"
      }
    return point.latitude.map { "\(text) (\($0.rawValue))" } ?? text
  }

  private var continuations: [String] {
    guard !violation.continuations.isEmpty else { return [] }
    return ["  then:"]
      + violation.continuations.map {
        "    \($0.call + 1) \(violation.calls[$0.call].operation) answered \($0.observed.name); "
          + "here it would answer \($0.predicted.name): \($0.reason)"
      }
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(text.isEmpty ? 0 : 1, width - text.count))
  }

  private func trimmed(_ text: String) -> String {
    var text = text[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
