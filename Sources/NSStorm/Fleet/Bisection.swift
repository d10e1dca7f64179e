/// What a bisection is about. Two with equal plans are the same one, so that it can go on after an interruption.
public struct BisectionPlan: Hashable, Sendable, Codable {
  /// From the good end to the bad one, both included.
  public var kernels: [String]
  /// As it was written.
  public var symptom: String
  /// What runs on each kernel: file or profile, and everything that changes what it does.
  public var target: String
  /// The probability that all verdicts together are right, 0 to 1.
  public var confidence: Double
  /// Runs of the bad end from which the rate is measured.
  public var confirmations: Int
  /// Runs of one kernel, at most.
  public var mostRepeats: Int
  /// The bad end comes first in the list as it was given: the change that is looked for is the fix.
  public var seeksFix: Bool

  public init(
    kernels: [String], symptom: String, target: String, confidence: Double = 0.95,
    confirmations: Int = 3, mostRepeats: Int = 30, seeksFix: Bool = false
  ) {
    self.kernels = kernels
    self.symptom = symptom
    self.target = target
    self.confidence = confidence
    self.confirmations = confirmations
    self.mostRepeats = mostRepeats
    self.seeksFix = seeksFix
  }

  /// The kernels between two of a list, both included, in the order from good to bad.
  ///
  /// - Throws: ``FleetError/badKernel(_:reason:)`` where an end is not in the list, or both are the same.
  public static func range(
    of kernels: [String], good: String, bad: String
  ) throws(FleetError) -> (kernels: [String], seeksFix: Bool) {
    guard let first = kernels.firstIndex(of: good) else {
      throw .badKernel(good, reason: "the good end is not in --kernels")
    }
    guard let last = kernels.firstIndex(of: bad) else {
      throw .badKernel(bad, reason: "the bad end is not in --kernels")
    }
    guard first != last else { throw .badKernel(good, reason: "it cannot be both ends") }
    return first < last
      ? (Array(kernels[first...last]), false) : (kernels[last...first].reversed(), true)
  }
}

/// One run of one kernel.
public struct Trial: Hashable, Sendable, Codable {
  /// Its place in the plan's list.
  public var kernel: Int
  public var sighting: Sighting
  public var seconds: Double

  public init(kernel: Int, sighting: Sighting, seconds: Double) {
    self.kernel = kernel
    self.sighting = sighting
    self.seconds = seconds
  }
}

/// Decides, from what was seen so far, which kernel is run next, or what follows from all. Knows no machine and no clock.
public struct Bisection: Sendable {
  public let plan: BisectionPlan
  public private(set) var trials: [Trial]

  public enum Verdict: Hashable, Sendable {
    case good, bad
    case skipped(String)
  }

  public enum Action: Hashable, Sendable {
    case run(kernel: Int)
    case conclude(Conclusion)
  }

  public enum Conclusion: Hashable, Sendable {
    /// The first kernel with the symptom, and the last one without it.
    case first(bad: Int, good: Int)
    /// One of these; those between the ends could not be judged.
    case oneOf([Int])
    /// The bad end did not show the symptom.
    case badIsGood(runs: Int)
    /// The good end shows the symptom.
    case goodIsBad(String)
    /// An end could not be judged.
    case endUnusable(kernel: Int, String)
    /// So many runs of each kernel would be needed that the limit does not allow them.
    case tooRare(Repeats)
    /// The machine or the harness failed.
    case ill(String)
  }

  /// Runs of one kernel that went another way, after which it is skipped.
  public static let mostUnclear = 3

  public init(_ plan: BisectionPlan, trials: [Trial] = []) {
    self.plan = plan
    self.trials = trials
  }

  public mutating func add(_ trial: Trial) { trials.append(trial) }

  private var badEnd: Int { plan.kernels.count - 1 }

  /// What the bad end's runs say about how often the symptom shows.
  public var repeats: Repeats {
    let clear = trials.filter { $0.kernel == badEnd && $0.sighting.isClear }
    return Repeats(runs: clear.count, shows: clear.count { $0.sighting.isPresent })
  }

