public import StormEngine
import StormVocabulary

/// Judges contended windows one after the other: is there an order of all points of all calls that gives every answer
/// and the tables of the closing point?
///
/// Different orders may end in states that show the same tables and differ in what does not show (where a descriptor
/// points, which mount of a group is the master). So the last windows are kept, and when a window cannot be explained
/// their orders are searched again together with it.
public struct ConcurrencyChecker: ~Copyable {
  /// What the windows so far came to.
  public struct Tally: Hashable, Sendable, Codable {
    public var explained = 0
    public var violated = 0
    public var unknown = 0
    public var calls = 0
    /// Pairs of calls that overlapped in time on the same mounts.
    public var conflicts = 0
    public var steps = 0
    public var latitude = LatitudeUse()
    /// Windows that were explained only by another order of earlier ones.
    public var revised = 0

    public init() {}
  }

  /// Windows that are kept, with the state before them; several where only their common search explained the last.
  private struct Kept {
    var windows: [ContendedWindow]
    var mark: MountModel.Checkpoint
    var start: PointSearch.Passed
    var order: [OrderedPoint] = []
    var conflicts = 0
  }

  public let limits: SearchLimits
  /// Whether the kernel under test is known to miss references in busy checks (``Latitude/tornSum``).
  public var allowsTornSums = false
  /// Known issues of the kernel under test that other rules reproduce; tried before a window is called wrong.
  public var knownIssues: [KnownIssue] = []
  public private(set) var tally = Tally()
  private var current: PointSearch.Passed
  private var kept: [Kept] = []
  /// Windows since the journal was begun.
  private var journaled = 0
  /// A window that is no longer kept may have ended in another state.
  private var isUncertain = false

  /// - Parameter comparison: agrees with the model's tables at the first opening point; without regard to order,
  ///   because ids are taken before the commit.
  public init(comparison: TableComparison, limits: SearchLimits = SearchLimits()) {
    self.limits = limits
    current = PointSearch.Passed(comparison: comparison)
  }

  /// The comparison at the last closing point, for those who go on with exact steps.
  public var comparison: TableComparison { current.comparison }

  /// Judges the next window.
  ///
  /// - Parameter model: stands at the window's opening point; afterwards at its closing point if the window is
  ///   explained, else at its opening point again, and the caller takes over the observed tables or stops.
  public mutating func check(
    _ window: ContendedWindow, against model: inout MountModel
  ) -> WindowVerdict {
    tally.calls += window.calls.count
    if journaled > 256 { forget(&model) }
    journaled += 1
    kept.append(Kept(windows: [window], mark: model.checkpoint(), start: current))
    // What cannot be explained alone, for the picture of a violation.
    var culprit = (window: window, filter: PlaceFilter?.none)
    var exhausted: ExhaustedBudget?
    let deadline = ProcessorClock.deadline(milliseconds: limits.milliseconds)
    var wentBack = false
    // First with few steps, because most explanations are found at once or are of another kind.
    for steps in [Self.firstSteps, limits.steps] {
      guard steps == Self.firstSteps || exhausted != nil else { break }
      exhausted = nil
      for pass in passes {
        // A known issue is named only where nothing else can be the explanation.
        if pass.allowsTornSums, exhausted != nil { break }
        if wentBack {
          // Going back before a mark has ended it.
          model.rollback(to: kept[0].mark)
          returnToOpening(from: 0, &model)
          wentBack = false
        }
        for first in beginnings {
          let now = ProcessorClock.nanoseconds
          guard now < deadline else { return giveUp(.milliseconds, at: 0, &model) }
          if first < kept.count - 1 { wentBack = true }
          model.rollback(to: kept[first].mark)
          let windows = kept[first...].flatMap(\.windows)
          var search = PartitionedSearch(
            windows: windows, from: kept[first].start, limits: limits,
            partition: WindowPartition(of: windows, startingFrom: model))
          search.limits.steps = min(steps, limits.steps)
          search.limits.milliseconds = max(1, Int((deadline - now) / 1_000_000))
          search.splitsWalks = pass.splitsWalks
          search.allowsTornSums = pass.allowsTornSums
          let outcome = search.run(&model)
          tally.steps += search.steps
          switch outcome {
          case .explained:
            if first < kept.count - 1 { tally.revised += 1 }
            return .explained(accept(search, from: first, steps: search.steps, &model))
          case .exhausted(let budget): exhausted = exhausted ?? budget
          case .inexplicable(let part, let filter):
            if first == kept.count - 1, let last = part.last { culprit = (last, filter) }
          }
        }
      }
    }
    if let exhausted { return giveUp(exhausted, at: 0, &model) }
    if let explained = explainByKnownIssue(&model) { return .explained(explained) }
    if isUncertain { return giveUp(.earlierWindows, at: 0, &model) }
    tally.violated += 1
    model.rollback(to: kept[0].mark)
    returnToOpening(from: 0, &model)
    let explainer = ViolationExplainer(
      window: culprit.window, filter: culprit.filter, start: current, limits: limits)
    kept.removeLast()
    return .violated(explainer.explain(&model))
  }

