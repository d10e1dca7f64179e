import StormKernel
public import StormRun
import StormVerdict

/// The plain text of a run's events and of its summary; no cursor movement.
public struct RunText: Sendable {
  private let style: TextStyle

  public init(style: TextStyle = .plain) {
    self.style = style
  }

  /// The lines of an event that is worth lines of its own; nil for the others.
  public func lines(_ event: RecordedEvent.Payload) -> String? {
    switch event {
    case .began(let began):
      return "kernel \(began.kernel.release), rules of \(began.rules), profile \(began.profile), "
        + "seed \(began.seed)"
    case .divergence(let event):
      let isKnown = !event.divergence.knownIssues.isEmpty
      let head = isKnown ? style.warning("known issue:") : style.bad("divergence:")
      return "\(head) \(folded("\(event.divergence)"))\n  replay: \(event.replay)"
        + (event.shrink.map { "\n  shrink: \($0)" } ?? "")
    case .release(let event):
      return "\(style.bad("release:")) \(event.finding)\n  replay: \(event.replay)"
    case .fault(let fault): return "\(style.bad("kernel fault:")) \(fault.text)"
    case .warning(let warning): return "\(style.warning("warning:")) \(warning.text)"
    case .window(let window):
      return window.verdict == .violated ? window.reason : nil
    case .phaseBegan, .progress, .skipped, .ended, .unknown: return nil
    }
  }

