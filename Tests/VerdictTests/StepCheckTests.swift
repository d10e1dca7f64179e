import StormEngine
import StormVerdict
import StormVocabulary
import Testing

/// A kernel that behaves as the engine does, under numbers of its own that are used again as a kernel's are.
private struct PretendedKernel: ~Copyable {
  private var model: MountModel
  private var numbers: [UInt64: UInt64] = [:]
  private var step = 0

  init(_ rules: KernelRules) {
    model = MountModel(rules: rules)
  }

  var living: [NamespaceNumber] { model.livingProcesses }

  mutating func tables() -> [NamespaceTable] {
    var tables = model.livingProcesses.map {
      NamespaceTable(namespace: $0, table: model.table(seenBy: $0))
    }
    let present = Set(tables.flatMap { $0.table.entries.map(\.id) })
    numbers = numbers.filter { present.contains($0.key) }
    var taken = Set(numbers.values)
    // Ids are the lowest that are free.
    for id in present.sorted() where numbers[id] == nil {
      let free = (60...).first { !taken.contains($0) } ?? 0
      numbers[id] = free
      taken.insert(free)
    }
    for index in tables.indices {
      for line in tables[index].table.entries.indices {
        let entry = tables[index].table.entries[line]
        tables[index].table.entries[line].id = numbers[entry.id] ?? 0
        tables[index].table.entries[line].parent = numbers[entry.parent] ?? 7
      }
    }
    return tables
  }

  mutating func perform(_ operation: Operation, in namespace: Int) -> ObservedStep {
    step += 1
    let result = model.perform(operation, by: namespace)
    return ObservedStep(
      number: step, namespace: namespace, operation: operation, result: result)
  }
}

private func start() throws -> (KernelRules, MountTable) {
  let rules = try #require(KernelRules(release: KernelRelease(6, 18, 15)))
  let table = MountModel(rules: rules).table(seenBy: 0)
  return (rules, table)
}

private func tmpfs(_ target: PathArgument) -> Operation {
  .mount(MountCall(type: "tmpfs", source: "t", target: target))
}

private func umount(_ target: PathArgument) -> Operation { .umount2(target, []) }

@Suite struct `judging a history` {
  @Test func `company can have met only what its own paths cross`() throws {
    let (rules, table) = try start()
    var check = StepCheck(rules: rules, initialTable: table)
    for operation: Operation in [
      .mkdir("/a"), .mkdir("/ab"), tmpfs("/a"), .mkdir("/a/b"), tmpfs("/a/b"), tmpfs("/ab"),
    ] { #expect(check.predict(operation, in: 0).errno == .none) }
    #expect(check.predict(.unshare(namespace: 1, newUser: false), in: 0).errno == .none)
    for (path, process, expected) in [
      ("/a/b", 0, true), ("/a/b/none", 0, true),
      // Above it, beside it, and in a copy whose references no busy check of it looks at.
      ("/a", 0, false), ("/ab", 0, false), ("/a/b", 1, false),
    ] {
      let found = check.canBeMet(umount("/a/b"), in: 0, by: [(process, .path(path))])
      #expect(found == expected, "\(path) in \(process)")
    }
    let alone = check.canBeMet(umount("/a/b"), in: 0, by: [])
    #expect(!alone)
    // A question leaves everything as it was.
    #expect(check.predict(umount("/a/b"), in: 0).errno == .none)
  }

  @Test func `tables that are read only now and then agree, though numbers were used again`() throws
  {
    let (rules, table) = try start()
    var kernel = PretendedKernel(rules)
    var check = StepCheck(rules: rules, initialTable: table)
    let first = kernel.tables()
    #expect(check.begin(first[0].table) == nil)
    let round: [Operation] = [
      .mkdir("/a"), .mkdir("/b"), tmpfs("/a"), tmpfs("/b"), umount("/a"), tmpfs("/a"),
      umount("/b"), umount("/b"), tmpfs("/b"),
    ]
    for number in 0..<6 {
      for operation in round {
        let step = kernel.perform(operation, in: 0)
        let prediction = check.predict(operation, in: 0)
        #expect(prediction.errno == step.result)
        #expect(check.compareAnswer(step) == nil)
      }
      #expect(
        check.compare(tables: kernel.tables(), asStep: number, isComplete: true) == nil)
      #expect(check.standing == .inStep)
    }
    #expect(check.tally.errnos == 6 * round.count)
    #expect(check.tally.mounts > 6)
  }

