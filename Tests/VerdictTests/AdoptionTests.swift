import StormEngine
import StormPlanning
import StormVocabulary
import Testing

@testable import StormVerdict

/// A kernel that now and then does more than it was told, and a check that has to believe it.
@Suite struct `taking the kernel's tables over` {
  /// Calls that a sandbox makes, without shapes.
  private static func steps(seed: UInt64) throws -> [PlannedStep] {
    var phase = SequentialPhase(length: .steps(500))
    phase.indirectShare = 0
    let profile = Profile(
      name: "t", summary: "t", rules: KernelRelease(6, 18), seed: Seed(rawValue: seed),
      phases: [Phase(name: "t", verification: .everyStep, body: .sequential(phase))])
    return try Plan(profile: profile).steps
  }

  /// Something that shows in tables alone.
  private static func secret(
    in kernel: borrowing MountModel, _ random: inout SeededGenerator, _ number: Int
  ) -> (operation: StormVocabulary.Operation, actor: Int)? {
    let living = kernel.livingProcesses
    let actor = living[random.next(below: living.count)]
    let entries = kernel.table(seenBy: actor).entries.filter { $0.mountpoint != "/" }
    guard !entries.isEmpty else { return nil }
    let place = entries[random.next(below: entries.count)].mountpoint
    let types: [MountFlags] = [.shared, .private, .slave, .unbindable]
    switch random.next(below: 5) {
    case 0: return (.umount2(.path(place), .detach), actor)
    case 1:
      return (
        .mount(
          MountCall(type: "tmpfs", source: .path("secret\(number)"), target: .path(place))), actor
      )
    case 2:
      return (
        .mount(MountCall(target: .path(place), flags: [.remount, .bind, .noExecute])), actor
      )
    case 3:
      return (
        .mount(MountCall(source: .path(place), target: .path(place), flags: .bind)), actor
      )
    default:
      return (
        .mount(MountCall(target: .path(place), flags: types[random.next(below: types.count)])),
        actor
      )
    }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `after a secret call the check is in step again and sees no more than that`(
    seed: UInt64
  ) throws {
    let rules = try #require(KernelRules(release: KernelRelease(6, 18, 44)))
    var kernel = MountModel(rules: rules)
    var check = StepCheck(rules: rules, initialTable: kernel.table(seenBy: 0))
    #expect(check.begin(kernel.table(seenBy: 0)) == nil)
    var random = SeededGenerator(seed: seed)
    var last: [NamespaceNumber: MountTable] = [0: kernel.table(seenBy: 0)]
    var secrets = 0
    for (number, step) in try Self.steps(seed: seed).enumerated()
    where kernel.isAlive(step.actor) {
      _ = check.predict(step.operation, in: step.actor)
      var observed = ObservedStep(
        number: number, namespace: step.actor, operation: step.operation,
        result: kernel.perform(step.operation, by: step.actor))
      let before = kernel.livingProcesses.map { kernel.table(seenBy: $0) }
      if number % 25 == 24, let (operation, actor) = Self.secret(in: kernel, &random, number) {
        _ = kernel.perform(operation, by: actor)
      }
      let isSecret = kernel.livingProcesses.map { kernel.table(seenBy: $0) } != before
      for process in kernel.livingProcesses {
        let table = kernel.table(seenBy: process)
        if last[process] != table {
          observed.tables.append(NamespaceTable(namespace: process, table: table))
        }
        last[process] = table
      }
      for process in last.keys where !kernel.isAlive(process) { last[process] = nil }
      let divergence = check.compare(observed)
      guard let divergence else { continue }
      #expect(isSecret, "\(divergence)")
      let isAdopted = check.adopt()
      #expect(isAdopted, "\(divergence)")
      #expect(check.standing == .inStep)
      let violations = check.model.violatedInvariants()
      #expect(violations == [])
      secrets += 1
      if !isSecret { return }
    }
    #expect(secrets >= 10)
    #expect(check.adoptions == secrets)
  }

  @Test func `what tables do not say is not guessed`() throws {
    let rules = try #require(KernelRules(release: KernelRelease(6, 18, 44)))
    let kernel = MountModel(rules: rules)
    var check = StepCheck(rules: rules, initialTable: kernel.table(seenBy: 0))
    #expect(check.begin(kernel.table(seenBy: 0)) == nil)
    // The kernel opened what the engine says is not there.
    _ = check.predict(.open("/none", .path, 1), in: 0)
    let opened = ObservedStep(
      number: 0, namespace: 0, operation: .open("/none", .path, 1), result: .none)
    #expect(check.compare(opened) != nil)
    let isAdopted = check.adopt()
    #expect(!isAdopted)
    #expect(check.standing == .doubtful(since: 0))
  }

  @Test func `a mount of a removed directory is not made up`() throws {
    let rules = try #require(KernelRules(release: KernelRelease(6, 18, 44)))
    let kernel = MountModel(rules: rules)
    var check = StepCheck(rules: rules, initialTable: kernel.table(seenBy: 0))
    var table = kernel.table(seenBy: 0)
    #expect(check.begin(table) == nil)
    var entry = table.entries[0]
    entry.parent = entry.id
    entry.id += 1
    entry.root = "/x//deleted"
    entry.mountpoint = "/y"
    table.entries.append(entry)
    _ = check.predict(.mkdir("/y"), in: 0)
    let observed = ObservedStep(
      number: 0, namespace: 0, operation: .mkdir("/y"), result: .none,
      tables: [NamespaceTable(namespace: 0, table: table)])
    #expect(check.compare(observed) != nil)
    let before = check.model.fingerprint()
    let isAdopted = check.adopt()
    #expect(!isAdopted)
    let after = check.model.fingerprint()
    #expect(after == before)
    #expect(check.standing == .doubtful(since: 0))
  }
}
