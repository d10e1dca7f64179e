public import StormReproduction
import StormTrace
import StormVerdict

/// The plain text of a replay: each different outcome once, with how often it came, and the rate.
public struct ReplayText {
  public let lines: [String]

  public init(_ result: Replay.Result, isStrict: Bool) {
    var lines: [String] = []
    var shown: [String: Int] = [:]
    var order: [(word: String, text: String)] = []
    for outcome in result.outcomes {
      for found in outcome.divergences {
        let divergence = found.divergence
        let word = divergence.knownIssues.isEmpty ? "divergence" : "known issue"
        let key = "\(word): \(divergence.signature) at step \(divergence.step)"
        if shown[key] == nil { order.append((key, "\(word): \(divergence)")) }
        shown[key, default: 0] += 1
      }
      for found in outcome.releaseFindings {
        let key = "release \(found.finding.signature)"
        if shown[key] == nil { order.append((key, "wrong release: \(found.finding)")) }
        shown[key, default: 0] += 1
      }
      for fault in outcome.faults {
        lines.append("kernel fault: \(FaultEvent(fault, phase: -1).text)")
      }
    }
    for (key, text) in order {
      let count = shown[key] ?? 0
      let times = key.hasPrefix("release ") ? "\(count) times" : "in \(count) of the runs"
      lines.append(text + (result.outcomes.count > 1 || count > 1 ? "\n  \(times)" : ""))
    }
    let calls = result.outcomes.reduce(0) { $0 + $1.calls }
    let skipped = result.outcomes.reduce(0) { $0 + $1.skippedCalls }
    let tables = result.outcomes.reduce(0) { $0 + $1.checks.tables }
    let mounts = result.outcomes.reduce(0) { $0 + $1.checks.mounts }
    lines.append(
      "checked      \(calls) answers, \(tables) tables with \(mounts) entries"
        + (skipped > 0 ? "; \(skipped) calls skipped, their processes never came to life" : ""))
    let races = result.outcomes.compactMap(\.races)
    if !races.isEmpty {
      func sum(_ count: (TraceVerdict.Races) -> Int) -> Int { races.reduce(0) { $0 + count($1) } }
      lines.append(
        "races        \(sum(\.windows)) windows with \(sum(\.calls)) calls, \(sum(\.explained)) explained, "
          + "\(sum(\.unknown)) unknown, \(sum(\.conflicts)) conflicts")
    }
    let rounds = result.outcomes.reduce(0) { $0 + $1.releaseRounds }
    if rounds > 0 {
      let wrong = result.outcomes.reduce(0) { $0 + Set($1.releaseFindings.map(\.position)).count }
      lines.append(
        "releases     \(rounds) rounds, "
          + (wrong == 0 ? "all as promised" : "\(wrong) not as promised"))
    }
    let skippedRounds = result.outcomes.reduce(into: [:]) {
      $0.merge($1.skippedRounds, uniquingKeysWith: +)
    }
    for (why, count) in skippedRounds.sorted(by: { $0.key < $1.key }) {
      lines.append("skipped      \(count) × \(why)")
    }
    if result.symptom != nil { lines.append("reproduced   \(result.rate)") }
    if result.others.successes > 0 || result.symptom == nil {
      lines.append("others       other divergences in \(result.others)")
    }
    lines.append("verdict      \(Self.verdict(result, isStrict: isStrict))")
    self.lines = lines
  }

  private static func verdict(_ result: Replay.Result, isStrict: Bool) -> String {
    if result.outcomes.contains(where: { !$0.faults.isEmpty }) {
      return "the kernel shows a fault"
    }
    if result.outcomes.contains(where: { !$0.unexplained.isEmpty }) {
      return result.rate.successes > 0
        ? "the recorded divergence shows again" : "kernel and engine disagree"
    }
    if result.outcomes.contains(where: { !$0.releaseFindings.isEmpty }) {
      return result.rate.successes > 0
        ? "the recorded wrong release shows again" : "something was not released as promised"
    }
    if result.outcomes.contains(where: { !$0.divergences.isEmpty }) {
      return "kernel and engine agree, apart from known issues of this kernel"
        + (isStrict ? ", which count here" : "")
    }
    if result.outcomes.allSatisfy({ $0.succeededCalls == 0 }) {
      return "nothing meaningful was checked"
    }
    return result.symptom == nil
      ? "kernel and engine agree" : "kernel and engine agree: the symptom does not show here"
  }
}
