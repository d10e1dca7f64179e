/// `flush_filesystem` (section 3.9): unmount everything of a type lazily, wait until its superblocks are
/// gone; meanwhile a mounter may mount again, a pin may hold one, and the cleanup may need the caller.
public struct FlushSystem: CompactSystem {
  public struct State: BitwiseCopyable {
    /// Mounts of the type that are mounted, 0 to 2.
    var mounted: UInt8 = 1
    /// Detached mounts whose superblock is not dead yet.
    var dying: UInt8 = 0
    var closed: UInt8 = 0
    /// 0 begins, 1 waits, 2 done.
    var flusher: UInt8 = 0
  }

  /// Mounting is shut off before the flush.
  public let closesFirst: Bool
  /// Something holds a superblock of the type for good.
  public let pinned: Bool

  public init(closesFirst: Bool, pinned: Bool) {
    self.closesFirst = closesFirst
    self.pinned = pinned
  }

  public var lanes: [String] { ["flush", "mounter", "cleanup"] }
  public var initialState: State { State() }

  public func forEachSuccessor(of state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    var next = state
    switch state.flusher {
    case 0:
      if closesFirst { next.closed = 1 }
      next.flusher = 1
      emit(0, next, [])
    case 1:
      if state.mounted > 0 {
        next.mounted -= 1
        next.dying += 1
        emit(1, next, [])
      } else if state.dying == 0, !pinned {
        next.flusher = 2
        emit(2, next, [])
      }
    default: break
    }
    if state.flusher != 2, state.closed == 0, state.mounted + state.dying < 2 {
      next = state
      next.mounted += 1
      emit(3, next, [])
    }
    if state.dying > 0 {
      next = state
      next.dying -= 1
      emit(4, next, [])
    }
  }

  public func findings(inQuiescent state: State) -> FindingSet {
    state.flusher == 2 ? [] : FindingSet(.deadlock)
  }

  /// Whether the flush may go on for ever although every actor gets its turns: a cycle of states in
  /// which it is not done and from which no state forces the end.
  public func mayNeverEnd() -> Bool {
    LivenessCheck(self).hasEndlessRun { $0.flusher == 1 }
  }

  public func describe(
    _ action: UInt16, from before: State, to after: State
  ) -> StepDescription {
    switch action {
    case 0: StepDescription(lane: 0, text: closesFirst ? "shuts mounting off" : "begins")
    case 1: StepDescription(lane: 0, text: "lazily unmounts one")
    case 2: StepDescription(lane: 0, text: "no superblock left, returns")
    case 3: StepDescription(lane: 1, text: "mounts one more")
    default: StepDescription(lane: 2, text: "a superblock dies")
    }
  }

  public func describeShared(_ state: State) -> String {
    "mounted \(state.mounted), dying \(state.dying)\(state.closed == 1 ? ", closed" : "")"
  }
}
