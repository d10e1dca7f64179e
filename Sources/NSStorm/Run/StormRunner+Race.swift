import StormEngine
import StormKernel
import StormPlanning
import StormTrace
import StormVerdict
import StormVocabulary

// Contended phases: programs race, all tables are read when nothing runs any more, and a search looks for an order that
// explains what was seen.

extension StormRunner {
  /// The judge of one round's windows.
  struct RaceState: ~Copyable {
    var checker: ConcurrencyChecker
    var round: Int
    /// A window was not explained: where the model stands is not where the kernel does.
    var isLost = false
  }

  /// Bounds of the search for one window.
  static var searchLimits: SearchLimits {
    var limits = SearchLimits()
    limits.steps = 400_000
    limits.states = 200_000
    limits.milliseconds = 10_000
    limits.earlierWindows = 64
    return limits
  }

  func run(_ race: Race, control: inout some RunControl) throws(SandboxError) -> Course {
    if self.race?.round != race.round {
      endRace()
      if phase.unverifiedSteps > 0, try verifyAll() == .ends { return .ends }
      try beginRound(race)
    }
    var calls: [ContendedWindow.Call] = []
    if try performPrelude(race, &calls) == .ends { return .ends }
    let number = summary.storm.steps
    announce(
      zip(race.workers, race.programs).flatMap { worker, program in
        program.map {
          NumberedCall(number: number, namespace: worker.process, operation: $0.operation)
        }
      })
    guard let (outcome, isStopped) = try runAtOnce(race.workerPrograms, control: &control) else {
      return .ends
    }
    settleAnnouncements(number)
    for (worker, program) in race.programs.enumerated() {
      for (call, record) in zip(program, outcome.programs[worker].records) {
        calls.append(self.call(call.operation, record, worker: worker, race))
      }
    }
    let reading = try timed(\.readingNanoseconds) { () throws(SandboxError) in
      try reader.readAll(from: sandbox)
    }
    if let hang = reading.hang { return fault(.hang(hang)) }
    if judgeObservers(reading, after: nil) == .ends { return .ends }
    summary.checks.quiescentPoints += 1
    let window = ContendedWindow(
      calls: calls, readers: readers(race, outcome), tables: reading.tables,
      barrierNanoseconds: outcome.startNanoseconds, tablesNanoseconds: outcome.endNanoseconds)
    count(window)
    if isStopped {
      summary.wasInterrupted = true
      return .ends
    }
    return judge(window, race)
  }

  /// Goes on with exact steps.
  func endRace() {
    guard let isLost = race?.isLost else { return }
    race = nil
    // Nobody knows what stands until the round's end has removed it: until then nothing is compared.
    if isLost { isCatchingUp = true }
    check.endRace()
    phase.unverifiedSteps += 1
  }

  private func beginRound(_ race: Race) throws(SandboxError) {
    // What raced cannot be performed again in one order for the search of known issues.
    history.giveUp()
    var checker = check.beginRace(limits: Self.searchLimits)
    checker.knownIssues = KnownIssue.affecting(release)
    checker.allowsTornSums = !KnownIssue.missingReferences(on: release).isEmpty
    self.race = RaceState(checker: checker, round: race.round)
    if summary.races == nil {
      summary.races = RunSummary.Races()
      // A part of the profile is asked to have raced, no more.
      summary.races?.leastConflicts =
        options.steps == nil ? profile.leastConflicts : min(1, profile.leastConflicts)
    }
    try race.startThreads(in: sandbox)
  }

  private func performPrelude(
    _ race: Race, _ calls: inout [ContendedWindow.Call]
  ) throws(SandboxError) -> Course {
    for call in race.prelude {
      let process = race.workers[call.worker].process
      let number = summary.storm.steps
      announce([NumberedCall(number: number, namespace: process, operation: call.operation)])
      switch try sandbox.perform(call.operation, by: process) {
      case .answered(let record):
        settleAnnouncements(number)
        calls.append(self.call(call.operation, record, worker: call.worker, race))
        summary.times.kernelNanoseconds += record.endNanoseconds - record.startNanoseconds
      case .hang(let report): return fault(.hang(report))
      case .died(let death): return fault(.death(death))
      }
    }
    return .goesOn
  }

  private func call(
    _ operation: Operation, _ record: CallRecord, worker: Int, _ race: Race
  ) -> ContendedWindow.Call {
    ContendedWindow.Call(
      worker: worker, process: race.workers[worker].process, operation: operation,
      errno: record.errno, startNanoseconds: record.startNanoseconds,
      endNanoseconds: record.endNanoseconds)
  }

