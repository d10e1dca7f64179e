extension MountModel {
  /// Begins to record the chain of rules of each call.
  public mutating func beginExplaining() {
    isExplaining = true
  }

  /// Stops recording; the chain of the last call is forgotten.
  public mutating func endExplaining() {
    isExplaining = false
    reasons.removeAll()
  }

  /// The rules that decided the last call, in order; empty unless ``beginExplaining()`` was called before it.
  public var reasonsOfLastCall: [Reason] { reasons }

  /// How often each rule has decided something since the start.
  public var ruleCoverage: RuleCoverage { RuleCoverage(counts: ruleCounts) }

  /// Breaks a rule on purpose. Without effect in release builds.
  public mutating func breakOnPurpose(_ mutation: Mutation?) {
    self.mutation = mutation
  }
}
