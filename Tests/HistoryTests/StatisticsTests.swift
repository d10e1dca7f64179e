import StormVocabulary
import Testing

@testable import StormHistory

@Suite struct StatisticsTests {
  /// Noise of a tenth around a level.
  private static func noise(_ level: Double, _ count: Int, seed: UInt64) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in level * (0.95 + Double(generator.next(below: 1_000)) / 10_000) }
  }

  @Test func `a step in a noisy series is found where it is, with its size`() throws {
    let values = Self.noise(100, 20, seed: 1) + Self.noise(130, 15, seed: 2)
    let changes = ChangePoints(values)
    let point = try #require(changes.points.first)
    #expect(changes.points.count == 1 && point.index == 20)
    #expect(point.confidence > 0.99 && (1.25...1.35).contains(point.ratio))
  }

  @Test func `two steps are both found, and the levels are those between them`() {
    let values =
      Self.noise(100, 15, seed: 3) + Self.noise(150, 15, seed: 4) + Self.noise(100, 15, seed: 5)
    let changes = ChangePoints(values)
    #expect(changes.points.map(\.index) == [15, 30])
    #expect(changes.points.allSatisfy { (90...160).contains($0.medianAfter) })
  }

  @Test func `noise alone is called a change about as often as the confidence allows`() {
    let false95 = (0..<200).count { seed in
      !ChangePoints(Self.noise(100, 24, seed: UInt64(seed) + 1_000)).points.isEmpty
    }
    // 5% of 200 is 10; 20 is more than three standard deviations away.
    #expect(false95 <= 20, "\(false95) of 200")
  }

  @Test func `one wild value is no change of level`() {
    var values = Self.noise(100, 24, seed: 6)
    values[12] = 1e9
    #expect(ChangePoints(values).points.isEmpty)
  }

  @Test func `looking at many series asks more of each`() {
    let values = Self.noise(100, 6, seed: 7) + Self.noise(118, 6, seed: 8)
    let alone = ChangePoints(values).points.first?.confidence ?? 0
    #expect(alone > 0.99)
    #expect((ChangePoints(values, seriesCount: 40).points.first?.confidence ?? 0) < alone)
  }

  @Test func `the same series gives the same answer, and a short or constant one none`() {
    let values = Self.noise(100, 10, seed: 9) + Self.noise(120, 10, seed: 10)
    #expect(ChangePoints(values) == ChangePoints(values))
    #expect(ChangePoints([1, 1, 1, 2, 2, 2, 2]).points.isEmpty)
    #expect(ChangePoints(Array(repeating: 5, count: 50)).points.isEmpty)
    #expect(ChangePoints([]).points.isEmpty)
  }

  @Test func `two samples of one level are not told apart, those of two levels are`() {
    let mistaken = (0..<60).count { round in
      let seed = UInt64(2 * round) + 500
      return TwoSamples(Self.noise(100, 12, seed: seed), Self.noise(100, 12, seed: seed + 1))
        .confidence >= 0.95
    }
    // 5% of 60 is 3; 9 is more than three standard deviations away.
    #expect(mistaken <= 9, "\(mistaken) of 60")
    let other = TwoSamples(Self.noise(100, 12, seed: 11), Self.noise(125, 12, seed: 12))
    #expect(other.confidence > 0.99 && (1.15...1.35).contains(other.ratio))
    #expect(TwoSamples([1], [2]).confidence == 0)
  }

  @Test func `a share carries its interval`() {
    let share = Share(3, of: 20)
    #expect((0.05...0.06).contains(share.interval.lowerBound))
    #expect((0.35...0.37).contains(share.interval.upperBound))
    #expect(Share(0, of: 0).interval == 0...1)
    #expect(Share(0, of: 10).interval.lowerBound == 0)
    #expect(Share(10, of: 10).interval.upperBound == 1)
  }
}
