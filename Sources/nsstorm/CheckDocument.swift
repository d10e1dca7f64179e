import StormTrace
import StormVerdict
import StormVocabulary

/// The JSON of `nsstorm check --json`, version 1 (docs/check-json.md). A new key is no new version.
struct CheckDocument: Encodable {
  let schema = "nsstorm-check"
  let version = 1
  let exitCode: Int32
  let summary: Summary
  let traces: [Trace]

  struct Summary: Encodable {
    let traces: Int
    let outcomes: [String: Int]
    let steps: Int
    let uncheckedSteps: Int
    let checks: StepCheck.Tally
  }

  struct Trace: Encodable {
    let file: String
    let outcome: CheckOutcome
    let kernel: String?
    let rules: String?
    let steps: Int
    let uncheckedSteps: Int
    let doubtfulSteps: Int
    let checks: StepCheck.Tally
    let races: TraceVerdict.Races?
    let releases: TraceVerdict.Releases?
    let complete: Bool
    let divergences: [Divergence]
    let absentIssues: [TraceVerdict.AbsentIssue]
    let warnings: [String]
    let failure: Failure?
  }

  struct Failure: Encodable {
    let kind: TraceError.Kind
    let line: Int
    let message: String
  }

  init(_ verdicts: [TraceVerdict], _ summary: CheckSummary) {
    exitCode = summary.status.rawValue
    self.summary = Summary(
      traces: verdicts.count,
      outcomes: Dictionary(
        uniqueKeysWithValues: summary.outcomes.map { ($0.key.rawValue, $0.value) }),
      steps: summary.steps, uncheckedSteps: summary.uncheckedSteps, checks: summary.checks)
    traces = verdicts.map { verdict in
      Trace(
        file: verdict.file, outcome: CheckOutcome(verdict), kernel: verdict.kernel,
        rules: verdict.release?.description, steps: verdict.steps,
        uncheckedSteps: verdict.uncheckedSteps, doubtfulSteps: verdict.doubtfulSteps,
        checks: verdict.checks, races: verdict.races, releases: verdict.releases,
        complete: verdict.ending == .complete, divergences: verdict.divergences,
        absentIssues: verdict.absentIssues, warnings: verdict.warnings,
        failure: verdict.failure.map {
          Failure(kind: $0.kind, line: $0.line, message: $0.message)
        })
    }
  }

  var text: String {
    get throws {
      try JSONDocument.text(self)
    }
  }
}
