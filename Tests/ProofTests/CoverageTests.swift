import Foundation
import StormEngine
import StormPlanning
import StormScenario
import StormVocabulary
import Testing

/// Which rules the nightly mix exercises: the propagation storm under some seeds and the shipped scenarios, each under the
/// rules of several kernel lines.
@Suite struct CoverageTests {
  /// Rules that no call of a sandbox's workers can reach, with the reason.
  static let unreachable: [Rule: String] = [
    .setnsCapability: "workers of other user namespaces are never sent to the initial one",
    .noMountCapability: "every worker is root over the owner of its own namespace",
    .coverIsImmutable: "workers make names by absolute paths, which end in no detached tree",
    .moveWithoutParent: "no worker can name the absolute root of a namespace",
    .umountAbsoluteRoot: "no worker can name the absolute root of a namespace",
    .pivotRootWithoutParent: "no worker stands on the absolute root of a namespace",
    .pivotNewWithoutParent: "a mount without a parent is in no worker's namespace",
  ]

  @Test func `the nightly mix exercises every rule`() throws {
    var counts: [Rule: UInt64] = [:]
    let releases = [
      KernelRelease(5, 10, 223), KernelRelease(6, 12, 107), KernelRelease(6, 18, 44),
      KernelRelease(7, 3, 4),
    ]
    for release in releases {
      let rules = try #require(KernelRules.actual(release: release))
      for scenario in try Material.scenarios() {
        var run = ScenarioRun(world: EngineWorld(rules: rules))
        _ = try run.run(scenario)
        for (rule, count) in run.world.model.ruleCoverage { counts[rule, default: 0] += count }
      }
      for seed in 1...2 as ClosedRange<UInt64> {
        var model = MountModel(rules: rules)
        for step in try UndoTests.steps(seed: seed, count: 2000) {
          _ = model.perform(step.operation, by: step.actor)
        }
        for (rule, count) in model.ruleCoverage { counts[rule, default: 0] += count }
      }
    }
    let missed = Rule.allCases.filter { counts[$0, default: 0] == 0 && Self.unreachable[$0] == nil }
    #expect(missed == [], "rules that nothing exercises: \(missed.map(\.name))")
    let reached = Self.unreachable.keys.filter { counts[$0, default: 0] > 0 }
    #expect(reached == [], "rules that are listed as unreachable and were reached")
  }
}
