import StormVocabulary

/// Finds where a series of numbers changed its level: a CUSUM over ranks, so that one wild value decides nothing, judged by
/// permutations of the series itself, so that no distribution is assumed.
///
/// Deterministic: the permutations come from a generator whose seed is fixed.
public struct ChangePoints: Hashable, Sendable {
  /// A place where the level changed.
  public struct Point: Hashable, Sendable {
    /// The first value of the new level.
    public var index: Int
    /// How sure it is that there is a change at all within the stretch that was cut here: one minus the share of permutations
    /// that look as much like a change as the series does, after correcting for the number of series looked at.
    public var confidence: Double
    public var medianBefore: Double
    public var medianAfter: Double

    /// The new level as a multiple of the old one.
    public var ratio: Double { medianBefore == 0 ? .infinity : medianAfter / medianBefore }
  }

  /// Ascending.
  public let points: [Point]

  /// A stretch shorter than this is not cut: too few values to say anything.
  public static let shortestStretch = 4

  /// - Parameters:
  ///   - values: in the order of time.
  ///   - confidence: changes that are less sure are not reported, 0 ..< 1.
  ///   - seriesCount: how many series are looked at together; looking often enough finds a change anywhere.
  public init(_ values: [Double], confidence: Double = 0.95, seriesCount: Int = 1) {
    var generator = SeededGenerator(seed: 0x4E53_5F43_5553_554D)
    let rounds = max(
      999, Int((20 * Double(max(1, seriesCount)) / max(1e-3, 1 - confidence)).rounded(.up)))
    var found: [Point] = []
    var stretches = [0..<values.count]
    while let stretch = stretches.popLast() {
      guard
        let cut = Self.cut(
          values[stretch], rounds: min(rounds, 100_000), seriesCount: seriesCount,
          confidence: confidence, &generator)
      else { continue }
      found.append(
        Point(
          index: cut.index, confidence: cut.confidence, medianBefore: 0, medianAfter: 0))
      stretches.append(stretch.lowerBound..<cut.index)
      stretches.append(cut.index..<stretch.upperBound)
    }
    found.sort { $0.index < $1.index }
    let bounds = [0] + found.map(\.index) + [values.count]
    for index in found.indices {
      found[index].medianBefore = Self.median(values[bounds[index]..<bounds[index + 1]])
      found[index].medianAfter = Self.median(values[bounds[index + 1]..<bounds[index + 2]])
    }
    points = found
  }

  private static func cut(
    _ values: ArraySlice<Double>, rounds: Int, seriesCount: Int, confidence: Double,
    _ generator: inout SeededGenerator
  ) -> (index: Int, confidence: Double)? {
    guard values.count >= 2 * shortestStretch else { return nil }
    var ranks = Self.ranks(Array(values))
    let seen = Self.largestSum(ranks)
    guard seen.size > 0 else { return nil }
    var asLarge = 1
    for _ in 0..<rounds {
      ranks.shuffle(using: &generator)
      if largestSum(ranks).size >= seen.size { asLarge += 1 }
    }
    let chance = Double(asLarge) / Double(rounds + 1) * Double(max(1, seriesCount))
    guard 1 - chance >= confidence else { return nil }
    return (values.startIndex + seen.index, 1 - chance)
  }

  /// The largest distance of the running sum from 0, among cuts that leave a stretch on both sides.
  private static func largestSum(_ ranks: [Double]) -> (size: Double, index: Int) {
    var sum = 0.0
    var best = (size: 0.0, index: 0)
    for (position, rank) in ranks.enumerated() {
      sum += rank
      let index = position + 1
      guard index >= shortestStretch, ranks.count - index >= shortestStretch else { continue }
      // Rounding must not make one of two equal sums the larger one.
      if abs(sum) > best.size + 1e-9 { best = (abs(sum), index) }
    }
    return best
  }

  /// Ranks around 0; equal values share the middle of theirs.
  private static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    let middle = Double(values.count - 1) / 2
    var start = 0
    while start < order.count {
      var end = start
      while end + 1 < order.count, values[order[end + 1]] == values[order[start]] { end += 1 }
      for position in start...end { ranks[order[position]] = Double(start + end) / 2 - middle }
      start = end + 1
    }
    return ranks
  }

  static func median(_ values: some Collection<Double>) -> Double {
    guard !values.isEmpty else { return 0 }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
