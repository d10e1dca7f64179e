public import StormVerdict
import StormVocabulary

/// A window as a drawing: a row for each worker, a bar for each call, and the point at which the order that was found (or
/// the one that explains most) lets it commit.
public struct WindowPicture: Sendable {
  public enum Format: String, CaseIterable, Sendable {
    case svg, html
  }

  private let title: String
  private let calls: [ContendedWindow.Call]
  private let hasEnded: [Bool]
  private let order: [OrderedPoint]
  private let culprit: Int?
  private let notes: [String]

  /// A window without an explanation: only the smallest part of it.
  public init(_ violation: ConcurrencyViolation, windowNumber number: Int) {
    let text = ViolationText(violation, windowNumber: number)
    title = text.lines.first ?? ""
    calls = violation.calls
    hasEnded = violation.hasEnded
    order = violation.bestOrder
    culprit = violation.culprit.flatMap { wrong in violation.calls.firstIndex(of: wrong) }
    notes = text.lines
  }

  /// An explained window.
  public init(_ window: ContendedWindow, _ explained: ExplainedWindow, windowNumber number: Int) {
    title = "window \(number): explained"
    calls = window.calls
    hasEnded = window.calls.map { _ in true }
    order = explained.order
    culprit = nil
    notes = []
  }

  public func text(_ format: Format) -> String {
    switch format {
    case .svg: svg
    case .html: html
    }
  }

  private static let rowHeight = 56
  private static let barHeight = 30
  private static let left = 120
  private static let width = 1_000

  private var svg: String {
    let timeLines = TimeLines(calls)
    let height = 60 + timeLines.workers.count * Self.rowHeight + 30
    var parts = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.left + Self.width + 40) \(height)" \
      font-family="monospace" font-size="12">
      <title>\(escaped(title))</title>
      <rect width="100%" height="100%" fill="#ffffff"/>
      <text x="10" y="24" font-size="15">\(escaped(title))</text>
      """
    ]
    for (row, worker) in timeLines.workers.enumerated() {
      let top = 50 + row * Self.rowHeight
      let process = calls.first { $0.worker == worker }?.process ?? 0
      parts.append(
        "<text x=\"10\" y=\"\(top + 20)\">worker \(worker), ns \(process)</text>"
          + "<line x1=\"\(Self.left)\" y1=\"\(top + 15)\" x2=\"\(Self.left + Self.width)\" "
          + "y2=\"\(top + 15)\" stroke=\"#dddddd\"/>")
      for bar in timeLines.bars where bar.worker == worker {
        parts.append(draw(bar, top: top, timeLines))
      }
    }
    parts.append(commits(timeLines))
    let bottom = height - 10
    parts.append(
      "<text x=\"\(Self.left)\" y=\"\(bottom)\">0 µs</text><text x=\"\(Self.left + Self.width)\" "
        + "y=\"\(bottom)\" text-anchor=\"end\">"
        + "\(timeLines.microseconds(calls.map(\.endNanoseconds).max() ?? 0)) µs</text>")
    parts.append("</svg>")
    return parts.joined(separator: "\n") + "\n"
  }

  private func x(_ share: Double) -> Int { Self.left + Int(share * Double(Self.width)) }

  private func draw(_ bar: TimeLines.Bar, top: Int, _ timeLines: TimeLines) -> String {
    let call = calls[bar.call]
    let width = max(6, x(bar.end) - x(bar.start))
    let fill = bar.call == culprit ? "#f4b6b6" : hasEnded[bar.call] ? "#cfe3f7" : "#eeeeee"
    let answer = hasEnded[bar.call] ? call.errno.name : "still runs"
    let label = "\(bar.call + 1) \(call.operation) = \(answer)"
    let clip = "c\(bar.call)"
    return """
      <g><title>\(escaped(label)), \(timeLines.microseconds(call.startNanoseconds)) to \
      \(timeLines.microseconds(call.endNanoseconds)) µs</title>
      <clipPath id="\(clip)"><rect x="\(x(bar.start))" y="\(top)" width="\(width)" height="\(Self.barHeight)"/></clipPath>
      <rect x="\(x(bar.start))" y="\(top)" width="\(width)" height="\(Self.barHeight)" rx="3" fill="\(fill)" \
      stroke="#446688"/>
      <text x="\(x(bar.start) + 4)" y="\(top + 19)" clip-path="url(#\(clip))">\(escaped(label))</text></g>
      """
  }

  /// A line through the commits in their order, each at the middle of its call or as far right as the one before.
  private func commits(_ timeLines: TimeLines) -> String {
    var points: [String] = []
    var last = 0.0
    for point in order {
      guard case .answer = point.kind,
        let bar = timeLines.bars.first(where: { $0.call == point.call }),
        let row = timeLines.workers.firstIndex(of: bar.worker)
      else { continue }
      last = min(max(last + 0.002, bar.start + 0.3 * (bar.end - bar.start)), bar.end)
      points.append("\(x(last)),\(50 + row * Self.rowHeight + Self.barHeight / 2)")
    }
    guard points.count > 1 else { return "" }
    let dots = points.map {
      let place = $0.split(separator: ",")
      return "<circle cx=\"\(place[0])\" cy=\"\(place[1])\" r=\"4\" fill=\"#224466\"/>"
    }
    return "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"#224466\" "
      + "stroke-dasharray=\"4 3\"/>" + dots.joined()
  }

  private var html: String {
    """
    <!DOCTYPE html>
    <html lang="en"><head><meta charset="utf-8"><title>\(escaped(title))</title></head>
    <body>
    \(svg)<pre>\(escaped(notes.joined(separator: "\n")))</pre>
    </body></html>

    """
  }

  private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
