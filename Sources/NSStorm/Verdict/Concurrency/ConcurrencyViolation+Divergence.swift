import StormVocabulary

extension ConcurrencyViolation {
  /// The violation as traces and signatures of divergences have it: the call that no order explains, or the tables.
  public func divergence(asStep step: Int) -> Divergence {
    let last = culprit
    let failed = last.flatMap { culprit in continuations.first { calls[$0.call] == culprit } }
    return Divergence(
      step: step, namespace: last?.process ?? 0, operation: last?.operation,
      predictedErrno: failed?.predicted ?? .none, observedErrno: last?.errno ?? .none,
      tables: tables)
  }
}
