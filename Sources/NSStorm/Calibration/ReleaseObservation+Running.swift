public import StormReclamation

extension ReleaseObservation {
  /// Observes the running kernel, without touching its settings: idle umounts of both kinds with an
  /// inotify watch on the superblock, the slope over trees, and umounts under walkers.
  ///
  /// - Throws: `ProbeError` when an experiment cannot be run.
  public static func ofRunningKernel(_ release: String) throws(ProbeError) -> ReleaseObservation {
    let sync = try ReleaseProbe(.single, rounds: 300).run()
    let lazy = try ReleaseProbe(.single, rounds: 300, lazy: true).run()
    let path = try ReleaseProbe(.failing, rounds: 1_000).run().median
    let small = try ReleaseProbe(.tree, rounds: 60, mounts: 100).run().median
    let large = try ReleaseProbe(.tree, rounds: 20, mounts: 1_000).run().median
    let walkers = try ReleaseProbe(.walkers, rounds: 800, callers: 2).run()
    func idle(_ result: ReleaseProbe.Result) -> Idle {
      Idle(
        latencyNanoseconds: result.median, calls: result.succeeded,
        releasedAtReturn: result.released)
    }
    return ReleaseObservation(
      origin: release, sync: idle(sync), lazy: idle(lazy),
      ownWorkNanoseconds: path + max(0, large - small) / 900,
      // An expedited grace period sends an interrupt to another CPU and waits for its answer.
      leastGracePeriodNanoseconds: 3_000,
      neverReleased: sync.neverReleased + lazy.neverReleased,
      walkers: Walkers(
        succeeded: walkers.succeeded, aliveAtReturn: walkers.succeeded - walkers.released))
  }
}
