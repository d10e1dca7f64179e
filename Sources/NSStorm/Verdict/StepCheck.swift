public import StormEngine
public import StormVocabulary

/// Judges a sequential history exactly, step by step: every errno, and every table that changed.
///
/// The same code judges a running kernel and a trace. For each step, either ``judge(_:)``, or ``predict(_:in:)`` (it
/// names the namespaces whose tables should be read), the call, and ``compare(_:)``.
public struct StepCheck: ~Copyable {
  /// Whether the model is still in step with the kernel.
  public enum Standing: Hashable, Sendable {
    case inStep
    /// What the kernel did at this step is not adopted: what is found from there on may follow from it.
    case doubtful(since: Int)
  }

  /// What was compared, by kind.
  public struct Tally: Hashable, Sendable, Codable {
    /// Answers of calls.
    public var errnos = 0
    /// Tables that one side said had changed.
    public var tables = 0
    /// Mounts in those tables.
    public var mounts = 0

    public init() {}

    public static func += (left: inout Tally, right: Tally) {
      left.errnos += right.errnos
      left.tables += right.tables
      left.mounts += right.mounts
    }
  }

  public private(set) var standing = Standing.inStep
  /// What is known to differ in the tables of namespaces that could not be adopted; it is not reported again.
  private var doubts: [NamespaceNumber: Set<Doubt>] = [:]
  /// The kernel did something that no table shows and that the model did not do.
  private(set) var hasUnseenDoubt = false
  /// Calls were judged by their answers alone, or not at all, since all tables were read last.
  var hasUnreadSteps = false
  /// A call was predicted and not compared yet.
  private var isPredictionPending = false
  private var errnoCount = 0
  /// How often the kernel's tables were taken over.
  public private(set) var adoptions = 0
  var model: MountModel
  var comparison: TableComparison
  /// The state before the predicted call, for the case that the kernel refuses it.
  var before: MountModel.Checkpoint
  private var prediction = Prediction(errno: .none, changed: [])
  var living: [NamespaceNumber]
  /// The version of each living namespace's table that was compared last, in the order of ``living``.
  var versions: [UInt64?]

  /// What the engine says of a call that is about to be made.
  public struct Prediction: Hashable, Sendable {
    public var errno: Errno
    /// The namespaces whose tables the call may change, ascending; an ended one is not among them.
    public var changed: [NamespaceNumber]
  }

  /// - Parameters:
  ///   - initialTable: the observed table of namespace 0 before the first step; the engine starts from it.
  ///   - mountLimit: `fs.mount-max` of the machine that answers.
  public init(
    rules: KernelRules, initialTable: MountTable, aspects: TableComparison.Aspects = [],
    mountLimit: Int = MountModel.usualMountLimit
  ) {
    var model = MountModel(rules: rules, initialTable: initialTable)
    model.mountLimit = mountLimit
    before = model.checkpoint()
    living = model.livingProcesses
    versions = Array(repeating: nil, count: living.count)
    self.model = model
    comparison = TableComparison(aspects: aspects)
  }

  public var tally: Tally {
    var tally = Tally()
    tally.errnos = errnoCount
    tally.tables = comparison.tally.tables
    tally.mounts = comparison.tally.mounts
    return tally
  }

  /// The namespaces that live now, by the engine's account, ascending.
  public var livingNamespaces: [NamespaceNumber] { living }

  /// Whether the engine knows of the namespace; calls in others cannot be predicted.
  public func lives(_ namespace: NamespaceNumber) -> Bool { model.isAlive(namespace) }

  /// Whether who enters this process's namespace would stand on its absolute root, see `MountModel`.
  public func absoluteRootIsBare(inNamespaceOf namespace: NamespaceNumber) -> Bool {
    model.absoluteRootIsBare(inNamespaceOf: namespace)
  }

  /// The same of the namespace whose file a process has in a slot.
  public func absoluteRootIsBare(
    inNamespaceOfFileIn slot: DescriptorSlot, of namespace: NamespaceNumber
  ) -> Bool {
    model.absoluteRootIsBare(inNamespaceOfFileIn: slot, of: namespace)
  }

  /// What has been done to the model since the start.
  public var counters: MountModel.Counters { model.counters }

  /// The table that the engine says a namespace shows now; empty for one that does not live.
  public func predictedTable(of namespace: NamespaceNumber) -> MountTable {
    model.isAlive(namespace) ? model.table(seenBy: namespace) : MountTable()
  }

  /// The mounts that exist in the model, held and detached ones included.
  public var mountCount: Int { model.mountCount }

  /// Where the model stands, and what it said to the last call.
  public func fingerprint() -> Fingerprint {
    model.fingerprint().adding(UInt64(truncatingIfNeeded: prediction.errno.rawValue))
  }

