extension ReleaseSystem {
  /// `mntput` (p0 to p3 of section 3.1), its tail, and the return of the system call.
  @inline(__always)
  func stepPut(
    _ index: Int, _ block: Block, _ state: ReleaseState, _ successors: borrowing SuccessorBuffer
  ) {
    let mount = block.mount
    func append(variant: Int = 0) -> ReleaseState {
      ReleaseState(
        successors.append(
          copyOf: state.words, action: action(index, block.place, variant: variant)))
    }
    var changed = block
    switch block.place {
    case .putRead:
      let next = append()
      touch(mount, state, successors)
      if block.putsForNamespace, anyReaderPredates(mount, state) { successors.note(.earlyPut) }
      if design.counts == .locked {
        changed.place = .putLock
      } else {
        changed.inReadSection = true
        changed.place = state[.mounted, mount] ? .putFast : .putLock
      }
      next[block: index] = changed

    case .putFast:
      let next = append()
      touch(mount, state, successors)
      next.drop(mount)
      changed.leaveReadSection()
      forgetReference(&changed)
      proceed(index, &changed)
      next[block: index] = changed

    case .putLock:
      if isCallback(index), state[.lockHeld] {
        // The softirq may have interrupted the very task that holds the lock.
        let next = append(variant: 1)
        next[.halted] = true
        successors.note(.softirqDeadlock)
      }
      guard !state[.lockHeld] else { return }
      let next = append()
      takeLock(next)
      changed.place = .putSlow
      next[block: index] = changed

    case .putSlow:
      let next = append()
      touch(mount, state, successors)
      next.drop(mount)
      next[.lockHeld] = false
      changed.leaveReadSection()
      forgetReference(&changed)
      let doomed = state[.doomed, mount] && !design.sabotage.contains(.ignoreDoomed)
      if next.count(mount) == 0, !doomed {
        next[.doomed, mount] = true
        if state[.dispatched, mount] { successors.note(.secondRunner) }
        next[.dispatched, mount] = true
        runTail(of: mount, by: index, &changed, in: next, successors)
      } else {
        proceed(index, &changed)
      }
      next[block: index] = changed

    case .tailWait:
      guard state[.cleaned, mount] else { return }
      let next = append()
      proceed(index, &changed)
      next[block: index] = changed

    case .systemCallReturn:
      if block.taskWork != 0 {
        let work = block.taskWork.trailingZeroBitCount
        if !canCleanUp(work, state) { return }
        let next = append(variant: 1)
        changed.taskWork &= changed.taskWork - 1
        next[block: index] = changed
        cleanUp(work, by: index, in: next, successors)
      } else {
        let next = append()
        judgeReturn(of: index, block, state, successors)
        next[block: index] = finish(block)
      }

    default: return
    }
  }

  @inline(__always)
  func isCallback(_ index: Int) -> Bool {
    callbackBlocks >> UInt64(index) & 1 != 0
  }

  @inline(__always)
  private func anyReaderPredates(_ mount: Int, _ state: ReleaseState) -> Bool {
    for index in 0..<blockCount where state[block: index].predates >> UInt64(mount) & 1 != 0 {
      return true
    }
    return false
  }

  /// Which of the actor's references the put gave back.
  @inline(__always)
  private func forgetReference(_ changed: inout Block) {
    if changed.putsForNamespace { return }
    changed.holdsReference = false
    changed.holdsPath = false
  }

  /// Where the putter goes next.
  @inline(__always)
  private func proceed(_ index: Int, _ changed: inout Block) {
    guard index < actorCount else {
      continueWork(index, &changed)
      return
    }
    switch changed.continuation {
    case .nextPut: startPuts(&changed, targets[index])
    case .systemCallReturn: changed.place = .systemCallReturn
    }
  }

  /// The dispatch of the final put's tail (D7, D10; kernel threads always use the delayed list
  /// unless the tail is inline).
  private func runTail(
    of mount: Int, by index: Int, _ changed: inout Block, in next: ReleaseState,
    _ successors: borrowing SuccessorBuffer
  ) {
    if design.sabotage.contains(.lostTail) {
      proceed(index, &changed)
      return
    }
    if isCallback(index) {
      successors.note(.blockInCallback)
      successors.note(.cleanupOnBystander)
      next[.bystander, mount] = true
      proceed(index, &changed)
      return
    }
    let isKernelThread = role(index)?.isKernelThread ?? true
    switch design.tail {
    case .taskWork where isKernelThread && index >= actorCount && design.workerTail == .inline:
      proceed(index, &changed)
      cleanUp(mount, by: index, in: next, successors)
    case .taskWork where isKernelThread:
      next[.delayed, mount] = true
      proceed(index, &changed)
    case .taskWork:
      changed.taskWork |= 1 << UInt64(mount)
      proceed(index, &changed)
    case .inline:
      proceed(index, &changed)
      cleanUp(mount, by: index, in: next, successors)
    case .wqNoWait:
      next[.queued, mount] = true
      proceed(index, &changed)
    case .wqWait:
      next[.queued, mount] = true
      changed.place = .tailWait
    }
  }