  /// Everything is in the JSON result; a screen is for the beginning.
  private func folded(_ text: String) -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count > Self.mostLines + 1 else { return text }
    return lines.prefix(Self.mostLines).joined(separator: "\n")
      + "\n  … \(lines.count - Self.mostLines) more lines (--json FILE writes all of it)"
  }

  private static let mostLines = 40

  /// The progress on one line.
  public func progress(_ progress: RunProgress, phases: Int) -> String {
    let total = progress.stepsOfPhase.map { "/\($0)" } ?? ""
    var text = "phase \(progress.phase)/\(phases)  step \(progress.stepOfPhase)\(total)  "
    text += "namespaces \(progress.namespaces)  mounts \(progress.mounts)"
    if progress.divergences > 0 { text += "  divergences \(progress.divergences)" }
    return text
  }

  // MARK: - The summary

  /// The summary of a run that has ended or was killed.
  public func summary(_ record: RunRecord) -> String {
    let began = record.began
    var rows: [(String, String)] = [
      ("kernel", "\(began.kernel.release) (\(began.kernel.build)), rules of \(began.rules)"),
      ("profile", "\(began.profile), seed \(began.seed)"),
    ]
    if let ended = record.ended { rows += work(ended) + releaseRows(record, ended) }
    rows.append(("divergences", divergences(record)))
    for skip in record.skips {
      let count = skip.count > 1 ? " (\(skip.count) times)" : ""
      rows.append(("skipped", "\(skip.what)\(count): \(skip.why)"))
    }
    for warning in record.warnings { rows.append(("warning", warning)) }
    for fault in record.faults { rows.append(("kernel fault", fault.event.text)) }
    if let ended = record.ended {
      if let leftovers = ended.leftovers { rows.append(("left behind", leftovers)) }
      if let memory = memory(ended) { rows.append(("memory", memory)) }
      rows.append(("time", times(ended.times)))
    }
    rows.append(("verdict", verdict(record)))
    let width = rows.map(\.0.count).max() ?? 0
    var lines: [String] = []
    for (name, text) in rows {
      let padding = String(repeating: " ", count: width - name.count + 2)
      let indent = "\n" + String(repeating: " ", count: width + 2)
      lines.append(name + padding + text.split(separator: "\n").joined(separator: indent))
    }
    return lines.joined(separator: "\n")
  }

  private func work(_ ended: EndedEvent) -> [(String, String)] {
    let storm = ended.storm
    let checks = ended.checks
    let rows = [
      (
        "calls",
        calls(storm) + ", \(succeeded(storm)) succeeded"
      ),
      ("errnos", errnos(storm)),
      (
        "namespaces",
        "\(storm.namespacesMade) made, at most \(storm.mostNamespaces) at once"
      ),
      (
        "mounts",
        "\(storm.mountsMade) made, \(storm.copiesPropagated) copies propagated; at most \(storm.mostMounts) at once"
      ),
      (
        "umounts",
        "\(storm.synchronousUmounts) synchronous, \(storm.lazyUmounts) lazy (MNT_DETACH); "
          + "\(storm.copiesUmounted) copies taken by propagation"
      ),
      (
        "checked",
        "\(checks.answers) answers, \(checks.tables) tables with \(checks.entries) entries, "
          + "\(checks.memberLists) member lists, \(checks.sampledTables) samples"
          + (checks.doublyReadTables.map { ", \($0) tables read by both observers" } ?? "")
      ),
    ]
    let races = ended.races.map { [("races", Self.describe($0))] } ?? []
    return rows + superblocks(storm) + races
  }

  private func superblocks(_ storm: RunSummary.Storm) -> [(String, String)] {
    guard storm.superblocksReleased > 0 else { return [] }
    let milliseconds = (storm.longestReleaseNanoseconds + 500_000) / 1_000_000
    let busy =
      storm.busyUmounts == 0
      ? "" : "; \(storm.busyUmounts) synchronous umounts were EBUSY because of walkers"
    return [
      (
        "released",
        "\(storm.superblocksReleased) superblocks after storms, the last waited for \(milliseconds) ms\(busy)"
      )
    ]
  }

  /// What the racing calls came to.
  static func describe(_ races: RunSummary.Races) -> String {
    var lines = [
      "\(races.windows) windows with \(races.calls) calls: \(races.explained) explained, "
        + "\(races.violated) violated, \(races.unknownCount) unknown"
        + (races.hasTooManyUnknown ? " (more than 1%)" : "")
    ]
    if races.unknownCount > 0 {
      let budgets = races.unknown.sorted { $0.key < $1.key }.map { "\($0.value) by \($0.key)" }
      lines.append(
        "unknown: " + (budgets + ["\(races.unjudged) after one of them"]).joined(separator: ", "))
    }
    lines.append(
      "\(races.conflicts) pairs of calls conflicted (overlapped in time on the same mounts)"
        + (races.hasTooFewConflicts ? "; the profile asks for \(races.leastConflicts)" : ""))
    if races.umountsUnderWalkers > 0 {
      lines.append("\(races.umountsUnderWalkers) umounts while walkers crossed the places")
    }
    let latitude = Latitude.allCases.map { "\($0.rawValue) \(races.latitude[$0.rawValue] ?? 0)" }
    lines.append(
      "latitude used: \(latitude.joined(separator: ", ")); \(races.steps) points tried")
    return lines.joined(separator: "\n")
  }

  private func calls(_ storm: RunSummary.Storm) -> String {
    var parts: [String] = []
    let steps = storm.steps - storm.releaseRounds
    if steps > 0 { parts.append(steps == storm.calls ? "\(steps)" : "\(steps) one by one") }
    if storm.volleyCalls > 0 { parts.append("\(storm.volleyCalls) at once") }
    if storm.releaseRounds > 0 {
      parts.append("\(storm.releaseCalls) in \(storm.releaseRounds) release rounds")
    }
    return parts.isEmpty ? "0" : parts.joined(separator: " and ")
  }

  private func succeeded(_ storm: RunSummary.Storm) -> String {
    storm.calls == 0 ? "none" : "\(100 * storm.succeededCalls / storm.calls)%"
  }

  private func errnos(_ storm: RunSummary.Storm) -> String {
    let failures = storm.answers.filter { $0.key != "0" }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    if failures.isEmpty { return "none" }
    return "\(failures.count) kinds: "
      + failures.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
  }

  private func divergences(_ record: RunRecord) -> String {
    let unexplained = record.unexplainedDivergences
    let known = record.knownDivergences
    if record.divergences.isEmpty { return "none" }
    var text = "\(unexplained.count) unexplained, \(known.count) known"
    let adopted = unexplained.count { $0.divergence.wasAdopted == true }
    if adopted > 0 { text += "; after \(adopted) of them the kernel's tables were taken over" }
    for found in unexplained {
      text += "\n\(found.divergence.signature)\n  \(found.replay)"
    }
    for found in known {
      text +=
        "\nknown: \(found.divergence.knownIssues.joined(separator: ", ")), "
        + "first at step \(found.divergence.step)"
    }
    return text
  }

  private func memory(_ ended: EndedEvent) -> String? {
    guard let memory = ended.memory else { return nil }
    return
      "\(memory.proportionalBytes >> 20) MiB in \(memory.processes) processes (PSS), "
      + "kernel \(signed(memory.kernelChangeBytes / (1 << 20))) MiB at the largest"
  }

  func signed(_ number: Int) -> String { number < 0 ? "\(number)" : "+\(number)" }

  private func times(_ times: RunSummary.Times) -> String {
    "\(seconds(times.totalNanoseconds)): calls \(seconds(times.kernelNanoseconds)), "
      + "reading \(seconds(times.readingNanoseconds)), engine \(seconds(times.engineNanoseconds))"
      + (times.searchNanoseconds.map { ", searching orders \(seconds($0))" } ?? "")
  }

  private func seconds(_ nanoseconds: UInt64) -> String {
    let hundredths = (nanoseconds + 5_000_000) / 10_000_000
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
  }

  private func verdict(_ record: RunRecord) -> String {
    guard let outcome = record.ended?.outcome else {
      return style.bad("none: the run was killed before it could judge itself")
    }
    let words = RunRecord.words(outcome)
    switch outcome {
    case .kernelFault, .diverged, .neverReleased: return style.bad(words)
    case .interrupted: return style.warning("\(words); what was checked agreed")
    case .nothingChecked: return style.bad(words)
    case .agreed:
      return record.knownDivergences.isEmpty
        ? style.good(words) : style.good("\(words), apart from known issues of this kernel")
    }
  }
}