  /// How often each rule of the engine has decided something.
  public var ruleCoverage: RuleCoverage { model.ruleCoverage }

  /// Breaks a rule of the engine on purpose, to see whether a history notices. Without effect in release builds.
  public mutating func breakOnPurpose(_ mutation: Mutation?) {
    model.breakOnPurpose(mutation)
  }

  /// Compares the tables before the first step.
  public mutating func begin(_ observed: MountTable) -> Divergence? {
    compareTables(
      step: -1, namespace: 0, operation: nil, predicted: .none, observed: .none,
      changed: takeChanged(), tables: [NamespaceTable(namespace: 0, table: observed)], ended: [])
  }

  /// Predicts a call by the process of a namespace and performs it on the model.
  public mutating func predict(_ operation: Operation, in namespace: NamespaceNumber) -> Prediction
  {
    if isPredictionPending { hasUnreadSteps = true }
    isPredictionPending = true
    model.discardCheckpoints()
    before = model.checkpoint()
    let errno = model.perform(operation, by: namespace)
    if errno == .none {
      if let new = operation.newNamespace {
        let index = living.firstIndex { $0 > new } ?? living.count
        living.insert(new, at: index)
        versions.insert(nil, at: index)
      }
      if case .exit = operation { forget(namespace) }
    }
    prediction = Prediction(errno: errno, changed: takeChanged())
    return prediction
  }

  /// Compares what was observed of the call that was predicted last.
  ///
  /// - Returns: nil where the kernel did what was predicted.
  public mutating func compare(_ step: ObservedStep) -> Divergence? {
    errnoCount += 1
    isPredictionPending = false
    guard prediction.errno == step.result else {
      var divergence = answerDivergence(step)
      divergence.rule = model.decidingRule(
        of: step.operation, by: step.namespace, since: before, places: [], in: [])
      resynchronize(after: step)
      return divergence
    }
    var ended: [NamespaceNumber] = []
    if step.result == .none, case .exit = step.operation { ended = [step.namespace] }
    guard
      var divergence = compareTables(
        step: step.number, namespace: step.namespace, operation: step.operation,
        predicted: prediction.errno, observed: step.result, changed: prediction.changed,
        tables: step.tables, ended: ended)
    else { return nil }
    divergence.rule = model.decidingRule(
      of: step.operation, by: step.namespace, since: before,
      places: Set(divergence.tables.flatMap { $0.mounts.map(\.place) }),
      in: divergence.tables.map(\.namespace))
    return divergence
  }

  /// Compares the answer of the call that was predicted last, and no tables: none were read after it.
  ///
  /// The tables are judged when ``compare(tables:asStep:isComplete:)`` gets them at a quiescent point.
  public mutating func compareAnswer(_ step: ObservedStep) -> Divergence? {
    errnoCount += 1
    isPredictionPending = false
    hasUnreadSteps = true
    guard prediction.errno != step.result else { return nil }
    var divergence = answerDivergence(step)
    divergence.rule = model.decidingRule(
      of: step.operation, by: step.namespace, since: before, places: [], in: [])
    takeBack()
    if step.result == .none { hasUnseenDoubt = true }
    settleStanding(step.number)
    return divergence
  }

  /// Predicts and compares.
  public mutating func judge(_ step: ObservedStep) -> Divergence? {
    _ = predict(step.operation, in: step.namespace)
    return compare(step)
  }

  /// Compares tables that were read without a call, as at a quiescent point or at the end of a trace.
  ///
  /// - Parameters:
  ///   - number: what a divergence says its step is.
  ///   - isComplete: whether `tables` has every namespace that was seen to live.
  public mutating func compare(
    tables: [NamespaceTable], asStep number: Int, isComplete: Bool
  ) -> Divergence? {
    let read = Set(tables.map(\.namespace))
    if isPredictionPending { hasUnreadSteps = true }
    // Namespaces that ended in steps that were predicted only still stand there.
    let ended = comparison.namespaces.filter { !model.isAlive($0) && !read.contains($0) }
    if hasUnreadSteps { comparison.forgetIdentities(of: isComplete ? living : read.sorted()) }
    if isComplete {
      hasUnreadSteps = false
      isPredictionPending = false
    }
    return compareTables(
      step: number, namespace: 0, operation: nil, predicted: .none, observed: .none,
      changed: isComplete ? living : living.filter(read.contains), tables: tables, ended: ended,
      unobserved: isComplete ? Set(living).subtracting(read) : [])
  }

  private func answerDivergence(_ step: ObservedStep) -> Divergence {
    var divergence = Divergence(
      step: step.number, namespace: step.namespace, operation: step.operation,
      predictedErrno: prediction.errno, observedErrno: step.result)
    if case .doubtful(let since) = standing { divergence.follows = since }
    return divergence
  }

