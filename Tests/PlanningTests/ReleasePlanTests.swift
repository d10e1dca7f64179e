import StormVocabulary
import Testing

@testable import StormPlanning

@Suite struct ReleasePlanTests {
  private func profile(_ text: String) throws -> Profile {
    try Profile(
      yaml: "summary: t\nrules: 6.18\nphases:\n  - kind: release\n" + text, name: "t",
      file: "t.yaml")
  }

  private func rounds(_ profile: Profile, seed: UInt64 = 1) throws -> [ReleaseRound] {
    try Plan(profile: profile, seed: Seed(rawValue: seed)).items.compactMap {
      if case .release(let round) = $0 { round } else { nil }
    }
  }

  @Test func `the same seed plans the same rounds, another one others`() throws {
    let profile = try profile("    rounds: 200\n    file-systems: { tmpfs: 1, ext4: 1 }\n")
    #expect(try rounds(profile, seed: 7) == rounds(profile, seed: 7))
    #expect(try rounds(profile, seed: 7) != rounds(profile, seed: 8))
  }

  @Test func `each possible combination comes, and no impossible one`() throws {
    let all = FileSystemKind.allCases.map { "\($0.rawValue): 1" }.joined(separator: ", ")
    let planned = try rounds(profile("    rounds: 300\n    file-systems: { \(all) }\n"))
    #expect(planned.count == 300)
    for kind in FileSystemKind.allCases {
      for way in ReleaseWay.allCases {
        let isPlanned = planned.contains { $0.fileSystem == kind && $0.way == way }
        #expect(isPlanned == way.isPossible(on: kind), "\(kind) \(way)")
      }
    }
    #expect(!ReleaseWay.detachDirectory.isPossible(on: .boundFile))
  }

  @Test func `every round departs once and waits for its end`() throws {
    let all = FileSystemKind.allCases.map { "\($0.rawValue): 1" }.joined(separator: ", ")
    for round in try rounds(profile("    rounds: 160\n    file-systems: { \(all) }\n")) {
      let marks = round.segments.flatMap(\.calls).map(\.mark)
      #expect(marks.count { $0 == .departure } == 1, "\(round)")
      #expect(marks.count { $0 == .released } == 1, "\(round)")
      #expect(marks.count { $0 == .identity } == 1, "\(round)")
      #expect(marks.contains(.claimed) == round.fileSystem.isOnDevice, "\(round)")
      let needsHolder = round.segments.contains { $0.role == .holder }
      #expect(needsHolder == (round.way.ending != nil), "\(round)")
    }
  }

  @Test func `a mistake in a release phase is reported with what is allowed`() {
    let wrong = [
      ("    rounds: 0\n", "allowed: 1 to"),
      ("    rounds: 1\n    ways: { snyc: 1 }\n", "did you mean 'sync'"),
      (
        "    rounds: 1\n    file-systems: { bound-file: 1 }\n    ways: { detach-cwd: 1 }\n",
        "none of the ways"
      ),
      ("    rounds: 1\n    rcu-normal: maybe\n", "allowed: true, false"),
    ]
    for (text, part) in wrong {
      do {
        _ = try profile(text)
        Issue.record("accepted: \(text)")
      } catch {
        #expect("\(error)".contains(part), "\(error)")
      }
    }
  }
}
