public import Foundation
import StormKernel
public import StormRun
import StormVerdict

/// The result of a run as JSON; `docs/results.md` documents every field.
public struct RunDocument: Encodable {
  /// Raised when a field is removed or changes its meaning; new fields may come without.
  public static let version = 1

  private let nsstorm = "run"
  private let version = RunDocument.version
  private let kernel: RunningKernel
  private let rules: String
  private let profile: String
  private let seed: String
  private let outcome: RunSummary.Outcome
  private let exitCode: Int32
  private let storm: RunSummary.Storm
  private let checks: RunSummary.Checks
  private let divergences: [FoundDivergence]
  private let faults: [String]
  private let skips: [Skip]
  private let warnings: [String]
  private let memory: RunSummary.Memory?
  private let times: RunSummary.Times

  private struct FoundDivergence: Encodable {
    var divergence: Divergence
    var replay: String
  }

  public init(_ summary: RunSummary, text: RunText, strict: Bool, exitCode: Int32) {
    kernel = summary.kernel
    rules = "\(summary.rules)"
    profile = summary.profile
    seed = "\(summary.seed)"
    outcome = summary.outcome(strict: strict)
    self.exitCode = exitCode
    storm = summary.storm
    checks = summary.checks
    divergences = summary.divergences.map {
      FoundDivergence(divergence: $0.divergence, replay: text.command($0.replay))
    }
    faults = summary.faults.map(RunText.describe)
    skips = summary.skips
    warnings = summary.warnings
    memory = summary.memory
    times = summary.times
  }

  public func data() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(self) + Data("\n".utf8)
  }
}
