/// Which rules of the engine a run exercised: a bar for each section of the specification, and the rules by name.
struct PageCoverage {
  private let rows: [RuleUse]

  init(_ rows: [RuleUse]) { self.rows = rows }

  func write(to page: inout HTMLBuilder) {
    guard !rows.isEmpty else { return }
    let exercised = rows.count { $0.count > 0 }
    page.element("section") { page in
      page.element("h2", "Coverage of rules")
      page.element("p", "\(exercised) of \(rows.count) rules of the engine decided something.")
      page.element("div", ["class": "scroll"]) { page in
        page.element("table", ["class": "coverage"]) { page in
          for (section, rules) in sections { write(section, rules, to: &page) }
        }
      }
      let missed = rows.filter { $0.count == 0 }.map(\.rule)
      guard !missed.isEmpty else { return }
      page.element("details") { page in
        page.element("summary", "\(missed.count) never asked")
        page.element("p", ["class": "note"], missed.joined(separator: ", "))
      }
    }
  }

  /// What the chapters of the specification are about.
  private static let chapters = [
    "1": "what mounts are", "2": "paths", "3": "calls", "4": "attaching and propagation",
    "5": "unmount", "6": "lifetimes", "7": "versions",
  ]

  /// By the chapter of the specification, in its order.
  private var sections: [(section: String, rules: [RuleUse])] {
    let grouped = Dictionary(grouping: rows) { String($0.section.prefix { $0 != "." }) }
    return grouped.sorted { (Int($0.key) ?? .max, $0.key) < (Int($1.key) ?? .max, $1.key) }
      .map { ($0.key, $0.value.sorted { ($1.count, $0.rule) < ($0.count, $1.rule) }) }
  }

  private func write(_ section: String, _ rules: [RuleUse], to page: inout HTMLBuilder) {
    let exercised = rules.count { $0.count > 0 }
    let share = 100 * exercised / max(1, rules.count)
    page.element("tr") { page in
      page.element(
        "td", Self.chapters[section].map { "section \(section): \($0)" } ?? "section \(section)")
      page.element("td", ["class": "number"], "\(exercised) of \(rules.count)")
      page.element("td", ["class": "meter"]) { page in
        page.element("div", ["class": "meter"]) { page in
          page.element("div", ["style": "width:\(share)%"], "")
        }
        page.element("details") { page in
          page.element("summary", "rules")
          page.element("ul") { page in
            for rule in rules {
              page.element("li") { page in
                page.content("\(rule.rule) ")
                page.element(
                  "span", ["class": "note"],
                  "\(RunPage.number(Int(clamping: rule.count))) × \(rule.function)()")
              }
            }
          }
        }
      }
    }
  }
}
