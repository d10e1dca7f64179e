extension ReleaseSystem {
  /// path, enter, check, detach, leave and release of section 3.1.
  @inline(__always)
  func stepUmount(
    _ index: Int, _ block: Block, _ state: ReleaseState, _ successors: borrowing SuccessorBuffer
  ) {
    guard let role = role(index) else { return }
    let target = targets[index]
    func append(variant: Int = 0) -> ReleaseState {
      ReleaseState(
        successors.append(
          copyOf: state.words, action: action(index, block.place, variant: variant)))
    }
    var changed = block
    switch block.place {
    case .resolve:
      // A lookup with references goes the same way as a walk under RCU (`lookup_mnt` samples the sequence and
      // legitimizes): it waits for a sequence that looks even, not for the lock. One step, because a sequence that
      // changed in between only makes it look again.
      guard sequenceLooksEven(state) else { return }
      let next = append()
      if !state[.mounted, target] {
        changed = finish(block)
      } else {
        next.get(target)
        touch(target, state, successors)
        if role == .refWalker {
          changed.holdsReference = true
          changed.place = .putRead
          changed.continuation = .systemCallReturn
        } else {
          changed.holdsPath = true
          changed.place = .namespaceLock
        }
      }
      next[block: index] = changed

    case .namespaceLock:
      guard !state[.namespaceLocked] else { return }
      let next = append()
      next[.namespaceLocked] = true
      changed.place = .hashLock
      next[block: index] = changed

    case .hashLock:
      guard !state[.lockHeld] else { return }
      let next = append()
      changed.place =
        role == .namespaceExit || role == .treeCloser ? .detach : .check
      next[block: index] = changed
      if design.barrier {
        takeLock(next)
      } else {
        next[.lockHeld] = true
        next[.sequenceStorePending] = true
      }

    case .check:
      let next = append()
      if !state[.mounted, target] {
        changed.result = .invalid
        changed.place = .unlockFailed
      } else if role == .syncUmounter, isBusy(target, state) {
        changed.result = .busy
        changed.place = .unlockFailed
        switch explanation(ofBusy: target, for: index, state) {
        case .explained: break
        case .deadOwner: successors.note(.busyDeadOwner)
        case .unexplained: successors.note(.busyTransient)
        }
      } else {
        changed.place = .detach
      }
      next[block: index] = changed

    case .detach:
      guard !state[.sequenceStorePending] else { return }
      let next = append()
      detach(by: index, role, &changed, in: next)
      next[block: index] = changed
      if Self.release(for: role, in: design) == .polled {
        requestGracePeriod(request(of: index), next)
      }

    case .unlockFailed:
      guard !state[.sequenceStorePending] else { return }
      let next = append()
      next[.namespaceLocked] = false
      if !design.sabotage.contains(.keepLockOnBusy) { next[.lockHeld] = false }
      putPath(&changed, target)
      next[block: index] = changed

    case .unlock:
      let next = append()
      next[.namespaceLocked] = false
      next[.lockHeld] = false
      release(index, role, &changed, in: next, successors)
      next[block: index] = changed

    case .addToReleaseList, .addToNextList:
      let next = append()
      if block.place == .addToReleaseList {
        next.releaseList |= block.list
      } else {
        next.nextList |= block.list
      }
      changed.list = 0
      startPuts(&changed, target)
      next[block: index] = changed

    case .gracePeriod:
      guard gracePeriodIsOver(request(of: index), state) else { return }
      let next = append()
      startPuts(&changed, target)
      next[block: index] = changed

    default: return
    }
  }

  /// `do_refcount_check` and `propagate_mount_busy`: the namespace's and the caller's reference are
  /// expected, on a copy the namespace's alone.
  @inline(__always)
  private func isBusy(_ target: Int, _ state: ReleaseState) -> Bool {
    var allowed: UInt64 = 2
    if design.sabotage.contains(.lenientBusyCheck) { allowed += 1 }
    if design.sabotage.contains(.strictBusyCheck) { allowed -= 1 }
    if state.count(target) > allowed { return true }
    guard target == 0 else { return false }
    switch relation {
    case .tree:
      return (1..<mountCount).contains { state[.mounted, $0] }
    case .copies:
      return (1..<mountCount).contains { state[.mounted, $0] && state.count($0) > 1 }
    case .separate, .sameSuperblock: return false
    }
  }

  private enum BusyExplanation {
    case explained
    case deadOwner
    case unexplained
  }

  /// P4: who could explain the EBUSY to a user.
  private func explanation(
    ofBusy target: Int, for caller: Int, _ state: ReleaseState
  ) -> BusyExplanation {
    var deadOwner = false
    for index in 0..<actorCount where index != caller {
      let other = state[block: index]
      let mount = targets[index]
      guard mount == target || (target == 0 && relation == .copies) else { continue }
      if other.holdsReference {
        if roles[index] == .deadOwner { deadOwner = true } else { return .explained }
      }
      if other.holdsPath { return .explained }
    }
    if target == 0, relation == .tree,
      (1..<mountCount).contains(where: { state[.mounted, $0] })
    {
      return .explained
    }
    return deadOwner ? .deadOwner : .unexplained
  }

  /// `umount_tree`: one step, because all of it happens under `mount_lock`.
  private func detach(
    by index: Int, _ role: ActorRole, _ changed: inout Block, in next: ReleaseState
  ) {
    var taken: UInt64 = 0
    for mount in 0..<mountCount
    where groups[index] >> UInt64(mount) & 1 != 0 && next[.mounted, mount] {
      next[.mounted, mount] = false
      next[.detached, mount] = true
      if role == .syncUmounter { next[.sync, mount] = true }
      taken |= 1 << UInt64(mount)
    }
    changed.detached = taken
    changed.result = .success
    changed.list = taken
    if design.children == .chain, relation == .tree, taken & 1 != 0,
      role == .lazyUmounter || role == .asyncUmounter
    {
      for mount in 1..<mountCount where taken >> UInt64(mount) & 1 != 0 {
        next[.stuck, mount] = true
      }
      changed.list = 1
    }
    changed.place = .unlock
    for other in 0..<blockCount where other != index {
      var reader = next[block: other]
      if reader.inReadSection {
        reader.predates |= taken
        next[block: other] = reader
      }
    }
  }

  private func release(
    _ index: Int, _ role: ActorRole, _ changed: inout Block, in next: ReleaseState,
    _ successors: borrowing SuccessorBuffer
  ) {
    let target = targets[index]
    let request = self.request(of: index)
    func pay() {
      successors.note(role == .syncUmounter ? .paysGracePeriodSync : .paysGracePeriodLazy)
    }
    switch Self.release(for: role, in: design) {
    case .wait:
      requestGracePeriod(request, next)
      changed.place = .gracePeriod
      pay()
    case .polled:
      if gracePeriodIsOver(request, next) {
        startPuts(&changed, target)
      } else {
        changed.place = .gracePeriod
        pay()
      }
    case .callRcu, .rcuWork:
      if let box = boxes[index] {
        var work = next[block: box]
        work.list = changed.list
        work.place = .boxGracePeriod
        next[block: box] = work
        requestGracePeriod(request, next)
      }
      changed.list = 0
      startPuts(&changed, target)
    case .globalList:
      queueGlobally(&changed, target, in: next)
    case nil, .some(.none):
      startPuts(&changed, target)
    }
  }

  /// `queue_rcu_work` and the choice of the list, as the discipline orders it.
  private func queueGlobally(_ changed: inout Block, _ target: Int, in next: ReleaseState) {
    let queued = !next[.workPending]
    func queue() {
      guard !next[.workPending] else { return }
      next[.workPending] = true
      requestGracePeriod(Self.workerRequest, next)
    }
    switch design.discipline {
    case .naive:
      queue()
      changed.place = queued ? .addToReleaseList : .addToNextList
      return
    case .locked:
      if queued { next.releaseList |= changed.list } else { next.nextList |= changed.list }
      queue()
    case .oneList:
      next.releaseList |= changed.list
      queue()
    case .flag:
      if next[.inFlight] {
        next.nextList |= changed.list
      } else {
        next[.inFlight] = true
        next.releaseList |= changed.list
        queue()
      }
    }
    changed.list = 0
    startPuts(&changed, target)
  }

  /// The next mount of the list, then the path's own reference, then the return.
  @inline(__always)
  func startPuts(_ changed: inout Block, _ target: Int) {
    if changed.list != 0 {
      changed.mount = changed.list.trailingZeroBitCount
      changed.list &= changed.list - 1
      changed.putsForNamespace = true
      changed.continuation = .nextPut
      changed.place = .putRead
    } else {
      putPath(&changed, target)
    }
  }

  @inline(__always)
  func putPath(_ changed: inout Block, _ target: Int) {
    changed.putsForNamespace = false
    changed.continuation = .systemCallReturn
    if changed.holdsPath {
      changed.mount = target
      changed.place = .putRead
    } else {
      changed.place = .systemCallReturn
    }
  }

  /// What stays of an actor that is done: what later verdicts ask for.
  @inline(__always)
  func finish(_ block: Block) -> Block {
    var finished = Block(bits: 0)
    finished.detached = block.detached
    return finished
  }
}
