/// How often something showed in a number of trials, and how far that number can be trusted.
public struct ReproductionRate: Hashable, Sendable, Codable {
  public private(set) var successes: Int
  public private(set) var trials: Int

  public init(successes: Int = 0, trials: Int = 0) {
    self.successes = successes
    self.trials = trials
  }

  public mutating func add(_ isSuccess: Bool) {
    trials += 1
    if isSuccess { successes += 1 }
  }

  /// 0 where nothing was tried.
  public var fraction: Double { trials == 0 ? 0 : Double(successes) / Double(trials) }

  /// Wilson's score interval at 95% confidence: honest for few trials and for rates near 0 and 1, where the usual
  /// interval has no width.
  public var interval: ClosedRange<Double> {
    guard trials > 0 else { return 0...1 }
    let n = Double(trials)
    let z = 1.959964
    let center = (fraction + z * z / (2 * n)) / (1 + z * z / n)
    let half =
      z / (1 + z * z / n)
      * (fraction * (1 - fraction) / n + z * z / (4 * n * n)).squareRoot()
    // Exact at the ends, where rounding would leave 0.9999….
    let low = successes == 0 ? 0 : max(0, center - half)
    let high = successes == trials ? 1 : min(1, center + half)
    return low...high
  }
}

extension ReproductionRate: CustomStringConvertible {
  /// `18 of 20 runs (95% confidence: 70% to 97%)`.
  public var description: String {
    func percent(_ share: Double) -> String { "\(Int((100 * share).rounded()))%" }
    return "\(successes) of \(trials) run\(trials == 1 ? "" : "s") "
      + "(95% confidence: \(percent(interval.lowerBound)) to \(percent(interval.upperBound)))"
  }
}
