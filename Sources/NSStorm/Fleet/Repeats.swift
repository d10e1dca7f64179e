/// How often a symptom must stay away before its absence is believed.
public struct Repeats: Hashable, Sendable {
  /// Runs of a kernel that has the symptom, and those of them that showed it.
  public var runs: Int
  public var shows: Int

  public init(runs: Int, shows: Int) {
    self.runs = runs
    self.shows = shows
  }

  /// The measured rate.
  public var rate: Double { runs == 0 ? 0 : Double(shows) / Double(runs) }

  /// The probability that a kernel with the symptom does not show it in so many runs.
  ///
  /// The rate itself is known from a few runs only, so it is not taken as it was measured but integrated over what it may
  /// be (uniform prior; the posterior is Beta(shows + 1, runs - shows + 1)): E[(1 - p)^n].
  public func chanceOfMissing(in count: Int) -> Double {
    var chance = 1.0
    let missed = Double(runs - shows) + 1
    let all = Double(runs) + 2
    for number in 0..<max(0, count) { chance *= (missed + Double(number)) / (all + Double(number)) }
    return chance
  }

  /// The fewest runs after which the symptom was missed with at most this probability; nil beyond a limit.
  public func needed(error: Double, most: Int) -> Int? {
    guard shows > 0 else { return nil }
    return (1...max(1, most)).first { chanceOfMissing(in: $0) <= error }
  }
}
