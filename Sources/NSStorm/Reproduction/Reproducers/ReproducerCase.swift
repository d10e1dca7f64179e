import StormEngine
public import StormTrace
public import StormVerdict
import StormVocabulary

/// What a reproducer shows: calls with what they must answer, and what the tables must show behind the last one.
public struct ReproducerCase: Sendable {
  /// One call and its predicted answer.
  struct Step: Hashable, Sendable {
    var namespace: NamespaceNumber
    var operation: Operation
    var errno: Errno
  }

  public let symptom: Symptom
  /// The kernel that diverged.
  public let kernel: String
  let steps: [Step]
  let facts: [TableFact]
  let divergence: Divergence
  /// What decides the prediction, as a sentence with its kernel function.
  let rule: String?
  /// The known issue, if it is one.
  let issue: KnownIssue?

  /// A list beyond this is for `nsstorm shrink`, not for a maintainer.
  public static let mostCalls = 400

  /// Reads a trace up to the symptom and takes what the engine predicts and the kernel showed from it. Needs no root.
  ///
  /// - Parameters:
  ///   - symptom: nil for the first divergence of the trace that nothing explains, else its first known issue.
  ///   - options: under which rules the trace is judged.
  public init(
    path: String, symptom wanted: Symptom? = nil, options: TraceCheck.Options = .init()
  ) throws(ReproducerError) {
    let verdict = TraceCheck(path: path, options: options).run()
    if let failure = verdict.failure { throw .trace(failure) }
    try self.init(path: path, symptom: wanted, verdict: verdict, options: options)
  }

  /// - Parameter verdict: what the check of the trace came to.
  init(
    path: String, symptom wanted: Symptom?, verdict: TraceVerdict, options: TraceCheck.Options
  ) throws(ReproducerError) {
    let wrongReleases = verdict.releases?.findings.map(\.finding) ?? []
    let release =
      wanted.map { symptom in wrongReleases.first { symptom.matches($0) } }
      ?? (verdict.divergences.isEmpty ? wrongReleases.first : nil)
    if let release { throw .release(path: path, signature: release.signature) }
    let target =
      wanted.map { symptom in verdict.divergences.first { symptom.matches($0) } }
      ?? verdict.unexplainedDivergences.first ?? verdict.divergences.first
    guard let target, let release = verdict.release, let rules = KernelRules(release: release)
    else {
      throw .notInTrace(
        path: path, symptom: wanted, found: verdict.divergences.map { Symptom($0) })
    }
    let earlier = Set(
      verdict.divergences.filter { $0.step < target.step }.flatMap(\.knownIssues))
    let present = KnownIssue.catalogue.filter { earlier.contains($0.id) }
    do throws(TraceError) {
      let pass = try CasePass(
        path: path, rules: rules.applying(present), brokenRule: options.mutation,
        step: target.step)
      guard pass.steps.count <= Self.mostCalls else {
        throw TraceError(
          file: path, line: 0, kind: .damaged,
          message: "the symptom takes \(pass.steps.count) calls, a reproducer may have "
            + "\(Self.mostCalls): `nsstorm shrink \(path) --output FILE` first")
      }
      guard let found = pass.divergence else {
        throw TraceError(
          file: path, line: 0, kind: .damaged,
          message:
            "the divergence of step \(target.step) is not that of one call made alone; only those can be "
            + "written as a program")
      }
      let predicted = FactTables(pass.predicted, before: pass.predictedBefore)
      let observed = FactTables(pass.observed, before: pass.observedBefore)
      steps = pass.steps
      divergence = found
      facts =
        found.predictedErrno == found.observedErrno
        ? TableFact.decisive(
          predicted: predicted, observed: observed, in: found.tables.map(\.namespace)) : []
    } catch {
      throw .trace(error)
    }
    guard divergence.predictedErrno != divergence.observedErrno || !facts.isEmpty else {
      throw .noFact(signature: divergence.signature)
    }
    symptom = wanted ?? (target.knownIssues.first.map { .knownIssue($0) } ?? Symptom(divergence))
    kernel = verdict.kernel ?? ""
    issue = target.knownIssues.first.flatMap { id in
      KnownIssue.catalogue.first { $0.id == id }
    }
    let decided = divergence.rule
    rule = Rule.allCases.first { $0.name == decided }.map {
      "\($0.explanation.sentence) (\($0.explanation.function))"
    }
  }

  /// A case that is predicted and was not seen to differ; for tests of the formats.
  init(steps: [Step], facts: [TableFact], divergence: Divergence, kernel: String) {
    self.steps = steps
    self.facts = facts
    self.divergence = divergence
    self.kernel = kernel
    symptom = Symptom(divergence)
    rule = nil
    issue = nil
  }

  /// The property that the kernel violates, as a sentence.
  var property: String {
    if let issue { return "Violated where \(issue.title)." }
    return rule.map { "The rule: \($0)." } ?? "The last call and the tables behind it."
  }
}

