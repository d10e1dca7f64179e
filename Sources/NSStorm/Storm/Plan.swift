public import StormVocabulary

/// One call of a plan.
public struct PlannedStep: Hashable, Sendable {
  /// The process that makes the call; its number is that of its namespace.
  public var actor: NamespaceNumber
  public var operation: Operation
  /// What the call answers under the rules that the plan was generated under.
  public var plannedAnswer: Errno
  public var origin: Origin

  /// Why the step is in the plan.
  public enum Origin: Hashable, Sendable, CustomStringConvertible {
    /// Prepares a phase or follows from the step before.
    case preparation
    /// A call that is meant to make sense.
    case random(OperationKind)
    /// A call that is wrong on purpose.
    case wrong(OperationKind)
    /// Part of a rare shape.
    case shape(ShapeKind)

    public var description: String {
      switch self {
      case .preparation: "-"
      case .random(let kind): kind.rawValue
      case .wrong(let kind): "wrong \(kind.rawValue)"
      case .shape(let kind): "shape \(kind.rawValue)"
      }
    }
  }

  public init(
    actor: NamespaceNumber, operation: Operation, plannedAnswer: Errno, origin: Origin
  ) {
    self.actor = actor
    self.operation = operation
    self.plannedAnswer = plannedAnswer
    self.origin = origin
  }
}

/// Programs that start together. Any serial order of their calls leads to the same tables.
public struct Volley: Hashable, Sendable {
  /// What one worker calls, one after the other, as fast as it can.
  public struct Program: Hashable, Sendable {
    public var actor: NamespaceNumber
    public var operations: [Operation]
  }

  public var programs: [Program]
  /// What must be true of the answers, whatever the order.
  public var assault: BlastPhase.Assault
  /// Those who are about until the programs are over.
  public var company: [Companion] = []
  /// Somebody's reference may make a synchronous umount EBUSY.
  public var mayBeBusy = false
  /// Mounts, as namespace 0 names them, whose superblocks are watched; all that the programs umount.
  public var watched: [String] = []
  /// How many of them must be gone when the programs are over, and how long after.
  public var released = 0
  public var bound: Duration = .seconds(30)

  /// A process that repeats its calls until the programs are over. Nothing that it does lasts.
  public struct Companion: Hashable, Sendable {
    public var actor: Int
    /// The namespace that it is in.
    public var namespace: NamespaceNumber
    public var calls: [WorkerCall]
  }

  /// The paths that company walks again and again, and who does.
  public var walks: [(process: NamespaceNumber, path: PathArgument)] {
    company.flatMap { companion in
      companion.calls.compactMap { call in
        switch call.operation {
        case .stat(let path), .open(let path, _, _): (companion.namespace, path)
        default: nil
        }
      }
    }
  }

  public var callCount: Int { programs.reduce(0) { $0 + $1.operations.count } }
}

/// One element of a plan, in the order of execution.
public enum PlanItem: Hashable, Sendable {
  /// The phase with this index begins.
  case phase(index: Int)
  case step(PlannedStep)
  case volley(Volley)
  case release(ReleaseRound)
  /// A window of a contended phase.
  case race(Race)
}

/// A whole plan: data, the same on every machine for the same profile, seed and rules.
public struct Plan: Hashable, Sendable {
  public var profile: Profile
  public var seed: Seed
  /// The rules under which the plan was generated.
  public var rules: KernelRelease
  public var items: [PlanItem]

  /// Generates everything at once.
  ///
  /// - Parameter durationSteps: how many steps stand for a phase that is bounded by time.
  /// - Throws: ``PlanError``.
  public init(profile: Profile, seed: Seed? = nil, durationSteps: Int = 1_000) throws(PlanError) {
    self.profile = profile
    self.seed = seed ?? profile.seed
    rules = profile.rules
    items = []
    var generator = try PlanGenerator(profile: profile, seed: seed)
    var stepsOfPhase = 0
    while let item = generator.next() {
      items.append(item)
      switch item {
      case .phase: stepsOfPhase = 0
      case .step: stepsOfPhase += 1
      case .volley, .race, .release: break
      }
      if generator.isBoundedByTime, stepsOfPhase >= durationSteps { generator.endPhase() }
    }
  }

  /// The steps outside of volleys.
  public var steps: [PlannedStep] {
    items.compactMap { if case .step(let step) = $0 { step } else { nil } }
  }
}

/// Why no plan can be made.
public enum PlanError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The engine has no rules for this kernel.
  case unknownRules(KernelRelease)

  public var description: String {
    switch self {
    case .unknownRules(let release):
      "the engine has no rules for kernel \(release); it knows 5.10 and newer"
    }
  }
}
