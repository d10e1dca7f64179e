import StormEngine
import StormVocabulary

// Mass phases: everything is made step by step, then umounted at once.

extension PlanGenerator {
  mutating func plan(_ phase: BlastPhase) {
    clearStage()
    let base = nextPlace()
    act(0, .mkdir(.path(base)), .preparation)
    act(0, .tmpfs(newSource(), on: base), .preparation)
    for tree in 0..<trees(phase) { act(0, .mkdir(.path("\(base)/m\(tree)")), .preparation) }
    act(0, .change(base, to: .shared), .preparation)
    prepareCompany(phase, base: base)
    for round in 0..<phase.rounds {
      if round == 0 || phase.umount == .exit {
        for number in 1..<max(phase.namespaces, 1) {
          act(0, .unshare(namespace: number, newUser: false), .preparation)
        }
      }
      for index in 0..<phase.mountsPerNamespace {
        let path = place(index, phase, base: base)
        act(0, .tmpfs("m\(index)", on: path), .preparation)
        if phase.depth > 1 { act(0, .mkdir(.path("\(path)/s")), .preparation) }
      }
      fire(volley(phase, base: base))
      // The namespaces are dead; what namespace 0 still has goes as well.
      guard phase.umount == .exit else { continue }
      for tree in 0..<trees(phase) {
        act(0, .umount2(.path("\(base)/m\(tree)"), .detach), .preparation)
      }
    }
  }

  /// Mounts stand in trees of `depth`, each in the only directory of the one below.
  private func place(_ index: Int, _ phase: BlastPhase, base: String) -> String {
    "\(base)/m\(index / phase.depth)"
      + String(repeating: "/s", count: index % phase.depth)
  }

  private func trees(_ phase: BlastPhase) -> Int {
    (phase.mountsPerNamespace + phase.depth - 1) / phase.depth
  }

  /// Namespace 0 alone, with its root alone.
  mutating func clearStage() {
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

  mutating func nextPlace() -> String {
    defer { nextStage += 1 }
    return "/storm\(nextStage)"
  }

  private mutating func volley(_ phase: BlastPhase, base: String) -> Volley {
    let first = phase.umount == .exit && phase.namespaces > 1 ? 1 : 0
    var programs = (0..<phase.workers).map {
      Volley.Program(
        actor: first + $0 * (phase.namespaces - first) / phase.workers, operations: [])
    }
    let all = (0..<phase.mountsPerNamespace).map { place($0, phase, base: base) }
    if phase.umount == .exit {
      for worker in programs.indices { programs[worker].operations = [.exit] }
    } else {
      for tree in 0..<trees(phase) {
        let mounts = all[(tree * phase.depth)..<min(all.count, (tree + 1) * phase.depth)]
        let paths = phase.aim == .tops ? Array(mounts.prefix(1)) : mounts.reversed()
        for worker in programs.indices {
          guard phase.assault == .racing || tree % phase.workers == worker else { continue }
          for path in paths {
            programs[worker].operations.append(.umount2(.path(path), umountFlags(phase.umount)))
          }
        }
      }
    }
    if phase.assault == .racing {
      for worker in programs.indices { programs[worker].operations.shuffle(using: &random) }
    }
    var volley = Volley(
      programs: programs.filter { !$0.operations.isEmpty }, assault: phase.assault)
    volley.company = company(phase, base: base, paths: all)
    volley.mayBeBusy = phase.company.holdsMounts
    volley.watched = all
    volley.released = phase.umount == .exit ? 0 : all.count
    volley.bound = phase.bound
    return volley
  }

  private mutating func umountFlags(_ kind: BlastPhase.UmountKind) -> UmountFlags {
    switch kind {
    case .sync, .exit: []
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
