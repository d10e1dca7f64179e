import StormRun
import StormVerdict

/// The storm over time: mounts, namespaces and calls a second, with phases as bands and findings as marks.
struct PageTimeline {
  private let record: RunRecord
  private let end: Double

  private static let width = 1_000.0
  private static let height = 100.0

  init(_ record: RunRecord) {
    self.record = record
    end = Double(max(1, record.elapsedNanoseconds))
  }

  func write(to page: inout HTMLBuilder) {
    guard record.samples.count > 1 else { return }
    page.element("section") { page in
      page.element("h2", "Timeline")
      let samples = record.samples
      curve("mounts", samples.map { ($0.atNanoseconds, Double($0.progress.mounts)) }, to: &page)
      curve(
        "namespaces", samples.map { ($0.atNanoseconds, Double($0.progress.namespaces)) }, to: &page)
      curve("calls a second", rates, to: &page)
      page.element("div", ["class": "axis"]) { page in
        page.element("span", "0")
        page.element("span", PageScale.time(record.elapsedNanoseconds / 2))
        page.element("span", PageScale.time(record.elapsedNanoseconds))
      }
      legend(to: &page)
    }
  }

  private var rates: [(UInt64, Double)] {
    zip(record.samples, record.samples.dropFirst()).map { before, after in
      let calls =
        after.progress.steps + after.progress.volleyCalls - before.progress.steps
        - before.progress.volleyCalls
      let seconds = Double(max(1, after.atNanoseconds - before.atNanoseconds)) / 1e9
      return (after.atNanoseconds, Double(calls) / seconds)
    }
  }

  private func curve(
    _ name: String, _ points: [(time: UInt64, value: Double)], to page: inout HTMLBuilder
  ) {
    let top = max(1, points.map(\.value).max() ?? 1)
    page.element("figure") { page in
      page.element("figcaption") { page in
        page.element("span", name)
        page.element("span", ["class": "note"], "at most \(RunPage.number(Int(top.rounded())))")
      }
      page.element(
        "svg",
        [
          "viewBox": "0 0 \(Int(Self.width)) \(Int(Self.height))", "preserveAspectRatio": "none",
          "role": "img", "aria-label": "\(name) over time",
        ]
      ) { page in
        bands(to: &page)
        let line = points.map { point in
          PageScale.coordinate(x(point.time)) + ","
            + PageScale.coordinate(Self.height - point.value / top * (Self.height - 4))
        }
        if let first = points.first, let last = points.last {
          let floor = PageScale.coordinate(Self.height)
          let area =
            ["\(PageScale.coordinate(x(first.time))),\(floor)"] + line
            + ["\(PageScale.coordinate(x(last.time))),\(floor)"]
          page.empty("polygon", ["class": "area", "points": area.joined(separator: " ")])
          page.empty("polyline", ["class": "line", "points": line.joined(separator: " ")])
        }
        marks(to: &page)
      }
    }
  }

  private func x(_ time: UInt64) -> Double { Double(time) / end * Self.width }

  private func bands(to page: inout HTMLBuilder) {
    for (index, started) in record.phases.enumerated() where index % 2 == 1 {
      let next =
        record.phases.dropFirst(index + 1).first?.atNanoseconds ?? record.elapsedNanoseconds
      let left = x(started.atNanoseconds)
      page.empty(
        "rect",
        [
          "class": "band", "x": PageScale.coordinate(left), "y": "0",
          "width": PageScale.coordinate(max(0, x(next) - left)), "height": "\(Int(Self.height))",
        ])
    }
  }

  private func marks(to page: inout HTMLBuilder) {
    for found in record.divergences {
      mark(
        found.atNanoseconds, found.event.divergence.knownIssues.isEmpty ? "bad" : "warning", &page)
    }
    for fault in record.faults { mark(fault.atNanoseconds, "bad", &page) }
  }

  private func mark(_ time: UInt64, _ mood: String, _ page: inout HTMLBuilder) {
    let place = PageScale.coordinate(x(time))
    page.empty(
      "line",
      ["class": "mark \(mood)", "x1": place, "x2": place, "y1": "0", "y2": "\(Int(Self.height))"])
  }

  private func legend(to page: inout HTMLBuilder) {
    page.element("ol", ["class": "phases"]) { page in
      for started in record.phases {
        let phase = started.phase
        let length = PageScale.time(record.nanoseconds(ofPhase: phase.index))
        page.element("li", "\(phase.name) (\(phase.kind)): \(length)")
      }
    }
    if !record.divergences.isEmpty || !record.faults.isEmpty {
      page.element("p", ["class": "note"]) { page in
        page.element("span", ["class": "key bad"], "")
        page.content(" divergence or fault ")
        page.element("span", ["class": "key warning"], "")
        page.content(" known issue")
      }
    }
  }
}
