import Foundation
import StormVocabulary
import Testing

@testable import StormPlanning

/// The folder `profiles` of this clone.
let shippedProfiles = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .appendingPathComponent("profiles").path

private func problems(_ yaml: String) -> [ProfileProblem] {
  do {
    _ = try Profile(yaml: yaml, name: "test", file: "test.yaml")
    return []
  } catch .invalid(let problems) {
    return problems
  } catch {
    Issue.record("unexpected error \(error)")
    return []
  }
}

private let smallest = """
  summary: s
  rules: 6.18
  phases:
    - kind: sequential
      steps: 10
  """

private func contended(_ line: String) -> String {
  """
  summary: s
  rules: 6.18
  phases:
    - kind: contended
      \(line)
  """
}

/// Mistakes in phases that race: line, column, and a part of the message.
private let racingMistakes: [(String, Int, Int, String)] = [
  (
    smallest.replacingOccurrences(of: "sequential", with: "partitioned")
      .replacingOccurrences(of: "steps: 10", with: "weights: { unshare: 1 }"), 5, 14,
    "'unshare' reaches beyond its part"
  ),
  (contended("namespaces: 1"), 4, 5, "one worker races with nobody"),
  (contended("namespaces: 4\n    bystanders: 10"), 4, 5, "15 processes with namespace 0"),
  (contended("jitter: 2ms"), 5, 13, "0ns to 1000us"),
  (contended("weights: { reopen: 1 }"), 4, 5, "needs 'hold-place: true'"),
  (contended("priorities: [3, 20]"), 5, 21, "-20 to 19"),
]

@Suite struct ProfileTests {
  @Test func `every shipped profile loads, says what it tests and has a one-line summary`() throws {
    let library = ProfileLibrary(folders: [shippedProfiles])
    let names = library.names()
    #expect(names.contains("first-storm") && names.contains("mass-detach"))
    for name in names {
      let profile = try library.load(name)
      #expect(profile.name == name)
      #expect(!profile.summary.isEmpty && !profile.summary.contains("\n"))
      #expect(profile.explanation.contains("Claim:"), "\(name) does not name the claim it tests")
    }
  }

  @Test(arguments: [
    ("first-storm", false), ("contended", false), ("mass-detach", false), ("mass-company", true),
    ("release", true), ("nightly", true),
  ])
  func `a profile knows whether it needs more than tmpfs`(name: String, expected: Bool) throws {
    let profile = try ProfileLibrary(folders: [shippedProfiles]).load(name)
    #expect(profile.usesFileSystems == expected)
  }

  @Test func `a profile with only the required keys gets the documented defaults`() throws {
    let profile = try Profile(yaml: smallest, name: "small", file: "small.yaml")
    #expect(profile.rules == KernelRelease(6, 18))
    #expect(profile.seed == Seed(rawValue: 1))
    #expect(profile.limits == Profile.Limits())
    let phase = try #require(profile.phases.first)
    #expect(phase.name == "phase 1" && phase.verification == .everyStep)
    guard case .sequential(let body) = phase.body else {
      Issue.record("not sequential")
      return
    }
    #expect(body.length == .steps(10))
    #expect(body.shapeShare == 0)
  }

