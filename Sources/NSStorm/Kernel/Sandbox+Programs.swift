import CMount
import Glibc
import StormVocabulary

extension Sandbox {
  /// Runs prepared programs at once, one for each of several actors, and waits for their ends.
  ///
  /// - Parameters:
  ///   - stallLimit: a batch in which no call ends for this long is a hang (``SandboxLimits/callTime`` if nil). Time
  ///     that a worker waits while others go on is not one: a thousand workers on two CPUs wait long for a lock.
  ///   - timeLimit: after this long the programs are stopped, each after the call that it is in.
  ///   - shouldStop: asked about ten times a second; true stops likewise.
  public func run(
    _ programs: [WorkerProgram], start: BatchStart = .together, stallLimit: Duration? = nil,
    timeLimit: Duration? = nil, shouldStop: () -> Bool = { false }
  ) throws(SandboxError) -> BatchOutcome {
    guard !programs.isEmpty else {
      return BatchOutcome(programs: [], startNanoseconds: nss_now(), endNanoseconds: nss_now())
    }
    var taken: [(actor: Int, worker: UInt32)] = []
    var runs: [ProgramRun]
    do throws(SandboxError) {
      runs = try place(programs, taken: &taken)
    } catch {
      for entry in taken { release(entry.worker) }
      throw error
    }
    let usesBarrier = start == .together
    let spins = usesBarrier && programs.count <= max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let foreground = programs.count { !$0.isInBackground }
    nss_batch_begin(&handle, UInt32(runs.count), UInt32(foreground), spins)
    for index in runs.indices {
      let slot = slot(at: runs[index].worker)
      // Of the program before; a worker that does not come to its start must not seem to be in the middle.
      slot.pointee.position = 0
      slot.pointee.iterations_done = 0
      slot.pointee.task = runs[index].place.task(
        iterations: UInt32(clamping: max(1, programs[index].iterations)),
        cpu: programs[index].cpu.map { Int32(clamping: $0) } ?? -1,
        flags: UInt32(
          NSS_TASK_IN_BATCH | (usesBarrier ? NSS_TASK_EXPECTS_BARRIER : 0)
            | (programs[index].isInBackground ? NSS_TASK_IN_BACKGROUND : 0)))
      slot.pointee.task.priority = Int32(clamping: programs[index].priority)
      runs[index].request = nss_worker_post(slot)
    }
    var began = nss_now()
    if usesBarrier {
      try waitForArrival(runs)
      began = nss_batch_go(&handle, spins ? Self.barrierLeadNanoseconds : 0)
    }
    let supervision = Supervision(
      stallLimit: stallLimit ?? limits.callTime,
      deadline: timeLimit.map { nss_now() + $0.nanosecondsClamped })
    let (stopped, waited) = try supervise(runs, supervision, shouldStop: shouldStop)
    let ended = nss_now()
    keepStarted(taken)
    // Left set where a worker hangs: it must not go on with its program when it comes back.
    if runs.allSatisfy(isOver) { nss_batch_resume(&handle) }
    let outcomes = collect(programs, runs, stopped: stopped, waited: waited)
    discardPrograms(after: runs)
    return BatchOutcome(programs: outcomes, startNanoseconds: began, endNanoseconds: ended)
  }

  private struct ProgramRun {
    var worker: UInt32
    var place: ProgramPlace
    var isInBackground: Bool
    var request: UInt32 = 0
  }

  private struct Supervision {
    var stallLimit: Duration
    var deadline: UInt64?
  }

  private func place(
    _ programs: [WorkerProgram], taken: inout [(actor: Int, worker: UInt32)]
  ) throws(SandboxError) -> [ProgramRun] {
    var runs: [ProgramRun] = []
    runs.reserveCapacity(programs.count)
    let start = Int(handle.region.pointee.programs)
    let limit = start + Int(handle.region.pointee.programs_size)
    var offset = start
    let processors = sysconf(Int32(_SC_NPROCESSORS_CONF))
    for program in programs {
      let worker = try worker(of: program.actor)
      if let cpu = program.cpu, cpu < 0 || cpu >= processors { throw .noSuchProcessor(cpu) }
      var encoder = OperationEncoder(
        workerOfNamespace: { namespace throws(SandboxError) in try self.worker(of: namespace) })
      var records: [nss_op] = []
      records.reserveCapacity(program.steps.count)
      for step in program.steps {
        var record = try encoder.encode(step.call) { namespace throws(SandboxError) in
          try self.reserve(actor: namespace, into: &taken)
        }
        record.delay_nanoseconds = step.delayNanoseconds
        records.append(record)
      }
      let size = ProgramPlace.bytes(count: records.count, textBytes: encoder.text.count)
      guard offset + size <= limit else {
        throw .programsTooLarge(bytes: offset + size - start, limit: limit - start)
      }
      let place = ProgramPlace(records: records, text: encoder.text, at: offset, base: base)
      runs.append(
        ProgramRun(worker: worker, place: place, isInBackground: program.isInBackground))
      offset += size
    }
    return runs
  }

  private func waitForArrival(_ runs: [ProgramRun]) throws(SandboxError) {
    let limit = nss_now() + limits.setupTime.nanosecondsClamped
    while true {
      let arrived = Int(nss_batch_wait_arrived(&handle, Self.attentionNanoseconds))
      if arrived == runs.count { return }
      try checkAlive(during: "a batch was started")
      // Those that are dead, or stopped, will not come; the others must not wait for them for ever.
      let dead = runs.count { nss_worker_state(slot(at: $0.worker)) == UInt32(NSS_DEAD) }
      if arrived + dead >= runs.count || nss_now() >= limit { return }
    }
  }

