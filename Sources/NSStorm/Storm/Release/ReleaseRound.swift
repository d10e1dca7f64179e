public import StormVocabulary

/// One round of a release phase: calls of one or two processes, and what each call is for.
public struct ReleaseRound: Hashable, Sendable {
  public var fileSystem: FileSystemKind
  public var way: ReleaseWay
  public var conditions: ReleaseConditions
  /// What is executed, one segment after the other.
  public var segments: [Segment]
  /// What is executed after the round whatever happened, so that the next one finds an empty place.
  public var cleanup: [WorkerCall]
  /// Paths that walkers go to meanwhile.
  public var walks: [String]

  /// The round in which a file system goes in one of the ways; the same for the same conditions.
  public static func planned(
    _ fileSystem: FileSystemKind, _ way: ReleaseWay, under conditions: ReleaseConditions
  ) -> ReleaseRound {
    ReleaseRoundBuilder(conditions: conditions).round(fileSystem, way)
  }

  /// Calls that one process makes one after the other.
  public struct Segment: Hashable, Sendable {
    public var role: Role
    public var calls: [Call]
  }

  public enum Role: Hashable, Sendable {
    /// Actor 0, which also watches.
    case umounter
    /// The other process, in the umounter's namespace or one of its own.
    case holder
  }

  public struct Call: Hashable, Sendable {
    public var call: WorkerCall
    public var mark: Mark

    public init(call: WorkerCall, mark: Mark) {
      self.call = call
      self.mark = mark
    }
  }

  /// What a call's answer says about the release.
  public enum Mark: Hashable, Sendable {
    /// Prepares the round and must succeed.
    case preparation
    /// Waits for those who walk by; in vain where the machine is busy.
    case meeting
    /// Says which mount it is, so that its holders can be found.
    case identity
    /// Makes the file system, or holds it: what the machine lacks fails here.
    case mount, hold
    /// A synchronous umount that must be refused.
    case refused
    /// The call with which the mount goes.
    case departure
    /// The holder lets go, or is told to end.
    case letGo
    /// The holder's process has gone.
    case gone
    /// Whether the superblock is dead at this point.
    case looksDead(Point)
    /// Whether its device can be claimed at this point.
    case claims(Point)
    /// Whether `FUSE_DESTROY` has come at this point.
    case destroyed(Point)
    /// How many mounts were seen to leave the namespace until now.
    case eventsBefore, eventsAfter
    /// Waits until the superblock is dead; until its device is free; until its server's connection has ended.
    case released, claimed, connectionEnded
  }

  public enum Point: CaseIterable, Hashable, Sendable {
    /// When the call has returned with which the mount went.
    case departure
    /// When the holder has let go or was waited for.
    case letGo
  }

  /// Actor numbers beyond those of plans.
  public static let holderActor = 1_000_001
  public static let companyActor = 1_000_010

  /// The slots of actor 0 that rounds use.
  public static var slots: ClosedRange<DescriptorSlot> { ReleaseSlot.watch...ReleaseSlot.hold }
  /// The one with the mount events of the namespace, which a phase opens once.
  public static var mountEventSlot: DescriptorSlot { ReleaseSlot.mounts }
}

extension ReleaseRound: CustomStringConvertible {
  public var description: String { "\(fileSystem.rawValue)/\(way.rawValue)" }
}
