extension Trace {
  /// The lanes in which something happens.
  private var usedLanes: [Int] {
    lanes.indices.filter { lane in steps.contains { $0.lane == lane } }
  }

  /// The trace as columns: a column an actor, the shared state at the right.
  ///
  /// - Parameter width: the most characters of a column, 12 and more.
  public func columns(width: Int = 34) -> String {
    let used = usedLanes
    let widths = used.map { lane in
      let longest = steps.filter { $0.lane == lane }.map(\.text.count).max() ?? 0
      return max(lanes[lane].count, min(longest, max(width, 12)))
    }
    func row(_ number: String, _ cells: [String], _ shared: String) -> String {
      let padded = zip(cells, widths).map { cell, width in
        cell + String(repeating: " ", count: max(0, width - cell.count))
      }
      let line = "\(number)  \(padded.joined(separator: "  "))  | \(shared)"
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
    var lines = [row("    ", used.map { lanes[$0] }, "shared state")]
    for (index, step) in steps.enumerated() {
      let column = used.firstIndex(of: step.lane) ?? 0
      let pieces = Self.wrap(step.text, at: widths[column])
      let number = String(repeating: " ", count: max(0, 4 - "\(index + 1)".count)) + "\(index + 1)"
      let tags = Self.tags(step.findings)
      for (line, piece) in pieces.enumerated() {
        var cells = [String](repeating: "", count: used.count)
        cells[column] = piece
        lines.append(
          row(line == 0 ? number : "    ", cells, line == 0 ? step.shared + tags : ""))
      }
    }
    let last = Self.tags(quiescentFindings)
    if !last.isEmpty { lines.append("      nothing can follow:\(last)") }
    return lines.joined(separator: "\n")
  }

  static func tags(_ findings: FindingSet) -> String {
    let tags = Finding.allCases.filter { findings.contains($0) }.map(\.tag)
    return tags.isEmpty ? "" : "  <-- " + tags.joined(separator: ", ")
  }

  private static func wrap(_ text: String, at width: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    lines.append(line)
    return lines
  }

  /// The trace as an SVG sequence diagram: a lifeline an actor, time downwards, violations in red.
  public func sequenceDiagram(title: String) -> String {
    let used = usedLanes
    let columnWidth = 240
    let rowHeight = 26
    let sharedWidth = 420
    let top = 70
    let width = used.count * columnWidth + sharedWidth
    let height = top + (steps.count + 2) * rowHeight
    func x(_ lane: Int) -> Int {
      (used.firstIndex(of: lane) ?? 0) * columnWidth + columnWidth / 2
    }
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(width)" height="\(height)" \
      viewBox="0 0 \(width) \(height)" font-family="monospace" font-size="11">
      <rect width="100%" height="100%" fill="white"/>
      <text x="12" y="20" font-size="14" font-weight="bold">\(Self.escape(title))</text>

      """
    for lane in used {
      svg += """
        <text x="\(x(lane))" y="48" text-anchor="middle" font-weight="bold">\
        \(Self.escape(lanes[lane]))</text>
        <line x1="\(x(lane))" y1="56" x2="\(x(lane))" y2="\(height - 10)" stroke="#bbbbbb"/>

        """
    }
    var previous: (x: Int, y: Int)?
    for (index, step) in steps.enumerated() {
      let y = top + index * rowHeight
      let isLast = index == steps.count - 1
      let shows = step.findings != [] || (isLast && quiescentFindings != [])
      let colour = shows ? "#c00000" : "#1f4e79"
      if let previous, previous.x != x(step.lane) {
        svg += """
          <line x1="\(previous.x)" y1="\(previous.y)" x2="\(x(step.lane))" y2="\(y)" \
          stroke="#999999" stroke-dasharray="3,3"/>

          """
      }
      previous = (x(step.lane), y)
      let tags = Self.tags(step.findings) + (isLast ? Self.tags(quiescentFindings) : "")
      let words = Self.wrap("\(index + 1) \(step.text)", at: 36)
      svg += "<circle cx=\"\(x(step.lane))\" cy=\"\(y)\" r=\"4\" fill=\"\(colour)\"/>\n"
      for (line, piece) in words.prefix(2).enumerated() {
        svg += """
          <text x="\(x(step.lane) - 112)" y="\(y + 4 + line * 11)" fill="\(colour)" \
          stroke="white" stroke-width="3" paint-order="stroke">\(Self.escape(piece))</text>

          """
      }
      svg += """
        <text x="\(used.count * columnWidth + 8)" y="\(y + 4)" fill="\(colour)">\
        \(Self.escape(step.shared + tags))</text>

        """
    }
    return svg + "</svg>\n"
  }

  static func escape(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "&": escaped += "&amp;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
