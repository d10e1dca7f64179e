/// From when to when something took place: nanoseconds of one monotonic clock.
public struct CallInterval: Hashable, Sendable, Codable {
  public var startNanoseconds: UInt64
  public var endNanoseconds: UInt64

  public init(startNanoseconds: UInt64, endNanoseconds: UInt64) {
    self.startNanoseconds = startNanoseconds
    self.endNanoseconds = endNanoseconds
  }

  /// Whether the two have a moment in common.
  public func overlaps(_ other: CallInterval) -> Bool {
    startNanoseconds < other.endNanoseconds && other.startNanoseconds < endNanoseconds
  }
}
