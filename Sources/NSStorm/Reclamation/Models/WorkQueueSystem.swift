/// Final puts whose tail runs in place, as task work or on a bounded work queue, by callers of several
/// kinds that may hold a lock which the cleanup needs (D7, D10; section 3.9).
public struct WorkQueueSystem: CompactSystem {
  /// What the caller of the final put is.
  public enum Caller: String, Sendable, CaseIterable {
    case user
    case kernelThread
    /// An item on the very pool that would run the tail.
    case workItem
  }

  /// The most callers of the model.
  public static let maximumCallers = 8

  enum Place: UInt8 { case start, lock, put, waiting, woken, done }
  enum Item: UInt8 { case none, queued, picked, cleaned }

  public struct State: BitwiseCopyable {
    var places: SIMD8<UInt8> = .zero
    var items: SIMD8<UInt8> = .zero
    /// 0 when lock A is free, else its holder plus 1.
    var owner: UInt8 = 0
  }

  public let tail: Design.Tail
  public let caller: Caller
  /// The callers hold a lock A that the cleanup takes.
  public let holdsLock: Bool
  public let poolSize: Int
  public let callerCount: Int

  public init(tail: Design.Tail, caller: Caller, holdsLock: Bool, poolSize: Int, callerCount: Int) {
    precondition((1...Self.maximumCallers).contains(callerCount))
    self.tail = tail
    self.caller = caller
    self.holdsLock = holdsLock
    self.poolSize = poolSize
    self.callerCount = callerCount
  }

  public var lanes: [String] { (0..<callerCount).map { "T\($0)" } + ["queue"] }
  public var initialState: State { State() }

  /// Whether the final put leaves the cleanup to the queue (or to the kernel threads' delayed list).
  private var queues: Bool {
    switch tail {
    case .inline: false
    case .taskWork: caller != .user
    case .wqNoWait, .wqWait: true
    }
  }

  /// Slots of the pool that are taken: picked items, and callers that are items themselves.
  private func busySlots(_ state: State) -> Int {
    (0..<callerCount).count { index in
      let place = state.places[index]
      return caller == .workItem && place != Place.start.rawValue && place != Place.done.rawValue
    } + (0..<callerCount).count { state.items[$0] == Item.picked.rawValue }
  }

  public func forEachSuccessor(of state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    for index in 0..<callerCount {
      stepCaller(index, state, emit)
      stepItem(index, state, emit)
    }
  }

  private func stepCaller(
    _ index: Int, _ state: State, _ emit: (UInt16, State, FindingSet) -> Void
  ) {
    var next = state
    var found = FindingSet()
    let isOwner = state.owner == UInt8(index + 1)
    switch Place(rawValue: state.places[index]) ?? .done {
    case .start:
      if caller == .workItem, busySlots(state) >= poolSize { return }
      next.places[index] = Place.lock.rawValue
    case .lock:
      if holdsLock {
        guard state.owner == 0 else { return }
        next.owner = UInt8(index + 1)
      }
      next.places[index] = Place.put.rawValue
    case .put:
      next.places[index] = Place.waiting.rawValue
      if queues { next.items[index] = Item.queued.rawValue }
    case .waiting:
      if tail == .inline {
        guard !holdsLock else { return }
        next.items[index] = Item.cleaned.rawValue
        next.places[index] = Place.woken.rawValue
      } else if !queues {
        // Task work: the caller dropped its locks on the way to user mode.
        if isOwner { next.owner = 0 }
        guard next.owner == 0 || !holdsLock else { return }
        next.items[index] = Item.cleaned.rawValue
        next.places[index] = Place.woken.rawValue
      } else if tail == .wqWait {
        guard state.items[index] == Item.cleaned.rawValue else { return }
        next.places[index] = Place.woken.rawValue
      } else {
        if isOwner { next.owner = 0 }
        next.places[index] = Place.done.rawValue
        if state.items[index] != Item.cleaned.rawValue { found.insert(.returnsBeforeCleanup) }
      }
    case .woken:
      if isOwner { next.owner = 0 }
      next.places[index] = Place.done.rawValue
    case .done: return
    }
    emit(UInt16(index), next, found)
  }

  private func stepItem(
    _ index: Int, _ state: State, _ emit: (UInt16, State, FindingSet) -> Void
  ) {
    var next = state
    switch Item(rawValue: state.items[index]) ?? .none {
    case .none, .cleaned: return
    case .queued:
      guard busySlots(state) < poolSize else { return }
      next.items[index] = Item.picked.rawValue
    case .picked:
      guard !holdsLock || state.owner == 0 else { return }
      next.items[index] = Item.cleaned.rawValue
    }
    emit(16 | UInt16(index), next, [])
  }

  public func findings(inQuiescent state: State) -> FindingSet {
    let isDone = (0..<callerCount).allSatisfy {
      state.places[$0] == Place.done.rawValue && state.items[$0] == Item.cleaned.rawValue
    }
    return isDone ? [] : FindingSet(.deadlock)
  }

  public func describe(
    _ action: UInt16, from before: State, to after: State
  ) -> StepDescription {
    let index = Int(action & 15)
    if action & 16 != 0 {
      return StepDescription(
        lane: callerCount,
        text: before.items[index] == Item.queued.rawValue
          ? "picks up the cleanup of T\(index)" : "cleans up for T\(index)")
    }
    let text =
      switch Place(rawValue: before.places[index]) ?? .done {
      case .start: caller == .workItem ? "starts on the pool" : "starts"
      case .lock: holdsLock ? "takes A" : "holds no lock"
      case .put:
        queues
          ? "final put, cleanup queued"
          : tail == .inline
            ? "final put, cleanup in place\(holdsLock ? " needs A" : "")" : "final put, task work"
      case .waiting:
        after.places[index] == Place.done.rawValue
          ? "returns\(before.items[index] == Item.cleaned.rawValue ? "" : " before the cleanup")"
          : tail == .wqWait ? "is woken" : "cleans up"
      case .woken: "returns"
      case .done: "done"
      }
    return StepDescription(lane: index, text: text)
  }

  public func describeShared(_ state: State) -> String {
    let lock = holdsLock ? "A \(state.owner == 0 ? "free" : "held by T\(state.owner - 1)"); " : ""
    return "\(lock)pool \(busySlots(state)) of \(poolSize) busy"
  }
}
