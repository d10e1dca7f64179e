import Foundation

/// What a history says, as text in columns.
public enum HistoryText {
  // MARK: - Lists

  public static func list(_ runs: [HistoryRun]) -> String {
    guard !runs.isEmpty else { return "no runs\n" }
    var rows = [
      ["began", "kernel", "machine", "profile", "seed", "verdict", "calls", "time", "run"]
    ]
    for run in runs {
      rows.append([
        run.startedAt, run.kernel, run.machineName, run.profile, run.seed, verdict(run),
        "\(run.steps + run.volleyCalls)", time(Double(run.totalNanoseconds)), run.id,
      ])
    }
    return table(rows, right: [6, 7])
  }

  public static func json(_ runs: [HistoryRun]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(runs), as: UTF8.self) + "\n"
  }

  private static func verdict(_ run: HistoryRun) -> String {
    let known = Set(run.divergences.flatMap(\.knownIssues)).count
    return known == 0 ? run.outcome : "\(run.outcome) (\(known) known)"
  }

  // MARK: - Two kernels

  public static func comparison(
    _ comparison: KernelComparison, names: [String], confidence: Double
  ) -> String {
    var text = ""
    for profile in comparison.profiles {
      text += "\(profile.name)\n"
      for (side, name) in names.enumerated() {
        let outcomes = profile.outcomes[side].sorted { $0.key < $1.key }
          .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        text += "  \(name): \(profile.runs[side]) runs: \(outcomes)\n"
      }
      for finding in profile.findings {
        let known =
          finding.knownIssues.isEmpty ? "" : " [\(finding.knownIssues.joined(separator: ", "))]"
        text += "  \(finding.signature)\(known): "
        text +=
          zip(names, finding.runs).map { "\($0) \($1.count) of \($1.total)" }
          .joined(separator: ", ") + "\n"
      }
      let changed = profile.timings.filter { $0.samples.confidence >= confidence }
        .sorted { abs(log($0.samples.ratio)) > abs(log($1.samples.ratio)) }
      if !changed.isEmpty {
        var rows = [["time of", names[0], names[1], "ratio", "confidence", "machine"]]
        for timing in changed {
          rows.append([
            what(timing.kind, timing.what), time(timing.samples.medianBefore),
            time(timing.samples.medianAfter), ratio(timing.samples.ratio),
            percent(timing.samples.confidence), timing.machine,
          ])
        }
        text += table(rows, right: [1, 2, 3, 4], indent: 2)
      }
      text +=
        "  \(profile.timings.count - changed.count) of \(profile.timings.count) times without a change "
        + "at \(percent(confidence)) confidence\n"
    }
    if comparison.profiles.isEmpty { text += "no profile was run on both kernels\n" }
    if !comparison.uncompared.isEmpty {
      text += "run on one of them only: \(comparison.uncompared.joined(separator: ", "))\n"
    }
    return text
  }

  // MARK: - Trends

  public static func trends(_ trends: Trends) -> String {
    var text = ""
    let changed = trends.series.filter { !$0.changes.points.isEmpty }
    for series in changed {
      text += "\(series.profile) on \(series.machine), \(what(series.kind, series.what))\n"
      for point in series.changes.points {
        let value = series.values[point.index]
        let before = series.values[point.index - 1]
        let kernels =
          before.kernel == value.kernel ? value.kernel : "\(before.kernel) -> \(value.kernel)"
        text +=
          "  \(time(point.medianBefore)) -> \(time(point.medianAfter)) (\(ratio(point.ratio))) "
          + "with run \(value.run) of \(value.startedAt), kernel \(kernels), "
          + "confidence \(percent(point.confidence))\n"
      }
    }
    let quiet = trends.series.count - changed.count
    text += "\(quiet) series without a change at \(percent(trends.confidence)) confidence"
    if trends.shortSeries > 0 {
      text +=
        "; \(trends.shortSeries) too short to say (fewer than \(2 * ChangePoints.shortestStretch) runs)"
    }
    return text + "\n"
  }

  // MARK: - Flakiness

  public static func flakiness(_ flakiness: Flakiness) -> String {
    guard !flakiness.profiles.isEmpty else { return "no runs that came to a verdict\n" }
    var rows = [
      ["profile", "runs", "repeated", "mixed", "disagreeing", "of", "rate", "95% interval"]
    ]
    for profile in flakiness.profiles {
      let share = profile.disagreeing
      rows.append([
        profile.name, "\(profile.runs)", "\(profile.repeatedConditions)",
        "\(profile.mixedConditions)", "\(share.count)", "\(share.total)",
        share.total == 0 ? "-" : percent(share.value),
        share.total == 0
          ? "-" : "\(percent(share.interval.lowerBound)) to \(percent(share.interval.upperBound))",
      ])
    }
    var text = table(rows, right: [1, 2, 3, 4, 5, 6])
    for profile in flakiness.profiles {
      for entry in profile.cases {
        text += "\(entry.name): different verdicts under \(entry.conditions) of the conditions\n"
      }
      for signature in profile.signatures {
        text += "\(profile.name): comes and goes: \(signature)\n"
      }
    }
    return text
  }

  // MARK: - Columns and numbers

  private static func what(_ kind: HistoryRun.Timing.Kind, _ what: String) -> String {
    kind == .latency ? what : "release lag of \(what)"
  }

  private static func table(_ rows: [[String]], right: Set<Int>, indent: Int = 0) -> String {
    var widths: [Int] = []
    for row in rows {
      for (index, cell) in row.enumerated() {
        if index == widths.count { widths.append(0) }
        widths[index] = max(widths[index], cell.count)
      }
    }
    return rows.map { row in
      let cells = row.enumerated().map { index, cell in
        let padding = String(repeating: " ", count: widths[index] - cell.count)
        if right.contains(index) { return padding + cell }
        return index == row.count - 1 ? cell : cell + padding
      }
      return String(repeating: " ", count: indent) + cells.joined(separator: "  ") + "\n"
    }.joined()
  }

  private static func time(_ nanoseconds: Double) -> String {
    switch nanoseconds {
    case ..<1_000: "\(Int(nanoseconds)) ns"
    case ..<1_000_000: "\(tenths(nanoseconds / 1_000)) µs"
    case ..<1_000_000_000: "\(tenths(nanoseconds / 1_000_000)) ms"
    default: "\(tenths(nanoseconds / 1_000_000_000)) s"
    }
  }

  private static func ratio(_ value: Double) -> String {
    value.isFinite ? "×\((value * 100).rounded() / 100)" : "-"
  }

  private static func percent(_ value: Double) -> String {
    // Never rounded up to certainty.
    "\(tenths((value * 1_000).rounded(.down) / 10))%"
  }

  private static func tenths(_ value: Double) -> String {
    let rounded = (value * 10).rounded() / 10
    return rounded >= 100 || rounded == rounded.rounded()
      ? "\(Int(rounded.rounded()))" : "\(rounded)"
  }
}