  private func readers(_ race: Race, _ outcome: BatchOutcome) -> [ContendedWindow.Reader] {
    race.walks.flatMap { walk in
      walk.crossings.map {
        ContendedWindow.Reader(
          process: walk.worker.process, path: .path($0),
          startNanoseconds: outcome.startNanoseconds, endNanoseconds: outcome.endNanoseconds)
      }
    }
  }

  private func count(_ window: ContendedWindow) {
    for call in window.calls {
      summary.storm.volleyCalls += 1
      summary.checks.answers += 1
      note(call.operation, answer: call.errno)
    }
    summary.storm.mostMounts = max(
      summary.storm.mostMounts, (window.tables ?? []).reduce(0) { $0 + $1.table.entries.count })
    earlierTally.tables += window.tables?.count ?? 0
    earlierTally.mounts += (window.tables ?? []).reduce(0) { $0 + $1.table.entries.count }
    summary.races?.windows += 1
    summary.races?.calls += window.calls.count
    if !window.readers.isEmpty {
      summary.races?.umountsUnderWalkers += window.calls.count {
        if case .umount2 = $0.operation { true } else { false }
      }
    }
    emit(.progress(progress()))
  }

  private func judge(_ window: ContendedWindow, _ race: Race) -> Course {
    let number = windowCount
    windowCount += 1
    let workers = race.workers.enumerated().map { number, worker in
      ConcurrentWorker(
        number: number, process: worker.process, isThread: worker.thread > 0,
        cpu: worker.runningCPU,
        priority: worker.priority)
    }
    var judged = JudgedWindow(
      number: number, phase: phase.index, workers: workers, window: window, verdict: nil)
    record(workers: workers, window)
    guard self.race?.isLost == false else {
      summary.races?.unjudged += 1
      emit(.windowJudged(judged))
      return .goesOn
    }
    let began = ContinuousClock.now
    let verdict = judgeNow(window)
    summary.times.searchNanoseconds =
      (summary.times.searchNanoseconds ?? 0) + nanoseconds(ContinuousClock.now - began)
    judged.verdict = verdict
    emit(.windowJudged(judged))
    switch verdict {
    case .explained(let explained): return accept(explained, window)
    case .violated(let violation):
      self.race?.isLost = true
      summary.races?.violated += 1
      return found(violation.divergence(asStep: summary.storm.steps))
    case .unknown(let budget):
      self.race?.isLost = true
      summary.races?.unknown[budget.rawValue, default: 0] += 1
      return .goesOn
    case nil: return .goesOn
    }
  }

  private func judgeNow(_ window: ContendedWindow) -> WindowVerdict? {
    guard var state = race.take() else { return nil }
    let stepsBefore = state.checker.tally.steps
    let verdict = check.judge(window, by: &state.checker)
    summary.races?.steps += state.checker.tally.steps - stepsBefore
    race = consume state
    return verdict
  }

  private func accept(_ explained: ExplainedWindow, _ window: ContendedWindow) -> Course {
    summary.races?.explained += 1
    summary.races?.conflicts += explained.conflicts
    for latitude in Latitude.allCases where explained.latitude[latitude] > 0 {
      summary.races?.latitude[latitude.rawValue, default: 0] += explained.latitude[latitude]
    }
    var issues = explained.knownIssues
    if explained.latitude[.tornSum] > 0, let issue = KnownIssue.missingReferences(on: release).first
    {
      issues.append(issue.id)
    }
    guard !issues.isEmpty else { return .goesOn }
    // Under the rules of the issue from here on; it is named once and not taken for agreement.
    presentIssues += KnownIssue.catalogue.filter { issues.contains($0.id) }
    let culprit = explained.order.first { $0.latitude == .tornSum }.map { window.calls[$0.call] }
    return found(
      Divergence(
        step: summary.storm.steps, namespace: culprit?.process ?? 0,
        operation: culprit?.operation, predictedErrno: culprit == nil ? .none : .busy,
        observedErrno: culprit?.errno ?? .none, knownIssues: issues))
  }
}

extension Profile {
  /// The conflicts that all contended phases together ask for.
  fileprivate var leastConflicts: Int {
    phases.reduce(0) {
      if case .contended(let body) = $1.body { $0 + body.leastConflicts } else { $0 }
    }
  }

  /// Threads beside the processes, at most at once.
  var threadCount: Int {
    phases.reduce(0) {
      guard case .contended(let body) = $1.body else { return $0 }
      let threads = body.workerCount - body.namespaces * body.processes
      return max($0, threads + (body.walkers?.count ?? 0))
    }
  }
}
