import Foundation

/// The summary of a soak, in words.
enum SoakText {
  static func summary(
    _ state: SoakState, folder: String, isRunning: Bool, outcome: Soak.Outcome
  ) -> String {
    var lines = [
      "soak         \(folder), seed 0x\(String(state.base, radix: 16)), shard \(state.shard)",
      "time         \(seconds(state.elapsedSeconds)) of \(seconds(state.durationSeconds))"
        + (state.restarts > 0 ? ", \(state.restarts) restarts" : ""),
      "rounds       \(state.rounds), \(state.newRounds) of them with new seeds; "
        + "\(state.answers) answers checked",
    ]
    for (profile, tally) in state.tallies.sorted(by: { $0.key < $1.key }) {
      let words = tally.rounds.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      lines.append("  \(profile): " + words.joined(separator: ", "))
      for (issue, count) in tally.knownIssues.sorted(by: { $0.key < $1.key }) {
        lines.append("    known: \(issue), in \(count) rounds")
      }
    }
    for seed in state.failing {
      lines.append(
        "failing      \(seed.profile), seed 0x\(String(seed.seed, radix: 16)): "
          + "\(seed.outcome.rawValue), \(seed.failures) of \(seed.runs) runs"
          + (seed.finding.map { ": \($0.split(separator: "\n").first ?? "")" } ?? ""))
      lines.append(
        "             again: nsstorm run \(seed.profile) --seed 0x\(String(seed.seed, radix: 16))")
    }
    lines += growth(state)
    if let round = state.current {
      lines.append("under way    round \(round.number): \(round.profile), seed \(round.seedText)")
    }
    lines += state.notes.map { "note         \($0)" }
    lines.append("verdict      " + (isRunning ? "not over; so far " : "") + word(outcome))
    return lines.joined(separator: "\n") + "\n"
  }

  private static func growth(_ state: SoakState) -> [String] {
    guard state.measurements.count >= Slope.fewestRounds else { return [] }
    var lines: [String] = []
    let leaks = Slope.leaks(in: state.measurements)
    for growth in Growth.allCases {
      guard let slope = Slope(state.measurements.compactMap(growth.value)) else {
        lines.append("slope        \(growth.rawValue): cannot be read here")
        continue
      }
      let isLeak = leaks.contains { $0.0 == growth }
      lines.append(
        "slope        \(growth.rawValue): " + String(format: "%+.2f a round", slope.perRound)
          + (isLeak ? ", GROWS beyond chance" : ""))
    }
    return lines
  }

  private static func word(_ outcome: Soak.Outcome) -> String {
    switch outcome {
    case .kernelFault: "the kernel shows faults"
    case .diverged: "kernel and engine disagree"
    case .neverReleased: "something was never released"
    case .harnessFailed: "the harness failed"
    case .interrupted: "interrupted; nothing was found"
    case .nothingChecked: "nothing was checked"
    case .agreed: "kernel and engine agree, apart from known issues"
    }
  }

  private static func seconds(_ value: Double) -> String { "\(Int(value)) s" }
}
