import StormRun

/// How long calls took: a histogram for each kind of call, all on one axis, so that they can be compared at a glance.
enum PageHistograms {
  private static let height = 44

  static func write(_ record: RunRecord, to page: inout HTMLBuilder) {
    guard let ended = record.ended else { return }
    write(
      ended.latencies, title: "Latency of calls",
      note: "Time inside the kernel, as the workers' clocks have it; the axis is logarithmic.",
      to: &page)
  }

  static func write(
    _ summaries: [LatencySummary], title: String, note: String, to page: inout HTMLBuilder
  ) {
    let shown = summaries.filter { $0.count > 0 }
    guard !shown.isEmpty else { return }
    let bounds = shown.flatMap { $0.buckets.map(\.upToNanoseconds) }
    let axis = Axis(lowest: bounds.min() ?? 1, highest: bounds.max() ?? 1)
    page.element("section") { page in
      page.element("h2", title)
      page.element("p", ["class": "note"], note)
      for (index, summary) in shown.enumerated() {
        // Rare kinds are there, but do not push the page apart.
        if index == mostShown {
          page.element("details") { page in
            page.element("summary", "\(shown.count - mostShown) more")
            for rest in shown.dropFirst(mostShown) { figure(rest, axis, &page) }
            scale(axis, &page)
          }
          break
        }
        figure(summary, axis, &page)
        if index == min(mostShown, shown.count) - 1 { scale(axis, &page) }
      }
    }
  }

  private static let mostShown = 8

  private struct Axis {
    var lowest: UInt64
    var highest: UInt64

    /// Buckets between the lowest bound and this one, four for each power of two.
    func position(_ bound: UInt64) -> Int {
      var position = 0
      var current = lowest
      while current < bound {
        current = LatencySummary.bound(of: current + 1)
        position += 1
      }
      return position
    }

    var length: Int { position(highest) + 1 }
  }

  private static func figure(
    _ summary: LatencySummary, _ axis: Axis, _ page: inout HTMLBuilder
  ) {
    let most = summary.buckets.map(\.count).max() ?? 1
    page.element("figure", ["class": "histogram"]) { page in
      page.element("figcaption") { page in
        page.element("code", summary.what)
        page.element(
          "span", ["class": "note"],
          "\(RunPage.number(summary.count)) · median \(PageScale.time(summary.medianNanoseconds)) · "
            + "p99 \(PageScale.time(summary.p99Nanoseconds)) · max \(PageScale.time(summary.maximumNanoseconds))"
        )
      }
      page.element(
        "svg",
        [
          "viewBox": "0 0 \(axis.length) \(height)", "preserveAspectRatio": "none", "role": "img",
          "aria-label": "histogram of \(summary.what)",
        ]
      ) { page in
        for bucket in summary.buckets {
          // A bucket with one value among a million must still be seen.
          let tall = max(1.5, Double(bucket.count) / Double(most) * Double(height))
          page.empty(
            "rect",
            [
              "class": "bar", "x": "\(axis.position(bucket.upToNanoseconds))",
              "y": PageScale.coordinate(Double(height) - tall), "width": "0.9",
              "height": PageScale.coordinate(tall),
            ])
        }
      }
    }
  }

  private static func scale(_ axis: Axis, _ page: inout HTMLBuilder) {
    page.element("div", ["class": "axis"]) { page in
      page.element("span", "up to \(PageScale.time(axis.lowest))")
      page.element("span", PageScale.time(axis.highest))
    }
  }
}
