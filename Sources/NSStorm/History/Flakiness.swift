/// How often the same run (profile, seed, kernel and machine) does not come to the same verdict.
public struct Flakiness: Hashable, Sendable {
  public struct Profile: Hashable, Sendable {
    public var name: String
    public var runs: Int
    /// Conditions that were run at least twice.
    public var repeatedConditions: Int
    /// Of those, the ones with more than one verdict.
    public var mixedConditions: Int
    /// Runs that disagree with most runs of their conditions, among all repeated runs.
    public var disagreeing: Share
    /// Cases that both passed and did not under the same conditions, and in how many of these.
    public var cases: [Case]
    /// Signatures that came and went under the same conditions.
    public var signatures: [String]
  }

  public struct Case: Hashable, Sendable {
    public var name: String
    public var conditions: Int
  }

  public var profiles: [Profile]

  public init(_ runs: [HistoryRun]) {
    struct Conditions: Hashable {
      var seed: String
      var kernel: String
      var build: String
      var machine: String
      var rules: String
      var isStrict: Bool
      var stepLimit: Int?
    }
    let judged = runs.filter(\.isJudged)
    let names = Set(judged.map(\.profile)).sorted()
    profiles = names.map { name in
      let own = judged.filter { $0.profile == name }
      let groups = Dictionary(grouping: own) { run in
        Conditions(
          seed: run.seed, kernel: run.kernel, build: run.build, machine: run.machine,
          rules: run.rules, isStrict: run.isStrict, stepLimit: run.stepLimit)
      }.values.filter { $0.count > 1 }
      var disagreeing = 0
      var mixed = 0
      var cases: [String: Int] = [:]
      var signatures: Set<String> = []
      for group in groups {
        let outcomes = Dictionary(group.map { ($0.outcome, 1) }, uniquingKeysWith: +)
        disagreeing += group.count - (outcomes.values.max() ?? 0)
        if outcomes.count > 1 { mixed += 1 }
        for (name, statuses) in Self.statuses(group) where statuses.count > 1 {
          cases[name, default: 0] += 1
        }
        let shown = group.map { Set($0.divergences.map(\.signature)) }
        let all = shown.reduce(Set()) { $0.union($1) }
        signatures.formUnion(
          all.filter { signature in !shown.allSatisfy { $0.contains(signature) } })
      }
      return Profile(
        name: name, runs: own.count, repeatedConditions: groups.count, mixedConditions: mixed,
        disagreeing: Share(disagreeing, of: groups.reduce(0) { $0 + $1.count }),
        cases: cases.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
          .map { Case(name: $0.key, conditions: $0.value) },
        signatures: signatures.sorted())
    }
  }

  /// What each case came to in the runs of one condition; that it was not reached says nothing.
  private static func statuses(_ group: [HistoryRun]) -> [String: Set<String>] {
    var statuses: [String: Set<String>] = [:]
    for run in group {
      for (name, status) in run.cases where status != "skipped" && status != "error" {
        statuses[name, default: []].insert(status)
      }
    }
    return statuses
  }
}