  @Test(arguments: [
    (
      "seed: 1\n" + smallest.replacingOccurrences(of: "steps", with: "stesp"), 6, 5,
      "did you mean 'steps'"
    ),
    (smallest.replacingOccurrences(of: "steps: 10", with: "steps: many"), 5, 12, "'many'"),
    (smallest.replacingOccurrences(of: "steps: 10", with: "steps: 0"), 5, 12, "allowed: 1 to"),
    (smallest.replacingOccurrences(of: "steps: 10", with: "steps: [1]"), 5, 12, "found a list"),
    (smallest.replacingOccurrences(of: "6.18", with: "4.19"), 2, 8, "from 5.10 on"),
    (smallest.replacingOccurrences(of: "6.18", with: "newest"), 2, 8, "'newest'"),
    (
      smallest.replacingOccurrences(of: "sequential", with: "sequentail"), 4, 11,
      "did you mean 'sequential'"
    ),
    (
      smallest.replacingOccurrences(of: "sequential", with: "contended"), 5, 5,
      "unknown key 'steps' in a contended phase"
    ),
    (smallest + "\n    duration: 10s", 6, 15, "either 'steps' or 'duration'"),
    (smallest + "\n    weights: { umuont: 3 }", 6, 16, "did you mean 'umount'"),
    (smallest + "\n    weights: { umount: -3 }", 6, 24, "-3"),
    (smallest + "\n    weights: { umount: 0 }", 6, 14, "every weight is 0"),
    (smallest + "\n    wrong-share: 130%", 6, 18, "'130%'"),
    (smallest + "\n    verify: { every: 0 }", 6, 22, "allowed: 1 to"),
    (smallest + "\n    verify: never", 6, 13, "every-step, end"),
    (smallest + "\n    namespaces: 13", 6, 17, "allowed: 1 to 12"),
    (smallest + "\nlimits: { answer: 10 }", 6, 19, "500ms"),
    (smallest + "\nlimits: { root-size: 3q }", 6, 22, "64k"),
    (smallest + "\nseed: -1", 6, 7, "below 2^64"),
    (smallest + "\nsummary: again", 1, 1, "given twice"),
    ("phases: [", 2, 1, "not YAML"),
    ("just text", 1, 1, "a profile is a mapping"),
  ])
  func `a mistake is reported with its line, its column, the value and what is allowed`(
    yaml: String, line: Int, column: Int, message: String
  ) throws {
    let found = problems(yaml)
    let problem = try #require(
      found.first { $0.message.contains(message) }, "found only \(found) in:\n\(yaml)")
    #expect(problem.line == line && problem.column == column, "\(problem)")
    #expect(problem.description.hasPrefix("test.yaml:\(line):\(column): "))
  }

  @Test(arguments: racingMistakes)
  func `a mistake in a racing phase is reported with its line, its column and what is allowed`(
    yaml: String, line: Int, column: Int, message: String
  ) throws {
    let found = problems(yaml)
    let problem = try #require(
      found.first { $0.message.contains(message) }, "found only \(found) in:\n\(yaml)")
    #expect(problem.line == line && problem.column == column, "\(problem)")
  }

  @Test func `all problems of a file are reported at once, in its order`() {
    let found = problems(
      smallest.replacingOccurrences(of: "6.18", with: "old") + "\n    wieghts: {}\nseeds: 3")
    #expect(found.map(\.line) == [2, 6, 7], "\(found)")
  }

  @Test func `a blast phase that its limits do not allow is refused with the numbers`() throws {
    let yaml = """
      summary: s
      rules: 6.18
      limits: { namespaces: 50, mounts: 1000 }
      phases:
        - kind: blast
          namespaces: 50
          mounts-per-namespace: 100
          umount: sync
          assault: racing
      """
    let messages = problems(yaml).map(\.message)
    #expect(messages.contains { $0.contains("50 namespaces with 102 mounts") })
    #expect(messages.contains { $0.contains("both answer EBUSY") })
  }

  @Test func `an unknown name is answered with the nearest one and with all that are there`() {
    let library = ProfileLibrary(folders: [shippedProfiles])
    let error = #expect(throws: ProfileError.self) { try library.load("mass-detatch") }
    let text = error.map(\.description) ?? ""
    #expect(text.contains("did you mean 'mass-detach'?") && text.contains("first-storm"))
  }

  @Test func `profiles are found beside the clone that the binary stands in`() {
    let clone = URL(fileURLWithPath: shippedProfiles).deletingLastPathComponent().path
    let library = ProfileLibrary(
      environment: ["NSSTORM_PROFILES": "/somewhere"], executable: clone + "/.build/debug/nsstorm")
    #expect(library.folders == ["/somewhere", shippedProfiles])
  }

  @Test func `an installed binary finds the profiles that were installed with it`() throws {
    let prefix = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appendingPathComponent("nsstorm-test-\(UUID().uuidString)")
    let profiles = prefix.appendingPathComponent("share/nsstorm/profiles")
    try FileManager.default.createDirectory(at: profiles, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: prefix) }
    let library = ProfileLibrary(environment: [:], executable: prefix.path + "/bin/nsstorm")
    #expect(library.folders == [profiles.path])
  }
}

@Suite struct QuantityTests {
  @Test(arguments: [
    ("250ms", Duration.milliseconds(250)), ("90s", .seconds(90)), ("10m", .seconds(600)),
    ("8h", .seconds(28_800)), ("2d", .seconds(172_800)),
  ])
  func `durations carry their unit`(text: String, duration: Duration) {
    #expect(Quantity.duration(text) == duration)
  }

  @Test(arguments: ["", "5", "s", "-5s", "5 s", "1.5h", "99999999s"])
  func `a duration without a unit or with a sign is refused`(text: String) {
    #expect(Quantity.duration(text) == nil)
  }

  @Test func `seeds are read in hex and decimal and written in hex`() {
    #expect(Seed("0x1F") == Seed("31"))
    #expect(Seed(rawValue: 31).description == "0x1f")
    #expect(Seed("18446744073709551616") == nil && Seed("-1") == nil && Seed("") == nil)
  }

  @Test func `weights are drawn in proportion and never where they are zero`() {
    let weights = Weights<Int>([.init(1, 3), .init(2, 0), .init(3, 1)])
    var generator = SeededGenerator(seed: 5)
    var counts: [Int: Int] = [:]
    for _ in 0..<4_000 { counts[weights.draw(using: &generator) ?? 0, default: 0] += 1 }
    #expect(counts[2] == nil && counts[0] == nil)
    #expect((2_800...3_200).contains(counts[1] ?? 0))
  }
}

@Suite struct ObserverKeyTests {
  private func profile(_ observers: String) throws(ProfileError) -> Profile {
    let yaml = """
      summary: s
      rules: 6.18
      observers: \(observers)
      phases:
        - kind: sequential
          steps: 1
      """
    return try Profile(yaml: yaml, name: "p", file: "p.yaml")
  }

  @Test func `a profile names one observer or both, in the order that counts`() throws {
    #expect(try profile("[statmount]").observers == [.statmount])
    #expect(try profile("[statmount, mountinfo]").observers == [.statmount, .mountinfo])
  }

  @Test(arguments: ["[]", "statmount", "[strace]", "[mountinfo, mountinfo]"])
  func `other observers are refused with their line`(text: String) {
    do {
      _ = try profile(text)
      Issue.record("\(text) was taken")
    } catch {
      #expect("\(error)".contains("p.yaml:3:"), "\(error)")
    }
  }
}