  /// A cleanup that has to put stuck children needs `mount_lock`.
  @inline(__always)
  func canCleanUp(_ mount: Int, _ state: ReleaseState) -> Bool {
    !(state[.lockHeld] && hasStuckChildren(mount, state))
  }

  private func hasStuckChildren(_ mount: Int, _ state: ReleaseState) -> Bool {
    mount == 0 && (0..<mountCount).contains { state[.stuck, $0] }
  }

  /// `cleanup_mnt`: the superblock's share goes, the structure is freed a grace period later.
  func cleanUp(
    _ mount: Int, by index: Int?, in next: ReleaseState, _ successors: borrowing SuccessorBuffer
  ) {
    if next[.cleaned, mount] { successors.note(.doubleCleanup) }
    touch(mount, next, successors)
    next[.cleaned, mount] = true
    requestGracePeriod(Self.freeRequest(mount), next)
    if design.sabotage.contains(.freeWithoutGracePeriod) { next[.freed, mount] = true }
    guard hasStuckChildren(mount, next) else { return }
    // The chain of 6.18 and before: the parent's cleanup puts what stayed attached to it.
    for child in 1..<mountCount where next[.stuck, child] {
      next[.stuck, child] = false
      next.drop(child)
      guard next.count(child) == 0 else { continue }
      next[.doomed, child] = true
      next[.dispatched, child] = true
      if let index, index < actorCount, role(index)?.isKernelThread == false,
        design.tail == .taskWork
      {
        var block = next[block: index]
        block.taskWork |= 1 << UInt64(child)
        next[block: index] = block
      } else {
        next[.delayed, child] = true
      }
    }
  }

  /// What a system call's return shows: P3, P8 and P11.
  private func judgeReturn(
    of index: Int, _ block: Block, _ state: ReleaseState, _ successors: borrowing SuccessorBuffer
  ) {
    guard let role = role(index), role.isUmounter, block.result == .success else { return }
    let target = targets[index]
    var anyQueued = false
    for mount in 0..<mountCount
    where block.detached >> UInt64(mount) & 1 != 0 && !state[.cleaned, mount] {
      if waitsInAnOpenQueue(mount, state) { anyQueued = true }
    }
    if anyQueued { successors.note(.openQueue) }
    guard !superblockIsDead(of: target, state), !isStillUsed(target, by: index, state) else {
      return
    }
    var held = false
    for mount in superblockMounts(target) where isHeld(mount, state) { held = true }
    switch role {
    case .syncUmounter: successors.note(held ? .aliveAtReturnReferenced : .aliveAtReturn)
    case .asyncUmounter: break
    default: if !held { successors.note(.lateDeath) }
    }
  }

  /// Another mount of the superblock is mounted, was detached lazily and is not dead yet, or is on its
  /// way out by somebody who has not returned.
  private func isStillUsed(_ target: Int, by caller: Int, _ state: ReleaseState) -> Bool {
    for mount in superblockMounts(target) where mount != target && !state[.cleaned, mount] {
      if state[.mounted, mount] || !state[.sync, mount] { return true }
      for index in 0..<actorCount where index != caller {
        let other = state[block: index]
        if other.detached >> UInt64(mount) & 1 != 0, other.place != .finished { return true }
      }
    }
    return false
  }

  /// P11: nothing but deferred work holds the mount, and nobody waits for that work.
  private func waitsInAnOpenQueue(_ mount: Int, _ state: ReleaseState) -> Bool {
    let bit: UInt64 = 1 << UInt64(mount)
    if state[.delayed, mount] || state[.bystander, mount] { return true }
    if state[.queued, mount], design.tail != .wqWait { return true }
    if (state.releaseList | state.nextList) & bit != 0 { return true }
    for index in actorCount..<blockCount {
      let worker = state[block: index]
      if worker.list & bit != 0 { return true }
      switch worker.place {
      case .putRead, .putFast, .putLock, .putSlow: if worker.mount == mount { return true }
      default: continue
      }
    }
    return false
  }
}
