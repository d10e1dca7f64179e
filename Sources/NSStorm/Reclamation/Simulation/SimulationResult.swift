/// What a simulation saw.
public struct SimulationResult: Sendable {
  /// A point of the backlog curve.
  public struct BacklogPoint: Sendable, Hashable, Codable {
    public var nanoseconds: Double
    /// Mounts that are detached and not dead.
    public var mounts: Int
  }

  /// Points of the backlog curve that are kept.
  public static let curvePoints = 200

  public var parameters: SimulationParameters
  public var calls: Int
  public var mounts: Int
  /// Latency of every call, sorted.
  public var callNanoseconds: [Double] = []
  /// Time from the start of its call to the death of every mount, sorted.
  public var deathNanoseconds: [Double] = []
  /// Calls that returned with all their mounts dead.
  public var releasedAtReturn = 0
  public var expeditedGracePeriods = 0
  public var normalGracePeriods = 0
  /// The most mounts that were detached and not dead at once.
  public var maximumBacklog = 0
  public var backlog: [BacklogPoint] = []
  /// When the last call returned and the last mount was dead.
  public var endNanoseconds = 0.0
  public var workerBusyNanoseconds = 0.0
  public var delayedBusyNanoseconds = 0.0
  /// Time that tasks spent on mounts which they did not umount.
  public var innocentNanoseconds = 0.0

  private var detachments: [(time: Double, count: Int)] = []
  private var deaths: [Double] = []

  init(parameters: SimulationParameters, calls: Int, mounts: Int) {
    self.parameters = parameters
    self.calls = calls
    self.mounts = mounts
    callNanoseconds.reserveCapacity(calls)
    deathNanoseconds.reserveCapacity(mounts)
    deaths.reserveCapacity(mounts)
  }

  /// Simulates a load.
  ///
  /// - Throws: `CompositionError` for a load that cannot be simulated.
  public init(simulating parameters: SimulationParameters) throws {
    var simulation = try Simulation(parameters)
    self = simulation.run()
  }

  /// The value below which a fraction (0 to 1) of sorted values lies; 0 for none.
  public static func quantile(_ fraction: Double, of sorted: [Double]) -> Double {
    guard !sorted.isEmpty else { return 0 }
    let position = Int((fraction * Double(sorted.count)).rounded(.up)) - 1
    return sorted[min(max(position, 0), sorted.count - 1)]
  }

  /// The average latency of a call.
  public var meanCallNanoseconds: Double {
    callNanoseconds.isEmpty
      ? 0 : callNanoseconds.reduce(0, +) / Double(callNanoseconds.count)
  }

  mutating func noteDetached(_ count: Int, at time: Double) {
    detachments.append((time, count))
  }

  mutating func noteDeath(at time: Double, after latency: Double) {
    deaths.append(time)
    deathNanoseconds.append(latency)
  }

  /// Sorts and sweeps what was noted.
  mutating func finish() {
    callNanoseconds.sort()
    deathNanoseconds.sort()
    deaths.sort()
    endNanoseconds = max(deaths.last ?? 0, detachments.last?.time ?? 0)
    let interval = max(endNanoseconds / Double(Self.curvePoints), 1)
    var alive = 0
    var death = 0
    var nextPoint = 0.0
    func pointsUp(to time: Double, _ alive: Int, _ points: inout [BacklogPoint]) {
      while nextPoint <= time, points.count <= Self.curvePoints {
        points.append(BacklogPoint(nanoseconds: nextPoint, mounts: alive))
        nextPoint += interval
      }
    }
    for detachment in detachments {
      while death < deaths.count, deaths[death] < detachment.time {
        pointsUp(to: deaths[death], alive, &backlog)
        alive -= 1
        death += 1
      }
      pointsUp(to: detachment.time, alive, &backlog)
      alive += detachment.count
      maximumBacklog = max(maximumBacklog, alive)
    }
    while death < deaths.count {
      pointsUp(to: deaths[death], alive, &backlog)
      alive -= 1
      death += 1
    }
    backlog.append(BacklogPoint(nanoseconds: endNanoseconds, mounts: alive))
    detachments = []
    deaths = []
  }
}
