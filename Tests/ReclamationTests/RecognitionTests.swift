import StormReclamation
import Testing

@Suite struct RecognitionTests {
  private func consistent(with name: String) throws -> Set<String> {
    let design = try #require(Design.named(name))
    let recognition = Recognition(try ReleaseObservation(simulating: design))
    return Set(recognition.consistent.map(\.design.name))
  }

  @Test func `every design is consistent with what it would show itself`() throws {
    for design in Design.catalogue {
      #expect(try consistent(with: design.name).contains(design.name), "\(design.name)")
    }
  }

  /// An observed design and those that it must exclude.
  static let distinctions: [(String, [String])] = [
    ("D0", ["D1a", "D1b", "D2", "D2par", "D2+", "D3", "D3-lazy", "D4", "D4+D5", "D7n", "D13"]),
    ("D1a", ["D0", "D1b", "D2+", "D3", "D4"]),
    ("D1b", ["D0", "D1a", "D2", "D2+", "D3", "D4"]),
    ("D2", ["D0", "D1b", "D2+", "D3", "D4", "D5"]),
    ("D2+", ["D0", "D1a", "D1b", "D2", "D4", "D5", "D7n"]),
    ("D3", ["D0", "D1a", "D1b", "D2", "D4", "D5", "D7n"]),
    ("D4", ["D0", "D1a", "D1b", "D2", "D2+", "D3", "D5", "D7n"]),
    ("D7n", ["D0", "D1a", "D1b", "D2", "D2+", "D3", "D4", "D7w"]),
  ]

  @Test(arguments: distinctions)
  func `designs that behave differently are told apart`(observed: String, excluded: [String]) throws
  {
    let possible = try consistent(with: observed)
    for name in excluded { #expect(!possible.contains(name), "\(name)") }
  }

  @Test func `every exclusion says by which observation`() throws {
    let recognition = Recognition(try ReleaseObservation(simulating: .mainline))
    for row in recognition.excluded { #expect(row.exclusions.allSatisfy { $0.count > 20 }) }
  }

  @Test func `a superblock alive after umount under walkers excludes mainline with whole counts`()
    throws
  {
    var observation = try ReleaseObservation(simulating: .mainline)
    observation.walkers = ReleaseObservation.Walkers(succeeded: 500, aliveAtReturn: 3)
    let names = Recognition(observation).consistent.map(\.design.name)
    #expect(!names.contains("D0"))
    #expect(names.contains("D5"))
    #expect(names.contains("D9-single"))
  }

  @Test func `an observation that fits no design is a deviation and not a guess`() throws {
    var observation = try ReleaseObservation(simulating: .mainline)
    observation.sync.releasedAtReturn = 0
    observation.lazy.releasedAtReturn = observation.lazy.calls
    #expect(Recognition(observation).isDeviation)
  }
}
