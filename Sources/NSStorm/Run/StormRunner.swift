import StormEngine
import StormKernel
public import StormPlanning
import StormReclamation
import StormTrace
import StormVerdict
import StormVocabulary

/// Executes a profile on the running kernel, step by step, and holds every answer and table against the engine.
///
/// One value for one run; single-threaded. It makes no mount call itself and waits for nothing without a limit: both
/// are the sandbox's.
public final class StormRunner {
  let profile: Profile
  let options: RunOptions
  let kernel: RunningKernel
  let release: KernelRelease
  let emit: (RunEvent) -> Void

  let sandbox: Sandbox
  /// Nil where the kernel log cannot be read; then the taint alone tells.
  private let log: KernelLog?
  private let taintAtStart = KernelTaint.current
  private let kernelBytesAtStart = Sandbox.kernelMemoryBytes()
  private var lastLook = ContinuousClock.now
  var check: StepCheck
  var reader: TableReader
  var recorder: TraceWriter?
  var recordedWindows = 0
  var summary: RunSummary
  /// Every sequential call so far with its answer, for known issues: an issue explains all or nothing.
  var history: RunHistory
  let explanation: IssueExplanation
  let initialTable: MountTable
  var warnedQueryIssues = false
  /// Issues that were found at work; predictions follow them from then on.
  var presentIssues: [KnownIssue] = []
  /// What checks that were given up for others had compared.
  var earlierTally = StepCheck.Tally()
  var phase = PhaseState()
  /// The judge of the racing calls of the current round.
  var race: RaceState?
  var windowCount = 0
  /// A round of racing calls was not explained, so tables are compared again only when all are read.
  var isCatchingUp = false
  var skipCounts: [Skip: Int] = [:]
  var latencies = LatencyBook()
  let began = ContinuousClock.now
  /// The release phase under way.
  var releaseStage: ReleaseStage?
  var releaseTallies = ReleaseTallies()
  let releaseCheck: ReleaseCheck
  /// A setting of the machine that is changed now.
  var gracePeriods: GuardedSetting?
  /// `fs.mount-max`, where the profile asks for one.
  var mountLimit: GuardedSetting?

  /// Where the run is in the current phase.
  struct PhaseState {
    var index = -1
    var verification = Verification.end
    var steps = 0
    var began = ContinuousClock.now
    /// Steps whose tables were not compared yet.
    var unverifiedSteps = 0
  }

  /// Whether the run goes on.
  enum Course { case goesOn, ends }

  /// Runs a profile from its first step to its last, or until something ends it.
  ///
  /// - Parameters:
  ///   - control: asked again and again whether the run should end.
  ///   - emit: gets every event, in order, on the caller's thread.
  public static func run(
    _ profile: Profile, options: RunOptions, control: inout some RunControl,
    emit: @escaping (RunEvent) -> Void
  ) throws(RunError) -> RunSummary {
    let runner = try StormRunner(profile, options: options, emit: emit)
    return try runner.run(control: &control)
  }

  private init(
    _ profile: Profile, options: RunOptions, emit: @escaping (RunEvent) -> Void
  ) throws(RunError) {
    let kernel = RunningKernel.ofThisMachine()
    guard let release = options.release ?? kernel.version else { throw .unknownKernel(kernel) }
    guard let rules = KernelRules(release: release) else {
      throw .unknownRules(release, known: KernelRules.knownReleases)
    }
    var planned = profile.planned(for: release)
    if let planRelease = options.planRelease { planned.rules = planRelease }
    self.profile = options.steps.map(planned.extended(toSteps:)) ?? planned
    self.options = options
    self.kernel = kernel
    self.release = release
    self.emit = emit
    releaseCheck = ReleaseCheck(contract: ReleaseContract(design: options.design))
    let seed = options.seed ?? profile.seed
    summary = RunSummary(
      kernel: kernel, rules: release, profile: profile.name, seed: seed)
    let usable = Self.usableObservers(profile)
    reader = TableReader(observers: usable.observers)
    var whyNoLog: String?
    do throws(SandboxError) {
      log = try KernelLog()
    } catch {
      log = nil
      whyNoLog = "\(error)"
    }
    do throws(SandboxError) {
      sandbox = try Sandbox.launch(Self.sandboxLimits(profile))
      switch try sandbox.tables(of: [0], through: usable.observers.first ?? .mountinfo) {
      case .seen(let tables): initialTable = tables.first ?? MountTable()
      case .hang:
        throw .setupFailed(attempt: "read the first mount table in time", errno: .timedOut)
      }
    } catch {
      throw .sandbox(error)
    }
    var limitChange = Self.changeMountLimit(profile, options)
    mountLimit = limitChange.setting.take()
    let limit = MachineSettings.mountLimit ?? MountModel.usualMountLimit
    explanation = IssueExplanation(
      release: release, intendedRules: rules, initialTable: initialTable,
      brokenRule: options.brokenRule,
      mountLimit: limit)
    check = explanation.newCheck([])
    history = RunHistory(recording: options.recordPath)
    if let path = options.recordPath {
      var header = Self.header(
        of: profile, kernel: kernel, seed: seed, design: options.design.name,
        initialTable: initialTable)
      header.mountLimit = limit == MountModel.usualMountLimit ? nil : limit
      do throws(TraceError) {
        recorder = try TraceWriter(path: path, header: header)
      } catch {
        throw .recording(error)
      }
    }
    if let missing = usable.missing { skip("reading mount tables with statmount", missing) }
    if let refusal = limitChange.refusal {
      skip("a mount limit of the profile's own", refusal)
    }
    if let whyNoLog { skip("watching the kernel log", whyNoLog) }
    if !sandbox.listsMembers {
      skip("member lists of namespaces", "this kernel has no listmount with a namespace id (6.11+)")
    }
  }

