import StormEngine
import StormKernel
import StormRun
import StormTrace
import StormVerdict
import StormVocabulary

/// One search for the shortest list.
final class ShrinkPass {
  private var settings: SequenceRun.Settings
  private var symptom: Symptom
  private var found: SequenceRun.FoundDivergence
  private let filter: FeasibilityFilter
  private let goesOn: (Shrinker.Progress) -> Bool
  private var effort = Shrinker.Effort()
  private let began = ContinuousClock.now
  private var runsPerCandidate = 1
  /// Lists that did not show the symptom; of no use where it is a matter of luck.
  private var failed: Set<[NumberedCall]> = []
  private var wasStopped = false

  init(
    _ settings: SequenceRun.Settings, symptom: Symptom, found: SequenceRun.FoundDivergence,
    present: [KnownIssue], goesOn: @escaping (Shrinker.Progress) -> Bool
  ) {
    var settings = settings
    settings.presentIssues = present
    settings.stopsAtDivergence = true
    if case .knownIssue = symptom { settings.explains = true } else { settings.explains = false }
    self.settings = settings
    // Tables that were read without a call name no call; the run that reads after every call will.
    var symptom = symptom
    if case .divergence = symptom, found.divergence.operation == nil {
      symptom = .divergence(shape: found.divergence.signature, rule: nil)
    }
    self.symptom = symptom
    self.found = found
    self.goesOn = goesOn
    filter = FeasibilityFilter(settings: settings, symptom: symptom, divergence: found.divergence)
  }

  func run(_ calls: [NumberedCall]) throws(Shrinker.Failure) -> Shrinker.Result {
    let rateBefore = try measure(calls)
    runsPerCandidate = Self.runsNeeded(rateBefore)
    var current = try reduceByGuess(calls)
    // Where the guess was wrong, pieces that are most likely not needed go first.
    if current.count == calls.count { current = try reduceCoarsely(calls) }
    var isMinimal = false
    repeat {
      (current, isMinimal) = try reduce(current)
      guard !wasStopped else { break }
      if let simpler = try simplify(current) {
        current = simpler
        isMinimal = false
      }
    } while !isMinimal && !wasStopped
    if !wasStopped, let plain = try shows(CallRewriting.plainNames(current)) {
      // The calls are others now, so the proof is made again.
      (current, isMinimal) = try reduce(plain)
    }
    return try finish(current, before: calls.count, rateBefore, isMinimal: isMinimal)
  }

  /// How many runs make it unlikely (1 in 50) to lose a list that shows the symptom at this rate.
  static func runsNeeded(_ rate: ReproductionRate) -> Int {
    guard rate.successes < rate.trials else { return 1 }
    let chance = max(rate.fraction, 0.02)
    var missed = 1.0
    var runs = 0
    while missed > 0.02, runs < mostRunsPerCandidate {
      missed *= 1 - chance
      runs += 1
    }
    return runs
  }

  private static let mostRunsPerCandidate = 100
  private static let runsOfLongList = 3
  private static let firstRuns = 10
  private static let runsToMeasure = 30

  /// A few runs, and more of them once one did not show the symptom.
  private func measure(_ calls: [NumberedCall]) throws(Shrinker.Failure) -> ReproductionRate {
    var rate = ReproductionRate()
    let enough = calls.count > Self.mostCallsReadWholly ? Self.runsOfLongList : Self.firstRuns
    while rate.trials < enough
      || rate.successes < rate.trials && rate.trials < Self.runsToMeasure
    {
      rate.add(try showsOnce(calls) != nil)
      if !continues(calls.count) { break }
    }
    return rate
  }

  private func reduceByGuess(_ calls: [NumberedCall]) throws(Shrinker.Failure) -> [NumberedCall] {
    let slice = EngineSlice(
      calls, rules: settings.rules.applying(settings.presentIssues),
      brokenRule: settings.brokenRule, divergence: found.divergence)
    let guess = slice.reduce(calls) { continues(calls.count) }
    guard guess.count < calls.count else { return calls }
    return try shows(guess) ?? calls
  }

  /// What is most likely not needed goes in big pieces: calls that fail, then whole namespaces.
  private func reduceCoarsely(_ calls: [NumberedCall]) throws(Shrinker.Failure) -> [NumberedCall] {
    var current = calls
    let answers = filter.answers(of: calls)
    let succeeding = zip(calls, answers).dropLast().filter { $0.1 == .none }.map(\.0)
    if let last = calls.last, let shorter = try shows(succeeding + [last]) { current = shorter }
    var counts: [NamespaceNumber: Int] = [:]
    for call in current { counts[call.namespace, default: 0] += 1 }
    let namespaces = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
    for namespace in namespaces where namespace != current.last?.namespace && namespace != 0 {
      let candidate = current.filter { call in
        if call.namespace == namespace { return false }
        if call.operation.newNamespace == namespace { return false }
        return true
      }
      if candidate.count < current.count, let shorter = try shows(candidate) { current = shorter }
      if wasStopped { break }
    }
    return current
  }

