import StormEngine
import StormVocabulary
import Testing

@testable import StormPlanning

@Suite struct CompanyPlanTests {
  private func volleys(_ text: String) throws -> [Volley] {
    let profile = try Profile(
      yaml: "summary: t\nrules: 6.18\nphases:\n  - kind: blast\n    namespaces: 4\n"
        + "    mounts-per-namespace: 12\n" + text, name: "t", file: "t.yaml")
    return try Plan(profile: profile).items.compactMap {
      if case .volley(let volley) = $0 { volley } else { nil }
    }
  }

  @Test func `at the tops one call a tree, at the leaves every mount from the innermost outwards`()
    throws
  {
    let tops = try #require(try volleys("    umount: detach\n    depth: 4\n    at: tops\n").first)
    #expect(tops.callCount == 3)
    #expect(tops.released == 12 && tops.watched.count == 12)
    let leaves = try #require(try volleys("    umount: sync\n    depth: 4\n    workers: 1\n").first)
    #expect(leaves.callCount == 12)
    let paths = leaves.programs[0].operations.prefix(4).map {
      if case .umount2(.path(let path), _) = $0 { path.count } else { 0 }
    }
    #expect(paths == paths.sorted(by: >) && Set(paths).count == 4)
  }

  @Test func `whoever is about only repeats what does not last, and walkers alone excuse EBUSY`()
    throws
  {
    let quiet = try #require(
      try volleys("    umount: sync\n    company: { readers: 1, cloners: 1, mounters: 1 }\n").first)
    #expect(quiet.company.count == 3 && !quiet.mayBeBusy)
    let walked = try #require(
      try volleys("    umount: sync\n    company: { walkers: 2, containers: 1 }\n").first)
    #expect(walked.mayBeBusy)
    #expect(Set(walked.company.map(\.actor)).count == 3)
  }

  @Test
  func `dying namespaces are all but the first, and what that one has is detached afterwards`()
    throws
  {
    let volley = try #require(try volleys("    umount: exit\n").first)
    #expect(volley.programs.map(\.actor) == [1, 2, 3])
    #expect(volley.programs.allSatisfy { $0.operations == [.exit] })
    #expect(volley.released == 0)
  }

  @Test func `impossible combinations are refused with the reason`() {
    let wrong = [
      ("    umount: sync\n    depth: 2\n    at: tops\n", "always EBUSY"),
      ("    umount: detach\n    depth: 2\n    assault: racing\n", "divided"),
      ("    umount: detach\n    company: { walker: 1 }\n", "did you mean 'walkers'"),
    ]
    for (text, part) in wrong {
      do {
        _ = try volleys(text)
        Issue.record("accepted: \(text)")
      } catch {
        #expect("\(error)".contains(part), "\(error)")
      }
    }
  }
}
