import StormEngine
import StormVocabulary
import Testing

@testable import StormPlanning

private func shipped(_ name: String) throws -> Profile {
  try ProfileLibrary(folders: [shippedProfiles]).load(name)
}

/// A sequential profile of so many steps, everything switched on.
private func profile(steps: Int, shapeShare: Double = 0.2) -> Profile {
  var phase = SequentialPhase(length: .steps(steps))
  phase.shapeShare = shapeShare
  phase.startNamespaces = 4
  var limits = Profile.Limits()
  limits.namespaces = 8
  limits.mountsPerNamespace = 60
  limits.mounts = 400
  return Profile(
    name: "test", summary: "test", rules: KernelRelease(6, 18), seed: Seed(rawValue: 1),
    limits: limits,
    phases: [Phase(name: "all", verification: .everyStep, body: .sequential(phase))])
}

@Suite struct PlanTests {
  @Test func `the same seed gives the same plan, another seed another one`() throws {
    let profile = profile(steps: 400)
    let plan = try Plan(profile: profile, seed: Seed(rawValue: 9))
    #expect(try Plan(profile: profile, seed: Seed(rawValue: 9)) == plan)
    #expect(try Plan(profile: profile, seed: Seed(rawValue: 10)).items != plan.items)
  }

  @Test func `the plan knows the mount limit of its profile, and meets it`() throws {
    var profile = profile(steps: 400)
    #expect(!(try Plan(profile: profile).steps.contains { $0.plannedAnswer == .noSpace }))
    profile.limits.mountLimit = 4
    let refused = try Plan(profile: profile).steps.count { $0.plannedAnswer == .noSpace }
    #expect(refused > 5)
  }

  @Test func `a phase has its steps, and at most one more decision`() throws {
    for steps in [1, 50, 300] {
      let count = try Plan(profile: profile(steps: steps)).steps.count
      #expect(count >= steps && count < steps + 80)
    }
  }

  @Test func `a profile that is made longer begins with the same calls`() throws {
    let profile = profile(steps: 100)
    let longer = try Plan(profile: profile.extended(toSteps: 300))
    let own = try Plan(profile: profile)
    #expect(longer.steps.count >= 300)
    #expect(Array(longer.steps.prefix(100)) == Array(own.steps.prefix(100)))
    #expect(profile.extended(toSteps: 50) == profile)
  }

  @Test func `a phase bounded by time begins with the same calls, however long it lasts`() throws {
    var timed = profile(steps: 1)
    guard case .sequential(var body) = timed.phases[0].body else { return }
    body.length = .duration(.seconds(5))
    timed.phases[0].body = .sequential(body)
    let short = try Plan(profile: timed, durationSteps: 50)
    let long = try Plan(profile: timed, durationSteps: 200)
    #expect(short.steps.count >= 50 && long.steps.count >= 200)
    #expect(Array(long.steps.prefix(50)) == Array(short.steps.prefix(50)))
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `planned answers are those of an engine that never looked ahead, its invariants unbroken`(
    seed: UInt64
  ) throws {
    let plan = try Plan(profile: profile(steps: 600), seed: Seed(rawValue: seed))
    let rules = try #require(KernelRules(release: plan.rules))
    var predictor = Predictor(rules: rules)
    for (number, step) in plan.steps.enumerated() {
      let prediction = predictor.perform(step.operation, by: step.actor)
      try #require(
        prediction.answer == step.plannedAnswer,
        "step \(number): \(step.operation) by \(step.actor)")
      let violations = predictor.model.violatedInvariants()
      try #require(violations.isEmpty, "step \(number): \(step.operation): \(violations)")
    }
  }

