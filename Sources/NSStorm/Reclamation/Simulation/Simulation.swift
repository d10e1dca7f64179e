import HeapModule
import StormVocabulary

/// A discrete-event simulation of mass umounts under a design (section 5.1 of the reclamation
/// specification). Callers compete for `SimulationParameters.cpus`; workers and callbacks run beside them, never more
/// workers than CPUs.
struct Simulation {
  enum Waiter {
    case caller(Int)
    case polled(Int)
    case box(Int)
    case callback(Int)
    case globalWorker
  }

  enum Event {
    case callStarts(caller: Int)
    /// The path is looked up; the call asks for `namespace_sem`.
    case lookedUp(call: Int)
    case pollStarts(call: Int)
    case detached(call: Int)
    case gracePeriodEnds(expedited: Bool)
    case returned(call: Int)
    case poolSubmitted(call: Int)
    case delayedAdded(call: Int)
    case delayedDue
    case globalWorkerDone
  }

  /// Events in the order of their time; the number keeps equal times in the order of their making.
  private struct Scheduled: Comparable {
    var time: Double
    var number: Int
    var event: Event

    static func < (left: Scheduled, right: Scheduled) -> Bool {
      left.time != right.time ? left.time < right.time : left.number < right.number
    }
    static func == (left: Scheduled, right: Scheduled) -> Bool {
      left.time == right.time && left.number == right.number
    }
  }

  private struct Call {
    var caller: Int
    var start: Double
    var detachEnd = 0.0
    var lastDeath = 0.0
    var returned = 0.0
    var pollIsOver = false
    var waitsForPoll = false
  }

  let parameters: SimulationParameters
  private let calibration: Calibration
  private let teardown: Calibration.ServiceTime
  private let release: Design.Release
  private let size: Int
  private var generator: SeededGenerator
  private var events = Heap<Scheduled>()
  private var eventNumber = 0
  private var calls: [Call] = []
  private var namespaceIsLocked = false
  /// Calls that wait for `namespace_sem`, in the order of their arrival; those before the index have had it.
  private var namespaceQueue: [Int] = []
  private var namespaceServed = 0
  private var processors: Processors
  private var expedited = GracePeriodEngine()
  private var normal = GracePeriodEngine()
  private var workerFree: [Double]
  private var callbackFree = 0.0
  private var delayedList: [Int] = []
  private var delayedFree = 0.0
  private var globalInFlight = false
  private var releaseList: [Int] = []
  private var nextList: [Int] = []
  private var result: SimulationResult

  init(_ parameters: SimulationParameters) throws {
    try parameters.check()
    self.parameters = parameters
    calibration = parameters.calibration
    guard let teardown = calibration.teardown[parameters.fileSystem],
      let release = parameters.release
    else {
      throw CompositionError(
        what: "file system", value: parameters.fileSystem, allowed: calibration.fileSystems)
    }
    self.teardown = teardown
    self.release = release
    size = parameters.mountsPerCall
    generator = SeededGenerator(seed: parameters.seed)
    processors = Processors(count: parameters.cpus)
    let workers =
      parameters.cpus > 0 ? min(parameters.workers, parameters.cpus) : parameters.workers
    workerFree = [Double](repeating: 0, count: workers)
    result = SimulationResult(
      parameters: parameters, calls: parameters.namespaces,
      mounts: parameters.namespaces * size)
  }

  mutating func run() -> SimulationResult {
    for caller in 0..<min(parameters.callers, parameters.namespaces) {
      schedule(.callStarts(caller: caller), at: 0)
    }
    while let next = events.popMin() {
      handle(next.event, at: next.time)
    }
    result.expeditedGracePeriods = expedited.count
    result.normalGracePeriods = normal.count
    result.releasedAtReturn = calls.count { $0.lastDeath <= $0.returned }
    result.finish()
    return result
  }

  private mutating func schedule(_ event: Event, at time: Double) {
    eventNumber += 1
    events.insert(Scheduled(time: time, number: eventNumber, event: event))
  }

