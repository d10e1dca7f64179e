/// The only source of randomness: xoshiro256** (Blackman and Vigna), its state filled by SplitMix64 from one seed.
///
/// The same seed gives the same numbers on every machine, which plans and simulations rely on.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  public init(seed: UInt64) {
    var mixer = seed
    func next() -> UInt64 {
      mixer &+= 0x9E37_79B9_7F4A_7C15
      var z = mixer
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    state = (next(), next(), next(), next())
  }

  public mutating func next() -> UInt64 {
    let result = rotate(state.1 &* 5, by: 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = rotate(state.3, by: 45)
    return result
  }

  /// A number in `0 ..< bound`, without bias. `bound` must be positive.
  public mutating func next(below bound: Int) -> Int {
    precondition(bound > 0, "an empty range has no random member")
    return Int(next(upperBound: UInt64(bound)))
  }

  /// True with the given probability (0 never, 1 always).
  public mutating func chance(_ probability: Double) -> Bool {
    Double(next() >> 11) * 0x1p-53 < probability
  }

  /// A generator whose stream is independent of this one's continuation.
  public mutating func split() -> SeededGenerator {
    SeededGenerator(seed: next())
  }

  private func rotate(_ value: UInt64, by count: UInt64) -> UInt64 {
    (value << count) | (value >> (64 - count))
  }

  public static func == (left: Self, right: Self) -> Bool { left.state == right.state }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(state.0)
    hasher.combine(state.1)
    hasher.combine(state.2)
    hasher.combine(state.3)
  }
}
