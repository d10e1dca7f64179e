public import StormRun
import StormVerdict

extension RunRecord {
  /// The verdict of every planned case, in the order in which they were planned.
  public var cases: [CaseResult] {
    began.phases.flatMap { phase in
      CaseList.PhaseAspect.allCases.map { result(of: phase, $0) }
    } + [kernelHealth, released, meaningful]
  }

  private func result(of phase: PhaseEvent, _ aspect: CaseList.PhaseAspect) -> CaseResult {
    let found = divergences.map(\.event).filter { event in
      // What differs before the first step is the first phase's.
      guard max(0, event.phase) == phase.index else { return false }
      let isAnswer = event.divergence.predictedErrno != event.divergence.observedErrno
      return isAnswer == (aspect == .answers)
    }
    var result = CaseResult(
      name: CaseList.name(profile: began.profile, phase: phase, aspect), status: .passed,
      details: found.flatMap { lines(of: $0) }, nanoseconds: nanoseconds(ofPhase: phase.index))
    if let worst = found.first(where: { isBad($0) }) {
      result.status = .failed
      result.reason = worst.divergence.signature
    } else if let reason = whyUnfinished(phase) {
      (result.status, result.reason) = reason
    } else if !found.isEmpty {
      result.status = .knownIssue
      result.reason = Self.unique(found.flatMap(\.divergence.knownIssues)).joined(separator: ", ")
    }
    return result
  }

  private func isBad(_ event: DivergenceEvent) -> Bool {
    began.isStrict || event.divergence.knownIssues.isEmpty
  }

  private func lines(of event: DivergenceEvent) -> [String] {
    "\(event.divergence)".split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      + (window(of: event).map { $0.lines.map { "  \($0)" } } ?? [])
      + ["  replay: \(event.replay)"]
  }

  /// Why a phase cannot be called passed though nothing was found in it; nil for one that can.
  private func whyUnfinished(_ phase: PhaseEvent) -> (CaseResult.Status, String?)? {
    guard let ended else { return (.error, "the run was killed before it could judge itself") }
    let begins = phases.map(\.phase.index)
    guard begins.contains(phase.index) else {
      return ended.isComplete
        ? (.skipped, "not part of this run (--steps)")
        : (.skipped, "not reached: \(Self.words(ended.outcome))")
    }
    if ended.outcome == .nothingChecked { return (.skipped, "nothing meaningful was checked") }
    // A phase behind which another one began was carried out whole.
    if ended.isComplete || begins.last != phase.index { return nil }
    return (.skipped, "not finished: \(Self.words(ended.outcome))")
  }

  private var kernelHealth: CaseResult {
    var result = CaseResult(
      name: CaseList.name(profile: began.profile, .kernelHealth), status: .passed,
      details: faults.flatMap {
        $0.event.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      }, nanoseconds: 0)
    if let first = faults.first?.event {
      result.status = first.kind == .hang ? .timedOut : .failed
      result.reason = first.text.split(separator: "\n").first.map(String.init)
    } else if ended == nil {
      (result.status, result.reason) = (.error, "the run was killed before it could judge itself")
    } else if let skip = skips.first(where: { $0.what == "watching the kernel log" }) {
      // The taint was watched all the same, but it does not see everything.
      (result.status, result.reason) = (.skipped, "\(skip.what): \(skip.why)")
    }
    return result
  }

  private var released: CaseResult {
    var result = CaseResult(
      name: CaseList.name(profile: began.profile, .released), status: .passed, details: [],
      nanoseconds: 0)
    if let leftovers = ended?.leftovers {
      (result.status, result.reason) = (.failed, leftovers)
    } else if let first = releases.first?.event {
      (result.status, result.reason) = (.failed, first.finding.signature)
      result.details = releases.flatMap { found in
        "\(found.event.finding)".split(separator: "\n").map(String.init)
          + ["  replay: \(found.event.replay)"]
      }
    } else if ended?.outcome == .neverReleased {
      (result.status, result.reason) = (.failed, "something was never released")
    } else if ended == nil {
      (result.status, result.reason) = (.error, "the run was killed before it could judge itself")
    }
    return result
  }

  private var meaningful: CaseResult {
    var result = CaseResult(
      name: CaseList.name(profile: began.profile, .meaningful), status: .passed, details: [],
      nanoseconds: 0)
    switch ended?.outcome {
    case .nothingChecked?:
      (result.status, result.reason) = (.failed, "nothing meaningful was checked")
    case nil:
      (result.status, result.reason) = (.error, "the run was killed before it could judge itself")
    default:
      if let ended,
        ended.storm.succeededCalls == 0
          || (ended.checks.entries == 0 && ended.checks.releases == 0)
      {
        (result.status, result.reason) = (.skipped, Self.words(ended.outcome))
      }
    }
    return result
  }

  /// How a run ended, in words.
  public static func words(_ outcome: RunSummary.Outcome) -> String {
    switch outcome {
    case .kernelFault: "the kernel shows a fault"
    case .diverged: "kernel and engine disagree"
    case .neverReleased: "something was never released"
    case .interrupted: "interrupted"
    case .nothingChecked: "nothing meaningful was checked"
    case .agreed: "kernel and engine agree"
    }
  }

  static func unique(_ words: [String]) -> [String] {
    var seen: Set<String> = []
    return words.filter { seen.insert($0).inserted }
  }
}
