import StormEngine
import StormVocabulary

extension MountModel {
  /// The rule that decided the call made last: the one that refused it, else the last one about a mount that differs,
  /// else the last one of the chain.
  ///
  /// The call is taken back and made again to record its chain; recording it for every call would cost each step what
  /// only a divergence needs.
  ///
  /// - Parameters:
  ///   - checkpoint: the state before the call.
  ///   - places: the mounts that differ from what was observed.
  ///   - namespaces: where those are.
  mutating func decidingRule(
    of operation: Operation, by process: NamespaceNumber, since checkpoint: Checkpoint,
    places: Set<MountDifference.Place>, in namespaces: [NamespaceNumber]
  ) -> String? {
    rollback(to: checkpoint)
    var mounts = ids(of: places, in: namespaces)
    beginExplaining()
    let errno = perform(operation, by: process)
    let reasons = reasonsOfLastCall
    endExplaining()
    if errno != .none, let refusal = reasons.last(where: { $0.errno == errno }) {
      return refusal.rule.name
    }
    mounts.formUnion(ids(of: places, in: namespaces))
    let about = reasons.last { reason in reason.mountID.map(mounts.contains) ?? false }
    return (about ?? reasons.last)?.rule.name
  }

  private func ids(
    of places: Set<MountDifference.Place>, in namespaces: [NamespaceNumber]
  ) -> Set<UInt64> {
    guard !places.isEmpty else { return [] }
    var ids: Set<UInt64> = []
    for namespace in namespaces where isAlive(namespace) {
      for entry in table(seenBy: namespace).entries
      where places.contains(MountDifference.Place(entry)) {
        ids.insert(entry.id)
      }
    }
    return ids
  }
}
