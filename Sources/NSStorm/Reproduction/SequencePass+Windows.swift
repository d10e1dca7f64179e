import Glibc
import StormEngine
import StormKernel
import StormPlanning
import StormRun
import StormTrace
import StormVerdict
import StormVocabulary

// Racing calls, made again and judged like those of a run.

extension SequencePass {
  /// Makes the calls of a window; false ends the run.
  func make(_ window: TraceWindow, at position: Int, step: Int) throws(SandboxError) -> Bool {
    try endReleases()
    var races = outcome.races ?? TraceVerdict.Races()
    defer { outcome.races = races }
    races.windows += 1
    // What raced cannot be performed again in one order for the search of known issues.
    isHistoryComplete = false
    guard window.workers.allSatisfy({ sandbox.livingActors.contains($0.process) }) else {
      outcome.skippedCalls += window.window.calls.count
      races.unjudged += 1
      return true
    }
    for worker in window.workers where worker.isThread {
      let actor = WindowReplay.actor(worker)
      if !sandbox.livingActors.contains(actor) {
        try sandbox.addThread(actor, of: worker.process)
      }
    }
    guard let calls = try race(window) else { return false }
    races.calls += calls.count
    outcome.calls += calls.count
    outcome.succeededCalls += calls.count { $0.errno == .none }
    let reading = try reader.readAll(from: sandbox)
    if let hang = reading.hang {
      outcome.faults.append(.hang(hang))
      return false
    }
    let made = ContendedWindow(calls: calls, tables: reading.tables)
    if settings.keepsSteps {
      outcome.lines.append(
        .window(
          TraceWindow(
            number: window.number, phase: window.phase, workers: window.workers, window: made)))
    }
    var checker = race.take() ?? check.beginRace(limits: Self.searchLimits)
    checker.knownIssues = settings.explains ? KnownIssue.affecting(settings.release) : []
    let verdict = check.judge(made, by: &checker)
    race = consume checker
    switch verdict {
    case .explained(let explained):
      races.explained += 1
      races.conflicts += explained.conflicts
      return true
    case .violated(let violation):
      races.violated += 1
      return try found(violation.divergence(asStep: step), at: position, before: [], endsRun: true)
    case .unknown:
      races.unknown += 1
      return false
    }
  }

  /// Goes on with exact steps.
  func endRace() {
    guard race.take() != nil else { return }
    check.endRace()
  }

  /// Cluster by cluster; nil where the kernel did not come back.
  private func race(_ window: TraceWindow) throws(SandboxError) -> [ContendedWindow.Call]? {
    let replay = WindowReplay(
      window.window, workers: window.workers, jitterNanoseconds: settings.jitterNanoseconds)
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    var made: [ContendedWindow.Call] = []
    for cluster in replay.clusters {
      let parts = replay.programs(cluster, processors: processors, &generator)
      let batch = try sandbox.run(parts.map(\.program))
      for hang in batch.hangs { outcome.faults.append(.hang(hang)) }
      for death in batch.deaths { outcome.faults.append(.death(death)) }
      guard batch.hangs.isEmpty, batch.deaths.isEmpty else { return nil }
      for (part, result) in zip(parts, batch.programs) {
        for (call, record) in zip(part.calls, result.records) {
          var call = call
          call.errno = record.errno
          call.startNanoseconds = record.startNanoseconds
          call.endNanoseconds = record.endNanoseconds
          made.append(call)
        }
      }
    }
    return made
  }

  private static var searchLimits: SearchLimits {
    var limits = SearchLimits()
    limits.milliseconds = 5_000
    return limits
  }
}

extension RecordedItem {
  /// Processes and threads that it brings to life.
  var workersNeeded: Int {
    func makes(_ operation: Operation) -> Bool { operation.newNamespace != nil }
    switch self {
    case .call(let call): return makes(call.operation) ? 1 : 0
    case .window(let window):
      return window.workers.count { $0.isThread }
        + window.window.calls.count { makes($0.operation) }
    case .release: return 0
    }
  }

  /// Processes that a release round needs beside those: company, the holder, and one that is still being reaped.
  var companions: Int {
    if case .release(let round) = self {
      round.conditions.walkers + round.conditions.readers + 2
    } else {
      0
    }
  }
}