  private mutating func handle(_ event: Event, at now: Double) {
    switch event {
    case .callStarts(let caller): startCall(caller, at: now)
    case .lookedUp(let call):
      namespaceQueue.append(call)
      serveNamespace(at: now)
    case .pollStarts(let call): request(.polled(call), expedited: true, at: now)
    case .detached(let call): detached(call, at: now)
    case .gracePeriodEnds(let isExpedited):
      let (done, startsNext) = isExpedited ? expedited.finish() : normal.finish()
      if startsNext { startGracePeriod(expedited: isExpedited, at: now) }
      for waiter in done { wake(waiter, at: now) }
    case .returned(let call): returned(call, at: now)
    case .poolSubmitted(let call): submitTail(of: call, at: now)
    case .delayedAdded(let call):
      delayedList.append(call)
      if delayedList.count == 1 {
        schedule(.delayedDue, at: now + calibration.tickNanoseconds)
      }
    case .delayedDue: runDelayed(at: now)
    case .globalWorkerDone:
      if nextList.isEmpty {
        globalInFlight = false
      } else {
        swap(&releaseList, &nextList)
        request(.globalWorker, expedited: parameters.expeditedDeferral, at: now)
      }
    }
  }

  private mutating func startCall(_ caller: Int, at now: Double) {
    guard calls.count < parameters.namespaces else { return }
    calls.append(Call(caller: caller, start: now))
    let end = processors.run(calibration.pathNanoseconds, from: now)
    schedule(.lookedUp(call: calls.count - 1), at: end)
  }

  /// Gives `namespace_sem` to the call that has waited longest, which detaches under it.
  private mutating func serveNamespace(at now: Double) {
    guard !namespaceIsLocked, namespaceServed < namespaceQueue.count else { return }
    let call = namespaceQueue[namespaceServed]
    namespaceServed += 1
    namespaceIsLocked = true
    let copies = Double(parameters.mounts * parameters.peers)
    let work =
      Double(parameters.mounts) * calibration.detachNanoseconds
      + copies * calibration.detachCopyNanoseconds
    let end = processors.run(work, from: now)
    calls[call].detachEnd = end
    if release == .polled { schedule(.pollStarts(call: call), at: now) }
    schedule(.detached(call: call), at: end)
  }

  private mutating func detached(_ call: Int, at now: Double) {
    namespaceIsLocked = false
    serveNamespace(at: now)
    result.noteDetached(size, at: now)
    let returns = now + calibration.putNanoseconds
    switch release {
    case .wait: request(.caller(call), expedited: true, at: now)
    case .none: putInCaller(call, at: now)
    case .polled:
      if calls[call].pollIsOver {
        putInCaller(call, at: now)
      } else {
        calls[call].waitsForPoll = true
      }
    case .rcuWork:
      request(.box(call), expedited: parameters.expeditedDeferral, at: now)
      schedule(.returned(call: call), at: returns)
    case .callRcu:
      request(.callback(call), expedited: parameters.expeditedDeferral, at: now)
      schedule(.returned(call: call), at: returns)
    case .globalList:
      if globalInFlight {
        nextList.append(call)
      } else {
        globalInFlight = true
        releaseList.append(call)
        request(.globalWorker, expedited: parameters.expeditedDeferral, at: now)
      }
      schedule(.returned(call: call), at: returns)
    }
  }

  private mutating func returned(_ call: Int, at now: Double) {
    result.callNanoseconds.append(now - calls[call].start)
    calls[call].returned = now
    let ready = processors.run(parameters.thinkNanoseconds, from: now)
    schedule(.callStarts(caller: calls[call].caller), at: ready)
  }

  // MARK: Grace periods

  private mutating func request(_ waiter: Waiter, expedited isExpedited: Bool, at now: Double) {
    let isFast = isExpedited && !parameters.normalGracePeriodsOnly
    let starts = isFast ? expedited.request(waiter) : normal.request(waiter)
    if starts { startGracePeriod(expedited: isFast, at: now) }
  }

  private mutating func startGracePeriod(expedited isExpedited: Bool, at now: Double) {
    let duration =
      isExpedited
      ? calibration.expeditedGracePeriod.draw(&generator)
      : calibration.normalGracePeriod.draw(&generator)
    schedule(.gracePeriodEnds(expedited: isExpedited), at: now + duration)
  }

