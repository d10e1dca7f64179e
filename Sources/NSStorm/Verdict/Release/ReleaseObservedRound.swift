public import StormPlanning
public import StormVocabulary

/// What a release round showed, whoever executed it.
public struct ObservedRelease: Hashable, Sendable {
  public var fileSystem: FileSystemKind
  public var way: ReleaseWay
  public var company: ReleaseContract.Company
  /// The marked calls in the order in which they were made.
  public var calls: [Call]

  /// One call's answer.
  public struct Call: Hashable, Sendable {
    public var mark: ReleaseRound.Mark
    public var errno: Errno
    /// CLOCK_MONOTONIC before and after.
    public var startNanoseconds: UInt64
    public var endNanoseconds: UInt64
    /// What it measured: attempts, events.
    public var value: UInt32

    public init(
      mark: ReleaseRound.Mark, errno: Errno, startNanoseconds: UInt64, endNanoseconds: UInt64,
      value: UInt32 = 0
    ) {
      self.mark = mark
      self.errno = errno
      self.startNanoseconds = startNanoseconds
      self.endNanoseconds = endNanoseconds
      self.value = value
    }
  }

  public init(
    fileSystem: FileSystemKind, way: ReleaseWay, company: ReleaseContract.Company, calls: [Call]
  ) {
    self.fileSystem = fileSystem
    self.way = way
    self.company = company
    self.calls = calls
  }

  public func call(_ mark: ReleaseRound.Mark) -> Call? { calls.first { $0.mark == mark } }

  /// The call after which the release is due: the departure, or the holder's letting go if there is one.
  public var due: Call? {
    if way.ending == .killed { return call(.departure) }
    return call(.gone) ?? call(.letGo) ?? call(.departure)
  }

  /// Whether the superblock was dead when that call had returned; nil where nobody looked.
  public var wasDeadWhenDue: Bool? {
    calls.last { if case .looksDead = $0.mark { true } else { false } }.map { $0.errno == .none }
  }

  /// How long after ``due`` the superblock was seen to be dead; 0 where it was dead at the first look.
  public var lagNanoseconds: UInt64? {
    guard let due else { return nil }
    if wasDeadWhenDue == true { return 0 }
    guard let released = call(.released), released.errno == .none else { return nil }
    return released.endNanoseconds > due.endNanoseconds
      ? released.endNanoseconds - due.endNanoseconds : 0
  }

  /// How long the call took with which the mount went, or the copy of it that was left; nil where that was no call.
  public var departureNanoseconds: UInt64? {
    let mark: ReleaseRound.Mark
    switch way {
    case .namespaceDeath: return nil
    case .namespaceDescriptor, .treeClose: mark = .letGo
    default: mark = .departure
    }
    return call(mark).map { $0.endNanoseconds &- $0.startNanoseconds }
  }

  /// Whether the mount was refused to go at first.
  public var wasBusy: Bool {
    guard let call = call(.departure) else { return false }
    return call.errno == .busy || (way.ending == .killed && call.value > 1)
  }
}
