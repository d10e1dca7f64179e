public import StormPlanning
import StormVocabulary

/// What is wrong with a release.
public struct ReleaseFinding: Hashable, Sendable, Codable, CustomStringConvertible {
  public var fileSystem: FileSystemKind
  public var way: ReleaseWay
  public var kind: Kind
  /// What was promised and what was seen, in words.
  public var detail: String
  /// Who still holds it, as far as that can be found.
  public var holders: [String] = []

  public enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
    /// A call answered what it may not.
    case answer
    /// The superblock was alive when it had to be dead.
    case late
    /// The superblock was dead while it was held.
    case early
    /// The device was still claimed although the superblock was dead.
    case deviceClaimed = "device-claimed"
    /// An event that must come did not.
    case eventMissing = "event-missing"
    /// Still there after the bound.
    case neverReleased = "never-released"
  }

  public init(
    _ round: ObservedRelease, _ kind: Kind, _ detail: String
  ) {
    fileSystem = round.fileSystem
    way = round.way
    self.kind = kind
    self.detail = detail
  }

  /// The shape, the same for each occurrence.
  public var signature: String { "\(fileSystem.rawValue)/\(way.rawValue): \(kind.rawValue)" }

  public var description: String {
    ([signature, "  " + detail] + holders.map { "  held by \($0)" }).joined(separator: "\n")
  }
}

/// Holds what a round showed against a contract.
public struct ReleaseCheck: Hashable, Sendable {
  public let contract: ReleaseContract

  public init(contract: ReleaseContract = ReleaseContract()) {
    self.contract = contract
  }

  /// Everything that the contract does not allow.
  public func findings(_ round: ObservedRelease) -> [ReleaseFinding] {
    var found: [ReleaseFinding] = []
    var events: UInt32?
    // A synchronous umount that walkers made busy has released nothing; what follows says nothing.
    if let departure = round.call(.departure) {
      judge(departure, round, &found)
      if departure.errno != .none { return found }
    }
    for call in round.calls {
      switch call.mark {
      case .preparation, .meeting, .identity, .mount, .hold, .departure: break
      case .refused where call.errno != .busy:
        found.append(
          .init(
            round, .answer,
            "umount of a held mount: predicted EBUSY, observed \(call.errno.name)"))
      case .refused: break
      case .letGo, .gone:
        if call.errno != .none {
          found.append(
            .init(round, .answer, "\(call.mark): predicted 0, observed \(call.errno.name)"))
        }
      case .looksDead(let point): judge(look: call, at: point, round, &found)
      case .claims(let point): judge(claim: call, at: point, round, &found)
      case .destroyed(let point):
        if stands(round, at: point) == .dead, call.errno != .none {
          found.append(
            .init(round, .eventMissing, "the server had no FUSE_DESTROY at \(point.words)"))
        }
      case .eventsBefore: events = call.value
      case .eventsAfter:
        if let before = events, call.value <= before {
          found.append(
            .init(round, .eventMissing, "no FAN_MNT_DETACH when the umount had returned"))
        }
      case .released, .claimed, .connectionEnded:
        if call.errno != .none { found.append(never(round, call)) }
      }
    }
    return found
  }

  private func stands(
    _ round: ObservedRelease, at point: ReleaseRound.Point
  ) -> ReleaseContract.Standing {
    contract.standing(round.way, at: point, company: round.company)
  }

  private func judge(
    _ departure: ObservedRelease.Call, _ round: ObservedRelease, _ found: inout [ReleaseFinding]
  ) {
    let allowed = contract.answers(round.way, company: round.company)
    guard allowed.contains(departure.errno) else {
      let names = allowed.map(\.name).sorted().joined(separator: " or ")
      found.append(
        .init(round, .answer, "predicted \(names), observed \(departure.errno.name)"))
      return
    }
    if round.way.ending == .killed, departure.value > 1,
      !contract.mayBeBusyAtFirst(round.way, company: round.company)
    {
      found.append(
        .init(
          round, .answer,
          "the owner was waited for, and umount answered EBUSY \(departure.value - 1) times"))
    }
  }

  private func judge(
    look call: ObservedRelease.Call, at point: ReleaseRound.Point, _ round: ObservedRelease,
    _ found: inout [ReleaseFinding]
  ) {
    switch (stands(round, at: point), call.errno) {
    case (.dead, .none), (.alive, .tryAgain), (.open, _): break
    case (.alive, .none):
      found.append(.init(round, .early, "the superblock was dead at \(point.words)"))
    case (.dead, .tryAgain):
      let lag = round.lagNanoseconds.map { ", \($0 / 1_000) us late" } ?? ""
      found.append(.init(round, .late, "the superblock was alive at \(point.words)\(lag)"))
    case (_, let errno):
      found.append(.init(round, .answer, "looking for IN_UNMOUNT: \(errno.name)"))
    }
  }

  private func judge(
    claim call: ObservedRelease.Call, at point: ReleaseRound.Point, _ round: ObservedRelease,
    _ found: inout [ReleaseFinding]
  ) {
    // IN_UNMOUNT comes before the device is let go of: where the superblock may be dying, both answers are right.
    switch (stands(round, at: point), call.errno) {
    case (.dead, .none), (.alive, .busy), (.open, .none), (.open, .busy): break
    case (.alive, .none):
      found.append(.init(round, .early, "the device could be claimed at \(point.words)"))
    case (.dead, .busy):
      found.append(.init(round, .deviceClaimed, "exclusive open at \(point.words): EBUSY"))
    case (_, let errno):
      found.append(.init(round, .answer, "exclusive open of the device: \(errno.name)"))
    }
  }

  private func never(_ round: ObservedRelease, _ call: ObservedRelease.Call) -> ReleaseFinding {
    let what =
      switch call.mark {
      case .claimed: "the device is still claimed"
      case .connectionEnded: "the server's connection has not ended"
      default: "the superblock is still there"
      }
    let milliseconds = (call.endNanoseconds &- call.startNanoseconds) / 1_000_000
    return .init(round, .neverReleased, "\(what) after \(milliseconds) ms (\(call.errno.name))")
  }
}

extension ReleaseRound.Point {
  var words: String {
    switch self {
    case .departure: "the return of the call"
    case .letGo: "the end of the holder"
    }
  }
}
