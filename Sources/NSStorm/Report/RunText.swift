import StormKernel
public import StormRun
import StormVerdict
import StormVocabulary

/// The plain text of a run's events and of its summary; no colours, no cursor movement.
public struct RunText: Sendable {
  /// What a person types to see a divergence again, up to the number of steps.
  public let replayCommand: String
  private let isStrict: Bool

  /// - Parameter replayCommand: the command line of this run without `--seed` and `--steps`.
  public init(replayCommand: String, isStrict: Bool) {
    self.replayCommand = replayCommand
    self.isStrict = isStrict
  }

  /// The lines of an event that is worth lines of its own; nil for the others.
  public func lines(_ event: RunEvent) -> String? {
    switch event {
    case .began(let start):
      return "kernel \(start.kernel.release), rules of \(start.rules), profile \(start.profile), "
        + "seed \(start.seed)"
    case .divergence(let divergence, let replay):
      let known = divergence.knownIssues.isEmpty ? "divergence" : "known issue"
      let text = folded("\(divergence)")
      return "\(known): \(text)\n  replay: \(command(replay))"
    case .fault(let fault): return "kernel fault: \(Self.describe(fault))"
    case .warning(let text): return "warning: \(text)"
    case .phaseBegan, .progress, .windowJudged, .skipped, .ended: return nil
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

  public func command(_ replay: ReplayPoint) -> String {
    "\(replayCommand) --seed \(replay.seed) --steps \(max(1, replay.steps))"
  }

  static func describe(_ fault: RunFault) -> String {
    switch fault {
    case .hang(let report): "hang: \(report)"
    case .death(let death): "\(death)"
    case .log(let found): "\(found)"
    case .taint(let taint): "the kernel is tainted now (\(taint)) and was not before"
    }
  }

  /// The progress on one line.
  public func progress(_ progress: RunProgress, phases: Int) -> String {
    let total = progress.stepsOfPhase.map { "/\($0)" } ?? ""
    var text = "phase \(progress.phase)/\(phases)  step \(progress.stepOfPhase)\(total)  "
    text += "namespaces \(progress.namespaces)  mounts \(progress.mounts)"
    if progress.divergences > 0 { text += "  divergences \(progress.divergences)" }
    return text
  }

  // MARK: - The summary

  public func summary(_ summary: RunSummary) -> String {
    let storm = summary.storm
    let checks = summary.checks
    var rows: [(String, String)] = [
      ("kernel", "\(summary.kernel.release) (\(summary.kernel.build)), rules of \(summary.rules)"),
      ("profile", "\(summary.profile), seed \(summary.seed)"),
      (
        "calls",
        storm.volleyCalls == 0
          ? "\(storm.steps), \(succeeded(storm)) succeeded"
          : "\(storm.steps) one by one and \(storm.volleyCalls) at once, \(succeeded(storm)) succeeded"
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
      ),
      ("divergences", divergences(summary)),
    ]
    for skip in summary.skips {
      let count = skip.count > 1 ? " (\(skip.count) times)" : ""
      rows.append(("skipped", "\(skip.what)\(count): \(skip.why)"))
    }
    for warning in summary.warnings { rows.append(("warning", warning)) }
    for fault in summary.faults { rows.append(("kernel fault", Self.describe(fault))) }
    if let leftovers = summary.leftovers { rows.append(("left behind", leftovers)) }
    if let memory = memory(summary) { rows.append(("memory", memory)) }
    rows.append(("time", times(summary.times)))
    rows.append(("verdict", verdict(summary)))
    let width = rows.map(\.0.count).max() ?? 0
    var lines: [String] = []
    for (name, text) in rows {
      let padding = String(repeating: " ", count: width - name.count + 2)
      let indent = "\n" + String(repeating: " ", count: width + 2)
      lines.append(name + padding + text.split(separator: "\n").joined(separator: indent))
    }
    return lines.joined(separator: "\n")
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

  private func divergences(_ summary: RunSummary) -> String {
    let unexplained = summary.unexplainedDivergences
    let known = summary.knownDivergences
    if summary.divergences.isEmpty { return "none" }
    var text = "\(unexplained.count) unexplained, \(known.count) known"
    for found in unexplained {
      text += "\n\(found.divergence.signature)\n  \(command(found.replay))"
    }
    for found in known {
      text +=
        "\nknown: \(found.divergence.knownIssues.joined(separator: ", ")), "
        + "first at step \(found.divergence.step)"
    }
    return text
  }

  private func memory(_ summary: RunSummary) -> String? {
    guard let memory = summary.memory else { return nil }
    return
      "\(memory.proportionalBytes >> 20) MiB in \(memory.processes) processes (PSS), "
      + "kernel \(signed(memory.kernelChangeBytes / (1 << 20))) MiB at the largest"
  }

  private func signed(_ number: Int) -> String { number < 0 ? "\(number)" : "+\(number)" }

  private func times(_ times: RunSummary.Times) -> String {
    "\(seconds(times.totalNanoseconds)): calls \(seconds(times.kernelNanoseconds)), "
      + "reading \(seconds(times.readingNanoseconds)), engine \(seconds(times.engineNanoseconds))"
  }

  private func seconds(_ nanoseconds: UInt64) -> String {
    let hundredths = (nanoseconds + 5_000_000) / 10_000_000
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
  }

  private func verdict(_ summary: RunSummary) -> String {
    switch summary.outcome(strict: isStrict) {
    case .kernelFault: "the kernel shows a fault"
    case .diverged: "kernel and engine disagree"
    case .neverReleased: "something was never released"
    case .interrupted: "interrupted; what was checked agreed"
    case .nothingChecked: "nothing meaningful was checked"
    case .agreed:
      summary.knownDivergences.isEmpty
        ? "kernel and engine agree"
        : "kernel and engine agree, apart from known issues of this kernel"
    }
  }
}
