/// The life of detached mounts: umounters, walkers, holders and the kernel's deferred work, step by step
/// (sections 2 and 3 of the reclamation specification), for any `Design` and `Scenario`.
///
/// The graph of states has no cycles: every step spends something that never comes back. Hence every run
/// ends in a quiescent state, and "released in the end" is a property of those.
public struct ReleaseSystem: TransitionSystem {
  public let design: Design
  public let scenario: Scenario

  let actorCount: Int
  let blockCount: Int
  let mountCount: Int
  let relation: MountRelation
  /// Role and mount of each actor, in place: the steps read them millions of times a second.
  let roles: InlineArray<6, ActorRole>
  let targets: InlineArray<6, Int>
  /// The box (deferred list) of each umounter, nil where its design never defers.
  let boxes: [Int?]
  /// The blocks that are RCU callbacks, a bit each.
  let callbackBlocks: UInt64
  /// The block of D3's global worker.
  let globalWorker: Int?
  let groups: [UInt64]
  /// Blocks that may change places without changing anything.
  let alike: [[Int]]

  /// Grace-period requester bit of the global worker and of a mount's freeing.
  static let workerRequest: UInt64 = 1 << 15
  @inline(__always)
  static func freeRequest(_ mount: Int) -> UInt64 { 1 << UInt64(10 + mount) }

  /// Grace-period requester bit of an umounter, or of the box it filled.
  @inline(__always)
  func request(of index: Int) -> UInt64 {
    if index < actorCount { return 1 << UInt64(index) }
    return 1 << UInt64(boxes.firstIndex(of: index) ?? 0)
  }

  public var wordCount: Int { ReleaseState.firstBlock + blockCount }

  public init(design: Design, scenario: Scenario) {
    self.design = design
    self.scenario = scenario
    actorCount = scenario.actors.count
    mountCount = scenario.mountCount
    relation = scenario.relation
    var roles = InlineArray<6, ActorRole>(repeating: .pin)
    var targets = InlineArray<6, Int>(repeating: 0)
    for (index, actor) in scenario.actors.enumerated() {
      roles[index] = actor.role
      targets[index] = actor.mount
    }
    self.roles = roles
    self.targets = targets
    var next = actorCount
    boxes = scenario.actors.map { actor in
      switch Self.release(for: actor.role, in: design) {
      case .callRcu, .rcuWork:
        defer { next += 1 }
        return next
      default: return nil
      }
    }
    var callbacks: UInt64 = 0
    for (actor, box) in zip(scenario.actors, boxes) {
      if let box, Self.release(for: actor.role, in: design) == .callRcu {
        callbacks |= 1 << UInt64(box)
      }
    }
    callbackBlocks = callbacks
    if scenario.actors.contains(where: { Self.release(for: $0.role, in: design) == .globalList }) {
      globalWorker = next
      next += 1
    } else {
      globalWorker = nil
    }
    blockCount = next

    let all: UInt64 = (1 << UInt64(scenario.mountCount)) - 1
    groups = scenario.actors.map { [relation] actor in
      switch actor.role {
      case .namespaceExit, .treeCloser: all
      case .syncUmounter where relation == .tree: 1 << UInt64(actor.mount)
      default:
        switch relation {
        case .tree, .copies: actor.mount == 0 ? all : 1 << UInt64(actor.mount)
        case .separate, .sameSuperblock: 1 << UInt64(actor.mount)
        }
      }
    }
    var kinds: [(Scenario.Actor, [Int])] = []
    for (index, actor) in scenario.actors.enumerated() where !actor.role.isUmounter {
      if let known = kinds.firstIndex(where: { $0.0 == actor }) {
        kinds[known].1.append(index)
      } else {
        kinds.append((actor, [index]))
      }
    }
    alike = kinds.map(\.1).filter { $0.count > 1 }
  }

  /// How the design releases for a caller; nil for actors that detach nothing.
  static func release(for role: ActorRole, in design: Design) -> Design.Release? {
    switch role {
    case .syncUmounter: design.waitSync
    case .lazyUmounter, .namespaceExit, .treeCloser: design.waitLazy
    case .asyncUmounter: design.waitAsync
    default: nil
    }
  }

  public func writeInitialState(to words: UnsafeMutablePointer<UInt64>) {
    let state = ReleaseState(words)
    for mount in 0..<scenario.mountCount {
      state.get(mount)
      state[.mounted, mount] = true
    }
    for (index, actor) in scenario.actors.enumerated() {
      var block = Block(bits: 0)
      block.mount = actor.mount
      switch actor.role {
      case .syncUmounter, .lazyUmounter, .refWalker: block.place = .resolve
      case .asyncUmounter: block.place = design.waitAsync == nil ? .finished : .resolve
      case .namespaceExit, .treeCloser: block.place = .namespaceLock
      case .walker: block.place = .walkStart
      case .holder, .kernelHolder, .deadOwner:
        block.place = .putRead
        block.continuation = .systemCallReturn
        block.holdsReference = true
        state.get(actor.mount)
      case .pin:
        block.place = .finished
        block.holdsReference = true
        state.get(actor.mount)
      }
      state[block: index] = block
    }
    for box in boxes {
      guard let box else { continue }
      var block = Block(bits: 0)
      block.place = .boxIdle
      state[block: box] = block
    }
    if let globalWorker {
      var block = Block(bits: 0)
      block.place = .workerIdle
      state[block: globalWorker] = block
    }
  }

