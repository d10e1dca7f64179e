import StormEngine
import StormVocabulary

/// Makes a window that no order explains small: the shortest beginning that has no explanation, the order that
/// explains most of it, and why nothing continues that order.
struct ViolationExplainer {
  let window: ContendedWindow
  /// Where only a part of the calls is looked at: the entries of the tables that it can change.
  let filter: PlaceFilter?
  let start: PointSearch.Passed
  let limits: SearchLimits

  /// - Parameter model: at the opening point of the window, and there again afterwards.
  func explain(_ model: inout MountModel) -> ConcurrencyViolation {
    let opening = model.checkpoint()
    defer { model.rollback(to: opening) }
    // A longer beginning asks more of the same orders, so the shortest one without an explanation is found by halving.
    let ends = window.calls.map(\.endNanoseconds).sorted()
    var low = 0
    var high = ends.count
    while low < high {
      let middle = (low + high) / 2
      if isExplicable(until: ends[middle], &model) { low = middle + 1 } else { high = middle }
    }
    if low == ends.count { return tablesAlone(&model) }
    return errno(until: ends[low], &model)
  }

  private func search(until cut: UInt64?, splitsWalks: Bool) -> PointSearch {
    var beginning = window
    if cut != nil { beginning.tables = nil }
    var search = PointSearch(
      windows: [beginning], from: start, limits: limits, splitsWalks: splitsWalks, cut: cut)
    search.filter = filter
    return search
  }

  private func isExplicable(until cut: UInt64, _ model: inout MountModel) -> Bool {
    let opening = model.checkpoint()
    defer { model.rollback(to: opening) }
    for splitsWalks in [false, true] {
      var search = self.search(until: cut, splitsWalks: splitsWalks)
      switch search.run(&model) {
      case .explained: return true
      // Unknown counts as explicable: a beginning is called wrong only when that is proven.
      case .exhausted: return true
      case .inexplicable: break
      }
    }
    return false
  }

  private func errno(until cut: UInt64, _ model: inout MountModel) -> ConcurrencyViolation {
    var search = self.search(until: cut, splitsWalks: false)
    _ = search.run(&model)
    return violation(
      until: cut, order: search.deepest.order, continuations: search.deepest.continuations,
      tables: [], search)
  }

  private func tablesAlone(_ model: inout MountModel) -> ConcurrencyViolation {
    var search = self.search(until: nil, splitsWalks: false)
    search.looksAhead = false
    _ = search.run(&model)
    return violation(
      until: nil, order: search.nearest?.order ?? search.deepest.order,
      continuations: search.nearest == nil ? search.deepest.continuations : [],
      tables: search.nearest?.differences ?? [], search)
  }

  /// Shows the calls since the last moment before the end at which nothing was in progress.
  private func violation(
    until cut: UInt64?, order: [OrderedPoint], continuations: [FailedContinuation],
    tables: [TableDifference], _ search: PointSearch
  ) -> ConcurrencyViolation {
    let horizon = cut ?? .max
    let ordered = window.calls.indices.filter {
      window.calls[$0].startNanoseconds <= horizon
    }
    .sorted {
      (window.calls[$0].startNanoseconds, window.calls[$0].endNanoseconds, $0)
        < (window.calls[$1].startNanoseconds, window.calls[$1].endNanoseconds, $1)
    }
    var begin = 0
    if cut != nil {
      var latestEnd: UInt64 = 0
      for (position, index) in ordered.enumerated() {
        if window.calls[index].startNanoseconds > latestEnd { begin = position }
        latestEnd = max(latestEnd, window.calls[index].endNanoseconds)
      }
    }
    let shown = Array(ordered[begin...])
    var positions: [Int: Int] = [:]
    for (position, index) in shown.enumerated() { positions[index] = position }
    return ConcurrencyViolation(
      calls: shown.map { window.calls[$0] },
      hasEnded: shown.map { index in cut.map { window.calls[index].endNanoseconds <= $0 } ?? true },
      explainedBefore: begin,
      bestOrder: order.compactMap { point in
        positions[point.call].map { position in
          var point = point
          point.call = position
          point.window = 0
          return point
        }
      },
      continuations: continuations.compactMap { continuation in
        positions[continuation.call].map { position in
          var continuation = continuation
          continuation.call = position
          return continuation
        }
      },
      tables: tables, endStates: search.endStates, steps: search.steps)
  }
}
