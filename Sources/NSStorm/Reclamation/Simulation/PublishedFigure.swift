/// A measurement that was published with a patch, and the load that reproduces its shape.
public struct PublishedFigure: Sendable {
  public var name: String
  public var source: String
  /// The published values without and with the change, in nanoseconds.
  public var without: Double
  public var with: Double
  /// The simulated values in the same unit.
  public var simulatedWithout: Double
  public var simulatedWith: Double

  /// How much the change helped, as published and as simulated.
  public var publishedRatio: Double { without / with }
  public var simulatedRatio: Double { simulatedWithout / simulatedWith }

  /// Every published figure, simulated now.
  ///
  /// - Throws: `CompositionError` when the catalogue lacks a design.
  public static func all(seed: UInt64 = 1) throws -> [PublishedFigure] {
    guard let deferred = Design.named("D2") else {
      throw CompositionError(what: "design", value: "D2", allowed: Design.catalogue.map(\.name))
    }
    // The figures include starting the umount command, about 3 ms; what is left of 25.5 ms is one
    // normal grace period on PREEMPT_RT.
    let processNanoseconds = 3e6
    func commands(_ design: Design, _ call: SimulationParameters.Call) throws -> Double {
      var parameters = SimulationParameters(design: design)
      parameters.namespaces = 500
      parameters.call = call
      parameters.seed = seed
      parameters.normalGracePeriodsOnly = true
      parameters.thinkNanoseconds = 100e6
      parameters.calibration.normalGracePeriod = Calibration.ServiceTime(22e6)
      return try SimulationResult(simulating: parameters).meanCallNanoseconds + processNanoseconds
    }
    // 5,000 umounts one after the other: the whole time is grace periods.
    func total(normal: Bool) throws -> Double {
      var parameters = SimulationParameters(design: .mainline)
      parameters.namespaces = 5_000
      parameters.call = .sync
      parameters.seed = seed
      parameters.normalGracePeriodsOnly = normal
      parameters.calibration.normalGracePeriod = Calibration.ServiceTime(20e6)
      parameters.calibration.expeditedGracePeriod = Calibration.ServiceTime(108e3)
      return try SimulationResult(simulating: parameters).endNanoseconds
    }
    return [
      PublishedFigure(
        name: "umount -l with the deferral, PREEMPT_RT",
        source: "fourth posting, April 2025, 6.15-rc1 PREEMPT_RT",
        without: 25.55e6, with: 3.194e6,
        simulatedWithout: try commands(.mainline, .lazy),
        simulatedWith: try commands(deferred, .lazy)),
      PublishedFigure(
        name: "umount with the deferral, PREEMPT_RT (unchanged)",
        source: "fourth posting, April 2025, 6.15-rc1 PREEMPT_RT",
        without: 24.55e6, with: 26.311e6,
        simulatedWithout: try commands(.mainline, .sync),
        simulatedWith: try commands(deferred, .sync)),
      PublishedFigure(
        name: "5,000 umounts with the expedited grace period",
        source: "figures of the issue: 100 s to 0.6 s",
        without: 100e9, with: 0.6e9,
        simulatedWithout: try total(normal: true), simulatedWith: try total(normal: false)),
    ]
  }
}
