public import Foundation
import StormKernel
import StormRun
import StormVerdict

/// The result of a run as JSON; `docs/results.md` documents every field.
public struct RunDocument: Encodable {
  /// Raised when a field is removed or changes its meaning; new fields may come without.
  public static let version = 1

  private let nsstorm = "run"
  private let version = RunDocument.version
  private let tool: String
  private let run: RunIdentifier
  private let startedAt: String
  private let kernel: RunningKernel
  private let machine: MachineDescription
  private let rules: String
  private let profile: String
  private let seed: String
  private let strict: Bool
  private let outcome: String
  private let exitCode: Int32?
  private let storm: RunSummary.Storm?
  private let checks: RunSummary.Checks?
  private let cases: [CaseResult]
  private let divergences: [FoundDivergence]
  private let faults: [String]
  private let skips: [Skip]
  private let warnings: [String]
  private let memory: RunSummary.Memory?
  private let times: RunSummary.Times?
  private let latencies: [LatencySummary]
  private let coverage: [RuleUse]?
  private let releases: [ReleaseTally]?
  private let releasesByWay: [ReleaseTally]?
  private let releaseCounts: [RunSummary.ReleaseCounts]?
  private let releaseFindings: [FoundRelease]?
  private let windows: [WindowEvent]?
  private let races: RunSummary.Races?

  private struct FoundDivergence: Encodable {
    var divergence: Divergence
    var replay: String
    var window: Int?
  }

  private struct FoundRelease: Encodable {
    var finding: ReleaseFinding
    var replay: String
  }

  public init(_ record: RunRecord) {
    let began = record.began
    tool = began.tool
    run = began.run
    startedAt = began.startedAt
    kernel = began.kernel
    machine = began.machine
    rules = began.rules
    profile = began.profile
    seed = began.seed
    strict = began.isStrict
    outcome = record.ended?.outcome.rawValue ?? "killed"
    exitCode = record.ended?.exitCode
    storm = record.ended?.storm
    checks = record.ended?.checks
    cases = record.cases
    divergences = record.divergences.map {
      FoundDivergence(
        divergence: $0.event.divergence, replay: $0.event.replay, window: $0.event.window)
    }
    faults = record.faults.map(\.event.text)
    skips = record.skips
    warnings = record.warnings
    memory = record.ended?.memory
    times = record.ended?.times
    latencies = record.ended?.latencies ?? []
    coverage = record.ended?.coverage
    releases = record.ended?.releases
    releasesByWay = record.ended?.releasesByWay
    releaseCounts = record.ended?.releaseCounts
    releaseFindings =
      record.releases.isEmpty
      ? nil
      : record.releases.map { FoundRelease(finding: $0.event.finding, replay: $0.event.replay) }
    windows = record.unexplainedWindows.isEmpty ? nil : record.unexplainedWindows
    races = record.ended?.races
  }

  public func data() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
