import StormVocabulary

/// Concurrency windows as lanes: a row for each worker, a bar for each call, as long as it took. What no order explains
/// comes first and is open; explained windows show how the calls of a phase really overlapped.
enum PageWindows {
  static func write(_ record: RunRecord, to page: inout HTMLBuilder) {
    let windows = record.windows.map(\.event)
    guard !windows.isEmpty else { return }
    let bad = record.unexplainedWindows
    let good = windows.filter { !bad.contains($0) }
      .sorted { ($1.conflicts, $0.number) < ($0.conflicts, $1.number) }
    page.element("section") { page in
      page.element("h2", "Concurrency windows")
      page.element("p", ["class": "note"]) { page in
        page.content(
          "Each row is a worker, each bar a call from its start to its end. \(bad.count) not explained; "
            + "of the explained ones those that raced most.")
      }
      for window in bad.prefix(mostBad) { figure(window, isOpen: true, &page) }
      for window in good.prefix(mostGood) { figure(window, isOpen: bad.isEmpty, &page) }
    }
  }

  /// What a link to the window names.
  static func anchor(_ window: WindowEvent) -> String { "window-\(window.number)" }

  private static let mostBad = 12
  private static let mostGood = 4
  private static let mostCalls = 200

  private static func figure(_ window: WindowEvent, isOpen: Bool, _ page: inout HTMLBuilder) {
    let mood =
      switch window.verdict {
      case .violated: "bad"
      case .unknown: "warning"
      case .explained: "good"
      case .unjudged: "muted"
      }
    page.element(
      "details", isOpen ? ["id": anchor(window), "open": "open"] : ["id": anchor(window)]
    ) { page in
      page.element("summary") { page in
        page.content("window \(window.number) ")
        page.element("span", ["class": "badge \(mood)"], window.verdict.rawValue)
        page.content(
          " \(window.calls.count) calls, \(window.conflicts) overlaps on the same mounts")
      }
      if let reason = window.reason { page.element("pre", reason) }
      lanes(window, &page)
      calls(window, &page)
    }
  }

  private static func lanes(_ window: WindowEvent, _ page: inout HTMLBuilder) {
    let workers = Set(window.calls.map(\.worker)).sorted()
    let end = max(1, window.calls.map(\.endNanoseconds).max() ?? 1)
    page.element(
      "svg",
      [
        "viewBox": "0 0 1000 \(workers.count * 20)", "preserveAspectRatio": "none", "role": "img",
        "class": "lanes", "style": "height:\(max(2, workers.count * 2))rem",
        "aria-label": "calls of window \(window.number)",
      ]
    ) { page in
      for (index, call) in window.calls.prefix(mostCalls).enumerated() {
        guard let row = workers.firstIndex(of: call.worker) else { continue }
        let left = Double(call.startNanoseconds) / Double(end) * 1_000
        let right = Double(call.endNanoseconds) / Double(end) * 1_000
        let mood = call.isCulprit ? "bad" : call.errno == .none ? "done" : "refused"
        page.element(
          "rect",
          [
            "class": "call \(mood)", "x": PageScale.coordinate(left), "y": "\(row * 20 + 3)",
            "width": PageScale.coordinate(max(2, right - left)), "height": "14",
          ]
        ) { page in
          page.element("title", "\(index + 1): \(call.call) -> \(call.errno.name)")
        }
      }
    }
    page.element("div", ["class": "axis"]) { page in
      page.element("span", "0")
      page.element("span", PageScale.time(end))
    }
  }

  private static func calls(_ window: WindowEvent, _ page: inout HTMLBuilder) {
    page.element("details") { page in
      page.element("summary", "the calls")
      page.element("div", ["class": "scroll"]) { page in
        page.element("table") { page in
          for (index, call) in window.calls.prefix(mostCalls).enumerated() {
            page.element("tr") { page in
              page.element("td", ["class": "number"], "\(index + 1)")
              page.element("td", "worker \(call.worker), namespace \(call.process)")
              page.element("td") { $0.element("code", call.call) }
              page.element("td", call.errno == .none ? "0" : call.errno.name)
              page.element("td", ["class": "number"], PageScale.time(call.startNanoseconds))
              page.element("td", ["class": "number"], PageScale.time(call.endNanoseconds))
            }
          }
        }
      }
    }
  }
}