  /// Looks whether the kept windows have an order under the rules of a kernel with one of the issues; then the model goes
  /// on under them.
  private mutating func explainByKnownIssue(_ model: inout MountModel) -> ExplainedWindow? {
    let intended = model.rules
    for issue in knownIssues {
      let rules = intended.applying([issue])
      guard rules != intended else { continue }
      model.rollback(to: kept[0].mark)
      model.changeRules(rules)
      let windows = kept.flatMap(\.windows)
      var search = PartitionedSearch(
        windows: windows, from: kept[0].start, limits: limits,
        partition: WindowPartition(of: windows, startingFrom: model))
      let outcome = search.run(&model)
      tally.steps += search.steps
      if case .explained = outcome {
        var explained = accept(search, from: 0, steps: search.steps, &model)
        explained.knownIssues = [issue.id]
        return explained
      }
      model.changeRules(intended)
    }
    return nil
  }

  /// The kept windows with which a search begins, one after the other: the last one alone, then always about twice as many,
  /// so that a search that fails is repeated as part of a longer one only a few times.
  private var beginnings: [Int] {
    var beginnings: [Int] = []
    var back = 0
    while back < kept.count - 1 {
      beginnings.append(kept.count - 1 - back)
      back = back * 2 + 1
    }
    return beginnings + [0]
  }

  /// Ever more is allowed: walks in parts, then what known issues of the kernel bring about.
  private var passes: [(splitsWalks: Bool, allowsTornSums: Bool)] {
    var passes = [(false, false), (true, false)]
    if allowsTornSums { passes += [(false, true), (true, true)] }
    return passes
  }

  /// Begins again at a quiescent point, after exact steps or after a window that was not explained.
  public mutating func restart(at model: inout MountModel, comparison: TableComparison) {
    model.discardCheckpoints()
    kept = []
    journaled = 0
    isUncertain = false
    current = PointSearch.Passed(comparison: comparison)
  }

  private static let firstSteps = 5_000

  private mutating func giveUp(
    _ budget: ExhaustedBudget, at first: Int, _ model: inout MountModel
  ) -> WindowVerdict {
    tally.unknown += 1
    model.rollback(to: kept[first].mark)
    returnToOpening(from: first, &model)
    kept.removeLast()
    return .unknown(budget)
  }

  /// From the state before a kept window to the opening point of the last one, by the orders that were found.
  private mutating func returnToOpening(from first: Int, _ model: inout MountModel) {
    for index in first..<(kept.count - 1) {
      kept[index].mark = model.checkpoint()
      PointReplay(windows: kept[index].windows, order: kept[index].order).run(&model)
    }
    kept[kept.count - 1].mark = model.checkpoint()
  }

  private mutating func accept(
    _ search: PartitionedSearch, from first: Int, steps: Int, _ model: inout MountModel
  ) -> ExplainedWindow {
    let windows = kept[first...].flatMap(\.windows)
    let number = windows.count - 1
    model.rollback(to: kept[first].mark)
    var counter = ConflictCounter(window: windows[number])
    PointReplay(windows: windows, order: search.order).run(&model) { window, call, footprint in
      if window == number { counter.note(call, footprint) }
    }
    let order = search.order.filter { $0.window == number }
    var latitude = LatitudeUse()
    for point in order { if let used = point.latitude { latitude.add(used) } }
    let conflicts = counter.conflicts
    kept[first].windows = windows
    kept[first].order = search.order
    kept[first].conflicts += conflicts
    kept.removeLast(kept.count - 1 - first)
    if let end = search.end { current = end }
    tally.explained += 1
    tally.conflicts += conflicts
    tally.latitude.add(latitude)
    if kept.count > limits.earlierWindows { dropOldest(&model) }
    return ExplainedWindow(order: order, latitude: latitude, steps: steps, conflicts: conflicts)
  }

  /// Gives up the possibility to revise the oldest kept window, after asking whether it could be revised at all.
  private mutating func dropOldest(_ model: inout MountModel) {
    if kept[0].conflicts > 0, !isUncertain { isUncertain = !hasOneEnd(&model) }
    kept.removeFirst()
  }

  /// Whether the oldest kept window can end in no other state than the one that was found.
  private mutating func hasOneEnd(_ model: inout MountModel) -> Bool {
    model.rollback(to: kept[0].mark)
    let search = PartitionedSearch(
      windows: kept[0].windows, from: kept[0].start, limits: limits,
      partition: WindowPartition(of: kept[0].windows, startingFrom: model))
    let (isUnique, steps) = search.hasOneEnd(
      kept[0].order, steps: Self.mostStepsForUniqueness, &model)
    tally.steps += steps
    model.rollback(to: kept[0].mark)
    // The marks behind it are gone; the orders lead back to the end.
    for index in kept.indices {
      kept[index].mark = model.checkpoint()
      PointReplay(windows: kept[index].windows, order: kept[index].order).run(&model)
    }
    return isUnique
  }

  private static let mostStepsForUniqueness = 5_000

  /// Ends the journal, which grows from window to window.
  private mutating func forget(_ model: inout MountModel) {
    while !kept.isEmpty { dropOldest(&model) }
    model.discardCheckpoints()
    journaled = 0
  }
}
