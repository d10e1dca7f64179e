import StormKernel
import StormPlanning
public import StormReport
import StormRun
import StormVerdict

/// A run as the history keeps it.
public struct HistoryRun: Hashable, Sendable, Codable {
  public var id: String
  /// UTC, as in ISO 8601: sorts as text.
  public var startedAt: String
  public var tool: String
  /// `uname -r`
  public var kernel: String
  /// `uname -v`
  public var build: String
  /// The same for all runs of one machine.
  public var machine: String
  public var machineName: String
  public var processors: Int
  public var rules: String
  public var profile: String
  public var seed: String
  public var isStrict: Bool
  /// How many steps were asked for; nil for the profile's own.
  public var stepLimit: Int?
  /// `agreed`, `diverged`, …, or `killed`.
  public var outcome: String
  public var exitCode: Int?
  public var steps = 0
  public var volleyCalls = 0
  public var succeededCalls = 0
  public var mountsMade = 0
  public var copiesPropagated = 0
  public var namespacesMade = 0
  public var answersChecked = 0
  public var entriesChecked = 0
  public var totalNanoseconds = 0
  public var kernelNanoseconds = 0
  public var memoryBytes: Int?
  /// Status of each case, by name.
  public var cases: [String: String] = [:]
  public var divergences: [FoundDivergence] = []
  public var timings: [Timing] = []

  public struct FoundDivergence: Hashable, Sendable, Codable {
    public var step: Int
    public var signature: String
    public var rule: String?
    /// Ids of known issues; empty for an unexplained one.
    public var knownIssues: [String]
  }

  public struct Timing: Hashable, Sendable, Codable {
    public enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
      /// Time inside a call.
      case latency
      /// Time from a call's return until what it let go of was really gone.
      case releaseLag
    }

    public var kind: Kind
    public var what: String
    public var count: Int
    public var minimumNanoseconds: Int
    public var meanNanoseconds: Int
    public var medianNanoseconds: Int
    public var p90Nanoseconds: Int
    public var p99Nanoseconds: Int
    public var maximumNanoseconds: Int
  }

  public init(_ record: RunRecord) {
    let began = record.began
    id = began.run.description
    startedAt = began.startedAt
    tool = began.tool
    kernel = began.kernel.release
    build = began.kernel.build
    machine = began.machine.identity
    machineName = began.machine.name
    processors = began.machine.processors
    rules = began.rules
    profile = began.profile
    seed = began.seed
    isStrict = began.isStrict
    stepLimit = began.stepLimit
    outcome = record.ended?.outcome.rawValue ?? Self.killed
    exitCode = record.ended.map { Int($0.exitCode) }
    cases = Dictionary(record.cases.map { ($0.name, $0.status.rawValue) }) { first, _ in first }
    divergences = record.divergences.map { found in
      let divergence = found.event.divergence
      return FoundDivergence(
        step: divergence.step, signature: divergence.signature, rule: divergence.rule,
        knownIssues: divergence.knownIssues)
    }
    guard let ended = record.ended else { return }
    steps = ended.storm.steps
    volleyCalls = ended.storm.volleyCalls
    succeededCalls = ended.storm.succeededCalls
    mountsMade = ended.storm.mountsMade
    copiesPropagated = ended.storm.copiesPropagated
    namespacesMade = ended.storm.namespacesMade
    answersChecked = ended.checks.answers
    entriesChecked = ended.checks.entries
    totalNanoseconds = Int(clamping: ended.times.totalNanoseconds)
    kernelNanoseconds = Int(clamping: ended.times.kernelNanoseconds)
    memoryBytes = ended.memory?.proportionalBytes
    timings = ended.latencies.map { Timing($0, kind: .latency) }
    for tally in ended.releasesByWay ?? [] {
      guard var lag = tally.lag else { continue }
      lag.what = "\(tally.phase): \(tally.way.rawValue)"
      timings.append(Timing(lag, kind: .releaseLag))
    }
    divergences += record.releases.map { found in
      FoundDivergence(
        step: found.event.replaySteps - 1, signature: found.event.finding.signature, rule: nil,
        knownIssues: [])
    }
  }

  static let killed = "killed"

  /// Whether it came to a judgement: interrupted and killed runs say nothing about how often something fails.
  public var isJudged: Bool {
    outcome != Self.killed && outcome != RunSummary.Outcome.interrupted.rawValue
  }

  public var hasAgreed: Bool { outcome == RunSummary.Outcome.agreed.rawValue }
}

extension HistoryRun.Timing {
  init(_ summary: LatencySummary, kind: Kind) {
    self.init(
      kind: kind, what: summary.what, count: summary.count,
      minimumNanoseconds: Int(clamping: summary.minimumNanoseconds),
      meanNanoseconds: Int(clamping: summary.meanNanoseconds),
      medianNanoseconds: Int(clamping: summary.medianNanoseconds),
      p90Nanoseconds: Int(clamping: summary.p90Nanoseconds),
      p99Nanoseconds: Int(clamping: summary.p99Nanoseconds),
      maximumNanoseconds: Int(clamping: summary.maximumNanoseconds))
  }
}
