/// D14, MNT_EXPIRE: the first umount marks an unused mount and answers EAGAIN, the second takes it if the mark still
/// stands. Every put of a reference takes the mark away, but for the one that umount itself holds.
///
/// One task expires, one uses the mount. A use that was over between the two calls must have saved it; one that
/// begins after the second call has read the mark may come too late.
public struct ExpirySystem: CompactSystem {
  /// Who takes the mark away.
  public enum Rule: String, Sendable, CaseIterable {
    /// `mntput` does, `mntput_no_expire` of umount's own reference does not.
    case kernel
    /// Nobody: a mistake that loses uses.
    case putsKeepTheMark
    /// Everybody, umount too (no `mntput_no_expire`): nothing ever expires.
    case ownPutClears
  }

  public struct State: BitwiseCopyable {
    var isAttached: UInt8 = 1
    var mark: UInt8 = 0
    /// Ghost: a use was over after the mark was set and before a later call read it.
    var usedBetween: UInt8 = 0
    /// 0 between calls, 1 looked up, 2 found it unused, 3 read a standing mark, 4 answers, 5 done.
    var expirer: UInt8 = 0
    var calls: UInt8 = 0
    /// 0 outside, 1 inside, 2 its put has cleared the mark and not yet given the reference back.
    var user: UInt8 = 0
    var uses: UInt8 = 0
    var padding: UInt8 = 0
  }

  public let rule: Rule
  /// How often the mount is used, 0 to 3.
  public let uses: Int
  /// Calls with MNT_EXPIRE, 2 to 4.
  public let calls: Int

  public init(rule: Rule, uses: Int, calls: Int = 3) {
    self.rule = rule
    self.uses = uses
    self.calls = calls
  }

  public var lanes: [String] { ["umount(MNT_EXPIRE)", "user"] }
  public var initialState: State { State() }

  public func forEachSuccessor(of state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    stepExpirer(state, emit)
    stepUser(state, emit)
  }

  private func stepExpirer(_ state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    var next = state
    var found: FindingSet = []
    switch state.expirer {
    case 0 where Int(state.calls) < calls && state.isAttached == 1: next.expirer = 1
    case 1: next.expirer = state.user == 0 ? 2 : 4
    case 2:
      next.expirer = state.mark == 1 ? 3 : 4
      if state.mark == 0 { next.usedBetween = 0 }
      next.mark = 1
    case 3:
      // Asked again under the lock.
      if state.user == 0 {
        next.isAttached = 0
        if state.usedBetween == 1 { found.insert(.takenAfterUse) }
      }
      next.expirer = 4
    case 4:
      if rule == .ownPutClears { next.mark = 0 }
      next.calls += 1
      next.expirer = 0
    default: return
    }
    guard next.expirer != state.expirer else { return }
    emit(UInt16(state.expirer), next, found)
  }

  private func stepUser(_ state: State, _ emit: (UInt16, State, FindingSet) -> Void) {
    var next = state
    switch state.user {
    case 0:
      guard Int(state.uses) < uses, state.isAttached == 1 else { return }
      next.user = 1
    case 1:
      if state.mark == 1, state.expirer < 2 { next.usedBetween = 1 }
      if rule != .putsKeepTheMark { next.mark = 0 }
      next.user = 2
    default:
      next.user = 0
      next.uses += 1
    }
    emit(16 + UInt16(state.user), next, [])
  }

  /// A mount that nobody uses must be gone after so many calls.
  public func findings(inQuiescent state: State) -> FindingSet {
    state.isAttached == 1 && uses == 0 ? FindingSet(.leak) : []
  }

  public func describe(
    _ action: UInt16, from before: State, to after: State
  ) -> StepDescription {
    switch action {
    case 0: StepDescription(lane: 0, text: "looks the path up")
    case 1:
      StepDescription(
        lane: 0, text: after.expirer == 2 ? "finds it unused" : "finds it used: EBUSY")
    case 2:
      StepDescription(
        lane: 0, text: after.expirer == 3 ? "reads a standing mark" : "sets the mark: EAGAIN")
    case 3:
      StepDescription(
        lane: 0, text: after.isAttached == 0 ? "takes the mount" : "used after all: EBUSY")
    case 4: StepDescription(lane: 0, text: "puts its own reference, returns")
    case 16: StepDescription(lane: 1, text: "enters")
    case 17: StepDescription(lane: 1, text: "is over; its put looks at the mark")
    default: StepDescription(lane: 1, text: "gives the reference back")
    }
  }

  public func describeShared(_ state: State) -> String {
    "\(state.isAttached == 1 ? "mounted" : "gone"), mark \(state.mark)"
  }
}
