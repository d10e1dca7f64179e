import StormEngine
import StormVerdict
import StormVocabulary

/// One walk through a trace under one set of rules.
struct TracePass: ~Copyable {
  private var reader: TraceReader
  private var check: StepCheck
  private let initialTable: MountTable
  /// Steps whose divergence is known already; they are adopted without a word.
  private let adopted: Set<Int>
  /// Judges the same steps as if one more issue were present, until it contradicts the trace.
  private let probes: [IssueProbe]
  private var hasBegun = false
  private var isDone = false
  private var living: Set<NamespaceNumber> = [0]
  /// Judges windows between steps.
  private var race: ConcurrencyChecker?
  /// A window was not explained: where the model stands is not where the kernel does.
  private var isLost = false
  private var lastViolation: ConcurrencyViolation?
  private let issues: [KnownIssue]
  /// All tables at the end of the last window that was explained.
  private var raceTables: [NamespaceTable]?
  /// What the windows came to.
  private(set) var races = TraceVerdict.Races()
  /// The first window that was not explained by the intended rules.
  private(set) var divergentWindow: TraceVerdict.DivergentWindow?
  /// What the release rounds came to.
  private(set) var releases = TraceVerdict.Releases()
  private let releaseCheck: ReleaseCheck
  private var lastStep = -1
  private let file: String
  /// The steps that were read, and those of them that were judged.
  private(set) var steps = 0
  private(set) var judgedSteps = 0
  /// Judged steps behind a divergence that could not be adopted.
  private(set) var doubtfulSteps = 0

  init(
    path: String, rules: KernelRules, options: TraceCheck.Options, adopted: Set<Int> = [],
    probing issues: [KnownIssue] = []
  ) throws(TraceError) {
    let reader = try TraceReader(path: path)
    let table = reader.header.table
    let aspects: TableComparison.Aspects = options.comparesOrder ? .order : []
    let start = InitialTable.ordered(table) ?? table
    let mountLimit = reader.header.mountLimit ?? MountModel.usualMountLimit
    check = StepCheck(
      rules: rules, initialTable: start, aspects: aspects, mountLimit: mountLimit)
    check.breakOnPurpose(options.mutation)
    probes = issues.map {
      IssueProbe(
        issue: $0.id,
        check: StepCheck(
          rules: rules.applying([$0]), initialTable: start, aspects: aspects,
          mountLimit: mountLimit))
    }
    initialTable = table
    releaseCheck = ReleaseCheck(contract: options.contract ?? ReleaseContract())
    self.issues = issues
    self.reader = reader
    self.adopted = adopted
    file = path
  }

  var standing: StepCheck.Standing { check.standing }
  /// Where the model stands.
  func fingerprint() -> Fingerprint { check.fingerprint() }
  var tally: StepCheck.Tally { check.tally }
  var ending: TraceReader.Ending { reader.ending }
  var unansweredCalls: [NumberedCall] { reader.unansweredCalls }
  /// Issues that would have made the trace look different, and where.
  var absentIssues: [TraceVerdict.AbsentIssue] {
    probes.compactMap { probe in
      probe.contradiction.map { TraceVerdict.AbsentIssue(issue: probe.issue, step: $0) }
    }
  }

  /// The next divergence; nil when the trace has ended without one.
  mutating func advance() throws(TraceError) -> Divergence? {
    if let divergence = begin() { return divergence }
    while !isDone {
      if let divergence = try advanceOneLine() { return divergence }
    }
    return nil
  }

  /// Whether everything up to a step, that one included, is as these rules predict.
  mutating func agrees(through step: Int) throws(TraceError) -> Bool {
    if begin() != nil { return false }
    while !isDone, lastStep < step, check.standing == .inStep {
      if try advanceOneLine() != nil { return false }
    }
    return check.standing == .inStep
  }

  /// Reads what is left without judging it, to see whether the file is whole.
  mutating func skipToEnd() throws(TraceError) {
    while !isDone {
      guard let line = try reader.next() else {
        isDone = true
        return
      }
      switch line {
      case .step(let step):
        try follow(step)
        steps += 1
      case .window(let window):
        try follow(window)
        races.add(window.window)
        races.unjudged += 1
      case .release(let release): judge(release)
      case .end: break
      }
    }
  }

  private mutating func begin() -> Divergence? {
    guard !hasBegun else { return nil }
    hasBegun = true
    for probe in probes { probe.begin(initialTable) }
    return check.begin(initialTable)
  }

