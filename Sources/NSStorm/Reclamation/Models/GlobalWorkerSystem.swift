/// D3: one global work item with two lists (section 3.5). Each mount has a reader that began before the
/// mount was detached; readers may begin while a grace period is in progress.
public struct GlobalWorkerSystem: CompactSystem {
  /// The most mounts of the model.
  public static let maximumMounts = 4

  enum ReaderPlace: UInt8 { case outside, inside, done }
  enum MountPlace: UInt8 { case mounted, detached, queuedFirst, queuedNext, listed }
  enum WorkerPlace: UInt8 { case idle, entered, putting, ending }

  public struct State: BitwiseCopyable {
    var readers: SIMD4<UInt8> = .zero
    var mounts: SIMD4<UInt8> = .zero
    var releaseList: UInt8 = 0
    var nextList: UInt8 = 0
    /// The worker's private list.
    var mine: UInt8 = 0
    var put: UInt8 = 0
    /// Readers that the grace period in progress waits for.
    var waitedFor: UInt8 = 0
    var pending: UInt8 = 0
    /// The grace period is over and the work stands in the queue.
    var queued: UInt8 = 0
    var inFlight: UInt8 = 0
    var worker: UInt8 = 0
  }

  public let discipline: Design.ListDiscipline
  public let mountCount: Int

  public init(discipline: Design.ListDiscipline, mountCount: Int) {
    precondition((1...Self.maximumMounts).contains(mountCount))
    self.discipline = discipline
    self.mountCount = mountCount
  }

  public var lanes: [String] {
    (0..<mountCount).map { "L\($0)" } + (0..<mountCount).map { "reader \($0)" } + ["worker", "rcu"]
  }

  public var initialState: State { State() }

  private func action(_ kind: UInt16, _ index: Int = 0) -> UInt16 { kind << 4 | UInt16(index) }

  public func forEachSuccessor(of state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    for index in 0..<mountCount {
      stepReader(index, state, emit)
      stepMount(index, state, emit)
    }
    if state.pending == 1, state.queued == 0, state.waitedFor == 0 {
      var next = state
      next.queued = 1
      emit(action(2), next, [])
    }
    stepWorker(state, emit)
  }

  private func stepReader(
    _ index: Int, _ state: State, _ emit: (UInt16, State, FindingSet) -> Void
  ) {
    var next = state
    switch ReaderPlace(rawValue: state.readers[index]) ?? .done {
    case .outside: next.readers[index] = ReaderPlace.inside.rawValue
    case .inside:
      next.readers[index] = ReaderPlace.done.rawValue
      next.waitedFor &= ~(1 << UInt8(index))
    case .done: return
    }
    emit(action(0, index), next, [])
  }

  private func queue(_ state: inout State) {
    guard state.pending == 0 else { return }
    state.pending = 1
    for index in 0..<mountCount where state.readers[index] == ReaderPlace.inside.rawValue {
      state.waitedFor |= 1 << UInt8(index)
    }
  }

  private func stepMount(
    _ index: Int, _ state: State, _ emit: (UInt16, State, FindingSet) -> Void
  ) {
    var next = state
    let bit: UInt8 = 1 << UInt8(index)
    switch MountPlace(rawValue: state.mounts[index]) ?? .listed {
    case .mounted:
      guard state.readers[index] != ReaderPlace.outside.rawValue else { return }
      next.mounts[index] = MountPlace.detached.rawValue
    case .detached:
      next.mounts[index] = MountPlace.listed.rawValue
      switch discipline {
      case .naive:
        next.mounts[index] =
          (state.pending == 0 ? MountPlace.queuedFirst : .queuedNext).rawValue
        queue(&next)
      case .locked:
        if state.pending == 0 { next.releaseList |= bit } else { next.nextList |= bit }
        queue(&next)
      case .oneList:
        next.releaseList |= bit
        queue(&next)
      case .flag:
        if state.inFlight == 0 {
          next.inFlight = 1
          next.releaseList |= bit
          queue(&next)
        } else {
          next.nextList |= bit
        }
      }
    case .queuedFirst:
      next.releaseList |= bit
      next.mounts[index] = MountPlace.listed.rawValue
    case .queuedNext:
      next.nextList |= bit
      next.mounts[index] = MountPlace.listed.rawValue
    case .listed: return
    }
    emit(action(1, index), next, [])
  }

