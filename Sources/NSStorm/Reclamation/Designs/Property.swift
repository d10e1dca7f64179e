/// The properties that every design is held against (section 4.1 of the reclamation specification).
public enum Property: String, Sendable, CaseIterable {
  case p1 = "P1"
  case p2 = "P2"
  case p3 = "P3"
  case p4 = "P4"
  case p5 = "P5"
  case p6 = "P6"
  case p7 = "P7"
  case p8 = "P8"
  case p8w = "P8w"
  case p9 = "P9"
  case p10 = "P10"
  case p11 = "P11"
  case p12 = "P12"

  /// What the property says, in one sentence.
  public var statement: String {
    switch self {
    case .p1: "no step touches a mount after it was freed"
    case .p2: "a mount is cleaned up at most once"
    case .p3: "a synchronous umount that returns 0 on the last mount leaves the superblock dead"
    case .p4: "EBUSY is explained by a reference that a user holds or an umount in progress"
    case .p5: "nothing sleeps, spins or charges a bystander in callback context"
    case .p6: "every state that is not final has a successor"
    case .p7: "every detached mount is released in the end, unless a user still holds it"
    case .p8: "an idle lazy umount returns with the superblock dead"
    case .p8w: "the same although walkers pass by"
    case .p9: "no reader from before the detach is inside when the namespace's reference is put"
    case .p10: "no system call blocks on a grace period"
    case .p11: "detached mounts that are not dead are bounded by the calls in progress"
    case .p12: "each released mount has exactly one runner of its cleanup"
    }
  }
}

/// What a step or a quiescent state can show. The raw value is the bit in `FindingSet`.
public enum Finding: UInt8, Sendable, CaseIterable {
  case useAfterFree
  case doubleCleanup
  case secondRunner
  case aliveAtReturn
  case aliveAtReturnReferenced
  case busyTransient
  case busyDeadOwner
  case blockInCallback
  case cleanupOnBystander
  case softirqDeadlock
  case deadlock
  case leak
  case lateDeath
  case earlyPut
  case paysGracePeriodSync
  case paysGracePeriodLazy
  case openQueue
  case tornSum
  case overcount
  case lostMount
  case returnsBeforeCleanup
  case endlessWait
  case takenAfterUse

  /// The tag that reports print.
  public var tag: String {
    switch self {
    case .useAfterFree: "USE_AFTER_FREE"
    case .doubleCleanup: "DOUBLE_CLEANUP"
    case .secondRunner: "SECOND_RUNNER"
    case .aliveAtReturn: "ALIVE_AT_RETURN"
    case .aliveAtReturnReferenced: "ALIVE_AT_RETURN_REFERENCED"
    case .busyTransient: "BUSY_TRANSIENT"
    case .busyDeadOwner: "EBUSY_DEAD_OWNER"
    case .blockInCallback: "CTX_BLOCKS"
    case .cleanupOnBystander: "CTX_BYSTANDER"
    case .softirqDeadlock: "CTX_SELF_DEADLOCK"
    case .deadlock: "DEADLOCK"
    case .leak: "LEAK"
    case .lateDeath: "LATE_DEATH"
    case .earlyPut: "EARLY_PUT"
    case .paysGracePeriodSync: "PAYS_GP_SYNC"
    case .paysGracePeriodLazy: "PAYS_GP_LAZY"
    case .openQueue: "OPEN_QUEUE"
    case .tornSum: "TORN_SUM"
    case .overcount: "OVERCOUNT"
    case .lostMount: "LOST_MOUNT"
    case .returnsBeforeCleanup: "RETURNS_BEFORE_CLEANUP"
    case .endlessWait: "ENDLESS_WAIT"
    case .takenAfterUse: "TAKEN_AFTER_USE"
    }
  }
}

/// A set of findings, small enough to travel with every edge of the search.
public struct FindingSet: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  @inline(__always)
  public init(_ finding: Finding) { self.rawValue = 1 << UInt32(finding.rawValue) }

  @inline(__always)
  public mutating func insert(_ finding: Finding) {
    self = FindingSet(rawValue: rawValue | 1 << UInt32(finding.rawValue))
  }

  public func contains(_ finding: Finding) -> Bool {
    rawValue & (1 << UInt32(finding.rawValue)) != 0
  }
}
