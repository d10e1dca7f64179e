import StormEngine
import StormVocabulary
import Testing

@testable import StormPlanning

@Suite struct RacePlanTests {
  private func profile(_ body: Phase.Body) -> Profile {
    var limits = Profile.Limits()
    limits.mountsPerNamespace = 400
    return Profile(
      name: "test", summary: "s", rules: KernelRelease(6, 18), seed: Seed(rawValue: 3),
      limits: limits, phases: [Phase(name: "p", verification: .end, body: body)])
  }

  private func contended() -> ContendedPhase {
    var phase = ContendedPhase()
    phase.rounds = 3
    phase.windows = 4
    phase.processes = 2
    phase.threads = 2
    phase.bystanders = 1
    phase.mountsBefore = 2
    phase.walkers = ContendedPhase.Walkers(count: 2, paths: 5)
    return phase
  }

  @Test func `the same seed races the same calls, another one others`() throws {
    let one = try Plan(profile: profile(.contended(contended())))
    let again = try Plan(profile: profile(.contended(contended())))
    let other = try Plan(profile: profile(.contended(contended())), seed: Seed(rawValue: 4))
    #expect(one == again)
    #expect(one.items != other.items)
  }

  @Test func `each round ends in the state that it began in, whatever raced`() throws {
    let plan = try Plan(profile: profile(.contended(contended())))
    let rules = try #require(KernelRules(release: plan.rules))
    // Nothing that races is performed in one prediction, everything in the other.
    var without = Predictor(rules: rules)
    var with = Predictor(rules: rules)
    var races = 0
    for item in plan.items {
      switch item {
      case .step(let step):
        let one = without.perform(step.operation, by: step.actor).answer
        let other = with.perform(step.operation, by: step.actor).answer
        #expect(one == other && one == .none, "\(step.operation) by \(step.actor)")
      case .race(let race):
        races += 1
        #expect(race.workers.count == 8 && race.programs.count == 8 && race.walks.count == 2)
        #expect(race.programs.allSatisfy { $0.count == 4 })
        for (worker, program) in zip(race.workers, race.programs) {
          for call in program { _ = with.perform(call.operation, by: worker.process) }
        }
      case .phase, .volley, .release: break
      }
    }
    #expect(races == 12)
    #expect(without.table(of: 0).entries.count == 1 && with.table(of: 0).entries.count == 1)
    #expect(with.living == [0])
  }

  @Test func `threads of one process share its number, processes of one namespace do not`() throws {
    let plan = try Plan(profile: profile(.contended(contended())))
    let race = try #require(
      plan.items.lazy.compactMap { if case .race(let race) = $0 { race } else { nil } }.first)
    #expect(Set(race.workers.map(\.process)).count == 4)
    #expect(race.workers.count { $0.thread == 1 } == 4)
    #expect(race.walks.allSatisfy { $0.worker.thread >= 2 })
    let joins = plan.steps.filter { if case .setns = $0.operation { true } else { false } }
    #expect(joins.count == 2 * 3)
  }

  @Test(arguments: [false, true])
  func `parts of a partitioned phase answer the same in any order`(sharesNamespace: Bool) throws {
    var phase = PartitionedPhase()
    phase.rounds = 4
    phase.parts = 3
    phase.calls = 60
    phase.sharesNamespace = sharesNamespace
    let plan = try Plan(profile: profile(.partitioned(phase)))
    let rules = try #require(KernelRules(release: plan.rules))
    var answers: [[[Errno]]] = [[], [], []]
    for order in 0..<3 {
      var predictor = Predictor(rules: rules)
      for item in plan.items {
        switch item {
        case .step(let step): _ = predictor.perform(step.operation, by: step.actor)
        case .volley(let volley): answers[order] += perform(volley, in: order, &predictor)
        case .phase, .race, .release: break
        }
      }
    }
    #expect(answers[0].count == 12 && answers[0].allSatisfy { $0.count >= 60 })
    #expect(answers[0] == answers[1])
    #expect(answers[0] == answers[2])
    #expect(Set(answers[0].joined()).count > 4)
  }

  /// One part after the other, the last part first, or one call of each in turn.
  private func perform(
    _ volley: Volley, in order: Int, _ predictor: inout Predictor
  ) -> [[Errno]] {
    var answers: [[Errno]] = volley.programs.map { _ in [] }
    let parts = Array(volley.programs.indices)
    if order == 2 {
      for number in 0..<(volley.programs.map(\.operations.count).max() ?? 0) {
        for part in parts where number < volley.programs[part].operations.count {
          let program = volley.programs[part]
          answers[part].append(
            predictor.perform(program.operations[number], by: program.actor).answer)
        }
      }
    } else {
      for part in order == 0 ? parts : parts.reversed() {
        for operation in volley.programs[part].operations {
          answers[part].append(
            predictor.perform(operation, by: volley.programs[part].actor).answer)
        }
      }
    }
    return answers
  }
}
