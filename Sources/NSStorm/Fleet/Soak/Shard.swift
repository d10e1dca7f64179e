/// A part of the seeds: parts of the same whole have none in common.
public struct Shard: Hashable, Sendable, Codable {
  /// From 0.
  public var index: Int
  public var count: Int

  public static let whole = Shard(index: 0, count: 1)

  public init(index: Int, count: Int) {
    self.index = index
    self.count = count
  }

  /// Reads `2/8` (the third of eight, from 0), `auto/8` (the index is the job array's) or `auto` (so is the count).
  ///
  /// In a Slurm array the index is counted from the array's first task; a Kubernetes indexed job does not say how many
  /// there are, so it needs the count.
  ///
  /// - Throws: ``FleetError/badShard(_:reason:)``
  public init(_ text: String, environment: [String: String]) throws(FleetError) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count <= 2 else {
      throw .badShard(text, reason: "it has more than one slash")
    }
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    var index = Int(first)
    var count = parts.count == 2 ? Int(parts[1]) : nil
    if first == "auto" {
      if let task = number("SLURM_ARRAY_TASK_ID") {
        let step = max(1, number("SLURM_ARRAY_TASK_STEP") ?? 1)
        index = (task - (number("SLURM_ARRAY_TASK_MIN") ?? 0)) / step
        if parts.count == 1 { count = number("SLURM_ARRAY_TASK_COUNT") }
      } else if let task = number("JOB_COMPLETION_INDEX") {
        index = task
      } else {
        throw .badShard(
          text, reason: "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is in the environment"
        )
      }
    }
    guard let index, let count else {
      throw .badShard(text, reason: "how many shards there are is not known; write auto/COUNT")
    }
    guard count >= 1, count <= 1_000_000, (0..<count).contains(index) else {
      throw .badShard(text, reason: "the index is \(index), allowed are 0 to \(count - 1)")
    }
    self.init(index: index, count: count)
  }

  /// The seed of this part's `number`th new round. All seeds of all parts differ: SplitMix64 maps different numbers to
  /// different values.
  public func seed(base: UInt64, number: Int) -> UInt64 {
    let place = UInt64(number) &* UInt64(count) &+ UInt64(index)
    var z = base &+ (place &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension Shard: CustomStringConvertible {
  public var description: String { "\(index)/\(count)" }
}
