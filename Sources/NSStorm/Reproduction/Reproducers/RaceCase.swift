import StormEngine
import StormTrace
public import StormVerdict
import StormVocabulary

/// A window that no order explains, as a program races its calls: what is made before, who races, and which answers no order
/// gives however the calls overlap.
public struct RaceCase: Sendable {
  public let symptom: Symptom
  /// The kernel that diverged.
  public let kernel: String
  /// Calls that are made alone, one after the other, with the answers that are predicted.
  let lead: [ReproducerCase.Step]
  let racers: [Racer]
  /// Answers of all racing calls, in the order of ``calls``, that no order gives. The first is what was seen.
  let forbidden: [[Errno]]
  /// Such that some order gives; those that were tried.
  let allowed: [[Errno]]
  /// Why the best order of the trace cannot go on.
  let reasons: [String]

  /// A process, or a thread of one, that makes calls while others do.
  struct Racer: Hashable, Sendable {
    var process: NamespaceNumber
    var isThread: Bool
    var cpu: Int?
    var calls: [Call]
  }

  struct Call: Hashable, Sendable {
    var operation: Operation
    /// Waited before the call.
    var delayNanoseconds: UInt64
  }

  /// The racing calls, racer by racer.
  var calls: [(racer: Int, call: Call)] {
    racers.enumerated().flatMap { racer in racer.element.calls.map { (racer.offset, $0) } }
  }

  /// - Parameters:
  ///   - window: the window that shows the symptom, as the check of the trace found it.
  ///   - options: under which rules the trace is judged.
  init(
    path: String, window: TraceVerdict.DivergentWindow, symptom: Symptom, rules: KernelRules,
    kernel: String, brokenRule: Mutation?
  ) throws(ReproducerError) {
    self.symptom = symptom
    self.kernel = kernel
    let history: RaceHistory
    do throws(TraceError) {
      history = try RaceHistory(RecordedSequence(path: path), window: window.number)
    } catch {
      throw .trace(error)
    }
    guard history.lead.count <= ReproducerCase.mostCalls, history.racing.count <= Self.mostCalls
    else {
      throw .cannotRace(
        "\(history.lead.count) calls before it and \(history.racing.count) racing ones are too many: "
          + "`nsstorm shrink \(path) --output FILE` first")
    }
    guard !history.racing.isEmpty else {
      throw .cannotRace(
        "the window has no call behind its barrier; `nsstorm replay` makes it again")
    }
    for call in history.racing where call.operation.newNamespace != nil || call.operation == .exit {
      throw .cannotRace("`\(call.operation)` makes or ends a process, which programs do alone")
    }
    let racers = history.racers
    let oracle = RaceOracle(
      rules: rules, brokenRule: brokenRule, lead: history.lead, racers: racers)
    guard let (steps, seen) = oracle.leading(history) else {
      throw .cannotRace("what leads to the window raced as well, and has no order of its own")
    }
    guard oracle.verdict(seen) == .forbidden else {
      throw .cannotRace(
        "its answers are wrong only because of the moments at which they were given, or of the tables "
          + "behind them; `nsstorm replay` judges both")
    }
    lead = steps
    self.racers = racers
    (forbidden, allowed) = oracle.sorted(around: seen)
    reasons = Self.reasons(window.violation)
  }

  /// A case whose answers are known; for tests of the program.
  init(
    lead: [ReproducerCase.Step], racers: [Racer], forbidden: [[Errno]], allowed: [[Errno]] = []
  ) {
    symptom = .divergence(shape: "test: test", rule: nil)
    kernel = "test"
    self.lead = lead
    self.racers = racers
    self.forbidden = forbidden
    self.allowed = allowed
    reasons = []
  }

  /// More racing calls are for `nsstorm shrink`.
  static let mostCalls = 40

  private static func reasons(_ violation: ConcurrencyViolation?) -> [String] {
    (violation?.continuations ?? []).compactMap { continuation in
      guard let violation, violation.calls.indices.contains(continuation.call) else { return nil }
      let call = violation.calls[continuation.call]
      return
        "`\(call.operation)` answered \(continuation.observed.name), and would answer "
        + "\(continuation.predicted.name) (\(continuation.reason))"
    }
  }
}

/// What a trace has before a window, in one order, and the window in two parts: calls before its barrier, and the race.
private struct RaceHistory {
  var lead: [NumberedCall] = []
  var racing: [ContendedWindow.Call] = []
  private var workers: [ConcurrentWorker] = []

  init(_ sequence: RecordedSequence, window number: Int) {
    // Numbers of namespaces that are used again would name two processes of the program: all are renumbered together.
    for item in sequence.items {
      switch item {
      case .call(let call): lead.append(call)
      case .release: continue
      case .window(let window):
        workers = window.workers
        let clusters = WindowReplay(
          window.window, workers: window.workers, jitterNanoseconds: 0
        ).clusters
        let isLast = window.number == number
        // What was made before the barrier, alone, prepares the race.
        let first =
          isLast
          ? clusters.firstIndex {
            $0.calls.count > 1 || $0.startNanoseconds >= window.window.barrierNanoseconds ?? 0
          } ?? clusters.count : nil
        for cluster in clusters[..<(first ?? clusters.count)] {
          lead += cluster.calls.sorted { $0.endNanoseconds < $1.endNanoseconds }.map {
            NumberedCall(number: 0, namespace: $0.process, operation: $0.operation)
          }
        }
        guard isLast else { continue }
        racing = clusters[(first ?? clusters.count)...].flatMap(\.calls)
        renumber()
        return
      }
    }
    renumber()
  }

