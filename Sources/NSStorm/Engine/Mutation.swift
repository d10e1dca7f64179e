/// A rule of the engine that a test breaks on purpose, to see what notices. Honoured in debug builds only.
public enum Mutation: String, CaseIterable, Sendable {
  // Propagation types and copies

  /// 1.3: a copy stands before its original in the ring.
  case peerInsertedBeforeOriginal
  /// 1.3: the slave copy of a shared mount goes to the tail of its master's list.
  case slaveCopyAtTail
  /// 1.3: the copy of a slave goes to the head of the master's list.
  case copyOfSlaveAtHead
  /// 1.4: a new slave goes to the tail of its master's list.
  case slaveInsertedAtTail
  /// 1.4: a mount that becomes shared stays unbindable.
  case sharedStaysUnbindable
  /// 1.4: the slaves of a member that leaves its group lose their master.
  case leavingMemberTakesSlavesAlong
  /// 1.4: MS_SLAVE on an unbindable mount makes it bindable.
  case slaveClearsUnbindable
  /// 3.3.1: unbindable subtrees are copied.
  case unbindableIsCopied

  // Attaching and mount propagation

  /// 4.1: what is attached to a shared mount stays private.
  case sourceStaysPrivate
  /// 4.1: a copy goes on top of what the receiver has.
  case copyGoesOnTop
  /// 3.14: trees that enter a namespace of other users are not locked.
  case otherUsersGetNoLocks
  /// 4.2: receivers get copies although they cannot see the place.
  case propagationIgnoresVisibility
  /// 4.2: every slave's copy is a slave of the original.
  case masterIsAlwaysTheSource
  /// 4.2: the copy in a slave is a peer.
  case slaveCopyIsPeer
  /// 4.2: the copy in a shared slave is not shared.
  case sharedSlaveCopyIsNotShared
  /// 4.2: every copy is made from the original.
  case copiesComeFromTheSource
  /// 4.2: detached trees receive copies.
  case anonymousReceives
  /// 4.3: slaves of slaves are not reached.
  case propagationStopsAtSlaves
  /// 3.4: a mount below a shared parent may be moved.
  case moveFromSharedParentAllowed

  // Umount

  /// 5.2: a mount with mounts on it is not busy.
  case ownChildIsNotBusy
  /// 5.2: a held mount is not busy.
  case heldIsNotBusy
  /// 5.2: held copies do not count.
  case receiverHeldIsNotBusy
  /// 5.2: a held copy counts although a mount inside keeps it.
  case receiverWithChildCounts
  /// 5.2: a held copy with only a topper does not count.
  case busyIgnoresTopper
  /// 5.3: umount reaches no receiver.
  case umountDoesNotPropagate
  /// 5.3: the copies of what is unmounted stay locked.
  case receiversKeepLock
  /// 5.4: a mount strictly inside does not keep a copy.
  case innerMountIsNoObstacle
  /// 5.4: what covers a candidate's root keeps it.
  case overmountIsObstacle
  /// 5.4: a lock does not keep a copy.
  case lockIsNoObstacle
  /// 5.4: what covers a mount that goes, goes too.
  case survivorsGo
  /// 5.7: slaves of mounts that go are handed to the master, past the peers.
  case heirIsTheMaster
  /// 5.7: slaves of mounts that go lose their master.
  case slavesOfDyingLoseMaster
  /// 5.7: slaves are handed over at the tail.
  case handoverAtTail
  /// 5.8: the members of a lazily detached tree stay together.
  case detachedTreeStaysConnected
  /// 5.8: locked members of a detached tree are separated.
  case lockedMembersAreSeparated
  /// 2.4: removing a mountpoint leaves its mounts in other namespaces.
  case removalKeepsMountsElsewhere
  /// 3.14: the death of a namespace propagates its umounts.
  case namespaceDeathPropagates
}