  private mutating func advanceOneLine() throws(TraceError) -> Divergence? {
    guard let line = try reader.next() else {
      isDone = true
      return nil
    }
    switch line {
    case .step(let step):
      try follow(step)
      steps += 1
      lastStep = step.number
      endRace()
      // Behind a window that nothing explains, nothing can be predicted.
      guard !isLost else { return nil }
      // Of a namespace that only the kernel made nothing can be predicted.
      guard check.lives(step.namespace) else { return nil }
      judgedSteps += 1
      if check.standing != .inStep { doubtfulSteps += 1 }
      let divergence = check.judge(step)
      for probe in probes { probe.judge(step, isAdopted: adopted.contains(step.number)) }
      return adopted.contains(step.number) ? nil : divergence
    case .window(let window):
      try follow(window)
      races.add(window.window)
      let divergence = judge(window.window)
      if let divergence, divergentWindow == nil {
        divergentWindow = .init(
          number: window.number, divergence: divergence, violation: lastViolation)
      }
      return divergence
    case .release(let release):
      judge(release)
      return nil
    case .end(let tables):
      try followEnd(tables)
      endRace()
      guard !isLost else { return nil }
      // The end line counts as one more step, so that its divergence is no earlier step's.
      lastStep += 1
      return check.compare(tables: tables, asStep: lastStep, isComplete: true)
    }
  }

  /// Whether some order of all points explains a window; a divergence where none does, or only with a known issue.
  private mutating func judge(_ window: ContendedWindow) -> Divergence? {
    guard !isLost, check.standing == .inStep else {
      races.unjudged += 1
      return nil
    }
    var checker = race.take() ?? check.beginRace(limits: Self.searchLimits)
    checker.knownIssues = issues
    let verdict = check.judge(window, by: &checker)
    race = consume checker
    switch verdict {
    case .explained(let explained):
      races.explained += 1
      raceTables = window.tables
      races.conflicts += explained.conflicts
      guard !explained.knownIssues.isEmpty else { return nil }
      return Divergence(
        step: lastStep + 1, namespace: 0, operation: nil, predictedErrno: .none,
        observedErrno: .none, knownIssues: explained.knownIssues)
    case .violated(let violation):
      isLost = true
      races.violated += 1
      lastViolation = violation
      return violation.divergence(asStep: lastStep + 1)
    case .unknown:
      isLost = true
      races.unknown += 1
      return nil
    }
  }

  /// A round is judged by itself: it begins in an empty place, whatever came before.
  private mutating func judge(_ release: TraceRelease) {
    guard let round = release.round else { return }
    for finding in releaseCheck.findings(round.observed) {
      releases.findings.append(.init(round: releases.rounds, line: reader.line, finding: finding))
    }
    releases.rounds += 1
  }

  /// Goes on with exact steps.
  private mutating func endRace() {
    guard race.take() != nil else { return }
    check.endRace()
    // Steps name only the tables that they change: the check must know those that stand.
    guard !isLost, let tables = raceTables else { return }
    _ = check.compare(tables: tables, asStep: lastStep, isComplete: true)
  }

  private static var searchLimits: SearchLimits {
    var limits = SearchLimits()
    limits.milliseconds = 10_000
    return limits
  }

  private mutating func follow(_ window: TraceWindow) throws(TraceError) {
    for worker in window.workers where !living.contains(worker.process) {
      throw damaged(
        "worker \(worker.number) is in namespace \(worker.process), which does not live; living are \(livingList)"
      )
    }
    if let tables = window.window.tables {
      living = Set(tables.map(\.namespace))
      return
    }
    for call in window.window.calls where call.errno == .none {
      if case .unshare(let namespace, _) = call.operation { living.insert(namespace) }
      if case .exit = call.operation { living.remove(call.process) }
    }
  }

  /// Keeps account of the namespaces that live by the trace's own word; a trace that contradicts itself is damaged.
  private mutating func follow(_ step: TraceStep) throws(TraceError) {
    guard living.contains(step.namespace) else {
      throw damaged(
        "`ns` is \(step.namespace), which does not live here; living are \(livingList)")
    }
    if step.result == .none {
      if let namespace = step.operation.newNamespace {
        guard living.insert(namespace).inserted else {
          throw damaged("`new` is \(namespace), which lives already; living are \(livingList)")
        }
      }
      if case .exit = step.operation { living.remove(step.namespace) }
    }
    for reading in step.tables where !living.contains(reading.namespace) {
      throw damaged(
        "a table of namespace \(reading.namespace), which does not live; living are \(livingList)")
    }
  }

  private func followEnd(_ tables: [NamespaceTable]) throws(TraceError) {
    guard Set(tables.map(\.namespace)) == living else {
      let found = tables.map { "\($0.namespace)" }.joined(separator: ", ")
      throw damaged("the end line has tables of [\(found)]; living are \(livingList)")
    }
  }

  private var livingList: String {
    living.sorted().map(String.init).joined(separator: ", ")
  }

  private func damaged(_ message: String) -> TraceError {
    TraceError(file: file, line: reader.line, kind: .damaged, message: message)
  }
}

/// A check that runs beside the main one. It is a class because checks cannot be copied into an array.
private final class IssueProbe {
  let issue: String
  private var check: StepCheck
  /// The first step that the issue would have made different.
  private(set) var contradiction: Int?

  init(issue: String, check: consuming StepCheck) {
    self.issue = issue
    self.check = check
  }

  func begin(_ table: MountTable) {
    if check.begin(table) != nil { contradiction = -1 }
  }

  func judge(_ step: TraceStep, isAdopted: Bool) {
    guard contradiction == nil, check.standing == .inStep else { return }
    if check.judge(step) != nil, !isAdopted { contradiction = step.number }
  }
}
