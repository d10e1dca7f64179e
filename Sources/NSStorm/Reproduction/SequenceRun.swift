public import StormEngine
public import StormKernel
public import StormRun
public import StormTrace
public import StormVerdict
public import StormVocabulary

/// Makes a sequence of calls on the running kernel, in a sandbox of its own, and holds every answer and table against
/// the engine.
public struct SequenceRun: Sendable {
  /// How the calls are judged.
  public struct Settings: Sendable {
    /// The release whose known issues may explain a divergence.
    public var release: KernelRelease
    /// The intended rules that predict.
    public var rules: KernelRules
    /// Issues that are known to be present: predictions follow them from the start.
    public var presentIssues: [KnownIssue] = []
    /// Whether the catalogue is searched for what explains a divergence.
    public var explains = true
    /// Whether the run ends at the first divergence, whatever it is.
    public var stopsAtDivergence = false
    /// Whether all tables are read after every call, and not only those that the engine says change.
    public var readsEverything = false
    /// Whether the steps with their tables are kept, for a trace.
    public var keepsSteps = false
    /// Added to each wait between racing calls, 0 to this.
    public var jitterNanoseconds: UInt32 = 2_000
    /// Decides the jitter.
    public var seed: UInt64 = 1
    /// What release rounds are held against.
    public var releaseCheck = ReleaseCheck()
    /// A rule that is broken on purpose; honoured in debug builds only.
    public var brokenRule: Mutation?
    public var limits = SandboxLimits(programBytes: 1 << 20)

    public init(release: KernelRelease, rules: KernelRules) {
      self.release = release
      self.rules = rules
    }
  }

  /// What came of it.
  public struct Outcome: Sendable {
    public var divergences: [FoundDivergence] = []
    /// Calls that were made.
    public var calls = 0
    public var succeededCalls = 0
    /// Calls of processes that never came to life, or have ended.
    public var skippedCalls = 0
    public var checks = StepCheck.Tally()
    /// What the racing calls came to; nil where there were none.
    public var races: TraceVerdict.Races?
    /// Release rounds that were watched to their end.
    public var releaseRounds = 0
    public var releaseFindings: [FoundRelease] = []
    /// Release rounds that were not made, with the reason.
    public var skippedRounds: [String: Int] = [:]
    public var faults: [RunFault] = []
    /// The issues of the kernel that were found present, those given in the settings included.
    public var presentIssues: [KnownIssue] = []
    /// The table of namespace 0 before the first call.
    public var initialTable = MountTable()
    /// What was made, where ``Settings/keepsSteps`` asks for it.
    public var lines: [TraceLine] = []
    /// The calls among ``lines`` that were made alone.
    public var steps: [ObservedStep] {
      lines.compactMap { if case .step(let step) = $0 { step } else { nil } }
    }

    /// Divergences that no known issue explains.
    public var unexplained: [FoundDivergence] {
      divergences.filter(\.divergence.knownIssues.isEmpty)
    }

    /// Whether something shows the symptom.
    public func shows(_ symptom: Symptom) -> Bool {
      first(symptom) != nil || releaseFindings.contains { symptom.matches($0.finding) }
    }

    /// Whether something shows that is neither the symptom nor a known issue.
    // Inlined into a loop that keeps the outcomes, it crashes the optimizer of Swift 6.3.1.
    @inline(never)
    public func showsMore(than symptom: Symptom?) -> Bool {
      for found in unexplained where symptom.map({ !$0.matches(found.divergence) }) ?? true {
        return true
      }
      for found in releaseFindings where symptom.map({ !$0.matches(found.finding) }) ?? true {
        return true
      }
      return false
    }

    /// The first divergence that shows a symptom.
    public func first(_ symptom: Symptom) -> FoundDivergence? {
      divergences.first { symptom.matches($0.divergence) }
    }
  }

