/// How long something took, over many times: what is kept of a histogram.
public struct LatencySummary: Hashable, Sendable, Codable {
  /// What was timed, such as `umount2 (detach)`.
  public var what: String
  public var count: Int
  public var minimumNanoseconds: UInt64
  public var meanNanoseconds: UInt64
  public var medianNanoseconds: UInt64
  public var p90Nanoseconds: UInt64
  public var p99Nanoseconds: UInt64
  public var maximumNanoseconds: UInt64
  /// Ascending, without empty ones.
  public var buckets: [Bucket]

  /// So many values up to a bound, and above that of the bucket before.
  public struct Bucket: Hashable, Sendable, Codable {
    public var upToNanoseconds: UInt64
    public var count: Int

    public init(upToNanoseconds: UInt64, count: Int) {
      self.upToNanoseconds = upToNanoseconds
      self.count = count
    }
  }

  public init(
    what: String, count: Int, minimumNanoseconds: UInt64, meanNanoseconds: UInt64,
    medianNanoseconds: UInt64, p90Nanoseconds: UInt64, p99Nanoseconds: UInt64,
    maximumNanoseconds: UInt64, buckets: [Bucket]
  ) {
    self.what = what
    self.count = count
    self.minimumNanoseconds = minimumNanoseconds
    self.meanNanoseconds = meanNanoseconds
    self.medianNanoseconds = medianNanoseconds
    self.p90Nanoseconds = p90Nanoseconds
    self.p99Nanoseconds = p99Nanoseconds
    self.maximumNanoseconds = maximumNanoseconds
    self.buckets = buckets
  }

  /// The bound of the bucket that a value belongs to: four buckets for each power of two, so that a bucket is at most
  /// 25% wide and a microsecond and a minute stand on one axis of a hundred buckets.
  public static func bound(of nanoseconds: UInt64) -> UInt64 {
    guard nanoseconds > 4 else { return max(1, nanoseconds) }
    let shift = UInt64(UInt64.bitWidth - 1 - (nanoseconds - 1).leadingZeroBitCount) - 2
    return (((nanoseconds - 1) >> shift) + 1) << shift
  }
}