  @Test func `limits hold at every step`() throws {
    let profile = profile(steps: 2_400)
    let plan = try Plan(profile: profile, seed: Seed(rawValue: 5))
    var predictor = Predictor(rules: try #require(KernelRules(release: plan.rules)))
    var most = 0
    for step in plan.steps {
      _ = predictor.perform(step.operation, by: step.actor)
      #expect(predictor.living.count <= profile.limits.namespaces)
      for namespace in predictor.living {
        most = max(most, predictor.table(of: namespace).entries.count)
      }
    }
    #expect(most <= profile.limits.mountsPerNamespace)
    #expect(most > profile.limits.mountsPerNamespace / 3, "the limits were never near")
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `the default profile is worth its name under every seed`(seed: UInt64) throws {
    let profile = try shipped("first-storm")
    let plan = try Plan(profile: profile, seed: Seed(rawValue: seed))
    var predictor = Predictor(rules: try #require(KernelRules(release: plan.rules)))
    var answers: [Errno: Int] = [:]
    var namespaces: Set<NamespaceNumber> = []
    var copies = 0
    var entries = 0
    for step in plan.steps {
      let prediction = predictor.perform(step.operation, by: step.actor)
      answers[prediction.answer, default: 0] += 1
      namespaces.formUnion(predictor.living)
      copies += prediction.copiesMade
      entries += prediction.changed.reduce(0) { $0 + predictor.table(of: $1).entries.count }
    }
    let calls = plan.steps.count
    let succeeded = Double(answers[.none] ?? 0) / Double(calls)
    #expect(calls >= 2_000)
    #expect(namespaces.count >= 8)
    #expect((0.4...0.9).contains(succeeded))
    #expect(answers.count - 1 >= 8, "errnos: \(answers)")
    #expect(copies >= 5_000)
    #expect(entries >= 20_000)
  }

  @Test(arguments: ShapeKind.allCases)
  func `each shape is played to its end`(kind: ShapeKind) throws {
    var profile = profile(steps: 400, shapeShare: 1)
    // Under the newest rules every shape has its calls.
    profile.rules = KernelRelease(7, 3, 4)
    guard case .sequential(var body) = profile.phases[0].body else { return }
    body.shapes = Weights([.init(kind, 1)])
    profile.phases[0].body = .sequential(body)
    let plan = try Plan(profile: profile, seed: Seed(rawValue: 2))
    let played = plan.steps.filter { $0.origin == .shape(kind) }
    let succeeded = played.filter { $0.plannedAnswer == .none }
    #expect(played.count > 200)
    #expect(
      succeeded.count * 2 > played.count, "most of \(kind) fails: it does not do what it says")
  }

  @Test
  func `a mass phase umounts every mount once where it is divided, by everyone where it races`()
    throws
  {
    let profile = try shipped("mass-detach")
    let plan = try Plan(profile: profile)
    let volleys = plan.items.compactMap { if case .volley(let volley) = $0 { volley } else { nil } }
    #expect(volleys.map(\.assault) == [.divided, .racing])
    let targets = volleys[0].programs.flatMap(\.operations)
    #expect(Set(targets).count == 100 && targets.count == 100)
    #expect(
      volleys[1].programs.allSatisfy {
        Set($0.operations) == Set(volleys[1].programs[0].operations)
      })
    #expect(volleys[1].programs.count == 8)
    #expect(Set(volleys[0].programs.map(\.actor)).count == volleys[0].programs.count)
  }

  @Test func `after a divided volley every table is as before the mounts were made`() throws {
    let plan = try Plan(profile: try shipped("mass-umount"))
    var predictor = Predictor(rules: try #require(KernelRules(release: plan.rules)))
    var largest = 0
    for item in plan.items {
      switch item {
      case .phase, .release: break
      case .step(let step):
        #expect(predictor.perform(step.operation, by: step.actor).answer == .none)
      case .volley(let volley):
        largest = predictor.entryCount
        let prediction = predictor.perform(volley)
        #expect(prediction.copiesTaken == 199 * 100)
      case .race: Issue.record("a blast does not race")
      }
    }
    #expect(largest == 200 * 102)
    #expect(predictor.entryCount == 200 * 2)
  }
}
