public import StormEngine
public import StormVocabulary

/// Histories as racing workers would leave them, made by the engine itself: the points of their calls are interleaved
/// at random, so that an order which explains them is known to exist.
public struct ConcurrentSimulation: Sendable {
  /// A worker's calls, one after the other.
  public struct Program: Sendable {
    public var process: NamespaceNumber
    public var operations: [Operation]

    public init(process: NamespaceNumber, operations: [Operation]) {
      self.process = process
      self.operations = operations
    }
  }

  /// The chance that the worker that made the last point makes the next one as well: 0 mixes most.
  public var persistence = 0.5
  /// The chance that a walk stops between two components.
  public var walksInParts = 0.0
  private var generator: SeededGenerator

  public init(seed: UInt64) {
    generator = SeededGenerator(seed: seed)
  }

  private struct Worker {
    var process: NamespaceNumber
    var operations: ArraySlice<Operation>
    var call: CallInFlight?
    var start: UInt64 = 0
    var isReleased = false
  }

  /// Runs the programs against each other and leaves the model at the closing quiescent point.
  ///
  /// - Returns: the window with the answers, times in nanoseconds from `startNanoseconds` on, and the tables of all
  ///   processes at the end.
  public mutating func run(
    _ programs: [Program], startNanoseconds: UInt64 = 1_000, on model: inout MountModel
  ) -> ContendedWindow {
    var workers = programs.map { Worker(process: $0.process, operations: $0.operations[...]) }
    var calls: [ContendedWindow.Call] = []
    var now = startNanoseconds
    var last = 0
    while true {
      let busy = workers.indices.filter {
        workers[$0].call != nil || !workers[$0].operations.isEmpty
      }
      guard !busy.isEmpty else { break }
      if !busy.contains(last) || !generator.chance(persistence) {
        last = busy[generator.next(below: busy.count)]
      }
      now += UInt64(1 + generator.next(below: 50))
      advance(&workers[last], number: last, now: now, &calls, &model)
    }
    return ContendedWindow(
      calls: calls,
      tables: model.livingProcesses.map {
        NamespaceTable(namespace: $0, table: model.table(seenBy: $0))
      })
  }

  private mutating func advance(
    _ worker: inout Worker, number: Int, now: UInt64, _ calls: inout [ContendedWindow.Call],
    _ model: inout MountModel
  ) {
    guard var call = worker.call else {
      if let operation = worker.operations.popFirst() {
        worker.call = CallInFlight(operation, by: worker.process)
        worker.start = now
        worker.isReleased = false
      }
      return
    }
    switch model.nextPoint(of: call) {
    case .resolve:
      if !(generator.chance(walksInParts) && model.walkPoint(&call)) { model.resolvePoint(&call) }
    case .check: model.checkPoint(&call)
    case .commit: _ = model.commitPoint(&call)
    case .answered:
      guard worker.isReleased else {
        model.releasePoint(&call)
        worker.isReleased = true
        break
      }
      calls.append(
        ContendedWindow.Call(
          worker: number, process: worker.process, operation: call.operation,
          errno: call.answer ?? .none, startNanoseconds: worker.start, endNanoseconds: now))
      worker.call = nil
      return
    }
    worker.call = call
  }
}

/// A small world in which calls race: namespaces with one shared tree, and programs that meet on its places.
public struct ContendedWorld: Sendable {
  /// Namespaces besides the first one; each has its own copy of the tree.
  public var namespaces = 2
  /// Places in the tree on which the programs meet.
  public var places = 2
  public var rules = KernelRules.newest

  public init() {}

  /// `/s` is shared, with directories `d0`, `d1`, ... and a directory in each; `/p` is private, likewise.
  public func makeModel() -> MountModel {
    var operations: [Operation] = []
    for (top, type) in [("/s", MountFlags.shared), ("/p", MountFlags.private)] {
      operations.append(.mkdir(.path(top)))
      operations.append(
        .mount(MountCall(type: "tmpfs", source: .path("base"), target: .path(top))))
      operations.append(.mount(MountCall(target: .path(top), flags: type)))
      for place in 0..<places {
        operations.append(.mkdir(.path("\(top)/d\(place)")))
        operations.append(.mkdir(.path("\(top)/d\(place)/x")))
      }
    }
    for number in 0..<namespaces {
      operations.append(.unshare(namespace: number + 1, newUser: false))
    }
    var model = MountModel(rules: rules)
    for operation in operations {
      let errno = model.perform(operation, by: 0)
      precondition(errno == .none, "\(operation) answered \(errno) while the world was made")
    }
    return model
  }

  /// One program for each worker; workers are dealt to the namespaces in turn.
  public func programs(
    workers: Int, callsEach: Int, _ generator: inout SeededGenerator
  ) -> [ConcurrentSimulation.Program] {
    (0..<workers).map { worker in
      var operations: [Operation] = []
      for number in 0..<callsEach {
        operations.append(operation(named: "w\(worker)c\(number)", slot: worker, &generator))
      }
      return ConcurrentSimulation.Program(
        process: worker % (namespaces + 1), operations: operations)
    }
  }

  private func operation(
    named name: String, slot: Int, _ generator: inout SeededGenerator
  ) -> Operation {
    let place = "/s/d\(generator.next(below: places))"
    let other = (generator.chance(0.7) ? "/s/d" : "/p/d") + "\(generator.next(below: places))"
    let path = PathArgument.path(place)
    switch generator.next(below: 16) {
    case 0..<4: return .mount(MountCall(type: "tmpfs", source: .path(name), target: path))
    case 4..<8: return .umount2(path, [])
    case 8, 9: return .umount2(path, .detach)
    case 10: return .mount(MountCall(source: path, target: .path(other), flags: .bind))
    case 11: return .stat(.path(place + "/x"))
    case 12: return .open(path, .path, slot)
    case 13: return .close(slot)
    case 14: return .mkdir(.path(place + "/x"))
    default: return .rmdir(.path(place + "/x"))
    }
  }
}
