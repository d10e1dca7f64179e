import Foundation
import StormEngine
import StormPlanning
import StormScenario
import StormVocabulary
import Testing

/// Which rules the nightly mix exercises: the profile of that name and the shipped scenarios, each under the rules of several
/// kernel lines.
@Suite struct CoverageTests {
  /// Rules that no call of a sandbox's workers can reach, with the reason.
  static let unreachable: [Rule: String] = [
    .pivotNewWithoutParent: "a mount without a parent is in no worker's namespace"
  ]

  @Test func `the nightly mix exercises every rule`() throws {
    var coverage = RuleCoverage()
    let releases = [
      KernelRelease(5, 10, 223), KernelRelease(6, 12, 107), KernelRelease(6, 18, 44),
      KernelRelease(7, 3, 4),
    ]
    let steps = try Material.steps(of: "nightly", seed: 1, perPhase: 1_500)
    for release in releases {
      let rules = try #require(KernelRules.actual(release: release))
      for scenario in try Material.scenarios() {
        var run = ScenarioRun(world: EngineWorld(rules: rules))
        _ = try run.run(scenario)
        coverage += run.world.model.ruleCoverage
      }
      do {
        var model = MountModel(rules: rules)
        for step in steps { _ = model.perform(step.operation, by: step.actor) }
        coverage += model.ruleCoverage
      }
    }
    let missed = coverage.missed.filter { Self.unreachable[$0] == nil }
    #expect(missed == [], "rules that nothing exercises: \(missed.map(\.name))")
    let reached = Self.unreachable.keys.filter { coverage[$0] > 0 }
    #expect(reached == [], "rules that are listed as unreachable and were reached")
  }
}
