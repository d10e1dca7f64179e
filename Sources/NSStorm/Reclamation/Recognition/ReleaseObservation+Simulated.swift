extension ReleaseObservation {
  /// Rounds of the simulated storm of walkers.
  private static let raceRounds = 3_000

  /// What a design would show: the simulator's idle calls one after the other, its random interleavings for umounts under
  /// walkers, and what the design says of itself where nothing has to be simulated.
  ///
  /// - Throws: `CompositionError` when the load cannot be simulated.
  public init(simulating design: Design, seed: UInt64 = 1) throws {
    let calibration = Calibration.standard
    let sync = try Self.idle(design, .sync, seed)
    let lazy = try Self.idle(design, .lazy, seed)
    let own =
      calibration.pathNanoseconds + calibration.detachNanoseconds + calibration.putNanoseconds
      + (calibration.teardown["tmpfs"]?.typicalNanoseconds ?? 0)
    let scenario = Scenario([.init(.syncUmounter), .init(.walker), .init(.walker)])
    let race = RaceSimulation(of: design, scenario: scenario, rounds: Self.raceRounds, seed: seed)
    self.init(
      origin: "simulated \(design.name)", sync: Self.idle(sync), lazy: Self.idle(lazy),
      ownWorkNanoseconds: own,
      leastGracePeriodNanoseconds: calibration.expeditedGracePeriod.typicalNanoseconds / 4,
      neverReleased: race.neverReleased,
      walkers: Walkers(
        succeeded: race.detached, aliveAtReturn: race.aliveAtReturn, refused: race.refused))
    names = KernelName.names(of: design)
    hasFurtherFlag = design.waitAsync != nil
    workItems = WorkItems(
      calls: sync.calls, sync: Self.workItems(of: sync), lazy: Self.workItems(of: lazy))
    normalGracePeriods = NormalGracePeriods(
      gracePeriodNanoseconds: calibration.normalGracePeriod.typicalNanoseconds,
      syncNanoseconds: Self.median(try Self.idle(design, .sync, seed, normal: true)),
      lazyNanoseconds: Self.median(try Self.idle(design, .lazy, seed, normal: true)),
      treeNanoseconds: Self.median(
        try Self.idle(design, .lazy, seed, normal: true, mounts: Self.treeMounts)),
      treeMounts: Self.treeMounts)
    killedHolders = Self.killedHolders(of: design)
  }

  private static let treeMounts = 100

  private static func idle(
    _ design: Design, _ call: SimulationParameters.Call, _ seed: UInt64, normal: Bool = false,
    mounts: Int = 1
  ) throws -> SimulationResult {
    var parameters = SimulationParameters(design: design)
    parameters.namespaces = 200
    parameters.mounts = mounts
    parameters.call = call
    parameters.thinkNanoseconds = 200e6
    parameters.seed = seed
    parameters.normalGracePeriodsOnly = normal
    return try SimulationResult(simulating: parameters)
  }

  private static func median(_ result: SimulationResult) -> Double {
    SimulationResult.quantile(0.5, of: result.callNanoseconds)
  }

  private static func idle(_ result: SimulationResult) -> Idle {
    Idle(
      latencyNanoseconds: median(result), calls: result.calls,
      releasedAtReturn: result.releasedAtReturn)
  }

  /// Which of its workers were busy.
  private static func workItems(of result: SimulationResult) -> [String] {
    (result.workerBusyNanoseconds > 0 ? ["a worker of the design"] : [])
      + (result.delayedBusyNanoseconds > 0 ? ["delayed_mntput"] : [])
  }

  /// A tick is far longer than what lies between the death of a process and the umount: what can be seen busy, is.
  private static func killedHolders(of design: Design) -> [KilledHolders] {
    let rounds = 20
    let plain = design.fileClose == .asyncOwner ? Design.FileClose.taskWork : design.fileClose
    return [("fd", plain), ("io-uring", .asyncOwner)].map { holder, close in
      let outcomes = FileCloseSystem(close: close, lazy: false, otherPin: false).outcomes()
      let isRefused = outcomes.contains(.umountBusy)
      return KilledHolders(
        holder: holder, rounds: rounds, refused: isRefused ? rounds : 0,
        waitNanoseconds: isRefused ? Calibration.standard.tickNanoseconds : 0)
    }
  }
}
