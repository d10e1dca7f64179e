import CMount
import Glibc
import StormVocabulary

/// A place of its own in which worker processes make mount calls: new PID and mount namespaces, private, with a small
/// tmpfs as the only mount of namespace 0.
///
/// One process (an *actor*) for each mount namespace, numbered as in plans and traces. The supervisor that holds this
/// value makes no mount call itself, and waits for nothing without a limit. When it dies, for whatever reason, the
/// kernel ends the whole sandbox: its PID 1 dies with the supervisor, and every process with PID 1.
///
/// Not for use from several threads at once.
public final class Sandbox {
  public let limits: SandboxLimits
  var handle: nss_sandbox
  /// Slot of each living actor.
  private(set) var workers: [Int: UInt32] = [:]
  /// The process of each actor that is a further thread.
  private var processOfThread: [Int: Int] = [:]
  private var freeWorkers: [UInt32]
  private var observersStarted = 0

  /// Forks the process from which all sandboxes descend; see `nss_zygote_launch`.
  ///
  /// To be called as the first statement of `main`. Where it was not, ``launch(_:)`` does it late, and each worker then
  /// carries a copy of the supervisor's page tables.
  public static func prepare() {
    _ = nss_zygote_launch()
  }

  /// Starts a sandbox with actor 0 in namespace 0.
  public static func launch(_ limits: SandboxLimits = SandboxLimits()) throws(SandboxError)
    -> Sandbox
  {
    var handle = nss_sandbox()
    var step: Int32 = 0
    var request = nss_limits(
      workers: UInt32(clamping: limits.workers), observers: UInt32(clamping: limits.observers),
      program_bytes: UInt64(clamping: limits.programBytes),
      output_bytes: UInt64(clamping: limits.observationBytes),
      root_bytes: UInt64(clamping: limits.rootBytes),
      root_inodes: UInt64(clamping: limits.rootInodes))
    let result = nss_sandbox_start(
      &request, limits.setupTime.millisecondsClamped, &handle, &step)
    guard result == 0 else {
      throw setupError(attempt: attempt(ofStep: Int(step)), errno: Errno(rawValue: -result))
    }
    let sandbox = Sandbox(handle: handle, limits: limits)
    try sandbox.startFirstWorker()
    for observer in 0..<max(1, limits.observers) { try sandbox.startObserver(UInt32(observer)) }
    return sandbox
  }

  private init(handle: nss_sandbox, limits: SandboxLimits) {
    self.handle = handle
    self.limits = limits
    freeWorkers = (0..<UInt32(clamping: limits.workers)).reversed()
  }

  deinit {
    _ = nss_sandbox_end(&handle, limits.setupTime.millisecondsClamped)
  }

  /// Ends every process of the sandbox and waits until the kernel has done so.
  ///
  /// A process that is wedged in the kernel cannot be ended: that is ``SandboxError/notEnded(after:)``.
  public func teardown() throws(SandboxError) {
    workers = [:]
    guard nss_sandbox_end(&handle, limits.setupTime.millisecondsClamped) == 0 else {
      throw .notEnded(after: limits.setupTime)
    }
  }

  /// The actors whose processes live, ascending.
  public var livingActors: [Int] { workers.keys.sorted() }

  /// The living actors that are processes, ascending; those that are further threads see what their process sees.
  public var livingProcesses: [Int] { workers.keys.filter { processOfThread[$0] == nil }.sorted() }

  /// The process number of PID 1 of the sandbox, in the supervisor's PID namespace.
  public var initProcessID: Int32 { handle.pid }

  /// The actor's process number in the sandbox's PID namespace.
  public func processID(of actor: Int) throws(SandboxError) -> Int32 {
    try slot(of: actor).pointee.pid
  }

  /// The inode number of the actor's mount namespace, as `/proc/PID/ns/mnt` shows it.
  public func namespaceInode(of actor: Int) throws(SandboxError) -> UInt64 {
    try slot(of: actor).pointee.namespace_inode
  }

  /// Sends a signal to an actor's process; for tests of what the harness does about it.
  public func signal(_ number: Int32, actor: Int) throws(SandboxError) {
    let result = nss_sandbox_signal(&handle, try processID(of: actor), number)
    guard result == 0 else {
      throw .setupFailed(attempt: "signal actor \(actor)", errno: Errno(rawValue: -result))
    }
  }

  // MARK: - Workers

  func worker(of actor: Int) throws(SandboxError) -> UInt32 {
    guard let worker = workers[actor] else { throw .unknownActor(actor) }
    return worker
  }