  /// A wrong release and the position of its round in the sequence.
  public struct FoundRelease: Hashable, Sendable {
    public var finding: ReleaseFinding
    public var position: Int
  }

  /// A divergence with the tables behind it.
  public struct FoundDivergence: Sendable {
    public var divergence: Divergence
    /// The position of its call in the sequence; the number of calls for tables read at the end.
    public var position: Int
    /// What the engine says of every namespace after the call.
    public var predicted: [NamespaceTable]
    public var observed: [NamespaceTable]
    /// The tables of both sides before the call are the same: these.
    public var before: [NamespaceTable]
  }

  public let settings: Settings

  public init(_ settings: Settings) {
    self.settings = settings
  }

  /// Makes the calls once.
  ///
  /// - Throws: ``SandboxError``: what the harness itself could not do.
  public func run(_ calls: [NumberedCall]) throws(SandboxError) -> Outcome {
    try run(calls.map { .call($0) })
  }

  /// Makes the calls of a whole history once.
  public func run(_ items: [RecordedItem]) throws(SandboxError) -> Outcome {
    let pass = try SequencePass(settings, items)
    return try pass.run()
  }
}

/// One run in one sandbox.
final class SequencePass {
  let settings: SequenceRun.Settings
  private let items: [RecordedItem]
  let sandbox: Sandbox
  private let log: KernelLog?
  private let taintAtStart = KernelTaint.current
  private let explanation: IssueExplanation
  var check: StepCheck
  var reader = TableReader()
  private var past: [PastCall] = []
  private var earlierTally = StepCheck.Tally()
  var outcome = SequenceRun.Outcome()
  /// Judges racing calls between steps.
  var race: ConcurrencyChecker?
  var generator: SeededGenerator
  private var lastNumber = -1
  /// Behind a divergence that nothing explains, no issue can explain the whole history any more.
  private var isInDoubt = false
  /// Keeps what release rounds share.
  var releaseStage: ReleaseStage?
  /// Whether every call so far was made alone.
  var isHistoryComplete = true

  init(
    _ settings: SequenceRun.Settings, _ items: [RecordedItem]
  ) throws(SandboxError) {
    self.settings = settings
    self.items = items
    generator = SeededGenerator(seed: settings.seed)
    log = try? KernelLog()
    var limits = settings.limits
    let most = items.reduce(0) { $0 + $1.workersNeeded }
    let companions = items.map(\.companions).max() ?? 0
    limits.workers = min(max(limits.workers, 2), most + companions + 2)
    sandbox = try Sandbox.launch(limits)
    let initial: MountTable
    switch try sandbox.table(of: 0) {
    case .seen(let table): initial = table
    case .hang: throw .setupFailed(attempt: "read the first mount table in time", errno: .timedOut)
    }
    explanation = IssueExplanation(
      release: settings.release, intendedRules: settings.rules, initialTable: initial,
      brokenRule: settings.brokenRule,
      mountLimit: MachineSettings.mountLimit ?? MountModel.usualMountLimit)
    check = explanation.newCheck(settings.presentIssues)
    outcome.presentIssues = settings.presentIssues
    outcome.initialTable = initial
    _ = check.begin(initial)
  }

  func run() throws(SandboxError) -> SequenceRun.Outcome {
    for (position, item) in items.enumerated() {
      let goesOn: Bool
      switch item {
      case .call(let call):
        lastNumber = call.number
        goesOn = try make(call, at: position)
      case .window(let window): goesOn = try make(window, at: position, step: lastNumber + 1)
      case .release(let round): goesOn = try make(round, at: position)
      }
      guard goesOn else { break }
    }
    endRace()
    if outcome.faults.isEmpty { try endReleases() }
    if outcome.faults.isEmpty, (outcome.races?.violated ?? 0) + (outcome.races?.unknown ?? 0) == 0,
      !(settings.stopsAtDivergence && !outcome.divergences.isEmpty)
    {
      try readTheEnd()
    }
    outcome.checks = earlierTally
    outcome.checks += check.tally
    for fault in log?.takeFaults() ?? [] where fault.kind.isFault {
      outcome.faults.append(.log(fault))
    }
    let taint = KernelTaint.current.newFaults(since: taintAtStart)
    if !taint.isEmpty, outcome.faults.isEmpty { outcome.faults.append(.taint(taint)) }
    try sandbox.teardown()
    return outcome
  }

