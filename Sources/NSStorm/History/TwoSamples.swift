import StormVocabulary

/// Whether two samples have the same level: the difference of their rank sums, judged by permutations. Deterministic.
public struct TwoSamples: Hashable, Sendable {
  public let medianBefore: Double
  public let medianAfter: Double
  /// One minus the share of permutations whose difference is as large, after correcting for the number of comparisons;
  /// 0 at least.
  public let confidence: Double

  /// The second level as a multiple of the first one.
  public var ratio: Double { medianBefore == 0 ? .infinity : medianAfter / medianBefore }

  /// - Parameter comparisons: how many are made together.
  public init(_ before: [Double], _ after: [Double], comparisons: Int = 1) {
    medianBefore = ChangePoints.median(before)
    medianAfter = ChangePoints.median(after)
    let all = before + after
    guard before.count >= 2, after.count >= 2 else {
      confidence = 0
      return
    }
    let order = all.indices.sorted { all[$0] < all[$1] }
    var ranks = [Double](repeating: 0, count: all.count)
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, all[order[end + 1]] == all[order[start]] { end += 1 }
      for position in start...end { ranks[order[position]] = Double(start + end) / 2 }
      start = end + 1
    }
    let mean = Double(all.count - 1) / 2 * Double(before.count)
    func distance(_ ranks: [Double]) -> Double {
      abs(ranks[..<before.count].reduce(0, +) - mean)
    }
    let seen = distance(ranks)
    var generator = SeededGenerator(seed: 0x4E53_5F52_414E_4B53)
    var asLarge = 1
    for _ in 0..<Self.rounds {
      ranks.shuffle(using: &generator)
      if distance(ranks) >= seen - 1e-9 { asLarge += 1 }
    }
    let chance = Double(asLarge) / Double(Self.rounds + 1) * Double(max(1, comparisons))
    confidence = max(0, 1 - chance)
  }

  private static let rounds = 4_999
}

/// A share with its 95% interval (Wilson): `3 of 20` says more than `15%`.
public struct Share: Hashable, Sendable {
  public let count: Int
  public let total: Int

  public init(_ count: Int, of total: Int) {
    self.count = count
    self.total = total
  }

  public var value: Double { total == 0 ? 0 : Double(count) / Double(total) }

  /// 0 ... 1 where nothing was tried.
  public var interval: ClosedRange<Double> {
    guard total > 0 else { return 0...1 }
    let z = 1.959964
    let n = Double(total)
    let centre = (value + z * z / (2 * n)) / (1 + z * z / n)
    let margin =
      z / (1 + z * z / n) * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot()
    // At the ends the interval reaches the end; only rounding would keep it away.
    return
      (count == 0 ? 0 : max(0, centre - margin))...(count == total ? 1 : min(1, centre + margin))
  }
}
