/// What the kernel may do outside of its lock and outside of the points of the model. Nothing else is allowed.
public enum Latitude: String, Hashable, Sendable, Codable, CaseIterable {
  /// A synchronous umount met the reference of another call's walk that was on its way.
  case passingWalk
  /// A synchronous umount met the reference of a reader whose single walks are not recorded.
  case reader
  /// A walk saw one of its mounts before a change and a later one after it.
  case walkInParts
  /// A synchronous umount succeeded although the mount was held, while a reference on it moved. Tried only on kernels that
  /// a known issue says do this, and then reported as that issue, never as agreement.
  case tornSum

  /// Why the kernel does it.
  public var reason: String {
    switch self {
    case .passingWalk:
      "a walk in ref mode holds each mount that it crosses, and what covers a target is held while it is locked"
    case .reader:
      "stat, open and readlink hold the mounts that they cross, and nobody notes when"
    case .walkInParts:
      "a walk in ref mode crosses one mount after the other; a change between two of them is seen in part"
    case .tornSum:
      "the count of a mount is a sum over CPUs that is read without stopping them; a reference that is taken on one "
        + "and put on another meanwhile is missed"
    }
  }

  /// Where it ends.
  public var bound: String {
    switch self {
    case .passingWalk:
      "EBUSY only; the other call overlaps in time, has not committed, and its paths cross the mount or a copy that "
        + "the busy check looks at"
    case .reader:
      "EBUSY only; the reader overlaps in time, and its path crosses the mount or a copy that the busy check looks at"
    case .walkInParts:
      "component by component, each at one moment within the call, in order, holding the place reached"
    case .tornSum:
      "success of a synchronous umount only; another worker's call that takes or puts a reference on a mount that the "
        + "busy check looks at overlaps in time"
    }
  }
}

/// How often each latitude was used.
public struct LatitudeUse: Hashable, Sendable, Codable {
  public private(set) var counts: [Latitude: Int] = [:]

  public init() {}

  public subscript(latitude: Latitude) -> Int { counts[latitude] ?? 0 }

  public var total: Int { Latitude.allCases.reduce(0) { $0 + self[$1] } }

  public mutating func add(_ latitude: Latitude, times: Int = 1) {
    counts[latitude, default: 0] += times
  }

  public mutating func add(_ other: LatitudeUse) {
    for latitude in Latitude.allCases where other[latitude] > 0 {
      add(latitude, times: other[latitude])
    }
  }
}
