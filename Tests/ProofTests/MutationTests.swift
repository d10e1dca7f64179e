import StormEngine
import StormScenario
import StormVocabulary
import Testing

/// Each rule broken on purpose must be noticed by the recorded traces or by a scenario. Needs a debug build, in which
/// mutations are honoured.
@Suite struct MutationTests {
  @Test(arguments: Mutation.allCases)
  func `a broken rule is noticed`(mutation: Mutation) throws {
    let witness = try Self.scenarioWitness(mutation) ?? Self.traceWitness(mutation)
    #expect(witness != nil, "nothing notices \(mutation)")
  }

  /// The first scenario whose transcript changes.
  static func scenarioWitness(_ mutation: Mutation) throws -> String? {
    for scenario in try Material.scenarios() where scenario.name != "E51" {
      var right = ScenarioRun(world: EngineWorld(rules: .newest))
      let world = EngineWorld(rules: .newest)
      world.model.breakOnPurpose(mutation)
      var wrong = ScenarioRun(world: world)
      if try right.run(scenario).lines != wrong.run(scenario).lines { return scenario.name }
    }
    return nil
  }

  /// The first trace at which errnos or tables part.
  static func traceWitness(_ mutation: Mutation) throws -> String? {
    for program in try Material.traces() {
      var right = Self.model(program)
      var wrong = Self.model(program)
      wrong.breakOnPurpose(mutation)
      for (process, operation) in program.calls {
        let expected = right.perform(operation, by: process)
        let answered = wrong.perform(operation, by: process)
        if expected != answered { return program.name }
        if Material.appearance(of: right) != Material.appearance(of: wrong) { return program.name }
      }
    }
    return nil
  }

  private static func model(_ program: Material.Program) -> MountModel {
    if let table = program.table { return MountModel(rules: program.rules, initialTable: table) }
    return MountModel(rules: program.rules)
  }
}
