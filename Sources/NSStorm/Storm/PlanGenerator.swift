import StormEngine
import StormVocabulary

/// Makes a plan step by step: draws from the seed, and asks a model what stands so that most calls make sense.
///
/// The same profile, seed and rules give the same items on every machine. A phase that is bounded by time is
/// endless here; whoever executes it calls ``endPhase()``, and what was given until then does not depend on when.
public struct PlanGenerator: ~Copyable {
  public let profile: Profile
  public let seed: Seed

  var model: MountModel
  var random: SeededGenerator
  var actors = ActorBook()
  /// The tables of living processes, read again when the model says that they may have changed.
  private var seen: [NamespaceNumber: (version: UInt64, table: MountTable)] = [:]
  var pending: [PlanItem] = []
  /// How much of ``pending`` was given out.
  private var pendingStart = 0
  private var phaseIndex = -1
  private var stepsLeft = 0
  var body: SequentialPhase?
  private var rounds = Rounds()
  private var isFinished = false
  /// The number of the next tmpfs, for its source name.
  var nextSource = 0
  /// The number of the next workspace of a shape.
  var nextStage = 0
  /// While the calls of one part are drawn: its process.
  var onlyActor: NamespaceNumber?
  /// Whether a recursive bind that should be refused because namespaces would keep each other is left out: a kernel
  /// that does not refuse it never gets the namespaces back.
  private let avoidsLoops: Bool
  /// How deep shapes and disturbances are nested in each other.
  var shapeDepth = 0

  /// - Throws: ``PlanError/unknownRules(_:)`` when the engine does not know the profile's kernel.
  public init(profile: Profile, seed: Seed? = nil) throws(PlanError) {
    guard let rules = KernelRules(release: profile.rules) else {
      throw .unknownRules(profile.rules)
    }
    self.profile = profile
    self.seed = seed ?? profile.seed
    random = SeededGenerator(seed: self.seed.rawValue)
    model = MountModel(rules: rules)
    if let limit = profile.limits.mountLimit { model.mountLimit = limit }
    avoidsLoops = KnownIssue.affecting(profile.rules).contains { issue in
      !rules.applying([issue]).bindChecksTreeForLoops
    }
    actors.start(0, descriptors: profile.limits.descriptors)
    refreshTables()
  }

  /// Whether the current phase goes on until ``endPhase()`` is called.
  public var isBoundedByTime: Bool {
    if case .duration = body?.length { true } else { false }
  }

  /// The next item, or nil at the end of the last phase.
  public mutating func next() -> PlanItem? {
    while pendingStart == pending.count {
      pending.removeAll(keepingCapacity: true)
      pendingStart = 0
      guard !isFinished else { return nil }
      if let body, stepsLeft > 0 || isBoundedByTime {
        decide(body)
      } else if let number = rounds.next() {
        planRound(number)
      } else {
        beginNextPhase()
      }
    }
    let item = pending[pendingStart]
    pendingStart += 1
    if case .step = item { stepsLeft -= 1 }
    return item
  }

  /// Ends the current phase. What was decided already still comes, so that model and plan stay together; for
  /// the same reason a phase may have a few steps more than its profile asks for.
  public mutating func endPhase() {
    stepsLeft = 0
    body = nil
    rounds = Rounds()
  }

  /// The rounds of a phase are planned one by one: there may be many.
  private struct Rounds {
    var count = 0
    var done = 0

    mutating func next() -> Int? {
      guard done < count else { return nil }
      defer { done += 1 }
      return done
    }
  }

  private mutating func planRound(_ number: Int) {
    let isLast = number == rounds.count - 1
    switch profile.phases[phaseIndex].body {
    case .partitioned(let phase):
      planRound(phase)
      if isLast { clear(phase) }
    case .contended(let phase):
      planRound(number, phase)
      if isLast { clear(phase) }
    case .sequential, .blast, .release: break
    }
  }

