import StormReclamation
import Testing

/// Findings that the independent model did not judge.
private let unjudged: Set<Finding> = [
  .paysGracePeriodSync, .paysGracePeriodLazy, .openQueue, .busyDeadOwner,
]

@Suite struct ReleaseGoldenTests {
  @Test(arguments: ReleaseGolden.rows)
  func `every design violates what the independent model violates, as soon`(
    row: ReleaseGolden.Row
  ) throws {
    let design = try #require(Design.named(row.design))
    let system = ReleaseSystem(design: design, scenario: try Scenario(parsing: row.scenario))
    let result = Explorer(system).explore()
    #expect(result.stopped == nil)
    var found: [String: Int] = [:]
    for (finding, example) in result.counterexamples where !unjudged.contains(finding) {
      found[finding.tag] = example.length
    }
    let finer = ReleaseGolden.finer["\(row)"] ?? [:]
    #expect(found == row.findings.merging(finer) { _, ours in ours })
  }

  @Test(arguments: ReleaseGolden.rows)
  func `a counterexample replays to its violation`(row: ReleaseGolden.Row) throws {
    let design = try #require(Design.named(row.design))
    let system = ReleaseSystem(design: design, scenario: try Scenario(parsing: row.scenario))
    let result = Explorer(system).explore()
    for (finding, example) in result.counterexamples {
      let trace = try Trace(replaying: example.actions, in: system)
      #expect(trace.steps.count == example.length)
      #expect(trace.shows(finding), "\(finding.tag)")
    }
  }
}
