// The words for marks in traces, and who sees what they say.

extension ReleaseRound.Mark {
  /// Every mark has a word of its own.
  public var name: String {
    switch self {
    case .preparation: "preparation"
    case .meeting: "meeting"
    case .identity: "identity"
    case .mount: "mount"
    case .hold: "hold"
    case .refused: "refused"
    case .departure: "departure"
    case .letGo: "let-go"
    case .gone: "gone"
    case .looksDead(let point): "dead-at-" + point.name
    case .claims(let point): "claim-at-" + point.name
    case .destroyed(let point): "destroy-at-" + point.name
    case .eventsBefore: "events-before"
    case .eventsAfter: "events-after"
    case .released: "released"
    case .claimed: "claimed"
    case .connectionEnded: "connection-ended"
    }
  }

  /// All marks, in the order of their declaration.
  public static let all: [Self] =
    [.preparation, .meeting, .identity, .mount, .hold, .refused, .departure, .letGo, .gone]
    + ReleaseRound.Point.allCases.flatMap { [.looksDead($0), .claims($0), .destroyed($0)] }
    + [.eventsBefore, .eventsAfter, .released, .claimed, .connectionEnded]

  public init?(name: String) {
    guard let mark = Self.all.first(where: { $0.name == name }) else { return nil }
    self = mark
  }

  /// By what the sign was seen; nil where the answer of the call itself is what is said.
  public var observer: String? {
    switch self {
    case .preparation, .meeting, .mount, .hold, .refused, .departure, .letGo: nil
    case .identity: "statx"
    case .gone: "pidfd"
    case .looksDead, .released: "inotify"
    case .claims, .claimed: "block-device"
    case .destroyed, .connectionEnded: "fuse"
    case .eventsBefore, .eventsAfter: "fanotify"
    }
  }
}

extension ReleaseRound.Point {
  var name: String {
    switch self {
    case .departure: "departure"
    case .letGo: "let-go"
    }
  }
}