  static func sandboxLimits(_ profile: Profile) -> SandboxLimits {
    // Beside the planned processes: one that is made while another is still being reaped, holders, threads and company.
    let companions = profile.phases.map(\.companions).max() ?? 0
    return SandboxLimits(
      workers: profile.limits.namespaces + companions + profile.threadCount,
      rootBytes: profile.limits.rootBytes,
      callTime: profile.limits.answer)
  }

  // MARK: - The run

  private func run(control: inout some RunControl) throws(RunError) -> RunSummary {
    var generator: PlanGenerator
    do throws(PlanError) {
      generator = try PlanGenerator(profile: profile, seed: summary.seed)
    } catch {
      throw .plan(error)
    }
    emit(
      .began(
        RunStart(
          kernel: kernel, rules: release, profile: profile.name, seed: summary.seed,
          stepLimit: options.steps, phases: profile.phases.count,
          outline: profile.phases.map(PhaseOutline.init))))
    if release > KernelRules.knownReleases.upperBound {
      warn("\(release) is newer than all known kernels; the newest rules are used")
    }
    var course = Course.goesOn
    defer {
      restoreGracePeriods()
      restoreMountLimit()
    }
    do throws(SandboxError) {
      if let divergence = check.begin(initialTable) { course = found(divergence) }
      while course == .goesOn, !endIsDue(&control) {
        endTimedPhase(&generator)
        guard let item = generator.next() else {
          summary.isComplete = true
          break
        }
        course = try take(item, control: &control)
        if lookAtKernel() == .ends { course = .ends }
      }
      try endReleaseStage(&control)
      if summary.faults.isEmpty {
        endRace()
        if course == .goesOn { _ = try verifyAll() }
        try measureMemory()
      }
      lookAtKernel(isLast: true)
    } catch {
      try finishRecording()
      throw .sandbox(error)
    }
    try finishRecording()
    return end()
  }

  private func take(
    _ item: PlanItem, control: inout some RunControl
  ) throws(SandboxError) -> Course {
    switch item {
    case .phase(let index):
      try endReleaseStage(&control)
      endRace()
      if phase.unverifiedSteps > 0, try verifyAll() == .ends { return .ends }
      let entry = profile.phases[index]
      phase = PhaseState(index: index, verification: entry.verification)
      emit(.phaseBegan(index: index, name: entry.name, kind: entry.kind))
      return .goesOn
    case .step(let step):
      endRace()
      return try perform(step)
    case .volley(let volley):
      return try fire(volley, control: &control)
    case .release(let round):
      return try perform(round, control: &control)
    case .race(let race):
      return try run(race, control: &control)
    }
  }

  private func endIsDue(_ control: inout some RunControl) -> Bool {
    if control.wantsEnd() {
      summary.wasInterrupted = true
      return true
    }
    if let limit = options.steps, summary.storm.steps >= limit {
      summary.isComplete = true
      return true
    }
    if ContinuousClock.now - began > profile.limits.run {
      skip("the rest of the plan", "the run reached its limit of \(profile.limits.run)")
      return true
    }
    return false
  }

  /// Looks at the kernel log about ten times a second, and once more at the end.
  @discardableResult
  private func lookAtKernel(isLast: Bool = false) -> Course {
    let now = ContinuousClock.now
    guard isLast || now - lastLook > .milliseconds(100) else { return .goesOn }
    lastLook = now
    var course = Course.goesOn
    for found in log?.takeFaults() ?? [] {
      if found.kind.isFault {
        course = fault(.log(found))
      } else {
        warn("the kernel log says: \(found)")
      }
    }
    let taint = KernelTaint.current.newFaults(since: taintAtStart)
    if !taint.isEmpty, summary.faults.isEmpty { course = fault(.taint(taint)) }
    return course
  }