  /// Forgets which of the kernel's numbers stood for which of the engine's.
  ///
  /// To be called before tables are compared after calls that nobody looked behind: the kernel uses the numbers of what
  /// is gone again, and nobody saw it go.
  public mutating func forgetNumbers() {
    _ = comparison.restart(predicted: [], observed: [])
  }

  private mutating func takeChanged() -> [NamespaceNumber] {
    var changed: [NamespaceNumber] = []
    for index in living.indices {
      let version = model.tableVersion(seenBy: living[index])
      guard versions[index] != version else { continue }
      versions[index] = version
      changed.append(living[index])
    }
    return changed
  }

  private mutating func forget(_ namespace: NamespaceNumber) {
    guard let index = living.firstIndex(of: namespace) else { return }
    living.remove(at: index)
    versions.remove(at: index)
  }

  private mutating func compareTables(
    step: Int, namespace: NamespaceNumber, operation: Operation?, predicted: Errno,
    observed: Errno, changed: [NamespaceNumber], tables: [NamespaceTable],
    ended: [NamespaceNumber], unobserved: Set<NamespaceNumber> = []
  ) -> Divergence? {
    // A table that only the kernel says has changed is predicted afresh, not taken from the last time.
    let unannounced = tables.map(\.namespace).filter { model.isAlive($0) }
    let affected = unannounced.isEmpty ? changed : Set(changed).union(unannounced).sorted()
    let predictedTables = affected.map {
      NamespaceTable(namespace: $0, table: model.table(seenBy: $0))
    }
    let differences = comparison.update(
      predicted: predictedTables, observed: tables, ended: ended, unobserved: unobserved)
    if differences.isEmpty, doubts.isEmpty { return nil }
    let known = doubts
    let since = standing
    for reading in predictedTables { doubts[reading.namespace] = nil }
    for namespace in ended { doubts[namespace] = nil }
    for difference in differences { doubts[difference.namespace] = Doubt.all(in: difference) }
    settleStanding(step)
    let news = differences.filter {
      !Doubt.all(in: $0).isSubset(of: known[$0.namespace] ?? [])
    }
    guard !news.isEmpty else { return nil }
    var divergence = Divergence(
      step: step, namespace: namespace, operation: operation, predictedErrno: predicted,
      observedErrno: observed, tables: news)
    if case .doubtful(let first) = since { divergence.follows = first }
    return divergence
  }

  private mutating func settleStanding(_ step: Int) {
    if doubts.isEmpty, !hasUnseenDoubt {
      standing = .inStep
    } else if standing == .inStep {
      standing = .doubtful(since: step)
    }
  }

  /// Nothing differs any more: the model was made as the tables show.
  mutating func settleAdoption() {
    doubts = [:]
    standing = .inStep
    hasUnreadSteps = false
    isPredictionPending = false
    adoptions += 1
    _ = takeChanged()
    before = model.checkpoint()
  }

  /// Undoes the predicted call.
  private mutating func takeBack() {
    model.rollback(to: before)
    living = model.livingProcesses
    versions = Array(repeating: nil, count: living.count)
  }

  /// Adopts an unexpected answer, where that is possible without guessing what the kernel did.
  private mutating func resynchronize(after step: ObservedStep) {
    takeBack()
    if step.result == .none, step.operation.leavesUnseenState { hasUnseenDoubt = true }
    // Refused, or done without a trace: the model without the call must show what the kernel shows.
    _ = compareTables(
      step: step.number, namespace: step.namespace, operation: step.operation,
      predicted: step.result, observed: step.result, changed: takeChanged(), tables: step.tables,
      ended: [])
    settleStanding(step.number)
  }
}

/// One difference, told from others without the numbers that change from step to step.
private struct Doubt: Hashable {
  var kind: MountDifference.Kind?
  var place: MountDifference.Place?

  static func all(in difference: TableDifference) -> Set<Doubt> {
    guard difference.presence == .both else { return [Doubt()] }
    return Set(difference.mounts.map { Doubt(kind: $0.kind, place: $0.place) })
  }
}

extension Operation {
  /// Whether its success may change what no mount table shows (directories, descriptors, roots, processes).
  var leavesUnseenState: Bool {
    switch self {
    case .mount, .umount2, .moveMount, .mountSetattr, .stat: false
    case .mkdir, .rmdir, .unlink, .rename, .symlink, .touch, .unshare, .unshareEmpty, .exit,
      .setns, .setnsDescriptor, .openNamespaceFile, .open, .close, .chdir, .chroot, .pivotRoot,
      .openTree, .openTreeAttr, .fsmount, .fsmountNamespace, .hold, .letGo:
      true
    }
  }
}
