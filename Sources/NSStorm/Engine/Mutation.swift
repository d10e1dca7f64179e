/// A rule of the engine that a test breaks on purpose, to see what notices. Honoured in debug builds only.
public enum Mutation: String, CaseIterable, Sendable {
  /// 1.4: a new slave goes to the tail of its master's list.
  case slaveInsertedAtTail
  /// 4.2: receivers get copies although they cannot see the place.
  case propagationIgnoresVisibility
  /// 4.2: every slave's copy is a slave of the original.
  case masterIsAlwaysTheSource
  /// 4.2: the copy in a slave is a peer.
  case slaveCopyIsPeer
  /// 5.2: a held copy with only a topper does not count.
  case busyIgnoresTopper
  /// 5.3: umount reaches no receiver.
  case umountDoesNotPropagate
  /// 5.4: what covers a candidate's root keeps it.
  case overmountIsObstacle
  /// 3.4: a mount below a shared parent may be moved.
  case moveFromSharedParentAllowed
}
