public import StormEngine

/// Looks for the smallest set of known issues that explains what the intended rules do not.
///
/// A history is deterministic under a set of rules. So whatever explains it must do something else than the rules without
/// it before they fail, and one of its issues must be the first to do so: only sets that grow, issue by issue, by one that
/// changes the walk so far are looked at. An issue whose switch changes nothing costs one walk, and no set with it is tried.
public struct KnownIssueSearch {
  /// What a walk through a history under one set of issues came to.
  public struct Walk: Hashable, Sendable {
    /// Every answer and table is as observed.
    public var explains: Bool
    /// How many calls were performed: all, or those up to the first that was not as observed.
    public var calls: Int
    /// Where the engine stood then.
    public var state: Fingerprint

    public init(explains: Bool, calls: Int, state: Fingerprint) {
      self.explains = explains
      self.calls = calls
      self.state = state
    }
  }

  /// A release has a handful of known issues; larger sets have never been needed.
  public static let largestSet = 4
  /// The search is given up after so many walks, or after so many calls in all of them.
  public static let mostWalks = 120
  public static let mostCalls = 2_000_000

  private let candidates: [KnownIssue]
  private let mostCalls: Int
  /// What was spent.
  public private(set) var walks = 0
  public private(set) var calls = 0
  /// A limit ended the search before all was tried.
  public private(set) var wasGivenUp = false

  /// - Parameter candidates: the issues that affect the release.
  public init(candidates: [KnownIssue], mostCalls: Int = Self.mostCalls) {
    self.candidates = candidates
    self.mostCalls = mostCalls
  }

  /// The first of the smallest sets that explains, or nil. It is looked for beside what is present already, and only then
  /// without that. Where the issues that are present explain everything, no issue is the reason.
  ///
  /// - Parameters:
  ///   - present: issues that were found at work earlier.
  ///   - walk: takes the engine through the whole history, the divergence included, under the rules with exactly these
  ///     issues.
  public mutating func smallestSet<Failure: Error>(
    beside present: [KnownIssue] = [], walk: ([KnownIssue]) throws(Failure) -> Walk
  ) throws(Failure) -> [KnownIssue]? {
    guard !candidates.isEmpty else { return nil }
    let known = Set(present.map(\.id))
    let start = candidates.indices.filter { known.contains(candidates[$0].id) }
    let base = try taken(start.map { candidates[$0] }, walk)
    if base.explains { return nil }
    if let found = try grow(start, base, besides: start, walk) { return found }
    guard !start.isEmpty, !wasGivenUp else { return nil }
    return try grow([], try taken([], walk), besides: start, walk)
  }

  /// Sets with one issue more each, by size.
  private mutating func grow<Failure: Error>(
    _ start: [Int], _ base: Walk, besides known: [Int],
    _ walk: ([KnownIssue]) throws(Failure) -> Walk
  ) throws(Failure) -> [KnownIssue]? {
    var grown: [(set: [Int], walk: Walk)] = [(start, base)]
    for _ in 1...Self.largestSet {
      var tried: Set<[Int]> = []
      var next: [(set: [Int], walk: Walk)] = []
      for (set, base) in grown {
        for index in candidates.indices where !set.contains(index) {
          let larger = (set + [index]).sorted()
          guard tried.insert(larger).inserted else { continue }
          guard walks < Self.mostWalks, calls < mostCalls else {
            wasGivenUp = true
            return nil
          }
          let issues = larger.map { candidates[$0] }
          let found = try taken(issues, walk)
          if found.explains, larger != known { return issues }
          if found != base { next.append((larger, found)) }
        }
      }
      // Those that come farthest first; the sort is stable, so that catalogue order decides between equals.
      grown = next.sorted { $0.walk.calls > $1.walk.calls }
    }
    return nil
  }

  private mutating func taken<Failure: Error>(
    _ issues: [KnownIssue], _ walk: ([KnownIssue]) throws(Failure) -> Walk
  ) throws(Failure) -> Walk {
    let found = try walk(issues)
    walks += 1
    calls += found.calls
    return found
  }
}
