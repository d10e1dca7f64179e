public import StormKernel
public import StormReclamation
import StormVocabulary

extension ReleaseObservation {
  /// Observes the running kernel: idle umounts of both kinds with an inotify watch on the superblock, the slope over trees,
  /// umounts under walkers, what the kernel's type information names, its work items, killed holders of files; and idle
  /// umounts under normal grace periods where the machine's settings may be changed.
  ///
  /// - Parameters:
  ///   - touchesMachine: `rcu_normal` may be set for some seconds.
  /// - Throws: `ProbeError` when the machine or the caller's rights do not allow the experiments that every kernel allows.
  ///   The others are named in ``skipped`` where they cannot be made.
  public static func ofRunningKernel(
    _ kernel: RunningKernel, touchesMachine: Bool = false
  ) throws(ProbeError) -> ReleaseObservation {
    let sync = try ReleaseProbe(.single, rounds: 300).run()
    let lazy = try ReleaseProbe(.single, rounds: 300, lazy: true).run()
    let path = try ReleaseProbe(.failing, rounds: 1_000).run().median
    let small = try ReleaseProbe(.tree, rounds: 60, mounts: 100).run().median
    let large = try ReleaseProbe(.tree, rounds: 20, mounts: 1_000).run().median
    let walkers = try ReleaseProbe(.walkers, rounds: 1_000, callers: 2).run(seconds: 180)
    func idle(_ result: ReleaseProbe.Result) -> Idle {
      Idle(
        latencyNanoseconds: result.median, calls: result.succeeded,
        releasedAtReturn: result.released)
    }
    var observation = ReleaseObservation(
      origin: "Linux \(kernel.release)", sync: idle(sync), lazy: idle(lazy),
      ownWorkNanoseconds: path + max(0, large - small) / 900,
      // An expedited grace period sends an interrupt to another CPU and waits for its answer.
      leastGracePeriodNanoseconds: 3_000,
      neverReleased: sync.neverReleased + lazy.neverReleased + walkers.neverReleased,
      walkers: Walkers(
        succeeded: walkers.succeeded, aliveAtReturn: walkers.succeeded - walkers.released,
        refused: walkers.busy))
    observation.release = kernel.version?.description
    observation.look(touchesMachine: touchesMachine)
    return observation
  }

  /// The experiments that not every machine allows.
  private mutating func look(touchesMachine: Bool) {
    var missing: [String] = []
    func attempt<Seen>(
      _ what: String, _ body: () throws(ExperimentRefusal) -> Seen
    ) -> Seen? {
      do { return try body() } catch {
        missing.append("\(what): \(error.reason)")
        return nil
      }
    }
    names = attempt("names of the kernel's types", KernelName.ofRunningKernel)
    hasFurtherFlag = attempt("flags of umount2", FlagExperiment.run)
    workItems = attempt("work items", WorkItemExperiment.run)
    killedHolders = attempt("killed holders") { () throws(ExperimentRefusal) in
      let (holders, refusals) = try HolderExperiment.run()
      missing += refusals
      return holders
    }
    normalGracePeriods = attempt("normal grace periods") { () throws(ExperimentRefusal) in
      try NormalGracePeriodExperiment.run(touchesMachine: touchesMachine)
    }
    skipped = missing.isEmpty ? nil : missing
  }
}

/// Why an experiment cannot be made here.
struct ExperimentRefusal: Error {
  var reason: String

  init(_ reason: String) { self.reason = reason }
  init(_ error: SandboxError) { reason = "\(error)" }
  init(_ error: ProbeError) { reason = "\(error)" }
}
