import StormEngine
import StormVocabulary

// Mass phases: everything is made step by step, then umounted at once.

extension PlanGenerator {
  mutating func plan(_ phase: BlastPhase) {
    clear()
    let base = nextPlace()
    act(0, .mkdir(.path(base)), .preparation)
    act(0, .tmpfs(newSource(), on: base), .preparation)
    for index in 0..<phase.mountsPerNamespace {
      act(0, .mkdir(.path("\(base)/m\(index)")), .preparation)
    }
    act(0, .change(base, to: .shared), .preparation)
    for number in 1..<max(phase.namespaces, 1) {
      act(0, .unshare(namespace: number, newUser: false), .preparation)
    }
    for _ in 0..<phase.rounds {
      for index in 0..<phase.mountsPerNamespace {
        act(0, .tmpfs("m\(index)", on: "\(base)/m\(index)"), .preparation)
      }
      fire(volley(phase, base: base))
    }
  }

  /// Namespace 0 alone, with its root alone.
  mutating func clear() {
    for process in model.livingProcesses where process != 0 { act(process, .exit, .preparation) }
    for slot in actors.openSlots(of: 0) { act(0, .close(slot), .preparation) }
    act(0, .chdir("/"), .preparation)
    while let top = table(of: 0).entries.first,
      let child = table(of: 0).entries.first(where: { $0.parent == top.id })
    {
      guard act(0, .umount2(.path(child.mountpoint), .detach), .preparation) == .none else {
        return
      }
    }
  }

  private mutating func nextPlace() -> String {
    defer { nextStage += 1 }
    return "/storm\(nextStage)"
  }

  private mutating func volley(_ phase: BlastPhase, base: String) -> Volley {
    var programs = (0..<phase.workers).map {
      Volley.Program(actor: $0 * phase.namespaces / phase.workers, operations: [])
    }
    for index in 0..<phase.mountsPerNamespace {
      for worker in programs.indices {
        guard phase.assault == .racing || index % phase.workers == worker else { continue }
        programs[worker].operations.append(
          .umount2(.path("\(base)/m\(index)"), umountFlags(phase.umount)))
      }
    }
    if phase.assault == .racing {
      for worker in programs.indices { programs[worker].operations.shuffle(using: &random) }
    }
    return Volley(
      programs: programs.filter { !$0.operations.isEmpty }, assault: phase.assault)
  }

  private mutating func umountFlags(_ kind: BlastPhase.UmountKind) -> UmountFlags {
    switch kind {
    case .sync: []
    case .detach: .detach
    case .mix: random.one(in: 2) ? .detach : []
    }
  }

  /// Any serial order leads to the same tables; the model takes one program after the other.
  private mutating func fire(_ volley: Volley) {
    for program in volley.programs {
      for operation in program.operations { _ = model.perform(operation, by: program.actor) }
    }
    refreshTables()
    pending.append(.volley(volley))
  }
}