  private func reduce(
    _ calls: [NumberedCall]
  ) throws(Shrinker.Failure) -> ([NumberedCall], isMinimal: Bool) {
    guard var last = calls.last else { return (calls, true) }
    let result = try Reduction<NumberedCall>.reduce(Array(calls.dropLast())) {
      (elements) throws(Shrinker.Failure) in
      if wasStopped { return .stop }
      guard let shorter = try shows(elements + [last]), let end = shorter.last else {
        return wasStopped ? .stop : .fails
      }
      last = end
      return .holds(Array(shorter.dropLast()))
    }
    return (result.elements + [last], result.isMinimal)
  }

  /// The first rewriting that still shows the symptom, again and again; nil where none does.
  private func simplify(_ calls: [NumberedCall]) throws(Shrinker.Failure) -> [NumberedCall]? {
    var current = calls
    var hasChanged = false
    search: while !wasStopped {
      for candidate in Self.rewritings(of: current) {
        if let simpler = try shows(candidate) {
          current = simpler
          hasChanged = true
          continue search
        }
        if wasStopped { break search }
      }
      break
    }
    return hasChanged ? current : nil
  }

  private static func rewritings(of calls: [NumberedCall]) -> [[NumberedCall]] {
    var rewritings: [[NumberedCall]] = []
    for call in calls {
      if let namespace = call.operation.newNamespace {
        rewritings.append(CallRewriting.merged(namespace, into: call.namespace, calls))
      }
    }
    for prefix in CallRewriting.prefixes(calls) {
      for index in prefix.indices {
        rewritings.append(CallRewriting.without(component: index, of: prefix, calls))
      }
    }
    for (position, call) in calls.enumerated() {
      for operation in call.operation.simpler {
        var changed = calls
        changed[position].operation = operation
        rewritings.append(changed)
      }
    }
    return rewritings.filter { $0 != calls && !$0.isEmpty }
  }

  // MARK: - The two judges

  /// The list up to the call that shows the symptom; nil where it does not show.
  private func shows(_ calls: [NumberedCall]) throws(Shrinker.Failure) -> [NumberedCall]? {
    effort.candidates += 1
    guard let feasible = filter.feasible(calls) else {
      effort.rejectedByEngine += 1
      return nil
    }
    if failed.contains(feasible) { return nil }
    for _ in 0..<runsPerCandidate {
      guard continues(calls.count) else { return nil }
      if let shorter = try showsOnce(feasible) { return shorter }
    }
    if runsPerCandidate == 1 { failed.insert(feasible) }
    return nil
  }

  private func showsOnce(_ calls: [NumberedCall]) throws(Shrinker.Failure) -> [NumberedCall]? {
    let outcome = try make(calls, settings)
    guard let first = outcome.divergences.first, symptom.matches(first.divergence),
      first.position < calls.count
    else { return nil }
    found = first
    return Array(calls[...first.position])
  }

  private func make(
    _ calls: [NumberedCall], _ settings: SequenceRun.Settings
  ) throws(Shrinker.Failure) -> SequenceRun.Outcome {
    effort.kernelRuns += 1
    var settings = settings
    settings.readsEverything = calls.count <= Self.mostCallsReadWholly
    let outcome: SequenceRun.Outcome
    do throws(SandboxError) { outcome = try SequenceRun(settings).run(calls) } catch {
      throw .sandbox(error)
    }
    if let fault = outcome.faults.first { throw .fault(fault) }
    return outcome
  }

  /// Beyond it, reading every table after every call would take most of the time.
  private static let mostCallsReadWholly = 60

  private func continues(_ calls: Int) -> Bool {
    let (seconds, attoseconds) = (ContinuousClock.now - began).components
    effort.seconds = Double(seconds) + Double(attoseconds) * 1e-18
    if !wasStopped, !goesOn(Shrinker.Progress(calls: calls, effort: effort)) { wasStopped = true }
    return !wasStopped
  }

  private func finish(
    _ calls: [NumberedCall], before: Int, _ rateBefore: ReproductionRate, isMinimal: Bool
  ) throws(Shrinker.Failure) -> Shrinker.Result {
    var calls = calls
    for index in calls.indices { calls[index].number = index }
    var rate = ReproductionRate()
    var last = SequenceRun.Outcome()
    let runs = runsPerCandidate == 1 ? Self.firstRuns : Self.runsToMeasure
    var recording = settings
    recording.keepsSteps = true
    while rate.trials < runs {
      let outcome = try make(calls, recording)
      let first = outcome.divergences.first
      let isShown = first.map { symptom.matches($0.divergence) } ?? false
      rate.add(isShown)
      if isShown || last.lines.isEmpty { last = outcome }
      if isShown, let first { found = first }
    }
    _ = continues(calls.count)
    return Shrinker.Result(
      symptom: symptom, calls: calls, found: found, steps: last.steps,
      initialTable: last.initialTable, callsBefore: before, rateBefore: rateBefore,
      rateAfter: rate, runsPerCandidate: runsPerCandidate, effort: effort,
      isMinimal: isMinimal && !wasStopped, presentIssues: settings.presentIssues.map(\.id))
  }
}
