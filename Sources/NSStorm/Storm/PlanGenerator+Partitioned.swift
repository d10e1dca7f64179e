import StormEngine
import StormVocabulary

// Partitioned phases: the same random calls as in sequential ones, by several processes at once, each in a file system of
// its own that is its root.

extension PlanGenerator {
  mutating func prepare(_ phase: PartitionedPhase) {
    clearStage()
    for number in 0..<phase.parts { act(0, .mkdir(.path(partPath(number))), .preparation) }
  }

  mutating func clear(_ phase: PartitionedPhase) {
    for number in 0..<phase.parts { act(0, .rmdir(.path(partPath(number))), .preparation) }
  }

  mutating func planRound(_ phase: PartitionedPhase) {
    // The choice of calls asks the phase that is current; a step of a volley is none of the phase's own steps.
    body = phase.body
    defer {
      body = nil
      onlyActor = nil
    }
    var processes: [NamespaceNumber] = []
    for number in 0..<phase.parts {
      let process = freeNamespace()
      act(0, .unshare(namespace: process, newUser: false), .preparation)
      if phase.sharesNamespace { act(process, .setns(0), .preparation) }
      confine(process, to: partPath(number))
      processes.append(process)
    }
    let programs = processes.map { process in
      program(of: process, calls: phase.calls, phase.body)
    }
    pending.append(.volley(Volley(programs: programs, assault: .divided)))
    for process in processes { act(process, .exit, .preparation) }
    guard phase.sharesNamespace else { return }
    for number in 0..<phase.parts {
      act(0, .umount2(.path(partPath(number)), .detach), .preparation)
    }
  }

  private func partPath(_ number: Int) -> String { "/part\(number)" }

  private mutating func confine(_ process: NamespaceNumber, to place: String) {
    act(process, .tmpfs(newSource(), on: place), .preparation)
    act(process, .chroot(.path(place)), .preparation)
    act(process, .chdir("/"), .preparation)
    for name in names { act(process, .mkdir(.path("/\(name)")), .preparation) }
  }

  /// Random calls of one process; what they decide together comes whole, so there may be a few more.
  private mutating func program(
    of process: NamespaceNumber, calls: Int, _ body: SequentialPhase
  ) -> Volley.Program {
    onlyActor = process
    let first = pending.count
    while pending.count - first < calls { single(body) }
    let operations = pending[first...].compactMap { item -> Operation? in
      if case .step(let step) = item { step.operation } else { nil }
    }
    pending.removeLast(pending.count - first)
    return Volley.Program(actor: process, operations: operations)
  }
}