  /// Makes one call; false ends the run.
  private func make(_ call: NumberedCall, at position: Int) throws(SandboxError) -> Bool {
    endRace()
    try endReleases()
    guard check.lives(call.namespace), sandbox.livingActors.contains(call.namespace) else {
      outcome.skippedCalls += 1
      return true
    }
    let prediction = check.predict(call.operation, in: call.namespace)
    let answer: Errno
    switch try sandbox.perform(call.operation, by: call.namespace) {
    case .answered(let record): answer = record.errno
    case .hang(let report):
      outcome.faults.append(.hang(report))
      return false
    case .died(let death):
      outcome.faults.append(.death(death))
      return false
    }
    outcome.calls += 1
    if answer == .none { outcome.succeededCalls += 1 }
    if settings.explains, !isInDoubt {
      past.append(
        PastCall(namespace: call.namespace, operation: call.operation, answer: answer))
    }
    let before = reader.lastTables
    let reading =
      prediction.errno == answer && !settings.readsEverything
      ? try reader.read(changed: prediction.changed, from: sandbox)
      : try reader.readAll(from: sandbox)
    if let hang = reading.hang {
      outcome.faults.append(.hang(hang))
      return false
    }
    let observed = ObservedStep(
      number: call.number, namespace: call.namespace, operation: call.operation, result: answer,
      tables: reading.tables)
    if settings.keepsSteps { outcome.lines.append(.step(observed)) }
    guard let divergence = check.compare(observed) else { return true }
    return try found(divergence, at: position, before: before)
  }

  private func readTheEnd() throws(SandboxError) {
    let before = reader.lastTables
    let reading = try reader.readAll(from: sandbox)
    if let hang = reading.hang { return outcome.faults.append(.hang(hang)) }
    let number = lastNumber + 1
    guard
      let divergence = check.compare(tables: reading.tables, asStep: number, isComplete: true)
    else { return }
    _ = try found(divergence, at: items.count, before: before)
  }

  func found(
    _ divergence: Divergence, at position: Int, before: [NamespaceTable], endsRun: Bool = false
  ) throws(SandboxError) -> Bool {
    let reading = try reader.readAll(from: sandbox)
    if let hang = reading.hang {
      outcome.faults.append(.hang(hang))
      return false
    }
    let predicted = check.livingNamespaces.map {
      NamespaceTable(namespace: $0, table: check.predictedTable(of: $0))
    }
    var divergence = divergence
    if settings.explains, !isInDoubt, isHistoryComplete, divergence.follows == nil,
      let issues = explanation.explain(
        past, callCount: past.count, tables: reading.tables, present: outcome.presentIssues
      ).issues
    {
      let present = Set(outcome.presentIssues.map(\.id))
      divergence.knownIssues = issues.map(\.id).filter { !present.contains($0) }
      if divergence.knownIssues.isEmpty { divergence.knownIssues = issues.map(\.id) }
      outcome.presentIssues = issues
      earlierTally += check.tally
      check = explanation.newCheck(issues)
      _ = explanation.walk(past, callCount: past.count, tables: reading.tables, in: &check)
    } else {
      isInDoubt = true
    }
    outcome.divergences.append(
      SequenceRun.FoundDivergence(
        divergence: divergence, position: position, predicted: predicted,
        observed: reading.tables, before: before))
    return !endsRun && !settings.stopsAtDivergence
      && outcome.divergences.count < Self.mostDivergences
  }

  private static let mostDivergences = 20
}
