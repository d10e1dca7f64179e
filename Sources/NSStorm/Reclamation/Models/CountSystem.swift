/// How the references of a mount are summed (D9): an umounter adds up the counters CPU by CPU while a
/// task that always holds one reference moves it from CPU to CPU (section 3.11).
public struct CountSystem: CompactSystem {
  /// The most CPUs the model holds.
  public static let maximumCPUs = 4

  public struct State: BitwiseCopyable {
    var gets: SIMD4<Int8>
    var puts: SIMD4<Int8>
    var place: UInt8 = 0
    var read: UInt8 = 0
    var sum: Int8 = 0
    var locked: UInt8 = 0
    var movesLeft: UInt8
    /// The CPU on which the held reference was taken.
    var location: UInt8
    /// The mover holds two references between its get and its put.
    var duplicated: UInt8 = 0
    var spare: UInt8 = 0
  }

  enum UmounterPlace: UInt8 {
    case start
    case readPuts
    case readGets
    case decide
    case done
  }

  public let counting: Design.Counting
  /// The order in which the CPUs are read.
  public let order: [Int]
  /// How often the reference moves.
  public let moves: Int
  /// `mnt_ns` is NULL: every put needs `mount_lock`, whatever the counting.
  public let slowPath: Bool

  public init(counting: Design.Counting, order: [Int], moves: Int, slowPath: Bool = false) {
    precondition(!order.isEmpty && order.count <= Self.maximumCPUs)
    self.counting = counting
    self.order = order
    self.moves = moves
    self.slowPath = slowPath
  }

  public var lanes: [String] { ["U", "X"] }

  public var initialState: State {
    // The namespace's and the umounter's reference were taken on CPU 0, the mover's on the last CPU.
    var gets = SIMD4<Int8>.zero
    if counting == .atomic {
      gets[0] = 3
    } else {
      gets[0] = 2
      gets[order.count - 1] += 1
    }
    return State(
      gets: gets, puts: .zero, movesLeft: UInt8(moves), location: UInt8(order.count - 1))
  }

  /// The sum at which a mount counts as not busy: the namespace and the umounter.
  private static let expected: Int8 = 2

  public func forEachSuccessor(of state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    stepUmounter(state, emit)
    stepMover(state, emit)
  }

  private func stepUmounter(_ state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    var next = state
    switch UmounterPlace(rawValue: state.place) ?? .done {
    case .start:
      next.locked = 1
      next.place = (counting == .split ? UmounterPlace.readPuts : .readGets).rawValue
      emit(0, next, [])
    case .readPuts:
      next.sum -= state.puts[order[Int(state.read)]]
      next.read += 1
      if Int(next.read) == order.count {
        next.read = 0
        next.place = UmounterPlace.readGets.rawValue
      }
      emit(0, next, [])
    case .readGets:
      if counting == .atomic {
        next.sum = state.gets[0]
        next.place = UmounterPlace.decide.rawValue
      } else {
        next.sum += state.gets[order[Int(state.read)]]
        next.read += 1
        if Int(next.read) == order.count { next.place = UmounterPlace.decide.rawValue }
      }
      emit(0, next, [])
    case .decide:
      next.locked = 0
      next.place = UmounterPlace.done.rawValue
      // The mover holds a reference at every moment: "not busy" is wrong, and more than the
      // duplicate it holds for a moment is too much.
      var found = FindingSet()
      if state.sum <= Self.expected { found.insert(.tornSum) }
      if state.sum > Self.expected + 2 { found.insert(.overcount) }
      next.sum = 0
      next.read = 0
      emit(0, next, found)
    case .done: return
    }
  }

  private func stepMover(_ state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    guard state.movesLeft > 0 else { return }
    let target = (Int(state.location) + 1) % order.count
    var next = state
    let locks = counting == .locked
    if state.duplicated == 0 {
      guard !locks || state.locked == 0 else { return }
      next.gets[counting == .atomic ? 0 : target] += 1
      next.duplicated = 1
    } else {
      guard !(locks || slowPath) || state.locked == 0 else { return }
      let old = Int(state.location)
      switch counting {
      case .atomic: next.gets[0] -= 1
      case .split: next.puts[old] += 1
      case .single, .locked: next.gets[old] -= 1
      }
      next.duplicated = 0
      next.location = UInt8(target)
      next.movesLeft -= 1
    }
    emit(1, next, [])
  }

  public func findings(inQuiescent state: State) -> FindingSet {
    state.place == UmounterPlace.done.rawValue && state.movesLeft == 0
      ? [] : FindingSet(.deadlock)
  }

  public func describe(
    _ action: UInt16, from before: State, to after: State
  ) -> StepDescription {
    if action == 1 {
      let target = (Int(before.location) + 1) % order.count
      return StepDescription(
        lane: 1,
        text: before.duplicated == 0
          ? "mntget on CPU \(target)" : "mntput of its old reference on CPU \(before.location)")
    }
    let text =
      switch UmounterPlace(rawValue: before.place) ?? .done {
      case .start: "lock_mount_hash"
      case .readPuts:
        "reads the puts of CPU \(order[Int(before.read)]): \(before.puts[order[Int(before.read)]])"
      case .readGets:
        counting == .atomic
          ? "reads the count: \(before.gets[0])"
          : "reads CPU \(order[Int(before.read)]): \(before.gets[order[Int(before.read)]])"
      case .decide:
        "sum \(before.sum): \(before.sum <= Self.expected ? "not busy" : "EBUSY")"
      case .done: "done"
      }
    return StepDescription(lane: 0, text: text)
  }

  public func describeShared(_ state: State) -> String {
    let counters = order.indices.map { cpu in
      counting == .split ? "\(state.gets[cpu])-\(state.puts[cpu])" : "\(state.gets[cpu])"
    }
    return "counters \(counters.joined(separator: " "))\(state.locked == 1 ? "; mount_lock" : "")"
  }
}