  private mutating func renumber() {
    let all =
      lead.enumerated().map {
        NumberedCall(
          number: $0.offset, namespace: $0.element.namespace, operation: $0.element.operation)
      }
      + racing.enumerated().map {
        NumberedCall(
          number: lead.count + $0.offset, namespace: $0.element.process,
          operation: $0.element.operation)
      }
    let renumbered = CallRewriting.renumbered(all)
    guard renumbered.count == all.count else { return }
    let count = lead.count
    lead = Array(renumbered[..<count])
    for (index, call) in renumbered[count...].enumerated() {
      racing[index].process = call.namespace
      racing[index].operation = call.operation
    }
  }

  /// The workers that have calls, with as long waits between them as in the recording.
  var racers: [RaceCase.Racer] {
    let start = racing.map(\.startNanoseconds).min() ?? 0
    var processes: Set<NamespaceNumber> = []
    return Set(racing.map(\.worker)).sorted().map { number in
      let worker = workers.first { $0.number == number }
      let made = racing.filter { $0.worker == number }
      var last = start
      let calls = made.map { call in
        let gap = call.startNanoseconds > last ? call.startNanoseconds - last : 0
        last = call.endNanoseconds
        return RaceCase.Call(
          operation: call.operation, delayNanoseconds: min(gap, Self.longestWait))
      }
      let process = made.first?.process ?? 0
      // One process makes one call at a time; whoever else is in it is a thread.
      let isFirst = processes.insert(process).inserted
      return RaceCase.Racer(
        process: process, isThread: worker?.isThread ?? false || !isFirst, cpu: worker?.cpu,
        calls: calls)
    }
  }

  /// Longer waits were the scheduler's.
  private static let longestWait: UInt64 = 1_000_000

  /// What the racing calls answered, in the order of the racers.
  var answers: [Errno] {
    Set(racing.map(\.worker)).sorted().flatMap { number in
      racing.filter { $0.worker == number }.map(\.errno)
    }
  }
}

/// Which answers some order of the racing calls gives, however they overlap.
private struct RaceOracle {
  enum Verdict { case allowed, forbidden, unknown }

  let rules: KernelRules
  let brokenRule: Mutation?
  let lead: [NumberedCall]
  let racers: [RaceCase.Racer]

  /// The calls before the race with their predicted answers, and what the race answered; nil where a process would not
  /// live.
  func leading(_ history: RaceHistory) -> (steps: [ReproducerCase.Step], seen: [Errno])? {
    var model = emptyModel()
    var steps: [ReproducerCase.Step] = []
    for call in lead {
      guard model.isAlive(call.namespace) else { return nil }
      steps.append(
        .init(
          namespace: call.namespace, operation: call.operation,
          errno: model.perform(call.operation, by: call.namespace)))
    }
    guard racers.allSatisfy({ model.isAlive($0.process) }) else { return nil }
    return (steps, history.answers)
  }

  private func emptyModel() -> MountModel {
    var model = MountModel(rules: rules)
    model.breakOnPurpose(brokenRule)
    return model
  }

  private func model() -> MountModel {
    var model = emptyModel()
    for call in lead { _ = model.perform(call.operation, by: call.namespace) }
    return model
  }

  /// Whether an order exists where all calls of different racers overlap: then no program can tell that it is wrong.
  func verdict(_ answers: [Errno]) -> Verdict {
    var calls: [ContendedWindow.Call] = []
    for (number, racer) in racers.enumerated() {
      for (position, call) in racer.calls.enumerated() {
        calls.append(
          ContendedWindow.Call(
            worker: number, process: racer.process, operation: call.operation,
            errno: answers[calls.count], startNanoseconds: UInt64(position + 1),
            endNanoseconds: Self.end + UInt64(position)))
      }
    }
    var model = model()
    var limits = SearchLimits()
    limits.milliseconds = 2_000
    var checker = ConcurrencyChecker(comparison: TableComparison(), limits: limits)
    switch checker.check(ContendedWindow(calls: calls, tables: nil), against: &model) {
    case .explained: return .allowed
    case .violated: return .forbidden
    case .unknown: return .unknown
    }
  }

  private static let end: UInt64 = 1_000_000_000
  private static let mostVectors = 256
  private static let simulations = 200

  /// All combinations of answers that single calls may give, by what they are; what was seen comes first.
  func sorted(around seen: [Errno]) -> (forbidden: [[Errno]], allowed: [[Errno]]) {
    var choices = seen.map { [$0] }
    for simulated in (1...Self.simulations).lazy.map({ simulate(seed: UInt64($0)) }) {
      for (index, errno) in simulated.enumerated() where !choices[index].contains(errno) {
        choices[index].append(errno)
      }
    }
    var vectors: [[Errno]] = [[]]
    for choice in choices {
      vectors = vectors.flatMap { vector in choice.map { vector + [$0] } }
      guard vectors.count <= Self.mostVectors else { return ([seen], []) }
    }
    var forbidden = [seen]
    var allowed: [[Errno]] = []
    for vector in vectors where vector != seen {
      switch verdict(vector) {
      case .forbidden: forbidden.append(vector)
      case .allowed: allowed.append(vector)
      case .unknown: break
      }
    }
    return (forbidden, allowed)
  }

  private func simulate(seed: UInt64) -> [Errno] {
    var model = model()
    var simulation = ConcurrentSimulation(seed: seed)
    let window = simulation.run(
      racers.map { .init(process: $0.process, operations: $0.calls.map(\.operation)) }, on: &model)
    return racers.indices.flatMap { number in
      window.calls.filter { $0.worker == number }.map(\.errno)
    }
  }
}
