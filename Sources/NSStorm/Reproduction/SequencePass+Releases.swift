import StormKernel
import StormPlanning
import StormRun
import StormTrace
import StormVerdict
import StormVocabulary

// Release rounds, made again and judged like those of a run.

extension SequencePass {
  /// Makes a round; false ends the run.
  func make(_ round: TraceRelease.Round, at position: Int) throws(SandboxError) -> Bool {
    endRace()
    let plan = round.plan
    guard !round.conditions.usesNormalGracePeriods else {
      skip(plan, "it was recorded with rcu_normal set, which a replay leaves alone")
      return true
    }
    let made: ReleaseExecutor.Outcome
    do throws(SandboxError) {
      made = try executor(round.conditions).perform(plan) { _, record in
        self.outcome.calls += 1
        if record.errno == .none { self.outcome.succeededCalls += 1 }
      }
    } catch {
      // Without the calls that prepare, which a shorter list may lack, there is nothing to see.
      guard case .setupFailed = error else { throw error }
      skip(plan, "\(error)")
      return false
    }
    switch made {
    case .hang(let report):
      outcome.faults.append(.hang(report))
      return false
    case .died(let death):
      outcome.faults.append(.death(death))
      return false
    case .missing(let what, let why):
      skip(plan, "\(what): \(why)")
      return true
    case .observed(let observed):
      outcome.releaseRounds += 1
      if settings.keepsSteps {
        outcome.lines.append(
          .release(
            TraceRelease(
              TraceRelease.Round(
                phase: round.phase, conditions: round.conditions, observed: observed))))
      }
      let findings = settings.releaseCheck.findings(observed)
      for finding in findings {
        var finding = finding
        if finding.kind == .neverReleased, let stage = releaseStage {
          finding.holders = stage.executor.holders(of: observed)
        }
        outcome.releaseFindings.append(.init(finding: finding, position: position))
      }
      if observed.call(.departure)?.errno != Errno.none || !findings.isEmpty {
        try releaseStage?.executor.cleanUp(plan)
      }
      return findings.isEmpty || !settings.stopsAtDivergence
    }
  }

  /// Ends the processes and devices of release rounds, if there are any.
  func endReleases() throws(SandboxError) {
    guard let stage = releaseStage else { return }
    releaseStage = nil
    try stage.executor.end()
  }

  private func executor(
    _ conditions: ReleaseConditions
  ) throws(SandboxError) -> ReleaseExecutor {
    if let stage = releaseStage, stage.walkers == conditions.walkers,
      stage.readers == conditions.readers
    {
      return stage.executor
    }
    try endReleases()
    let executor = try ReleaseExecutor(
      sandbox, walkers: conditions.walkers, readers: conditions.readers)
    releaseStage = ReleaseStage(
      executor: executor, walkers: conditions.walkers, readers: conditions.readers)
    return executor
  }

  private func skip(_ round: ReleaseRound, _ why: String) {
    outcome.skippedRounds["\(round): \(why)", default: 0] += 1
  }

  /// What consecutive rounds share.
  struct ReleaseStage {
    var executor: ReleaseExecutor
    var walkers: Int
    var readers: Int
  }
}