  func slot(of actor: Int) throws(SandboxError) -> UnsafeMutablePointer<nss_worker> {
    slot(at: try worker(of: actor))
  }

  func slot(at worker: UInt32) -> UnsafeMutablePointer<nss_worker> {
    nss_sandbox_worker(&handle, worker)
  }

  var base: UnsafeMutableRawPointer { UnsafeMutableRawPointer(handle.region) }

  /// Takes a free slot; to be given back with ``release(_:)`` or kept with ``adopt(_:as:)``.
  func takeWorker() throws(SandboxError) -> UInt32 {
    guard let worker = freeWorkers.popLast() else {
      throw .tooManyWorkers(limit: limits.workers)
    }
    return worker
  }

  func release(_ worker: UInt32) { freeWorkers.append(worker) }

  func adopt(_ worker: UInt32, as actor: Int) { workers[actor] = worker }

  func adopt(_ worker: UInt32, as actor: Int, threadOf process: Int) {
    workers[actor] = worker
    processOfThread[actor] = process
  }

  /// Whether the actor is a process of its own and not a further thread of one.
  public func isProcess(_ actor: Int) -> Bool {
    workers[actor] != nil && processOfThread[actor] == nil
  }

  /// Gives the slots of an ended process back, with those of its threads.
  func forget(_ actor: Int) {
    for (thread, process) in processOfThread.sorted(by: { $0.key < $1.key }) where process == actor
    {
      processOfThread[thread] = nil
      guard let worker = workers.removeValue(forKey: thread) else { continue }
      // PID 1 marks them one after the other.
      if nss_worker_wait_not(
        slot(at: worker), UInt32(NSS_ALIVE), limits.callTime.nanosecondsClamped)
      {
        release(worker)
      }
    }
    processOfThread[actor] = nil
    if let worker = workers.removeValue(forKey: actor) { release(worker) }
  }

  private func startFirstWorker() throws(SandboxError) {
    let worker = try takeWorker()
    guard nss_sandbox_first_worker(&handle, worker) == 0 else {
      throw .sandboxDied(during: "its first worker was started")
    }
    let slot = slot(at: worker)
    guard nss_worker_wait_not(slot, UInt32(NSS_STARTING), limits.setupTime.nanosecondsClamped)
    else {
      throw .setupFailed(attempt: "start the first worker in time", errno: .timedOut)
    }
    guard nss_worker_state(slot) == UInt32(NSS_ALIVE) else {
      throw Self.setupError(
        attempt: "make namespace 0", errno: Errno(rawValue: slot.pointee.start_error))
    }
    adopt(worker, as: 0)
  }

  func startObserver(_ observer: UInt32) throws(SandboxError) {
    guard nss_sandbox_observer(&handle, observer) == 0 else {
      throw .sandboxDied(during: "an observer was started")
    }
    let slot = nss_sandbox_observer_slot(&handle, observer)
    guard
      nss_observer_wait_not(slot, UInt32(NSS_STARTING), limits.setupTime.nanosecondsClamped),
      nss_observer_state(slot) == UInt32(NSS_ALIVE)
    else {
      throw .setupFailed(attempt: "start an observer in time", errno: .timedOut)
    }
  }

  func checkAlive(during activity: String) throws(SandboxError) {
    if nss_sandbox_is_gone(&handle) { throw .sandboxDied(during: activity) }
  }

  private static func setupError(attempt: String, errno: Errno) -> SandboxError {
    errno == .notPermitted || errno == .accessDenied
      ? .notPermitted(attempt: attempt, errno: errno)
      : .setupFailed(attempt: attempt, errno: errno)
  }

  private static func attempt(ofStep step: Int) -> String {
    switch step {
    case NSS_STEP_MEMORY: "share memory with the sandbox"
    case NSS_STEP_ZYGOTE: "reach the zygote process"
    case NSS_STEP_PID_NAMESPACE: "make a PID namespace"
    case NSS_STEP_ANSWER: "hear from the sandbox's PID 1"
    case NSS_STEP_MOUNT_NAMESPACE: "make a mount namespace"
    case NSS_STEP_PRIVATE: "make all mounts of the sandbox private"
    case NSS_STEP_PROCFS: "make a detached procfs (Linux 5.2 or later)"
    case NSS_STEP_ROOT_TMPFS: "mount the sandbox's first tmpfs"
    case NSS_STEP_PIVOT:
      "make that tmpfs the root"
    case NSS_STEP_DETACH: "detach the old root"
    case NSS_STEP_CAPABILITIES: "drop capabilities"
    case NSS_STEP_SIGNALS: "watch for ended processes"
    default: "start the sandbox"
    }
  }
}
