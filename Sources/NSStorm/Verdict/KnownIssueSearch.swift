public import StormEngine

/// Looks for the smallest set of known issues that explains what the intended rules do not.
public enum KnownIssueSearch {
  /// A release has a handful of known issues; sets beyond this many would only be tried after thousands of others.
  public static let largestSet = 4

  /// The first of the smallest sets that explains, or nil.
  ///
  /// - Parameters:
  ///   - candidates: the issues that affect the release; sets are tried by size, then in this order.
  ///   - excluded: sets (of ids) that are known not to explain.
  ///   - explains: whether the rules with exactly these issues reproduce the whole history, the divergence included.
  public static func smallestSet<Failure: Error>(
    of candidates: [KnownIssue], excluding excluded: Set<Set<String>> = [],
    explains: ([KnownIssue]) throws(Failure) -> Bool
  ) throws(Failure) -> [KnownIssue]? {
    guard !candidates.isEmpty else { return nil }
    for size in 1...min(largestSet, candidates.count) {
      for set in subsets(of: candidates, size: size)
      where !excluded.contains(Set(set.map(\.id))) {
        if try explains(set) { return set }
      }
    }
    return nil
  }

  private static func subsets(of issues: [KnownIssue], size: Int) -> [[KnownIssue]] {
    guard size > 0 else { return [[]] }
    return issues.indices.flatMap { index in
      subsets(of: Array(issues[(index + 1)...]), size: size - 1).map { [issues[index]] + $0 }
    }
  }
}
