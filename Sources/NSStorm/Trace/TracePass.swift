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
  private var hasBegun = false
  private var isDone = false
  private var living: Set<NamespaceNumber> = [0]
  private var lastStep = -1
  private let file: String
  /// The steps that were read, and those of them that were judged.
  private(set) var steps = 0
  private(set) var judgedSteps = 0

  init(
    path: String, rules: KernelRules, options: TraceCheck.Options, adopted: Set<Int> = []
  ) throws(TraceError) {
    let reader = try TraceReader(path: path)
    initialTable = reader.header.table
    check = StepCheck(
      rules: rules, initialTable: initialTable, aspects: options.comparesOrder ? .order : [])
    self.reader = reader
    self.adopted = adopted
    file = path
  }

  var standing: StepCheck.Standing { check.standing }
  var tally: StepCheck.Tally { check.tally }
  var ending: TraceReader.Ending { reader.ending }

  /// The next divergence; nil when the trace has ended without one.
  mutating func advance() throws(TraceError) -> Divergence? {
    if !hasBegun {
      hasBegun = true
      if let divergence = check.begin(initialTable) { return divergence }
    }
    while !isDone, check.standing == .inStep {
      if let divergence = try advanceOneLine() { return divergence }
    }
    return nil
  }

  /// Whether everything up to a step, that one included, is as these rules predict.
  mutating func agrees(through step: Int) throws(TraceError) -> Bool {
    if !hasBegun {
      hasBegun = true
      if check.begin(initialTable) != nil { return false }
    }
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
      if case .step(let step) = line {
        try follow(step)
        steps += 1
      }
    }
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
      judgedSteps += 1
      lastStep = step.number
      let divergence = check.judge(step)
      return adopted.contains(step.number) ? nil : divergence
    case .end(let tables):
      try followEnd(tables)
      // The end line counts as one more step, so that its divergence is no earlier step's.
      lastStep += 1
      return check.compare(tables: tables, asStep: lastStep, isComplete: true)
    }
  }

  /// Keeps account of the namespaces that live by the trace's own word; a trace that contradicts itself is damaged.
  private mutating func follow(_ step: TraceStep) throws(TraceError) {
    guard living.contains(step.namespace) else {
      throw damaged(
        "`ns` is \(step.namespace), which does not live here; living are \(livingList)")
    }
    if step.result == .none {
      switch step.operation {
      case .unshare(let namespace, _):
        guard living.insert(namespace).inserted else {
          throw damaged("`new` is \(namespace), which lives already; living are \(livingList)")
        }
      case .exit: living.remove(step.namespace)
      default: break
      }
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