  @Test func `calls that are only predicted leave nothing behind at the next quiescent point`()
    throws
  {
    let (rules, table) = try start()
    var kernel = PretendedKernel(rules)
    var check = StepCheck(rules: rules, initialTable: table)
    #expect(check.begin(kernel.tables()[0].table) == nil)
    let round: [(Int, Operation)] = [
      (0, .mkdir("/a")), (0, .unshare(namespace: 1, newUser: false)), (1, tmpfs("/a")),
      (1, .exit), (0, tmpfs("/a")), (0, .unshare(namespace: 2, newUser: false)),
      (2, umount("/a")), (2, tmpfs("/a")), (0, umount("/a")),
    ]
    for number in 0..<4 {
      for (namespace, operation) in round {
        let step = kernel.perform(operation, in: namespace)
        #expect(check.predict(operation, in: namespace).errno == step.result)
      }
      #expect(check.compare(tables: kernel.tables(), asStep: number, isComplete: true) == nil)
      let exit = kernel.perform(.exit, in: 2)
      #expect(check.judge(exit) == nil)
    }
    #expect(check.livingNamespaces == [0])
  }

  @Test func `a wrong table at a quiescent point is found`() throws {
    let (rules, table) = try start()
    var kernel = PretendedKernel(rules)
    var check = StepCheck(rules: rules, initialTable: table)
    #expect(check.begin(kernel.tables()[0].table) == nil)
    for operation in [Operation.mkdir("/a"), tmpfs("/a")] {
      let step = kernel.perform(operation, in: 0)
      _ = check.predict(operation, in: 0)
      #expect(check.compareAnswer(step) == nil)
    }
    var tables = kernel.tables()
    tables[0].table.entries.removeLast()
    let divergence = check.compare(tables: tables, asStep: 99, isComplete: true)
    #expect(divergence?.signature == "tables: missing mount")
    #expect(check.standing == .doubtful(since: 99))
    // The same difference is no news; a table that is right again ends the doubt.
    #expect(check.compare(tables: tables, asStep: 100, isComplete: true) == nil)
    #expect(check.compare(tables: kernel.tables(), asStep: 101, isComplete: true) == nil)
    #expect(check.standing == .inStep)
  }

  @Test func `a namespace whose table is missing at a quiescent point is named`() throws {
    let (rules, table) = try start()
    var kernel = PretendedKernel(rules)
    var check = StepCheck(rules: rules, initialTable: table)
    #expect(check.begin(kernel.tables()[0].table) == nil)
    let operation = Operation.unshare(namespace: 1, newUser: false)
    let step = kernel.perform(operation, in: 0)
    #expect(check.predict(operation, in: 0).changed == [1])
    #expect(check.compareAnswer(step) == nil)
    let divergence = check.compare(
      tables: [kernel.tables()[0]], asStep: 5, isComplete: true)
    #expect(divergence?.tables.map(\.namespace) == [1])
    #expect(divergence?.tables.map(\.presence) == [.missingTable])
  }

  @Test func `a refusal that was not predicted is undone`() throws {
    let (rules, table) = try start()
    var kernel = PretendedKernel(rules)
    var check = StepCheck(rules: rules, initialTable: table)
    #expect(check.begin(kernel.tables()[0].table) == nil)
    _ = check.predict(.mkdir("/a"), in: 0)
    let refused = ObservedStep(
      number: 1, namespace: 0, operation: .mkdir("/a"), result: .noMemory)
    #expect(check.compareAnswer(refused)?.signature == "mkdir: predicted 0, observed ENOMEM")
    #expect(check.standing == .inStep)
    #expect(check.predict(.rmdir("/a"), in: 0).errno == .noSuchEntry)
  }
}
