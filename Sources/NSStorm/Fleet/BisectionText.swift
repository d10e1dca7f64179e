import Foundation

/// The log of a bisection, in words.
struct BisectionText {
  let plan: BisectionPlan

  var begin: String {
    let what = plan.seeksFix ? "the first kernel without" : "the first kernel with"
    return "looking for \(what) \(plan.symptom), by \(plan.target), among \(plan.kernels.count): "
      + (plan.seeksFix ? plan.kernels.reversed() : plan.kernels).joined(separator: ", ")
  }

  /// The line of the run that was made last.
  func step(_ bisection: Bisection) -> String {
    guard let trial = bisection.trials.last else { return "" }
    let own = bisection.trials.filter { $0.kernel == trial.kernel }
    let seen =
      switch trial.sighting {
      case .present(let what): "shows it (\(what))"
      case .absent: "does not show it"
      case .cannotShow(let why): "cannot show it: \(why)"
      case .unclear(let why): "does not tell: \(why)"
      case .ill(let why): "is no evidence: \(why)"
      }
    var line =
      "run \(bisection.trials.count): \(plan.kernels[trial.kernel]) \(seen), "
      + "\(own.count { $0.sighting.isPresent }) of \(own.count), "
      + String(format: "%.1f s", trial.seconds)
    switch bisection.verdict(of: trial.kernel) {
    case nil:
      if trial.kernel != plan.kernels.count - 1, let needed = bisection.runsForGood {
        line += "; good after \(needed) runs without it"
      }
    case .good:
      let missed = bisection.repeats.chanceOfMissing(in: own.count { $0.sighting == .absent })
      line += "; good (wrong with a probability of \(percent(missed)))"
    case .bad: line += "; bad"
    case .skipped(let why): line += "; skipped: \(why)"
    }
    return line
  }

  func end(_ bisection: Bisection, _ conclusion: Bisection.Conclusion) -> [String] {
    var lines = verdicts(bisection)
    let repeats = bisection.repeats
    if repeats.runs > 0 {
      lines.append(
        "the symptom showed in \(repeats.shows) of \(repeats.runs) runs of "
          + "\(plan.kernels.last ?? "the bad end")")
    }
    lines.append(sentence(conclusion))
    return lines
  }

  private func verdicts(_ bisection: Bisection) -> [String] {
    var lines: [String] = []
    for (index, kernel) in plan.kernels.enumerated() {
      let own = bisection.trials.filter { $0.kernel == index }
      guard !own.isEmpty else { continue }
      let word =
        switch bisection.verdict(of: index) {
        case .good: "good"
        case .bad: "bad"
        case .skipped: "skipped"
        case nil: "open"
        }
      lines.append("  \(kernel): \(word), \(own.count { $0.sighting.isPresent }) of \(own.count)")
    }
    return plan.seeksFix ? lines.reversed() : lines
  }

  private func sentence(_ conclusion: Bisection.Conclusion) -> String {
    func name(_ kernel: Int) -> String { plan.kernels[kernel] }
    let confidence = "confidence \(percent(plan.confidence))"
    switch conclusion {
    case .first(let bad, let good):
      return plan.seeksFix
        ? "\(name(good)) is the first kernel without it; \(name(bad)) still has it (\(confidence))"
        : "\(name(bad)) is the first bad kernel; \(name(good)) is good (\(confidence))"
    case .oneOf(let kernels):
      // Each candidate for the first bad kernel stands for the one before it as the first without the symptom.
      return plan.seeksFix
        ? "one of these is the first kernel without it, the others could not be judged: "
          + kernels.map { name($0 - 1) }.reversed().joined(separator: ", ")
        : "one of these is the first bad kernel, the others could not be judged: "
          + kernels.map(name).joined(separator: ", ")
    case .badIsGood(let runs):
      return "nothing follows: the bad end did not show the symptom in \(runs) runs. Is the "
        + "symptom what you saw? Raise --most-repeats when it is rare"
    case .goodIsBad(let what):
      return "nothing follows: the good end shows the symptom (\(what)); name another good end"
    case .endUnusable(let kernel, let why):
      return "nothing follows: \(name(kernel)) cannot be judged: \(why)"
    case .tooRare(let repeats):
      return "nothing follows: with \(repeats.shows) sightings in \(repeats.runs) runs, "
        + "\(plan.mostRepeats) runs of a kernel are too few for \(confidence); raise --most-repeats"
    case .ill(let why):
      return "stopped, because the machine or the harness is ill: \(why). The same command goes on"
    }
  }

  private func percent(_ share: Double) -> String { String(format: "%.3g%%", share * 100) }
}