  private func stepWorker(_ state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    var next = state
    switch WorkerPlace(rawValue: state.worker) ?? .idle {
    case .idle:
      guard state.queued == 1 else { return }
      next.queued = 0
      next.pending = 0
      next.worker = WorkerPlace.entered.rawValue
    case .entered:
      next.mine = state.releaseList
      next.releaseList = 0
      next.worker = WorkerPlace.putting.rawValue
    case .putting:
      if state.mine == 0 {
        next.worker = WorkerPlace.ending.rawValue
        break
      }
      for index in 0..<mountCount where state.mine >> UInt8(index) & 1 == 1 {
        var put = state
        put.mine &= ~(1 << UInt8(index))
        put.put |= 1 << UInt8(index)
        let early = state.readers[index] == ReaderPlace.inside.rawValue
        emit(action(4, index), put, early ? FindingSet(.earlyPut) : [])
      }
      return
    case .ending:
      next.worker = WorkerPlace.idle.rawValue
      if state.nextList != 0 {
        next.releaseList |= state.nextList
        next.nextList = 0
        queue(&next)
      } else {
        next.inFlight = 0
      }
    }
    emit(action(3), next, [])
  }

  public func findings(inQuiescent state: State) -> FindingSet {
    state.put == (1 << UInt8(mountCount)) - 1 ? [] : FindingSet(.lostMount)
  }

  public func describe(
    _ action: UInt16, from before: State, to after: State
  ) -> StepDescription {
    let index = Int(action & 15)
    switch action >> 4 {
    case 0:
      let enters = before.readers[index] == ReaderPlace.outside.rawValue
      return StepDescription(
        lane: mountCount + index,
        text: enters ? "rcu_read_lock (will see m\(index))" : "rcu_read_unlock")
    case 1:
      let text =
        switch MountPlace(rawValue: before.mounts[index]) ?? .listed {
        case .mounted: "detaches m\(index), drops namespace_sem"
        case .queuedFirst: "adds m\(index) to release_list"
        case .queuedNext: "adds m\(index) to release_list_next_gp"
        case .detached, .listed:
          discipline == .naive
            ? "queue_rcu_work -> \(before.pending == 0)"
            : "hands m\(index) over (\(before.releaseList != after.releaseList ? "release_list" : "release_list_next_gp"))"
        }
      return StepDescription(lane: index, text: text)
    case 2:
      return StepDescription(lane: 2 * mountCount + 1, text: "grace period over, work queued")
    case 4:
      let early = before.readers[index] == ReaderPlace.inside.rawValue
      return StepDescription(
        lane: 2 * mountCount,
        text: "mntput(m\(index))\(early ? " while reader \(index) is still inside" : "")")
    default:
      let text =
        switch WorkerPlace(rawValue: before.worker) ?? .idle {
        case .idle: "PENDING cleared, function entered"
        case .entered: "takes release_list"
        case .putting: "its list is empty"
        case .ending: before.nextList != 0 ? "moves next_gp over, queues again" : "done"
        }
      return StepDescription(lane: 2 * mountCount, text: text)
    }
  }

  public func describeShared(_ state: State) -> String {
    func list(_ bits: UInt8) -> String {
      let names = (0..<mountCount).filter { bits >> UInt8($0) & 1 == 1 }.map { "m\($0)" }
      return names.isEmpty ? "-" : names.joined(separator: " ")
    }
    let flags = (state.pending == 1 ? " PENDING" : "") + (state.inFlight == 1 ? " in_flight" : "")
    return "release_list \(list(state.releaseList)); next_gp \(list(state.nextList));\(flags)"
  }
}
