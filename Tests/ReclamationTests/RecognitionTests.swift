import Foundation
import StormReclamation
import Testing

@Suite struct RecognitionTests {
  /// What each design would show, simulated once for all tests.
  private static let simulated: [String: Result<ReleaseObservation, any Error>] = Dictionary(
    uniqueKeysWithValues: Design.catalogue.map { design in
      (design.name, Result { try ReleaseObservation(simulating: design) })
    })

  private func observation(of name: String) throws -> ReleaseObservation {
    try #require(Self.simulated[name]).get()
  }

  private func consistent(with name: String) throws -> Set<String> {
    Set(Recognition(try observation(of: name)).consistent.map(\.design.name))
  }

  @Test func `every design is consistent with what it would show itself`() throws {
    for design in Design.catalogue {
      #expect(try consistent(with: design.name).contains(design.name), "\(design.name)")
    }
  }

  /// An observed design and those that it must exclude.
  static let distinctions: [(String, [String])] = [
    (
      "D0",
      [
        "D1a", "D1b", "D2", "D2par", "D2+", "D3", "D3-naive", "D3-locked", "D3-onelist", "D3-lazy",
        "D4", "D4+D5", "D5", "D6", "D7w", "D7n", "D8-kthread", "D9-split", "D11", "D12", "D13",
      ]
    ),
    ("D0a", ["D0", "D5", "D6", "D9-locked"]), ("D0b", ["D0", "D5", "D6", "D9-locked"]),
    ("D5", ["D0", "D0a", "D0b", "D1a", "D2", "D4", "D9-single"]),
    ("D6", ["D0", "D2", "D5"]), ("D7w", ["D0", "D5", "D7n", "D10-inline"]),
    ("D8-kthread", ["D0", "D5", "D8-async"]), ("D12", ["D9-single", "D0-6.12", "D5"]),
    ("D4+D5", ["D0", "D4", "D5"]), ("D2par", ["D0", "D1b", "D2+"]),
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
    let recognition = Recognition(try observation(of: "D0"))
    for row in recognition.excluded { #expect(row.exclusions.allSatisfy { $0.count > 20 }) }
  }

  /// D0a and D0b differ from D0 in races alone: the storm of random interleavings must meet them.
  @Test(arguments: ["D0a", "D0b", "D5", "D4", "D4+D5"])
  func `a storm shows a design that can return with the superblock alive`(name: String) throws {
    let walkers = try #require(try observation(of: name).walkers)
    #expect(walkers.aliveAtReturn > 0)
    #expect(walkers.aliveAtReturn < walkers.succeeded / 10)
    #expect(walkers.refused > 0)
    let sound = try #require(try observation(of: "D0").walkers)
    #expect(sound.aliveAtReturn == 0)
    #expect(sound.refused > 0)
  }

  @Test func `a superblock alive after umount under walkers excludes mainline with whole counts`()
    throws
  {
    var observation = try observation(of: "D0")
    observation.walkers = ReleaseObservation.Walkers(succeeded: 500, aliveAtReturn: 3)
    observation.names = nil
    let names = Recognition(observation).consistent.map(\.design.name)
    #expect(!names.contains("D0"))
    #expect(names.contains("D5"))
    #expect(names.contains("D9-single"))
    #expect(!Recognition(observation).isMainlineWaiting)
  }

  static let releases: [(String, mayHaveLockedFlagRace: Bool, mayLackBarrier: Bool)] = [
    ("6.18.44", false, false), ("7.3.4", false, false), ("6.15.0", false, false),
    ("6.14.8", true, true), ("6.14.9", false, true), ("6.12.30", true, false),
    ("6.12.107", false, false), ("6.1.176", false, false), ("5.10.223", true, true),
  ]

  @Test(arguments: releases)
  func `a release that has the repair of a race excludes the design without it`(
    release: String, mayHaveLockedFlagRace: Bool, mayLackBarrier: Bool
  ) throws {
    var observation = try observation(of: "D0")
    observation.names = nil
    observation.release = release
    let rows = Recognition(observation).consistent
    let names = rows.map(\.design.name)
    #expect(names.contains("D0"))
    #expect(names.contains("D0a") == mayHaveLockedFlagRace)
    #expect(names.contains("D0b") == mayLackBarrier)
    let mainline = try #require(rows.first)
    #expect(mainline.reservations.contains { $0.contains("lacks") } == mayHaveLockedFlagRace)
  }

  @Test func `without type information D5 cannot be told from mainline, and the row says why`()
    throws
  {
    var observation = try observation(of: "D0")
    observation.names = nil
    let row = try #require(Recognition(observation).consistent.first { $0.design.name == "D5" })
    #expect(row.reservations.contains { $0.contains("differs in a race that was not seen") })
    // Where the flags are macros, a missing name says nothing.
    observation.names = [.count, .stuckChildren]
    #expect(Recognition(observation).consistent.contains { $0.design.name == "D5" })
    #expect(Recognition(observation).consistent.contains { $0.design.name == "D0" })
  }

  @Test func `normal grace periods tell who waits where expedited ones are too short`() throws {
    for (name, waits) in [("D0", true), ("D1b", false)] {
      var observation = try observation(of: name)
      // As on a machine whose expedited grace periods take no longer than the rest of the call.
      observation.lazy.latencyNanoseconds =
        observation.ownWorkNanoseconds + observation.leastGracePeriodNanoseconds * 0.7
      observation.workItems = nil
      observation.neverReleased = 0
      let names = Recognition(observation).consistent.map(\.design.name)
      #expect(names.contains("D0") == waits, "\(name)")
      #expect(names.contains("D1b") != waits, "\(name)")
    }
  }

  @Test func `a recorded observation is read back as it was written`() throws {
    let observation = try observation(of: "D2")
    let data = try JSONEncoder().encode(observation)
    #expect(try JSONDecoder().decode(ReleaseObservation.self, from: data) == observation)
  }

  @Test func `an observation that fits no design is a deviation and not a guess`() throws {
    var observation = try observation(of: "D0")
    observation.sync.releasedAtReturn = 0
    observation.lazy.releasedAtReturn = observation.lazy.calls
    #expect(Recognition(observation).isDeviation)
  }
}
