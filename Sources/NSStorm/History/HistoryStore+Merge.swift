extension HistoryStore {
  /// What a merge did.
  public struct MergeResult: Hashable, Sendable {
    public var path: String
    public var runs: Int
    /// Those that were not here yet.
    public var added: Int
  }

  /// Copies the runs of another history that are not here yet, in one transaction.
  ///
  /// A run is the same if its id is: ids are unique over machines.
  public func merge(from path: String) throws(HistoryError) -> MergeResult {
    let other = try HistoryStore(path: path, access: .existing)
    let runs = try other.runs()
    return MergeResult(path: path, runs: runs.count, added: try save(runs))
  }
}

extension HistoryRun {
  /// Which kernels have shown a signature, and which have run the same profile and seed to a verdict without it.
  public static func evidence(
    signature: String, profile: String, seed: String, in runs: [HistoryRun]
  ) -> (affected: [String], unaffected: [String]) {
    let judged = runs.filter(\.isJudged)
    let affected = Set(
      judged.filter { $0.divergences.contains { $0.signature == signature } }.map(\.kernel))
    let tried = Set(
      judged.filter { $0.profile == profile && $0.seed == seed }.map(\.kernel))
    return (affected.sorted(), tried.subtracting(affected).sorted())
  }
}