  public func appendSuccessors(
    of words: UnsafePointer<UInt64>, to successors: borrowing SuccessorBuffer
  ) {
    let state = ReleaseState(words)
    if state[.halted] { return }
    for index in 0..<blockCount {
      let block = state[block: index]
      switch block.place {
      case .finished, .boxIdle: continue
      case .resolve, .namespaceLock, .hashLock, .check, .detach, .unlockFailed, .unlock,
        .addToReleaseList, .addToNextList, .gracePeriod:
        stepUmount(index, block, state, successors)
      case .putRead, .putFast, .putLock, .putSlow, .tailWait, .systemCallReturn:
        stepPut(index, block, state, successors)
      case .walkStart, .walkLookup, .walkFirstRetry, .walkGet, .walkSecondRetry, .walkSilentDrop,
        .walkLock, .walkTest:
        stepWalk(index, block, state, successors)
      case .boxGracePeriod, .boxQueued, .workerIdle, .workerTake, .workerEnd:
        stepWorker(index, block, state, successors)
      }
    }
    stepServices(state, successors)
  }

  public func findings(inQuiescent words: UnsafePointer<UInt64>) -> FindingSet {
    let state = ReleaseState(words)
    if state[.halted] { return [] }
    for index in 0..<blockCount {
      switch state[block: index].place {
      case .finished, .boxIdle, .workerIdle: continue
      default: return FindingSet(.deadlock)
      }
    }
    for mount in 0..<mountCount
    where state[.detached, mount] && !state[.cleaned, mount] && !isHeld(mount, state) {
      return FindingSet(.leak)
    }
    return []
  }

  public func canonicalize(_ words: UnsafeMutablePointer<UInt64>) {
    for group in alike {
      for position in 1..<group.count {
        var slot = position
        while slot > 0 {
          let left = ReleaseState.firstBlock + group[slot - 1]
          let right = ReleaseState.firstBlock + group[slot]
          if words[left] <= words[right] { break }
          swap(&words[left], &words[right])
          slot -= 1
        }
      }
    }
  }

  // MARK: Shared pieces of the steps

  @inline(__always)
  func action(_ index: Int, _ place: Place, variant: Int = 0) -> UInt16 {
    UInt16(truncatingIfNeeded: index << 8 | variant << 6 | Int(place.rawValue))
  }

  @inline(__always)
  func role(_ index: Int) -> ActorRole? {
    index < actorCount ? roles[index] : nil
  }

  /// The mounts that share the superblock of `mount`.
  @inline(__always)
  func superblockMounts(_ mount: Int) -> Range<Int> {
    switch relation {
    case .separate, .tree: mount..<mount + 1
    case .sameSuperblock, .copies: 0..<mountCount
    }
  }

  /// A superblock dies with the cleanup of its last mount.
  @inline(__always)
  func superblockIsDead(of mount: Int, _ state: ReleaseState) -> Bool {
    superblockMounts(mount).allSatisfy { state[.cleaned, $0] }
  }

  /// Whether a user can name a holder of the mount.
  @inline(__always)
  func isHeld(_ mount: Int, _ state: ReleaseState) -> Bool {
    for index in 0..<actorCount
    where targets[index] == mount && state[block: index].holdsReference {
      return true
    }
    return false
  }

  /// Every section that began before sees `mount_lock`'s sequence change.
  @inline(__always)
  func bumpSequence(_ state: ReleaseState) {
    for index in 0..<actorCount {
      var block = state[block: index]
      switch block.place {
      case .walkLookup, .walkFirstRetry, .walkGet, .walkSecondRetry:
        block.sequenceChanged = true
        state[block: index] = block
      default: continue
      }
    }
  }

  @inline(__always)
  func takeLock(_ state: ReleaseState) {
    state[.lockHeld] = true
    bumpSequence(state)
  }

  /// Walkers sample an even sequence only; a store that is still buffered looks even.
  @inline(__always)
  func sequenceLooksEven(_ state: ReleaseState) -> Bool {
    !state[.lockHeld] || state[.sequenceStorePending]
  }

  /// Starts a grace period: every reader inside now is waited for.
  @inline(__always)
  func requestGracePeriod(_ request: UInt64, _ state: ReleaseState) {
    if design.sabotage.contains(.blindGracePeriod) { return }
    for index in 0..<blockCount {
      var block = state[block: index]
      if block.inReadSection {
        block.waitedBy |= request
        state[block: index] = block
      }
    }
  }

  @inline(__always)
  func gracePeriodIsOver(_ request: UInt64, _ state: ReleaseState) -> Bool {
    for index in 0..<blockCount where state[block: index].waitedBy & request != 0 { return false }
    return true
  }

  /// P1: every step that uses the structure comes through here.
  @inline(__always)
  func touch(_ mount: Int, _ state: ReleaseState, _ successors: borrowing SuccessorBuffer) {
    if state[.freed, mount] { successors.note(.useAfterFree) }
  }
}
