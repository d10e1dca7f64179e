import Glibc
import StormKernel
import StormPlanning
import StormTrace
import StormVerdict
import StormVocabulary

// Release rounds: mounts that go in one of the ways, watched until the kernel has let go of them.

extension StormRunner {
  func perform(
    _ round: ReleaseRound, control: inout some RunControl
  ) throws(SandboxError) -> Course {
    if phase.unverifiedSteps > 0, try verifyAll() == .ends { return .ends }
    try beginStageIfNeeded()
    guard let executor = releaseStage?.executor else { return .goesOn }
    summary.storm.steps += 1
    summary.storm.releaseRounds += 1
    phase.steps += 1
    defer { emit(.progress(progress())) }
    switch try executor.perform(round, answered: count) {
    case .hang(let report): return fault(.hang(report))
    case .died(let death): return fault(.death(death))
    case .missing(let what, let why):
      skip(what, why)
      return .goesOn
    case .observed(let observed):
      releaseStage?.rounds += 1
      summary.checks.releases += 1
      releaseTallies.add(observed, phase: releaseStage?.name ?? "")
      record(round, observed)
      var course = Course.goesOn
      for finding in releaseCheck.findings(observed) {
        var finding = finding
        if finding.kind == .neverReleased { finding.holders = executor.holders(of: observed) }
        if found(finding) == .ends { course = .ends }
      }
      if observed.call(.departure)?.errno != Errno.none || course == .ends {
        try executor.cleanUp(round)
      }
      return course
    }
  }

  /// Appends a round to the recording.
  private func record(_ round: ReleaseRound, _ observed: ObservedRelease) {
    guard recorder != nil else { return }
    do throws(TraceError) {
      try recorder?.append(
        TraceRelease(
          TraceRelease.Round(
            phase: phase.index, conditions: round.conditions, observed: observed)))
    } catch {
      loseRecording(error)
    }
  }

  /// Reports a finding and says whether the run goes on.
  func found(_ finding: ReleaseFinding) -> Course {
    let replay = ReplayPoint(seed: summary.seed, steps: summary.storm.steps)
    summary.releaseFindings.append(.init(finding: finding, replay: replay))
    emit(.release(finding, replay: replay))
    let limit = options.keepsGoing ? options.mostDivergences : 1
    return summary.releaseFindings.count >= limit ? .ends : .goesOn
  }

  private func count(_ call: WorkerCall, _ record: CallRecord) {
    summary.checks.answers += 1
    switch call {
    case .operation(let operation): note(operation, answer: record.errno)
    case .umountUntil(let path, let flags, _):
      note(.umount2(.path(path), flags), answer: record.errno)
    default: return
    }
    summary.storm.releaseCalls += 1
  }

  // MARK: - Begin and end of a phase

  private func beginStageIfNeeded() throws(SandboxError) {
    guard releaseStage == nil, case .release(let body) = profile.phases[phase.index].body else {
      return
    }
    var stage = ReleaseStage(phase: body, name: profile.phases[phase.index].name)
    if body.usesNormalGracePeriods, !changeGracePeriods(stage) {
      releaseStage = stage
      return
    }
    let executor = try ReleaseExecutor(sandbox, walkers: body.walkers, readers: body.readers)
    if !executor.hasMountEvents {
      skip("mount events", "this kernel has no fanotify for mount namespaces (6.15+)")
    }
    stage.executor = executor
    stage.sharedPagesBefore = Int(try sandbox.answer(of: .sharedMemory).value)
    stage.mountsBefore = SlabCounts.current()?.mounts
    releaseStage = stage
  }

  private func changeGracePeriods(_ stage: ReleaseStage) -> Bool {
    let path = "/sys/kernel/rcu_normal"
    guard options.touchesMachine else {
      skip("the phase \(stage.name)", "it changes \(path): needs --touch-machine, or a VM")
      return false
    }
    do {
      gracePeriods = try GuardedSetting(path, to: "1")
    } catch GuardedSetting.Refusal.alreadySet {
      return true
    } catch {
      skip("the phase \(stage.name)", "\(error)")
      return false
    }
    return true
  }

  /// Ends a release phase, if one is under way: processes, devices, settings; and looks at what should be as before.
  func endReleaseStage(_ control: inout some RunControl) throws(SandboxError) {
    restoreGracePeriods()
    guard let stage = releaseStage else { return }
    releaseStage = nil
    guard let executor = stage.executor, summary.faults.isEmpty else { return }
    try executor.end()
    try lookAtCounts(stage, &control)
  }

  func restoreGracePeriods() {
    guard let setting = gracePeriods.take() else { return }
    let path = setting.path
    if let errno = setting.restore() { warn("\(path) could not be put back: \(errno)") }
  }

  private func lookAtCounts(
    _ stage: ReleaseStage, _ control: inout some RunControl
  ) throws(SandboxError) {
    if let settle = stage.phase.settle {
      let end = ContinuousClock.now + settle
      while ContinuousClock.now < end, !control.wantsEnd() { usleep(100_000) }
    }
    let pages = Int(try sandbox.answer(of: .sharedMemory).value)
    var counts = RunSummary.ReleaseCounts(
      phase: stage.name, rounds: stage.rounds,
      sharedMemoryChangeBytes: (pages - stage.sharedPagesBefore) * 4_096)
    if let before = stage.mountsBefore, let after = SlabCounts.current()?.mounts {
      counts.mountObjectsChange = after - before
    }
    summary.releaseCounts.append(counts)
    guard stage.phase.settle != nil, options.touchesMachine, stage.rounds >= 100,
      let change = counts.mountObjectsChange, change > stage.rounds / 2
    else { return }
    // Decisive only where nobody else mounts: in a VM, or on a machine that the user gave to the storm.
    summary.leftovers =
      "mnt_cache grew by \(change) objects over \(stage.rounds) rounds and did not shrink in "
      + "\(stage.phase.settle ?? .zero)"
  }
}