  private mutating func wake(_ waiter: Waiter, at now: Double) {
    switch waiter {
    case .caller(let call): putInCaller(call, at: now)
    case .polled(let call):
      calls[call].pollIsOver = true
      if calls[call].waitsForPoll { putInCaller(call, at: now) }
    case .box(let call): runBox(call, at: now)
    case .callback(let call):
      // Softirq puts; whoever was interrupted pays for the cleanup.
      let start = max(now, callbackFree)
      let end = start + Double(size) * calibration.putNanoseconds
      callbackFree = end
      let cleaned = cleanUp(call, from: end)
      result.innocentNanoseconds += cleaned - end
    case .globalWorker: runGlobalWorker(at: now)
    }
  }

  // MARK: Who puts and who cleans up

  private mutating func putInCaller(_ call: Int, at now: Double) {
    let put = processors.start(from: now) + Double(size) * calibration.putNanoseconds
    var end = put
    switch parameters.design.tail {
    case .inline, .taskWork:
      end = cleanUp(call, from: put)
      schedule(.returned(call: call), at: end)
    case .wqNoWait:
      schedule(.poolSubmitted(call: call), at: put)
      schedule(.returned(call: call), at: put)
    case .wqWait: schedule(.poolSubmitted(call: call), at: put)
    }
    processors.occupy(until: end)
  }

  /// D7: the cleanup is an item of the pool; its caller waits or has returned.
  private mutating func submitTail(of call: Int, at now: Double) {
    let worker = freeWorker()
    let end = cleanUp(call, from: max(now, workerFree[worker]))
    result.workerBusyNanoseconds += end - max(now, workerFree[worker])
    workerFree[worker] = end
    if parameters.design.tail == .wqWait { schedule(.returned(call: call), at: end) }
  }

  private mutating func runBox(_ call: Int, at now: Double) {
    let worker = freeWorker()
    let start = max(now, workerFree[worker])
    var end = start + Double(size) * calibration.putNanoseconds
    switch parameters.design.workerTail {
    case .inline: end = cleanUp(call, from: end)
    case .delayedList: schedule(.delayedAdded(call: call), at: end)
    }
    workerFree[worker] = end
    result.workerBusyNanoseconds += end - start
  }

  private mutating func runGlobalWorker(at now: Double) {
    var end = now
    for call in releaseList {
      end += Double(size) * calibration.putNanoseconds
      switch parameters.design.workerTail {
      case .inline: end = cleanUp(call, from: end)
      case .delayedList: schedule(.delayedAdded(call: call), at: end)
      }
    }
    releaseList.removeAll(keepingCapacity: true)
    result.workerBusyNanoseconds += end - now
    schedule(.globalWorkerDone, at: end)
  }

  /// `delayed_mntput`: one item takes the whole list and works it off alone.
  private mutating func runDelayed(at now: Double) {
    guard now >= delayedFree else {
      schedule(.delayedDue, at: delayedFree)
      return
    }
    var end = now
    let list = delayedList
    delayedList.removeAll(keepingCapacity: true)
    for call in list { end = cleanUp(call, from: end) }
    delayedFree = end
    result.delayedBusyNanoseconds += end - now
  }

  private func freeWorker() -> Int {
    var best = 0
    for worker in workerFree.indices where workerFree[worker] < workerFree[best] { best = worker }
    return best
  }

  /// Cleans up the mounts of a call one by one and returns when the last is dead. A pinned mount dies
  /// with its user, who pays for it.
  private mutating func cleanUp(_ call: Int, from start: Double) -> Double {
    var now = start
    for _ in 0..<size {
      let duration = teardown.draw(&generator)
      if parameters.pinProbability > 0,
        Calibration.ServiceTime.unit(&generator) < parameters.pinProbability
      {
        let held =
          parameters.pinNanoseconds * 2 * Calibration.ServiceTime.unit(&generator)
        let death = max(now, calls[call].detachEnd + held) + duration
        result.noteDeath(at: death, after: death - calls[call].start)
        calls[call].lastDeath = max(calls[call].lastDeath, death)
      } else {
        now += duration
        result.noteDeath(at: now, after: now - calls[call].start)
      }
    }
    calls[call].lastDeath = max(calls[call].lastDeath, now)
    return now
  }
}