  private mutating func beginNextPhase() {
    rounds = Rounds()
    phaseIndex += 1
    body = nil
    guard phaseIndex < profile.phases.count else {
      isFinished = true
      return
    }
    let phase = profile.phases[phaseIndex]
    pending.append(.phase(index: phaseIndex))
    switch phase.body {
    case .sequential(let sequential):
      if case .steps(let count) = sequential.length { stepsLeft = count }
      body = sequential
      prepare(sequential)
    case .partitioned(let partitioned):
      rounds = Rounds(count: partitioned.rounds)
      prepare(partitioned)
    case .contended(let contended):
      rounds = Rounds(count: contended.rounds)
      prepare(contended)
    case .blast(let blast):
      plan(blast)
    case .release(let release):
      plan(release)
    }
  }

  // MARK: acting

  /// Performs the call in the model and puts it into the plan.
  @discardableResult
  mutating func act(
    _ actor: NamespaceNumber, _ operation: Operation, _ origin: PlannedStep.Origin
  ) -> Errno {
    let answer = model.perform(operation, by: actor)
    note(operation, by: actor, answer: answer)
    pending.append(
      .step(
        PlannedStep(actor: actor, operation: operation, plannedAnswer: answer, origin: origin)))
    return answer
  }

  /// The same, unless the call would pass a limit of the profile: then nothing happens and the answer is nil.
  @discardableResult
  mutating func actWithinLimits(
    _ actor: NamespaceNumber, _ operation: Operation, _ origin: PlannedStep.Origin
  ) -> Errno? {
    guard operation.needsLook else { return act(actor, operation, origin) }
    let checkpoint = model.checkpoint()
    let before = model.counters
    let loops = model.ruleCoverage[.treeHasOlderNamespaceFile]
    let answer = model.perform(operation, by: actor)
    let made =
      Int(model.counters.copiesPropagated - before.copiesPropagated)
      + Int(model.counters.mountsMade - before.mountsMade)
    let limits = profile.limits
    var isTooMuch = model.mountCount > limits.mounts
    if !isTooMuch, made > 0 {
      for process in model.livingProcesses
      where model.table(seenBy: process).entries.count > limits.mountsPerNamespace {
        isTooMuch = true
        break
      }
    }
    // The file system that all namespaces share must not become read-only for the rest of the run (5.1, 4).
    if case .umount2 = operation { isTooMuch = model.isReadOnly(fileSystem: "root") }
    if avoidsLoops, model.ruleCoverage[.treeHasOlderNamespaceFile] > loops, operation.isBind {
      isTooMuch = true
    }
    if isTooMuch { model.rollback(to: checkpoint) }
    model.discardCheckpoints()
    guard !isTooMuch else { return nil }
    note(operation, by: actor, answer: answer)
    pending.append(
      .step(
        PlannedStep(actor: actor, operation: operation, plannedAnswer: answer, origin: origin)))
    return answer
  }

  private mutating func note(_ operation: Operation, by actor: NamespaceNumber, answer: Errno) {
    if answer == .none {
      actors.note(operation, by: actor, descriptors: profile.limits.descriptors)
    }
    refreshTables()
  }

  mutating func refreshTables() {
    let living = model.livingProcesses
    for process in living {
      let version = model.tableVersion(seenBy: process)
      if seen[process]?.version == version { continue }
      seen[process] = (version, model.table(seenBy: process))
    }
    if seen.count > living.count {
      for process in seen.keys.sorted() where !model.isAlive(process) { seen[process] = nil }
    }
  }

  func table(of actor: NamespaceNumber) -> MountTable { seen[actor]?.table ?? MountTable() }

  /// How many mounts the fullest namespace shows.
  func mostEntries() -> Int { seen.values.reduce(0) { max($0, $1.table.entries.count) } }
}

extension Operation {
  /// Whether what the call does has to be seen before it is planned: it can make more than one mount, or take away from
  /// everybody what the storm needs.
  fileprivate var needsLook: Bool {
    switch self {
    case .umount2(_, let flags): !flags.contains(.detach)
    case .mount(let call): call.type != nil || call.flags.intersection([.bind, .move]) != []
    case .moveMount, .openTree, .openTreeAttr, .fsmountNamespace, .unshare, .unshareEmpty: true
    default: false
    }
  }

  fileprivate var isBind: Bool {
    if case .mount(let call) = self { call.flags.contains(.bind) } else { false }
  }
}
