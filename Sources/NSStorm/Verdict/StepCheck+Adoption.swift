import StormEngine
import StormVocabulary

// After a divergence that nothing explains the kernel is believed: the model becomes what the tables show.

extension StepCheck {
  /// Takes over all tables as they were seen last, so that the check can go on exactly.
  ///
  /// It is not possible where the kernel did something that no table shows (a descriptor, a directory, a process), or where
  /// a table does not say enough (a removed root). Then nothing changes and the check goes on in doubt.
  ///
  /// - Returns: whether the check is in step again.
  public mutating func adopt() -> Bool {
    guard standing != .inStep, !hasUnseenDoubt, let tables = comparison.adoptable() else {
      return false
    }
    guard tables.map(\.process) == living else { return false }
    model.discardCheckpoints()
    let start = model.checkpoint()
    let compared = comparison
    if model.adopt(tables) {
      let predicted = living.map {
        NamespaceTable(namespace: $0, table: model.table(seenBy: $0))
      }
      let observed = living.map {
        NamespaceTable(namespace: $0, table: compared.observedTable(of: $0) ?? MountTable())
      }
      if comparison.restart(predicted: predicted, observed: observed).isEmpty {
        settleAdoption()
        return true
      }
    }
    model.rollback(to: start)
    comparison = compared
    return false
  }
}