  private func endTimedPhase(_ generator: inout PlanGenerator) {
    guard generator.isBoundedByTime, profile.phases.indices.contains(phase.index),
      case .sequential(let body) = profile.phases[phase.index].body,
      case .duration(let limit) = body.length, ContinuousClock.now - phase.began >= limit
    else { return }
    generator.endPhase()
  }

  private func end() -> RunSummary {
    collectTally()
    do throws(SandboxError) {
      try sandbox.teardown()
    } catch {
      summary.leftovers = "\(error)"
    }
    for (skip, count) in skipCounts {
      var skip = skip
      skip.count = count
      summary.skips.append(skip)
    }
    summary.skips.sort { ($0.what, $0.why) < ($1.what, $1.why) }
    for skip in summary.skips { emit(.skipped(skip)) }
    summary.times.totalNanoseconds = nanoseconds(ContinuousClock.now - began)
    summary.latencies = latencies.summaries
    emit(.ended(summary))
    return summary
  }

  private func collectTally() {
    summary.checks.tables = earlierTally.tables + check.tally.tables
    summary.checks.entries = earlierTally.mounts + check.tally.mounts
    summary.coverage += check.ruleCoverage
    let counters = check.counters
    summary.releases = releaseTallies.tallies(together: false)
    summary.releasesByWay = releaseTallies.tallies(together: true)
    summary.storm.mountsMade = Int(counters.mountsMade)
    summary.storm.copiesPropagated = Int(counters.copiesPropagated)
    summary.storm.mountsUmounted = Int(counters.mountsUmounted)
    summary.storm.copiesUmounted = Int(counters.copiesUmounted)
  }

  /// A recording of racing phases is of version 2 of the format; one without them stays version 1, which others read.
  private static func header(
    of profile: Profile, kernel: RunningKernel, seed: Seed, design: String,
    initialTable: MountTable
  ) -> TraceHeader {
    let races = profile.phases.contains {
      if case .sequential = $0.body { false } else { true }
    }
    let releases = profile.phases.contains {
      if case .release = $0.body { true } else { false }
    }
    guard races else {
      return TraceHeader(
        kernel: kernel.release, build: kernel.build, seed: seed.rawValue, table: initialTable)
    }
    return TraceHeader(
      kernel: kernel.release, build: kernel.build, seed: seed.rawValue, profile: profile.name,
      planRules: profile.rules, design: releases ? design : nil, table: initialTable)
  }

  private func finishRecording() throws(RunError) {
    do throws(TraceError) {
      try recorder?.finish()
      recorder = nil
    } catch {
      throw .recording(error)
    }
  }

  /// Ends the recording before the run does; the file is complete as far as it goes.
  func stopRecording() {
    do throws(TraceError) {
      try recorder?.finish()
      recorder = nil
      history.endRecording()
    } catch {
      loseRecording(error)
    }
  }

  /// The file takes no more; the run goes on without it.
  func loseRecording(_ error: TraceError) {
    warn("the recording ends here: \(error)")
    recorder = nil
    history.endRecording()
  }

  /// Writes down what is about to be called, where that was asked for.
  func announce(_ calls: [NumberedCall]) {
    guard options.announces, recorder != nil else { return }
    do throws(TraceError) {
      try recorder?.announce(calls)
    } catch {
      loseRecording(error)
    }
  }

  /// Measures what the tool takes; called where it is largest.
  func measureMemory() throws(SandboxError) {
    guard case .seen(let account) = try sandbox.memory() else { return }
    let memory = RunSummary.Memory(
      proportionalBytes: account.proportionalBytes, processes: account.processes,
      kernelChangeBytes: account.kernelBytes - kernelBytesAtStart)
    if memory.proportionalBytes > summary.memory?.proportionalBytes ?? 0 { summary.memory = memory }
  }

  // MARK: - Notes

  func warn(_ text: String) {
    summary.warnings.append(text)
    emit(.warning(text))
  }

  func skip(_ what: String, _ why: String) {
    skipCounts[Skip(what: what, why: why, count: 0), default: 0] += 1
  }

  func fault(_ fault: RunFault) -> Course {
    summary.faults.append(fault)
    emit(.fault(fault))
    return .ends
  }

  func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(clamping: seconds) &* 1_000_000_000
      &+ UInt64(clamping: attoseconds / 1_000_000_000)
  }

  /// Runs the work and adds its time to one of the sums.
  func timed<Value>(
    _ sum: WritableKeyPath<RunSummary.Times, UInt64>, _ work: () throws(SandboxError) -> Value
  ) throws(SandboxError) -> Value {
    let start = ContinuousClock.now
    defer { summary.times[keyPath: sum] += nanoseconds(ContinuousClock.now - start) }
    return try work()
  }
}
