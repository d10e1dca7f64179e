/// One thing to explore about a design, whatever transition system it needs.
public struct Experiment: Sendable {
  /// What is explored: a scenario such as `U,W`, or what a smaller model looks at.
  public var name: String
  /// Options that repeat it: empty for the smaller models, which every design runs anyway.
  public var options: String
  private let exploreBody: @Sendable (ExplorationOptions) -> Exploration
  private let traceBody: @Sendable ([UInt16]) throws -> Trace
  private let judgeBody: @Sendable (Finding) -> Property?

  init<System: TransitionSystem>(
    _ name: String, options: String = "", system: System,
    judge: @escaping @Sendable (Finding) -> Property?
  ) {
    self.name = name
    self.options = options
    exploreBody = { Explorer(system, options: $0).explore() }
    traceBody = { try Trace(replaying: $0, in: system) }
    judgeBody = judge
  }

  public func explore(_ options: ExplorationOptions = ExplorationOptions()) -> Exploration {
    exploreBody(options)
  }

  /// Puts a counterexample of this experiment into words.
  ///
  /// - Throws: `ReplayError` when the actions do not fit.
  public func trace(_ example: Counterexample) throws -> Trace {
    try traceBody(example.actions)
  }

  /// The property that a finding violates here; nil for what is only information.
  public func property(violatedBy finding: Finding) -> Property? { judgeBody(finding) }
}

extension Experiment {
  /// A scenario of actors and mounts under a design.
  public static func release(_ design: Design, _ scenario: Scenario) -> Experiment {
    Experiment(
      scenario.text, options: "--scenario \(scenario.text)\(scenario.mountOptions)",
      system: ReleaseSystem(design: design, scenario: scenario)
    ) { finding in
      property(of: finding, in: scenario)
    }
  }

  /// P8 speaks of idle lazy umounts, P8w of those that only walkers pass by.
  private static func property(of finding: Finding, in scenario: Scenario) -> Property? {
    let roles = Set(scenario.actors.map(\.role))
    switch finding {
    case .lateDeath:
      if roles == [.lazyUmounter], scenario.actors.count == 1 { return .p8 }
      return roles == [.lazyUmounter, .walker] ? .p8w : nil
    case .openQueue:
      return roles.isSubset(of: [.syncUmounter, .lazyUmounter, .asyncUmounter]) ? .p11 : nil
    default: return property(of: finding)
    }
  }

  private static func property(of finding: Finding) -> Property? {
    switch finding {
    case .useAfterFree: .p1
    case .doubleCleanup: .p2
    case .secondRunner: .p12
    case .aliveAtReturn, .aliveAtReturnReferenced, .tornSum: .p3
    case .busyTransient, .overcount: .p4
    case .blockInCallback, .cleanupOnBystander: .p5
    case .softirqDeadlock, .deadlock: .p6
    case .leak, .lostMount, .endlessWait: .p7
    case .lateDeath: .p8
    case .earlyPut: .p9
    case .paysGracePeriodSync, .paysGracePeriodLazy: .p10
    case .openQueue: .p11
    case .busyDeadOwner, .returnsBeforeCleanup, .takenAfterUse: nil
    }
  }

  /// The scenarios that every design is held against, small enough to be explored in full.
  static let standardScenarios: [(String, MountRelation)] = [
    ("U", .separate), ("L", .separate), ("U,W", .separate), ("L,W", .separate),
    ("U,F", .separate), ("L,F", .separate), ("U,L", .separate), ("L,F,W", .separate),
    ("U,2W", .separate), ("U,R", .separate), ("L,K", .separate),
    ("L,L@1,W", .separate), ("U,U@1", .sameSuperblock), ("L,U@1,W", .sameSuperblock),
    ("L,F@1", .tree), ("U,F@1", .copies), ("L,W@1", .copies),
  ]

  /// Everything that the verdict matrix holds a design against.
  public static func all(for design: Design, cpus: Int = 2) -> [Experiment] {
    var experiments: [Experiment] = []
    for (text, relation) in standardScenarios {
      guard let scenario = try? Scenario(parsing: text, relation: relation) else { continue }
      experiments.append(release(design, scenario))
    }
    if design.waitAsync != nil {
      for text in ["LA", "LA,W", "LA,F"] {
        guard let scenario = try? Scenario(parsing: text) else { continue }
        experiments.append(release(design, scenario))
      }
    }
    experiments += countExperiments(design, cpus: cpus)
    if design.waitSync == .globalList || design.waitLazy == .globalList {
      for mounts in 2...3 {
        experiments.append(
          Experiment(
            "global lists, \(mounts) mounts",
            system: GlobalWorkerSystem(discipline: design.discipline, mountCount: mounts),
            judge: property(of:)))
      }
    }
    experiments += poolExperiments(design)
    if design.fileClose != .taskWork {
      for lazy in [false, true] {
        experiments.append(
          Experiment(
            "kill, wait, umount\(lazy ? " -l" : ""), claim",
            system: FileCloseSystem(close: design.fileClose, lazy: lazy, otherPin: false),
            judge: property(of:)))
      }
    }
    return experiments
  }

  /// The CPUs are summed upwards and downwards; the order decides whether one move is enough.
  private static func countExperiments(_ design: Design, cpus: Int) -> [Experiment] {
    let upwards = Array(0..<cpus)
    return [upwards, upwards.reversed()].map { order in
      Experiment(
        "count summed over CPUs \(order.map(String.init).joined(separator: " "))",
        system: CountSystem(counting: design.counts, order: order, moves: 3),
        judge: property(of:))
    }
  }

  /// Callers that hold a lock the cleanup needs, and callers that are items of the pool themselves.
  private static func poolExperiments(_ design: Design) -> [Experiment] {
    let cases: [(WorkQueueSystem.Caller, Bool, Int, Int)] = [
      (.user, false, design.poolSize, 2), (.user, true, design.poolSize, 1),
      (.workItem, false, 1, 1), (.workItem, false, 2, 2),
    ]
    return cases.map { caller, holdsLock, pool, count in
      let lock = holdsLock ? " holding a lock of the cleanup" : ""
      return Experiment(
        "\(count) \(caller.rawValue) caller\(count == 1 ? "" : "s")\(lock), pool of \(pool)",
        system: WorkQueueSystem(
          tail: design.tail, caller: caller, holdsLock: holdsLock, poolSize: pool,
          callerCount: count),
        judge: { finding in
          finding == .returnsBeforeCleanup && caller == .user ? nil : property(of: finding)
        })
    }
  }
}
