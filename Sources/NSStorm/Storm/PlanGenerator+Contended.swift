import StormEngine
import StormVocabulary

// Contended phases. What races is drawn from the seed alone: nobody knows what stands when a call is made.

extension PlanGenerator {
  private static var arena: String { "/race" }

  mutating func prepare(_ phase: ContendedPhase) {
    clearStage()
    act(0, .mkdir(.path(Self.arena)), .preparation)
  }

  mutating func clear(_ phase: ContendedPhase) {
    act(0, .rmdir(.path(Self.arena)), .preparation)
  }

  mutating func planRound(_ round: Int, _ phase: ContendedPhase) {
    let processes = prepareRound(phase)
    for window in 0..<phase.windows {
      let race = self.race(phase, processes: processes, round: round, window: window)
      fire(race)
      pending.append(.race(race))
    }
    for process in model.livingProcesses where process != 0 {
      act(process, .exit, .preparation)
    }
    act(0, .umount2(.path(Self.arena), .detach), .preparation)
  }

  /// A tree in each namespace; the processes that race.
  private mutating func prepareRound(_ phase: ContendedPhase) -> [NamespaceNumber] {
    act(0, .tmpfs(newSource(), on: Self.arena), .preparation)
    for place in 0..<phase.places {
      act(0, .mkdir(.path(path(place))), .preparation)
      act(0, .mkdir(.path("\(path(place))/x")), .preparation)
    }
    if phase.isShared { act(0, .change(Self.arena, to: .shared), .preparation) }
    var processes: [NamespaceNumber] = []
    for _ in 0..<phase.namespaces {
      let first = freeNamespace()
      act(0, .unshare(namespace: first, newUser: false), .preparation)
      processes.append(first)
      for _ in 1..<max(phase.processes, 1) {
        let further = freeNamespace()
        act(first, .unshare(namespace: further, newUser: false), .preparation)
        act(further, .setns(first), .preparation)
        processes.append(further)
      }
    }
    for _ in 0..<phase.bystanders {
      act(0, .unshare(namespace: freeNamespace(), newUser: false), .preparation)
    }
    if phase.holdsPlace, let holder = processes.first {
      act(holder, .tmpfs(newSource(), on: path(0)), .preparation)
      act(holder, .open(.path(path(0)), .path, Self.heldSlot), .preparation)
    }
    return processes
  }

  private func path(_ place: Int) -> String { "\(Self.arena)/p\(place)" }

  private static var heldSlot: DescriptorSlot { 0 }

  private mutating func race(
    _ phase: ContendedPhase, processes: [NamespaceNumber], round: Int, window: Int
  ) -> Race {
    var workers: [Race.Worker] = []
    for thread in 0..<phase.threads {
      for process in processes {
        workers.append(
          Race.Worker(
            process: process, thread: thread, cpu: cpu(workers.count, phase),
            priority: priority(workers.count, phase)))
      }
    }
    let name = "r\(round)w\(window)"
    let prelude = (0..<phase.mountsBefore).map { number in
      Race.Prelude(
        worker: number % workers.count,
        operation: .tmpfs("\(name)b\(number)", on: path((window + number) % phase.places)))
    }
    let programs = workers.indices.map { worker in
      (0..<phase.calls).map { number in
        Race.Call(
          operation: operation(
            phase, named: "\(name)n\(worker)c\(number)", slot: 1 + worker % 8),
          delayNanoseconds: phase.jitterNanoseconds == 0
            ? 0 : UInt32(random.next(below: Int(phase.jitterNanoseconds) + 1)))
      }
    }
    return Race(
      round: round, workers: workers, prelude: prelude, programs: programs,
      walks: walks(phase, processes: processes, workers: workers.count))
  }

  private func cpu(_ worker: Int, _ phase: ContendedPhase) -> Int? {
    // Which CPUs there are is known to the machine that runs the plan; it takes the number modulo theirs.
    phase.isPinned ? worker : nil
  }

  private func priority(_ worker: Int, _ phase: ContendedPhase) -> Int {
    phase.priorities.isEmpty ? 0 : phase.priorities[worker % phase.priorities.count]
  }

  private mutating func operation(
    _ phase: ContendedPhase, named name: String, slot: DescriptorSlot
  ) -> Operation {
    let number = random.next(below: phase.places)
    let place = path(number)
    // Another one where there is one; a bind onto itself makes stacks.
    let other = path(
      phase.places == 1 ? 0 : (number + 1 + random.next(below: phase.places - 1)) % phase.places)
    switch phase.weights.draw(using: &random) ?? .umount {
    case .tmpfs: return .tmpfs(name, on: place)
    case .bind: return .bind(place, to: other, recursive: false)
    case .rbind: return .bind(place, to: other, recursive: true)
    case .move: return .move(place, to: other)
    case .propagation:
      let types: [PropagationType] = [.shared, .private, .slave]
      return .change(place, to: types[random.next(below: types.count)])
    case .remount:
      return .mount(
        MountCall(
          target: .path(place),
          flags: random.one(in: 2) ? [.remount, .bind, .noExecute] : [.remount, .bind]))
    case .umount: return .umount2(.path(place), [])
    case .umountDetach: return .umount2(.path(place), .detach)
    case .stat: return .stat(.path(place + "/x"))
    case .open: return .open(.path(place), .path, slot)
    case .close: return .close(slot)
    case .reopen: return .open(.descriptor(Self.heldSlot), .path, slot)
    case .mkdir: return .mkdir(.path(place + "/x"))
    case .rmdir: return .rmdir(.path(place + "/x"))
    }
  }

  private mutating func walks(
    _ phase: ContendedPhase, processes: [NamespaceNumber], workers: Int
  ) -> [Race.Walk] {
    guard let walkers = phase.walkers else { return [] }
    return (0..<walkers.count).map { number in
      var operations: [Operation] = []
      for name in 0..<walkers.paths {
        for place in 0..<phase.places {
          let path = PathArgument.path("\(path(place))/n\(name)")
          operations.append(
            random.chance(walkers.openShare)
              ? .open(path, .path, Self.walkerSlot + number) : .stat(path))
        }
      }
      // Threads of the racing processes would share their descriptors; walkers only need the tree.
      let process = processes[number % processes.count]
      return Race.Walk(
        worker: Race.Worker(
          process: process, thread: phase.threads + number / processes.count,
          cpu: cpu(workers + number, phase), priority: 0),
        operations: operations,
        crossings: (0..<phase.places).map { "\(path($0))/n" })
    }
  }

  private static var walkerSlot: DescriptorSlot { 40 }

  /// Any order will do: what is planned does not depend on it, and the round's end removes everything.
  private mutating func fire(_ race: Race) {
    for call in race.prelude {
      _ = model.perform(call.operation, by: race.workers[call.worker].process)
    }
    let longest = race.programs.map(\.count).max() ?? 0
    for number in 0..<longest {
      for (worker, program) in race.programs.enumerated() where number < program.count {
        _ = model.perform(program[number].operation, by: race.workers[worker].process)
      }
    }
    refreshTables()
  }
}