  private func isOver(_ run: ProgramRun) -> Bool {
    let slot = slot(at: run.worker)
    return nss_worker_done(slot) == run.request || nss_worker_state(slot) == UInt32(NSS_DEAD)
  }

  /// Waits until every program is over or none goes on: whether they were told to stop, and how long the last wait was.
  private func supervise(
    _ runs: [ProgramRun], _ supervision: Supervision, shouldStop: () -> Bool
  ) throws(SandboxError) -> (isStopped: Bool, waitedNanoseconds: UInt64) {
    // Those in the background repeat their calls as long as the others work: their headway is nobody's.
    let others = runs.filter { !$0.isInBackground }
    var watched = others.isEmpty ? runs : others
    var stopped = false
    var lastProgress = progress(of: watched)
    var patience = patience(supervision.stallLimit)
    while true {
      let completed = Int(nss_batch_wait_completed(&handle, Self.attentionNanoseconds))
      if runs.allSatisfy(isOver) { return (stopped, 0) }
      // The last ones have counted themselves and are about to answer.
      if completed >= runs.count { sched_yield() }
      try checkAlive(during: "a batch ran")
      let now = nss_now()
      if !stopped, shouldStop() || supervision.deadline.map({ now >= $0 }) ?? false {
        nss_batch_stop(&handle)
        stopped = true
      }
      if watched.allSatisfy(isOver) { watched = runs }
      let progress = progress(of: watched)
      if progress != lastProgress {
        lastProgress = progress
        patience = self.patience(supervision.stallLimit)
      } else if patience.isOver(
        at: now, look: { looks(at: watched.filter { !isOver($0) }.map(processID)) })
      {
        nss_batch_stop(&handle)
        return (stopped, patience.waitedNanoseconds(at: now))
      }
    }
  }

  private func processID(of run: ProgramRun) -> Int32 { slot(at: run.worker).pointee.pid }

  /// A number that changes whenever a call of one of the programs ends.
  private func progress(of runs: [ProgramRun]) -> UInt64 {
    runs.reduce(into: UInt64(0)) { sum, run in
      let slot = slot(at: run.worker)
      sum &+= nss_worker_position(slot) &+ (isOver(run) ? 1 : 0)
      sum &+= nss_worker_iterations(slot) &* UInt64(run.place.count + 1)
    }
  }

  private func collect(
    _ programs: [WorkerProgram], _ runs: [ProgramRun], stopped: Bool, waited: UInt64
  ) -> [ProgramOutcome] {
    let unfinished = runs.count { !isOver($0) }
    var reports = 0
    return runs.indices.map { index in
      let run = runs[index]
      let program = programs[index]
      let slot = slot(at: run.worker)
      let records = records(of: run.place)
      let iterations = Int(nss_worker_iterations(slot))
      func outcome(_ end: ProgramEnd) -> ProgramOutcome {
        ProgramOutcome(records: records, iterationsDone: iterations, end: end)
      }
      func operation() -> Operation? {
        let position = Int(nss_worker_position(slot))
        return program.steps.indices.contains(position) ? program.steps[position].operation : nil
      }
      if nss_worker_done(slot) == run.request {
        if case .exit? = records.last.flatMap({ _ in program.steps[records.count - 1].operation }) {
          _ = nss_worker_wait_not(slot, UInt32(NSS_ALIVE), limits.callTime.nanosecondsClamped)
          forget(program.actor)
          return outcome(.finished)
        }
        if program.isInBackground { return outcome(.finished) }
        let isWhole = iterations >= max(1, program.iterations)
        return outcome(isWhole || !stopped ? .finished : .stopped)
      }
      if nss_worker_state(slot) == UInt32(NSS_DEAD) {
        let death = WorkerDeath(
          actor: program.actor, operation: operation(), waitStatus: slot.pointee.exit_status)
        forget(program.actor)
        return outcome(.died(death))
      }
      reports += 1
      guard reports <= Self.reportedHangs else { return outcome(.hang(nil)) }
      return outcome(
        .hang(
          report(
            .worker(actor: program.actor), of: slot, operation: operation(), waited: waited,
            further: reports == Self.reportedHangs ? unfinished - reports : 0)))
    }
  }

  // Programs run in order, so the answered calls are the first ones.
  private func records(of place: ProgramPlace) -> [CallRecord] {
    let results = (base + place.results).assumingMemoryBound(to: nss_result.self)
    var records: [CallRecord] = []
    records.reserveCapacity(place.count)
    for index in 0..<place.count {
      guard results[index].error != Int32(NSS_NOT_RUN) else { break }
      records.append(result(place, index))
    }
    return records
  }

  private func discardPrograms(after runs: [ProgramRun]) {
    guard let last = runs.last else { return }
    let start = Int(handle.region.pointee.programs)
    let used = last.place.text - start
    // A worker that hangs may still write its result: its pages must not be given back under it, only left alone.
    guard used > Self.keptProgramBytes, runs.allSatisfy(isOver) else { return }
    nss_sandbox_discard(&handle, UInt64(start), UInt64(used))
  }

  private static var barrierLeadNanoseconds: UInt64 { 100_000 }
  private static var reportedHangs: Int { 8 }
  private static var keptProgramBytes: Int { 16 << 20 }
}
