/// A process that holds a file is killed, its parent reaps it, umounts and claims the device: what can
/// the parent see, by the way the file is finally closed (D8; section 3.10).
public struct FileCloseSystem: CompactSystem {
  /// What the parent saw.
  public enum Outcome: String, Sendable, CaseIterable {
    case umountedAndClaimed = "umount=0 claim=0"
    case umountedButBusy = "umount=0 claim=EBUSY"
    case umountBusy = "umount=EBUSY"
  }

  enum Closer: UInt8 { case open, exiting, ringExit, delayed, delayedPut, closed }
  enum Parent: UInt8 { case waits, flushes, umounts, claims, done }

  public struct State: BitwiseCopyable {
    var closer: UInt8 = 0
    var parent: UInt8 = 0
    var reapable: UInt8 = 0
    var detached: UInt8 = 0
    var outcome: UInt8 = 0
  }

  public let close: Design.FileClose
  public let lazy: Bool
  /// Another mount or user pins the superblock for good.
  public let otherPin: Bool

  public init(close: Design.FileClose, lazy: Bool, otherPin: Bool) {
    self.close = close
    self.lazy = lazy
    self.otherPin = otherPin
  }

  public var lanes: [String] { ["process", "parent", "kworker"] }
  public var initialState: State { State() }

  public func forEachSuccessor(of state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    stepCloser(state, emit)
    stepParent(state, emit)
  }

  private func stepCloser(_ state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    var next = state
    switch Closer(rawValue: state.closer) ?? .closed {
    case .open:
      switch close {
      case .taskWork: next.closer = Closer.exiting.rawValue
      case .sync:
        next.closer = Closer.closed.rawValue
        next.reapable = 1
      case .kthreadDelayed, .flush: next.closer = Closer.exiting.rawValue
      case .asyncOwner:
        next.closer = Closer.ringExit.rawValue
        next.reapable = 1
      }
    case .exiting:
      next.reapable = 1
      next.closer = (close == .taskWork ? Closer.closed : .delayed).rawValue
    case .ringExit: next.closer = Closer.delayed.rawValue
    case .delayed:
      // The put of a detached mount from a kernel thread is delayed once more.
      next.closer = (state.detached == 1 ? Closer.delayedPut : .closed).rawValue
    case .delayedPut: next.closer = Closer.closed.rawValue
    case .closed: return
    }
    emit(0, next, [])
  }

  private func stepParent(_ state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    var next = state
    let isClosed = state.closer == Closer.closed.rawValue
    var found = FindingSet()
    switch Parent(rawValue: state.parent) ?? .done {
    case .waits:
      guard state.reapable == 1 else { return }
      next.parent = (close == .flush ? Parent.flushes : .umounts).rawValue
    case .flushes:
      guard isClosed else { return }
      next.parent = Parent.umounts.rawValue
    case .umounts:
      if lazy || isClosed {
        next.detached = isClosed ? 0 : 1
        next.parent = Parent.claims.rawValue
      } else {
        next.parent = Parent.done.rawValue
        next.outcome = 3
        found.insert(.busyDeadOwner)
      }
    case .claims:
      next.parent = Parent.done.rawValue
      next.outcome = isClosed && !otherPin ? 1 : 2
      if !isClosed, !otherPin { found.insert(.lateDeath) }
    case .done: return
    }
    emit(1, next, found)
  }

  public func findings(inQuiescent state: State) -> FindingSet {
    state.outcome == 0 ? FindingSet(.deadlock) : []
  }

  /// Every outcome that some interleaving leads to.
  public func outcomes() -> [Outcome] {
    let seen = Set(quiescentStates().map(\.outcome))
    return zip(Outcome.allCases, [1, 2, 3]).filter { seen.contains($0.1) }.map(\.0)
  }

  public func describe(
    _ action: UInt16, from before: State, to after: State
  ) -> StepDescription {
    if action == 1 {
      let text =
        switch Parent(rawValue: before.parent) ?? .done {
        case .waits: "waitpid returns"
        case .flushes: "flush_delayed_fput"
        case .umounts:
          after.outcome == 3
            ? "umount -> EBUSY" : "umount\(lazy ? " -l" : "") -> 0"
        case .claims: after.outcome == 1 ? "exclusive open -> 0" : "exclusive open -> EBUSY"
        case .done: "done"
        }
      return StepDescription(lane: 1, text: text)
    }
    switch Closer(rawValue: before.closer) ?? .closed {
    case .open: return StepDescription(lane: 0, text: "SIGKILL, exit_files")
    case .exiting:
      return StepDescription(
        lane: 0,
        text: close == .taskWork ? "task work: __fput, mntput" : "last fput to delayed_fput_list")
    case .ringExit: return StepDescription(lane: 2, text: "ring exit work: last fput is delayed")
    case .delayed: return StepDescription(lane: 2, text: "delayed_fput: __fput, mntput")
    case .delayedPut: return StepDescription(lane: 2, text: "delayed_mntput: cleans up")
    case .closed: return StepDescription(lane: 2, text: "done")
    }
  }

  public func describeShared(_ state: State) -> String {
    state.closer == Closer.closed.rawValue ? "file closed" : "file open"
  }
}