/// Why no reproducer can be written.
public enum ReproducerError: Error, Sendable, CustomStringConvertible {
  case trace(TraceError)
  /// The recording does not show what was asked for.
  case notInTrace(path: String, symptom: Symptom?, found: [Symptom])
  /// Racing calls that cannot be written, with the reason.
  case cannotRace(String)
  /// What a release round showed: no format has words for those who watch.
  case release(path: String, signature: String)
  /// The difference cannot be told from the tables of one moment, such as their order.
  case noFact(signature: String)
  /// The format has no words for a call.
  case cannotSay(format: ReproducerFormat, what: String)

  public var description: String {
    switch self {
    case .trace(let error): return error.description
    case .notInTrace(let path, let symptom, let found):
      let seen =
        found.isEmpty
        ? "it shows no divergence" : "it shows " + found.map(\.description).joined(separator: ", ")
      return "\(path) does not show \(symptom.map { "'\($0)'" } ?? "a divergence"); \(seen)"
    case .cannotRace(let reason):
      return "the racing calls cannot be written as a program: \(reason)"
    case .release(let path, let signature):
      return
        "'\(signature)' was seen by the watchers of a release round, which no format can write; "
        + "`nsstorm replay \(path) --times 20` makes the round again"
    case .noFact(let signature):
      return "'\(signature)' cannot be told from tables without numbers"
    case .cannotSay(let format, let what):
      return "\(what) cannot be written as \(format.rawValue); --format c can"
    }
  }
}

/// The languages in which a reproducer can be written.
public enum ReproducerFormat: String, CaseIterable, Sendable {
  case c, kselftest, shell, scenario
}

/// A walk through a trace up to one step, which diverges.
private struct CasePass {
  var steps: [ReproducerCase.Step] = []
  var divergence: Divergence?
  var predicted: [NamespaceTable] = []
  var predictedBefore: [NamespaceTable] = []
  var observed: [NamespaceTable] = []
  var observedBefore: [NamespaceTable] = []

  init(
    path: String, rules: KernelRules, brokenRule: Mutation?, step last: Int
  ) throws(TraceError) {
    let sequence = try RecordedSequence(path: path)
    var reader = try TraceReader(path: path)
    var check = StepCheck(
      rules: rules, initialTable: sequence.header.table,
      mountLimit: sequence.header.mountLimit ?? MountModel.usualMountLimit)
    check.breakOnPurpose(brokenRule)
    _ = check.begin(sequence.header.table)
    var seen: [NamespaceNumber: MountTable] = [0: sequence.header.table]
    // Numbers that are used again would name two processes of the program.
    var calls = CallRewriting.renumbered(sequence.calls)[...]
    while case .step(let step)? = try reader.next(), let call = calls.popFirst() {
      observedBefore = Self.list(seen)
      predictedBefore = Self.predicted(check)
      let prediction = check.predict(step.operation, in: step.namespace)
      steps.append(
        ReproducerCase.Step(
          namespace: call.namespace, operation: call.operation, errno: prediction.errno))
      if step.result == .none, step.operation == .exit { seen[step.namespace] = nil }
      for reading in step.tables { seen[reading.namespace] = reading.table }
      let predictedTables = Self.predicted(check)
      guard let found = check.compare(step), step.number >= last else { continue }
      divergence = found
      predicted = predictedTables
      observed = Self.list(seen)
      break
    }
    renumberTables(sequence.calls)
  }

  private static func list(_ tables: [NamespaceNumber: MountTable]) -> [NamespaceTable] {
    tables.sorted { $0.key < $1.key }.map { NamespaceTable(namespace: $0.key, table: $0.value) }
  }

  private static func predicted(_ check: borrowing StepCheck) -> [NamespaceTable] {
    var tables: [NamespaceTable] = []
    for namespace in check.livingNamespaces {
      tables.append(
        NamespaceTable(namespace: namespace, table: check.predictedTable(of: namespace)))
    }
    return tables
  }

  /// The tables carry the recording's numbers, the steps those of the program.
  private mutating func renumberTables(_ calls: [NumberedCall]) {
    var numbers: [NamespaceNumber: NamespaceNumber] = [0: 0]
    var next = 1
    for call in calls.prefix(steps.count) {
      if let number = call.operation.newNamespace {
        numbers[number] = next
        next += 1
      }
    }
    func renumbered(_ tables: [NamespaceTable]) -> [NamespaceTable] {
      tables.map {
        NamespaceTable(namespace: numbers[$0.namespace] ?? $0.namespace, table: $0.table)
      }
    }
    predicted = renumbered(predicted)
    predictedBefore = renumbered(predictedBefore)
    observed = renumbered(observed)
    observedBefore = renumbered(observedBefore)
    for index in (divergence?.tables ?? []).indices {
      let number = divergence?.tables[index].namespace ?? 0
      divergence?.tables[index].namespace = numbers[number] ?? number
    }
  }
}
