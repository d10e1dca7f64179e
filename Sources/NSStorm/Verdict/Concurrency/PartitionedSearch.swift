import StormEngine
import StormVocabulary

/// Searches windows part by part where they fall into parts, and as a whole otherwise.
///
/// An order for each part is an order for all: parts commute, so their points are merged by the earliest moment at which
/// each can have been. What comes out is performed once more and compared with every answer and every table before it
/// counts; if that fails, the windows are searched as a whole.
struct PartitionedSearch {
  enum Outcome {
    case explained
    /// The part that has no explanation, alone.
    case inexplicable(windows: [ContendedWindow], filter: PlaceFilter?)
    case exhausted(ExhaustedBudget)
  }

  let windows: [ContendedWindow]
  let start: PointSearch.Passed
  var limits: SearchLimits
  var splitsWalks = false
  var allowsTornSums = false
  let partition: WindowPartition

  /// The order that explains the windows.
  private(set) var order: [OrderedPoint] = []
  /// The comparison at the last closing point.
  private(set) var end: PointSearch.Passed?
  private(set) var steps = 0

  init(
    windows: [ContendedWindow], from start: PointSearch.Passed, limits: SearchLimits,
    partition: WindowPartition
  ) {
    self.windows = windows
    self.start = start
    self.limits = limits
    self.partition = partition
  }

  /// Leaves the model at the end of the order that was found, and where it was otherwise.
  mutating func run(_ model: inout MountModel) -> Outcome {
    guard !partition.parts.isEmpty else { return whole(&model) }
    let beginning = model.checkpoint()
    var orders: [[OrderedPoint]] = []
    for part in partition.parts {
      let partWindows = self.windows(of: part)
      var search = self.search(partWindows, filter: partition.filter(part))
      let outcome = search.run(&model)
      steps += search.steps
      model.rollback(to: beginning)
      switch outcome {
      case .explained: orders.append(translated(search.order, of: part))
      case .exhausted(let budget): return .exhausted(budget)
      case .inexplicable:
        return .inexplicable(windows: partWindows, filter: partition.filter(part))
      }
    }
    order = merged(orders)
    if let end = confirm(&model) {
      self.end = end
      return .explained
    }
    model.rollback(to: beginning)
    return whole(&model)
  }

  /// Whether nothing but the end of this order explains the windows, as far as `steps` tell.
  func hasOneEnd(_ order: [OrderedPoint], steps: Int, _ model: inout MountModel) -> (Bool, Int) {
    let beginning = model.checkpoint()
    var limits = self.limits
    limits.steps = min(limits.steps, steps)
    var spent = 0
    let parts: [WindowPartition.Part?] = partition.parts.isEmpty ? [nil] : partition.parts
    for part in parts {
      let windows = part.map(self.windows) ?? self.windows
      let members = part.map { $0.calls.map(Set.init) }
      let own = order.filter { members?[$0.window].contains($0.call) ?? true }
      PointReplay(windows: self.windows, order: own).run(&model)
      var search = PointSearch(
        windows: windows, from: start, limits: limits, splitsWalks: false)
      search.filter = part.map(partition.filter)
      search.excludedEnd = search.endFingerprint(model)
      model.rollback(to: beginning)
      let outcome = search.run(&model)
      spent += search.steps
      model.rollback(to: beginning)
      guard case .inexplicable = outcome else { return (false, spent) }
    }
    return (true, spent)
  }

  private mutating func whole(_ model: inout MountModel) -> Outcome {
    var search = self.search(windows, filter: nil)
    let outcome = search.run(&model)
    steps += search.steps
    switch outcome {
    case .explained:
      order = search.order
      end = search.passed.last
      return .explained
    case .exhausted(let budget): return .exhausted(budget)
    case .inexplicable: return .inexplicable(windows: windows, filter: nil)
    }
  }

  private func search(_ windows: [ContendedWindow], filter: PlaceFilter?) -> PointSearch {
    var search = PointSearch(
      windows: windows, from: start, limits: limits, splitsWalks: splitsWalks)
    search.filter = filter
    search.allowsTornSums = allowsTornSums
    return search
  }

  // MARK: parts

  private func windows(of part: WindowPartition.Part) -> [ContendedWindow] {
    let filter = partition.filter(part)
    return windows.enumerated().map { number, window in
      var window = window
      window.calls = part.calls[number].map { windows[number].calls[$0] }
      window.tables = window.tables?.map {
        NamespaceTable(namespace: $0.namespace, table: filter.part(of: $0.table))
      }
      return window
    }
  }

  private func translated(
    _ order: [OrderedPoint], of part: WindowPartition.Part
  ) -> [OrderedPoint] {
    order.map {
      var point = $0
      point.call = part.calls[$0.window][$0.call]
      return point
    }
  }

  /// All points, each at the earliest moment that its part's order and its call's start allow.
  private func merged(_ orders: [[OrderedPoint]]) -> [OrderedPoint] {
    struct Moment {
      var window: Int
      var nanoseconds: UInt64
      var point: OrderedPoint
    }
    var moments: [Moment] = []
    for order in orders {
      var now: UInt64 = 0
      var window = 0
      for point in order {
        // What is dropped at a closing point comes before it.
        window = max(window, point.window)
        now = max(now, windows[point.window].calls[point.call].startNanoseconds)
        moments.append(Moment(window: window, nanoseconds: now, point: point))
      }
    }
    // Stable by enumeration, so that each part keeps its order.
    return moments.enumerated().sorted {
      ($0.element.window, $0.element.nanoseconds, $0.offset)
        < ($1.element.window, $1.element.nanoseconds, $1.offset)
    }.map(\.element.point)
  }

  /// Performs the merged order; the comparison at its end, or nil where an answer or a table is another.
  private func confirm(_ model: inout MountModel) -> PointSearch.Passed? {
    var last = start
    for (number, window) in windows.enumerated() {
      let replay = PointReplay(windows: windows, order: order.filter { $0.window == number })
      guard replay.run(&model) else { return nil }
      guard let tables = window.tables else { continue }
      let predicted = model.livingProcesses.map {
        NamespaceTable(namespace: $0, table: model.table(seenBy: $0))
      }
      guard last.comparison.restart(predicted: predicted, observed: tables).isEmpty else {
        return nil
      }
    }
    return last
  }
}
