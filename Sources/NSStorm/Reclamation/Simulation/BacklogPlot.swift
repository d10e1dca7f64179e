/// The backlog of several designs over time as one SVG picture.
public enum BacklogPlot {
  private static let colours = [
    "#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f",
  ]

  /// - Parameter results: one curve each; the axes fit all of them.
  public static func svg(of results: [SimulationResult]) -> String {
    let (width, height, left, top) = (860.0, 420.0, 90.0, 50.0)
    let (innerWidth, innerHeight) = (width - left - 180, height - top - 60)
    let end = max(results.map(\.endNanoseconds).max() ?? 1, 1)
    let most = Double(max(results.map(\.maximumBacklog).max() ?? 1, 1))
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(Int(width))" height="\(Int(height))" \
      viewBox="0 0 \(Int(width)) \(Int(height))" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      <text x="\(left)" y="24" font-size="15">Mounts detached and not dead, over time</text>

      """
    for step in 0...4 {
      let part = Double(step) / 4
      let y = top + innerHeight * (1 - part)
      let x = left + innerWidth * part
      svg += """
        <line x1="\(left)" y1="\(y)" x2="\(left + innerWidth)" y2="\(y)" stroke="#dddddd"/>
        <text x="\(left - 8)" y="\(y + 4)" text-anchor="end">\(Int(most * part))</text>
        <text x="\(x)" y="\(top + innerHeight + 20)" text-anchor="middle">\
        \(duration(end * part))</text>

        """
    }
    for (index, result) in results.enumerated() {
      let colour = colours[index % colours.count]
      let points = result.backlog.map { point in
        let x = left + innerWidth * point.nanoseconds / end
        let y = top + innerHeight * (1 - Double(point.mounts) / most)
        return "\((x * 10).rounded() / 10),\((y * 10).rounded() / 10)"
      }
      let y = top + 16 + Double(index) * 18
      svg += """
        <polyline fill="none" stroke="\(colour)" stroke-width="1.5" \
        points="\(points.joined(separator: " "))"/>
        <text x="\(left + innerWidth + 14)" y="\(y)" fill="\(colour)">\
        \(Trace.escape(result.parameters.design.name)) (max \(result.maximumBacklog))</text>

        """
    }
    return svg + "</svg>\n"
  }

  /// A duration with three significant digits and its unit.
  public static func duration(_ nanoseconds: Double) -> String {
    let units: [(Double, String)] = [(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns")]
    let (unit, name) = units.first { nanoseconds >= $0.0 } ?? (1, "ns")
    let value = nanoseconds / unit
    let digits = value >= 100 ? 1.0 : value >= 10 ? 10.0 : 100.0
    let rounded = (value * digits).rounded() / digits
    return rounded == rounded.rounded() ? "\(Int(rounded)) \(name)" : "\(rounded) \(name)"
  }
}
