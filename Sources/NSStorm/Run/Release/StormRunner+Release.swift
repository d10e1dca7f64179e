import Glibc
import StormKernel
import StormPlanning
import StormVerdict
import StormVocabulary

// Release rounds: mounts that go in one of the ways, watched until the kernel has let go of them.

extension StormRunner {
  func perform(
    _ round: ReleaseRound, control: inout some RunControl
  ) throws(SandboxError) -> Course {
    if phase.unverifiedSteps > 0, try verifyAll() == .ends { return .ends }
    try beginStageIfNeeded()
    guard var stage = releaseStage, !stage.isSkipped else { return .goesOn }
    defer { releaseStage = stage }
    summary.storm.steps += 1
    summary.storm.releaseRounds += 1
    phase.steps += 1
    defer { emit(.progress(progress())) }
    if let why = stage.missingWays[round.way] {
      skip("the way \(round.way.rawValue)", why)
      return .goesOn
    }
    if case .missing(let why) = try ready(round.fileSystem, &stage) {
      skip("release rounds on \(round.fileSystem.rawValue)", why)
      return .goesOn
    }
    try startHolder(for: round)
    switch try execute(round, &stage) {
    case .hang(let report): return fault(.hang(report))
    case .died(let death): return fault(.death(death))
    case .missing(let what, let why):
      skip(what, why)
      try cleanUp(round)
      return .goesOn
    case .observed(let observed):
      stage.rounds += 1
      summary.checks.releases += 1
      releaseTallies.add(observed, phase: stage.name)
      var course = Course.goesOn
      for finding in releaseCheck.findings(observed) {
        var finding = finding
        if finding.kind == .neverReleased, let mount = observed.call(.identity)?.value {
          finding.holders = sandbox.holders(ofMount: Int(mount), device: nil)
        }
        if found(finding) == .ends { course = .ends }
      }
      if observed.call(.departure)?.errno != Errno.none || course == .ends { try cleanUp(round) }
      return course
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

  // MARK: - A round

  private enum RoundOutcome {
    case observed(ObservedRelease)
    case missing(what: String, why: String)
    case hang(HangReport)
    case died(WorkerDeath)
  }

  private func execute(
    _ round: ReleaseRound, _ stage: inout ReleaseStage
  ) throws(SandboxError) -> RoundOutcome {
    let company: ReleaseContract.Company = stage.phase.walkers > 0 ? .walkers : .none
    var observed = ObservedRelease(
      fileSystem: round.fileSystem, way: round.way, company: company, calls: [])
    for segment in round.segments {
      let actor = segment.role == .umounter ? 0 : ReleaseRound.holderActor
      for part in parts(of: segment, isProved: stage.proved.contains("\(round)")) {
        var calls = part.filter { stage.hasMountEvents || !$0.mark.needsMountEvents }
        if let departure = calls.firstIndex(where: { $0.mark == .departure }), actor == 0 {
          calls.insert(contentsOf: meetings(stage), at: departure)
        }
        var program = WorkerProgram(actor: actor, calls: calls.map(\.call))
        var programs = [program]
        if let departure = calls.firstIndex(where: { $0.mark == .departure }), actor == 0,
          !stage.company.isEmpty
        {
          // Time for the others to get to the mount.
          program.steps[departure].delayNanoseconds = settleNanoseconds()
          program.cpu = 0
          programs = [program] + walking(round, stage)
        }
        let outcome = try sandbox.run(
          programs, start: programs.count > 1 ? .together : .asPosted)
        if let hang = outcome.hangs.first { return .hang(hang) }
        // A holder that is to be killed dies outside of its own programs.
        if let death = outcome.deaths.first { return .died(death) }
        let records = outcome.programs.first?.records ?? []
        for (call, record) in zip(calls, records) {
          count(call.call, record)
          observed.calls.append(
            .init(
              mark: call.mark, errno: record.errno, startNanoseconds: record.startNanoseconds,
              endNanoseconds: record.endNanoseconds, value: record.value))
          if record.errno != .none, let end = try unprepared(call, record, round, &stage) {
            return end
          }
        }
      }
    }
    if round.way.ending == .killed { try sandbox.waitForEnd(of: ReleaseRound.holderActor) }
    stage.proved.insert("\(round)")
    return .observed(observed)
  }

  /// Never the same moment of a walk; short delays are spun, so that the umounter does not leave its CPU.
  private func settleNanoseconds() -> UInt32 {
    UInt32(truncatingIfNeeded: summary.storm.steps &* 7_919) % 5_000
  }

  private func meetings(_ stage: ReleaseStage) -> [ReleaseRound.Call] {
    stage.company.map {
      .init(
        call: .meet(actor: $0.actor, limitNanoseconds: Self.meetingNanoseconds), mark: .meeting)
    }
  }

  private static var meetingNanoseconds: UInt64 { 100_000_000 }

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

  /// A part ends behind each call that a machine may not be able to make, until it was seen to be.
  private func parts(
    of segment: ReleaseRound.Segment, isProved: Bool
  ) -> [[ReleaseRound.Call]] {
    guard !isProved else { return [segment.calls] }
    var parts: [[ReleaseRound.Call]] = [[]]
    for call in segment.calls {
      parts[parts.count - 1].append(call)
      if call.mark == .mount || call.mark == .hold { parts.append([]) }
    }
    return parts.filter { !$0.isEmpty }
  }

  private func unprepared(
    _ call: ReleaseRound.Call, _ record: CallRecord, _ round: ReleaseRound,
    _ stage: inout ReleaseStage
  ) throws(SandboxError) -> RoundOutcome? {
    let why = "\(record.errno) where it was \(call.mark == .mount ? "mounted" : "held")"
    switch call.mark {
    case .mount where record.errno.meansAbsence:
      stage.readiness[round.fileSystem] = .missing(why)
      return .missing(what: "release rounds on \(round.fileSystem.rawValue)", why: why)
    case .hold where record.errno.meansAbsence:
      stage.missingWays[round.way] = why
      return .missing(what: "the way \(round.way.rawValue)", why: why)
    case .mount, .hold, .preparation, .identity:
      throw .setupFailed(
        attempt: "prepare the release round \(round) (\(call.call))", errno: record.errno)
    default: return nil
    }
  }

  private func walking(_ round: ReleaseRound, _ stage: ReleaseStage) -> [WorkerProgram] {
    stage.company.map { program in
      guard program.steps.isEmpty else { return program }
      var walker = program
      walker.steps = round.walks.map { .init(.stat(.path($0))) }
      return walker
    }
  }

  private func cleanUp(_ round: ReleaseRound) throws(SandboxError) {
    _ = try sandbox.run(
      [WorkerProgram(actor: 0, calls: round.cleanup)], start: .asPosted)
    try endHolder()
  }

  // MARK: - The processes

  private func startHolder(for round: ReleaseRound) throws(SandboxError) {
    guard round.way.ending != nil else { return }
    let actor = ReleaseRound.holderActor
    let isThere = sandbox.livingActors.contains(actor)
    if round.way.isInOwnNamespace {
      if isThere { try endHolder() }
      let made = try sandbox.perform(.unshare(namespace: actor, newUser: false), by: 0)
      guard made.record?.errno == Errno.none else {
        throw .setupFailed(
          attempt: "make a mount namespace for a release round",
          errno: made.record?.errno ?? .timedOut)
      }
    } else if !isThere {
      try sandbox.addActor(actor, sharingNamespaceOf: 0)
    }
  }

  private func endHolder() throws(SandboxError) {
    guard sandbox.livingActors.contains(ReleaseRound.holderActor) else { return }
    _ = try sandbox.perform(.exit, by: ReleaseRound.holderActor)
  }

  private func ready(
    _ kind: FileSystemKind, _ stage: inout ReleaseStage
  ) throws(SandboxError) -> ReleaseStage.Readiness {
    if let known = stage.readiness[kind] { return known }
    var readiness = ReleaseStage.Readiness.ready
    if let slot = kind.deviceSlot {
      do {
        let image = try FileSystemImages.make(kind)
        let outcome = try sandbox.run(
          [WorkerProgram(actor: 0, calls: [.attach(image, slot)])], start: .asPosted)
        let answer = outcome.programs.first?.records.first?.errno ?? .timedOut
        if answer != .none { readiness = .missing("no loop device: \(answer)") }
      } catch let problem as FileSystemImages.Problem {
        readiness = .missing(problem.description)
      } catch let error as SandboxError {
        throw error
      } catch {
        readiness = .missing("\(error)")
      }
    }
    stage.readiness[kind] = readiness
    return readiness
  }

  // MARK: - Begin and end of a phase

  private func beginStageIfNeeded() throws(SandboxError) {
    guard releaseStage == nil, case .release(let body) = profile.phases[phase.index].body else {
      return
    }
    var stage = ReleaseStage(phase: body, name: profile.phases[phase.index].name)
    if body.usesNormalGracePeriods, !changeGracePeriods(&stage) {
      releaseStage = stage
      return
    }
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    for number in 0..<body.walkers + body.readers {
      let actor = ReleaseRound.companyActor + number
      try sandbox.addActor(actor, sharingNamespaceOf: 0)
      var program = WorkerProgram(
        actor: actor, calls: number < body.walkers ? [] : [.readTable])
      program.isInBackground = true
      // On another CPU than the umounter's: processes that share one hardly ever race. The second is on its CPU, to be
      // interrupted in the middle of a walk.
      program.cpu = processors > 1 ? (1 + number) % processors : nil
      stage.company.append(program)
    }
    let watch = try answer(of: .watchMounts(ReleaseRound.mountEventSlot))
    stage.hasMountEvents = watch.errno == .none
    if !stage.hasMountEvents {
      skip("mount events", "this kernel has no fanotify for mount namespaces (6.15+)")
    }
    stage.sharedPagesBefore = Int(try answer(of: .sharedMemory).value)
    stage.mountsBefore = SlabCounts.current()?.mounts
    releaseStage = stage
  }

  private func answer(of call: WorkerCall) throws(SandboxError) -> CallRecord {
    let outcome = try sandbox.run([WorkerProgram(actor: 0, calls: [call])], start: .asPosted)
    guard let record = outcome.programs.first?.records.first else {
      throw .setupFailed(attempt: "ask the kernel (\(call))", errno: .timedOut)
    }
    return record
  }

  private func changeGracePeriods(_ stage: inout ReleaseStage) -> Bool {
    let path = "/sys/kernel/rcu_normal"
    guard options.touchesMachine else {
      skip("the phase \(stage.name)", "it changes \(path): needs --touch-machine, or a VM")
      stage.isSkipped = true
      return false
    }
    do {
      gracePeriods = try GuardedSetting(path, to: "1")
    } catch GuardedSetting.Refusal.alreadySet {
      return true
    } catch {
      skip("the phase \(stage.name)", "\(error)")
      stage.isSkipped = true
      return false
    }
    return true
  }

  /// Ends a release phase, if one is under way: processes, devices, settings; and looks at what should be as before.
  func endReleaseStage(_ control: inout some RunControl) throws(SandboxError) {
    restoreGracePeriods()
    guard let stage = releaseStage else { return }
    releaseStage = nil
    guard !stage.isSkipped, summary.faults.isEmpty else { return }
    try endHolder()
    for program in stage.company { _ = try sandbox.perform(.exit, by: program.actor) }
    // Devices go with their last descriptor (autoclear).
    _ = try sandbox.run(
      [
        WorkerProgram(
          actor: 0, calls: ReleaseRound.slots.map { .operation(.close($0)) })
      ], start: .asPosted)
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
    let pages = Int(try answer(of: .sharedMemory).value)
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

extension ReleaseRound.Mark {
  fileprivate var needsMountEvents: Bool { self == .eventsBefore || self == .eventsAfter }
}
