import StormEngine
import StormVerdict

/// One divergence: the call, the rule that decides, and the differing tables as trees.
struct PageDivergence {
  private let event: DivergenceEvent
  private let window: WindowEvent?
  private let isStrict: Bool

  /// - Parameter window: the racing calls that show it, where they do.
  init(_ event: DivergenceEvent, window: WindowEvent?, isStrict: Bool) {
    self.event = event
    self.window = window
    self.isStrict = isStrict
  }

  func write(to page: inout HTMLBuilder) {
    let divergence = event.divergence
    let isKnown = !divergence.knownIssues.isEmpty
    let mood = isKnown && !isStrict ? "warning" : "bad"
    page.element("div", ["class": "finding \(mood)"]) { page in
      page.element("h3") { page in
        if let operation = divergence.operation {
          page.element("code", operation)
        } else {
          page.content("tables read without a call")
        }
      }
      page.element("p", ["class": "when"]) { page in
        page.content("step \(divergence.step), namespace \(divergence.namespace)")
        for issue in divergence.knownIssues {
          page.content(" ")
          page.element("span", ["class": "badge warning"], issue)
        }
      }
      answers(to: &page)
      because(to: &page)
      if let window {
        page.element("p") { page in
          page.content(
            window.verdict == .violated
              ? "\(window.calls.count) calls raced, and no order of them gives what was seen: "
              : "\(window.calls.count) calls raced: ")
          page.element(
            "a", ["href": "#\(PageWindows.anchor(window))"], "window \(window.number)")
        }
      }
      for table in divergence.tables.prefix(Self.mostTables) { tree(table, to: &page) }
      if divergence.tables.count > Self.mostTables {
        page.element(
          "p", ["class": "note"],
          "… \(divergence.tables.count - Self.mostTables) more namespaces differ")
      }
      page.element("p", ["class": "command"]) { $0.element("code", event.replay) }
    }
  }

  private func answers(to page: inout HTMLBuilder) {
    let divergence = event.divergence
    page.element("p") { page in
      if divergence.predictedErrno != divergence.observedErrno {
        page.content("predicted ")
        page.element("strong", ["class": "predicted"], "\(divergence.predictedErrno)")
        page.content(", observed ")
        page.element("strong", ["class": "observed"], "\(divergence.observedErrno)")
      } else if divergence.operation != nil {
        page.content("answered \(divergence.observedErrno), as predicted, but the tables differ")
      }
    }
  }

  private func because(to page: inout HTMLBuilder) {
    guard let deciding = event.divergence.decidingRule else { return }
    page.element("p") { page in
      page.content("\(deciding.sentence) ")
      page.element("span", ["class": "note"], "\(deciding.function)(), section \(deciding.section)")
    }
  }

  private func tree(_ table: TableDifference, to page: inout HTMLBuilder) {
    page.element("h4") { page in
      switch table.presence {
      case .both: page.content("namespace \(table.namespace)")
      case .missingTable:
        page.content("namespace \(table.namespace): predicted, was not observed")
      case .extraTable: page.content("namespace \(table.namespace): observed, not predicted")
      }
    }
    if !table.mounts.isEmpty {
      page.element("ul", ["class": "differences"]) { page in
        for mount in table.mounts.prefix(Self.mostDifferences) { page.element("li", "\(mount)") }
        let left = table.mounts.count - Self.mostDifferences
        if left > 0 { page.element("li", "… \(left) more") }
      }
    }
    let tree = TableTree(table)
    guard !tree.roots.isEmpty else { return }
    page.element("div", ["class": "scroll"]) { page in
      page.element("div", ["class": "tree"]) { page in
        Self.write(tree.roots, to: &page)
      }
    }
  }

  private static let mostDifferences = 12
  private static let mostTables = 12

  /// Stretches without a difference are folded, the way to each difference stays open.
  private static func write(_ nodes: [TableTree.Node], to page: inout HTMLBuilder) {
    page.element("ul") { page in
      var agreeing: [TableTree.Node] = []
      func fold(_ page: inout HTMLBuilder) {
        guard !agreeing.isEmpty else { return }
        let count = agreeing.reduce(0) { $0 + $1.size }
        page.element("li") { page in
          page.element("details") { page in
            page.element("summary", "\(count) unchanged")
            page.element("ul") { page in
              for node in agreeing { write(node, to: &page) }
            }
          }
        }
        agreeing = []
      }
      for node in nodes {
        if node.differs {
          fold(&page)
          write(node, to: &page)
        } else {
          agreeing.append(node)
        }
      }
      fold(&page)
    }
  }

  private static func write(_ node: TableTree.Node, to page: inout HTMLBuilder) {
    let side =
      switch node.side {
      case .predicted: "predicted"
      case .observed: "observed"
      case .same: "same"
      }
    page.element("li") { page in
      page.element("div", ["class": "mount \(side)"]) { page in
        page.element("span", ["class": "sign"], node.side.rawValue)
        page.element("span", ["class": "place"], node.mountpoint)
        page.element("span", ["class": "note"], node.rest)
      }
      if !node.children.isEmpty { write(node.children, to: &page) }
    }
  }
}
