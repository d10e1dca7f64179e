/// How times developed on each machine, and where they changed.
public struct Trends: Hashable, Sendable {
  /// One number for each run of a profile on a machine.
  public struct Series: Hashable, Sendable {
    public var profile: String
    public var machine: String
    public var kind: HistoryRun.Timing.Kind
    public var what: String
    public var values: [Value]
    public var changes: ChangePoints

    public struct Value: Hashable, Sendable {
      public var run: String
      public var startedAt: String
      public var kernel: String
      public var medianNanoseconds: Double
    }
  }

  public var series: [Series]
  /// Series that were too short to say anything.
  public var shortSeries: Int
  public var confidence: Double

  /// - Parameters:
  ///   - runs: the oldest first.
  ///   - confidence: changes that are less sure are left out.
  public init(_ runs: [HistoryRun], confidence: Double = 0.95) {
    struct Key: Hashable, Comparable {
      var profile: String
      var machine: String
      var kind: String
      var what: String

      static func < (left: Key, right: Key) -> Bool {
        (left.profile, left.machine, left.kind, left.what)
          < (right.profile, right.machine, right.kind, right.what)
      }
    }
    var values: [Key: [Series.Value]] = [:]
    for run in runs {
      for timing in run.timings where timing.count >= Self.fewestCalls {
        let key = Key(
          profile: run.profile, machine: "\(run.machineName) (\(run.machine))",
          kind: timing.kind.rawValue, what: timing.what)
        values[key, default: []].append(
          .init(
            run: run.id, startedAt: run.startedAt, kernel: run.kernel,
            medianNanoseconds: Double(timing.medianNanoseconds)))
      }
    }
    let long = values.filter { $0.value.count >= 2 * ChangePoints.shortestStretch }
    self.confidence = confidence
    shortSeries = values.count - long.count
    series = long.sorted { $0.key < $1.key }.compactMap { key, values in
      guard let kind = HistoryRun.Timing.Kind(rawValue: key.kind) else { return nil }
      return Series(
        profile: key.profile, machine: key.machine, kind: kind, what: key.what, values: values,
        changes: ChangePoints(
          values.map(\.medianNanoseconds), confidence: confidence, seriesCount: long.count))
    }
  }

  /// The median of fewer calls says more about the moment than about the kernel.
  static let fewestCalls = 20
}