  /// The share of the allowed error that one verdict "good" may use: there are at most so many of them.
  var errorOfOneVerdict: Double {
    var verdicts = 1
    var rest = plan.kernels.count - 1
    while rest > 1 {
      verdicts += 1
      rest = (rest + 1) / 2
    }
    return (1 - plan.confidence) / Double(verdicts)
  }

  /// Runs without the symptom after which a kernel is good; nil where the limit does not allow it.
  public var runsForGood: Int? {
    repeats.needed(error: errorOfOneVerdict, most: plan.mostRepeats)
  }

  /// What is known of a kernel; nil while it is not judged.
  public func verdict(of kernel: Int) -> Verdict? {
    let own = trials.filter { $0.kernel == kernel }
    if own.contains(where: \.sighting.isPresent) { return .bad }
    for trial in own { if case .cannotShow(let why) = trial.sighting { return .skipped(why) } }
    let unclear = own.compactMap { trial -> String? in
      if case .unclear(let why) = trial.sighting { why } else { nil }
    }
    if unclear.count >= Self.mostUnclear, let why = unclear.last { return .skipped(why) }
    guard kernel != badEnd, let needed = runsForGood else { return nil }
    return own.count { $0.sighting == .absent } >= needed ? .good : nil
  }

  /// What to do next.
  public func next() -> Action {
    if case .ill(let why) = trials.last?.sighting { return .conclude(.ill(why)) }
    if let action = nextForBadEnd() { return action }
    guard runsForGood != nil else { return .conclude(.tooRare(repeats)) }
    switch verdict(of: 0) {
    case nil: return .run(kernel: 0)
    case .bad:
      let seen = trials.first { $0.kernel == 0 && $0.sighting.isPresent }?.sighting
      if case .present(let what) = seen { return .conclude(.goodIsBad(what)) }
      return .conclude(.goodIsBad("the symptom"))
    case .skipped(let why): return .conclude(.endUnusable(kernel: 0, why))
    case .good: return nextBetween()
    }
  }

  private func nextForBadEnd() -> Action? {
    let repeats = repeats
    if repeats.shows == 0, case .skipped(let why) = verdict(of: badEnd) {
      return .conclude(.endUnusable(kernel: badEnd, why))
    }
    let own = trials.count { $0.kernel == badEnd }
    if repeats.runs < plan.confirmations, own < plan.mostRepeats { return .run(kernel: badEnd) }
    // A rate from one or two sightings among many runs is hardly known.
    if repeats.shows < plan.confirmations, own < plan.mostRepeats { return .run(kernel: badEnd) }
    return repeats.shows == 0 ? .conclude(.badIsGood(runs: repeats.runs)) : nil
  }

  private func nextBetween() -> Action {
    var good = 0
    var bad = badEnd
    for kernel in 1..<max(1, badEnd) {
      switch verdict(of: kernel) {
      case .good: good = max(good, kernel)
      case .bad: bad = min(bad, kernel)
      case .skipped, nil: break
      }
    }
    // A bad kernel below a good one: the list is not split in two. The lower one counts.
    if good > bad {
      good = (0..<bad).last { verdict(of: $0) == .good } ?? 0
    }
    let open = ((good + 1)..<max(good + 1, bad)).filter { verdict(of: $0) == nil }
    guard !open.isEmpty else {
      let candidates = Array((good + 1)...bad)
      return .conclude(candidates.count == 1 ? .first(bad: bad, good: good) : .oneOf(candidates))
    }
    // What was begun is ended first; else the one nearest to the middle.
    if let begun = open.first(where: { kernel in trials.contains { $0.kernel == kernel } }) {
      return .run(kernel: begun)
    }
    let middle = Double(good + bad) / 2
    let nearest = open.min { abs(Double($0) - middle) < abs(Double($1) - middle) }
    return .run(kernel: nearest ?? open[0])
  }
}

extension Sighting {
  public var isPresent: Bool { if case .present = self { true } else { false } }
  /// Whether it says yes or no.
  public var isClear: Bool { isPresent || self == .absent }
}
