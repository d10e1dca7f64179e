public import StormPlanning
public import StormVerdict
public import StormVocabulary

/// Something that was released, as somebody saw it from outside.
public struct TraceRelease: Hashable, Sendable {
  /// What: `superblock`, `mount`, `namespace`.
  public var what: String
  /// Which superblock, where it is one.
  public var device: DeviceNumber?
  /// How it was let go: one of ``StormPlanning/ReleaseWay`` in a round, any word elsewhere.
  public var way: String?
  /// Who saw it: `inotify`, `block-device`, `fuse`, …
  public var seenBy: String
  /// When it was let go and when it was seen, in the calls' clock; when nobody waited any more where it was not seen.
  public var interval: CallInterval
  /// Everything that the release round showed; nil for a sign that was seen by itself, which is not judged.
  public var round: Round?

  /// A release round, whole: enough to judge it again, and to make it again.
  public struct Round: Hashable, Sendable {
    /// The phase of the profile.
    public var phase: Int
    public var conditions: ReleaseConditions
    /// Without the calls that prepare, which say nothing about the release.
    public var observed: ObservedRelease

    public init(phase: Int, conditions: ReleaseConditions, observed: ObservedRelease) {
      self.phase = phase
      self.conditions = conditions
      self.observed = observed
      self.observed.calls.removeAll { $0.mark == .preparation || $0.mark == .meeting }
    }

    /// The calls that lead there again.
    public var plan: ReleaseRound {
      .planned(observed.fileSystem, observed.way, under: conditions)
    }
  }

  public init(
    what: String, device: DeviceNumber? = nil, way: String? = nil, seenBy: String,
    interval: CallInterval
  ) {
    self.what = what
    self.device = device
    self.way = way
    self.seenBy = seenBy
    self.interval = interval
  }

  public init(_ round: Round) {
    let observed = round.observed
    let start = (observed.due ?? observed.calls.first)?.startNanoseconds ?? 0
    let end = (observed.call(.released) ?? observed.calls.last)?.endNanoseconds ?? start
    self.init(
      what: "superblock", way: observed.way.rawValue, seenBy: "inotify",
      interval: CallInterval(startNanoseconds: start, endNanoseconds: max(start, end)))
    self.round = round
  }
}
