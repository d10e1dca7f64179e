import StormEngine
import StormTrace
import StormVerdict
import StormVocabulary

/// The plain report of `nsstorm check`: a line for each trace, its divergences below it, and one line at the end.
struct CheckText {
  let text: String
  private static let mostUnansweredCalls = 50

  init(_ verdicts: [TraceVerdict], _ summary: CheckSummary) {
    var lines: [String] = []
    for verdict in verdicts {
      lines.append(Self.line(verdict))
      lines += verdict.unansweredCalls.prefix(Self.mostUnansweredCalls).map {
        "  never answered: \($0)"
      }
      lines += verdict.warnings.map { "  warning: \($0)" }
      for divergence in verdict.divergences {
        lines += "\(divergence)".split(separator: "\n", omittingEmptySubsequences: false)
          .map { "  \($0)" }
        lines += divergence.knownIssues.compactMap { id in
          KnownIssue.catalogue.first { $0.id == id }
        }.map { "    \($0.id): \($0.title); fixed in \($0.fixedEverywhere)" }
      }
      lines += Self.lines(verdict.releases)
      lines += verdict.absentIssues.map {
        "  known issue \($0.issue) affects this release and should have shown at step \($0.step), but did not"
      }
    }
    if verdicts.count > 1 { lines.append(Self.summary(summary, traces: verdicts.count)) }
    text = lines.joined(separator: "\n")
  }

  private static func line(_ verdict: TraceVerdict) -> String {
    let outcome = CheckOutcome(verdict).rawValue
    let column = outcome + String(repeating: " ", count: max(1, 10 - outcome.count))
    if let failure = verdict.failure {
      return column + "\(failure)" + (verdict.steps > 0 ? " (\(counts(verdict)) before)" : "")
    }
    var parts = ["\(verdict.file)", verdict.kernel ?? "", counts(verdict)]
    if let races = verdict.races { parts.append(Self.words(races)) }
    if let releases = verdict.releases {
      parts.append(
        "\(releases.rounds) release rounds, "
          + (releases.findings.isEmpty
            ? "all as promised" : "\(releases.brokenRounds) not as promised"))
    }
    let unexplained = verdict.unexplainedDivergences.count
    if unexplained > 0 { parts.append("\(unexplained) divergence\(unexplained == 1 ? "" : "s")") }
    let known = Set(verdict.divergences.flatMap(\.knownIssues)).sorted()
    if !known.isEmpty { parts.append("known: \(known.joined(separator: ", "))") }
    switch verdict.ending {
    case .cutOff: parts.append("cut off after step \(verdict.steps)")
    case .cutOffInLine(let line): parts.append("cut off in line \(line)")
    case .complete, .unread: break
    }
    if verdict.doubtfulSteps > 0 {
      parts.append("\(verdict.doubtfulSteps) steps checked in doubt")
    }
    if verdict.uncheckedSteps > 0 { parts.append("\(verdict.uncheckedSteps) steps not checked") }
    return column + parts.filter { !$0.isEmpty }.joined(separator: "; ")
  }

  private static func words(_ races: TraceVerdict.Races) -> String {
    var text =
      "\(races.windows) windows with \(races.calls) racing calls, \(races.explained) explained, "
    text += "\(races.conflicts) conflicts"
    if races.unknown > 0 { text += ", \(races.unknown) unknown" }
    if races.unjudged > 0 { text += ", \(races.unjudged) not judged" }
    return text
  }

  /// Each different finding once, as it showed first.
  private static func lines(_ releases: TraceVerdict.Releases?) -> [String] {
    let findings = releases?.findings ?? []
    var seen: Set<String> = []
    return findings.filter { seen.insert($0.finding.signature).inserted }.flatMap { first in
      let count = findings.count { $0.finding.signature == first.finding.signature }
      return "\(first.finding)".split(separator: "\n").map { "  \($0)" }
        + ["    in line \(first.line)" + (count > 1 ? ", and \(count - 1) times more" : "")]
    }
  }

  private static func counts(_ verdict: TraceVerdict) -> String {
    "\(verdict.steps) steps, \(verdict.checks.errnos) answers, \(verdict.checks.tables) tables, "
      + "\(verdict.checks.mounts) mounts"
  }

  private static func summary(_ summary: CheckSummary, traces: Int) -> String {
    let words: [(CheckOutcome, String)] = [
      (.agrees, "agree"), (.known, "with known issues"), (.diverges, "diverge"),
      (.unreleased, "with what was never released"),
      (.damaged, "damaged"), (.unchecked, "without a step"),
    ]
    let outcomes = words.compactMap { outcome, word in
      summary.outcomes[outcome].map { "\($0) \(word)" }
    }
    return
      "\(traces) traces: \(outcomes.joined(separator: ", ")); compared \(summary.checks.errnos) "
      + "answers, \(summary.checks.tables) tables, \(summary.checks.mounts) mounts"
      + (summary.uncheckedSteps > 0 ? "; \(summary.uncheckedSteps) steps not checked" : "")
  }
}

extension KnownIssue {
  /// `6.12.117, 7.2`.
  var fixedEverywhere: String {
    (fixedInStable + [fixed]).sorted().map {
      $0.patch == 0 ? "\($0.major).\($0.minor)" : "\($0)"
    }.joined(separator: ", ")
  }
}
