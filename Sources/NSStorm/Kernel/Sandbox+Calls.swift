import CMount
public import StormVocabulary

extension Sandbox {
  /// Lets an actor make one call and waits for its answer, at most ``SandboxLimits/callTime``.
  ///
  /// `unshare(namespace: n)` that succeeds makes actor `n`; an answered `exit` has ended the process, reaped and gone.
  /// After a hang the actor stays where it is: the caller ends the run.
  public func perform(_ operation: Operation, by actor: Int) throws(SandboxError) -> CallOutcome {
    let worker = try worker(of: actor)
    let slot = slot(at: worker)
    var taken: [(actor: Int, worker: UInt32)] = []
    let place: ProgramPlace
    do throws(SandboxError) {
      place = try writeSingle(operation, worker: worker, taken: &taken)
    } catch {
      for entry in taken { release(entry.worker) }
      throw error
    }
    slot.pointee.position = 0
    slot.pointee.task = place.task()
    let request = nss_worker_post(slot)
    let wait = try waitForAnswer(of: slot, request: request)
    let answered = wait == .answered
    keepStarted(taken)
    if answered, case .exit = operation {
      guard
        nss_worker_wait_not(slot, UInt32(NSS_ALIVE), limits.callTime.nanosecondsClamped)
      else { return .hang(report(.worker(actor: actor), of: slot, operation: operation)) }
      var record = result(place, 0)
      record.endNanoseconds = nss_now()
      forget(actor)
      return .answered(record)
    }
    if answered { return .answered(result(place, 0)) }
    if nss_worker_state(slot) == UInt32(NSS_DEAD) {
      let death = WorkerDeath(
        actor: actor, operation: operation, waitStatus: slot.pointee.exit_status)
      forget(actor)
      return .died(death)
    }
    return .hang(
      report(
        .worker(actor: actor), of: slot, operation: operation, waited: wait.waitedNanoseconds))
  }

  /// Waits until an actor's process that was told to end, or killed, has gone and was reaped.
  public func waitForEnd(of actor: Int) throws(SandboxError) {
    guard let worker = workers[actor] else { return }
    let slot = slot(at: worker)
    guard nss_worker_wait_not(slot, UInt32(NSS_ALIVE), limits.callTime.nanosecondsClamped) else {
      throw .setupFailed(attempt: "see actor \(actor) end", errno: .timedOut)
    }
    forget(actor)
  }

  /// Starts a further actor in the mount namespace of a living one: a fork, with its working directory and root.
  public func addActor(_ actor: Int, sharingNamespaceOf other: Int) throws(SandboxError) {
    try addActor(actor, beside: other, code: NSS_OP_SHARE)
  }

  /// Starts a further actor in the process of a living one: a thread, which shares its descriptors, working directory and
  /// root and ends with it. At most 16 of a process; a thread can neither exit nor make processes.
  public func addThread(_ actor: Int, of other: Int) throws(SandboxError) {
    try addActor(actor, beside: other, code: NSS_OP_THREAD)
  }

  private func addActor(_ actor: Int, beside other: Int, code: Int) throws(SandboxError) {
    guard workers[actor] == nil else { throw .actorExists(actor) }
    let parent = try worker(of: other)
    let slot = slot(at: parent)
    let worker = try takeWorker()
    var record = nss_op()
    record.code = UInt16(code)
    record.worker = worker
    let place = ProgramPlace(
      records: [record], text: [0], at: Int(nss_sandbox_scratch(&handle, parent)), base: base)
    slot.pointee.task = place.task()
    let answered = try waitForAnswer(of: slot, request: nss_worker_post(slot)) == .answered
    guard answered, result(place, 0).errno == .none else {
      release(worker)
      throw .setupFailed(
        attempt: "start actor \(actor)", errno: answered ? result(place, 0).errno : .timedOut)
    }
    if code == NSS_OP_THREAD {
      adopt(worker, as: actor, threadOf: other)
    } else {
      adopt(worker, as: actor)
    }
  }

  private func writeSingle(
    _ operation: Operation, worker: UInt32, taken: inout [(actor: Int, worker: UInt32)]
  ) throws(SandboxError) -> ProgramPlace {
    var encoder = OperationEncoder(
      workerOfNamespace: { namespace throws(SandboxError) in try self.worker(of: namespace) })
    let record = try encoder.encode(operation) { namespace throws(SandboxError) in
      try self.reserve(actor: namespace, into: &taken)
    }
    return ProgramPlace(
      records: [record], text: encoder.text, at: Int(nss_sandbox_scratch(&handle, worker)),
      base: base)
  }

  /// Takes a worker for an actor that a call is about to make.
  func reserve(
    actor: Int, into taken: inout [(actor: Int, worker: UInt32)]
  ) throws(SandboxError) -> UInt32 {
    guard workers[actor] == nil else { throw .actorExists(actor) }
    let worker = try takeWorker()
    taken.append((actor, worker))
    return worker
  }

  /// Keeps those of the reserved workers that have come to life.
  func keepStarted(_ taken: [(actor: Int, worker: UInt32)]) {
    for entry in taken {
      let state = nss_worker_state(slot(at: entry.worker))
      if state == UInt32(NSS_ALIVE), workers[entry.actor] == nil {
        adopt(entry.worker, as: entry.actor)
      } else if state != UInt32(NSS_STARTING) {
        release(entry.worker)
      }
    }
  }

  func result(_ place: ProgramPlace, _ index: Int) -> CallRecord {
    let result = (base + place.results).assumingMemoryBound(to: nss_result.self)[index]
    return CallRecord(
      errno: Errno(rawValue: result.error), startNanoseconds: result.start_nanoseconds,
      endNanoseconds: result.end_nanoseconds, value: result.value)
  }

  private enum WorkerWait: Equatable {
    case answered
    case missed(waitedNanoseconds: UInt64)

    var waitedNanoseconds: UInt64? {
      if case .missed(let waited) = self { waited } else { nil }
    }
  }

  /// Waits for a worker's answer, its death, or the end of all patience, whichever is first.
  private func waitForAnswer(
    of slot: UnsafeMutablePointer<nss_worker>, request: UInt32
  ) throws(SandboxError) -> WorkerWait {
    var patience = patience(limits.callTime)
    while true {
      let slice = min(Self.attentionNanoseconds, patience.remainder(at: nss_now()))
      if nss_worker_wait_done(slot, request, slice) { return .answered }
      let isDead = nss_worker_state(slot) == UInt32(NSS_DEAD)
      // It may have answered and ended between the two looks.
      if isDead, nss_worker_done(slot) == request { return .answered }
      if !isDead { try checkAlive(during: "a call was made") }
      let now = nss_now()
      if isDead || patience.isOver(at: now, look: { looks(at: [slot.pointee.pid]) }) {
        return .missed(waitedNanoseconds: patience.waitedNanoseconds(at: now))
      }
    }
  }

  /// How long the supervisor sleeps at most before it looks whether the sandbox still lives.
  static let attentionNanoseconds: UInt64 = 100_000_000
}
