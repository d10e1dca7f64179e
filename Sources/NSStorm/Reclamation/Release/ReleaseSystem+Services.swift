extension ReleaseSystem {
  /// What happens without an actor: the action's low byte names the service and the mount.
  enum Service: Int {
    case drain
    case delayed
    case queue
    case bystander
    case free
    case globalGracePeriod
  }

  /// The block index that stands for services in an action.
  static let serviceIndex = 31

  @inline(__always)
  private func action(_ service: Service, _ mount: Int = 0) -> UInt16 {
    UInt16(truncatingIfNeeded: Self.serviceIndex << 8 | service.rawValue << 3 | mount)
  }

  /// Boxes of `queue_rcu_work` and `call_rcu`, and the global worker of D3.
  func stepWorker(
    _ index: Int, _ block: Block, _ state: ReleaseState, _ successors: borrowing SuccessorBuffer
  ) {
    func append() -> ReleaseState {
      ReleaseState(
        successors.append(copyOf: state.words, action: action(index, block.place)))
    }
    var changed = block
    switch block.place {
    case .boxGracePeriod:
      guard gracePeriodIsOver(request(of: index), state) else { return }
      if isCallback(index) {
        guard !anyCallbackRuns(state) else { return }
        let next = append()
        nextOfList(&changed)
        next[block: index] = changed
      } else {
        let next = append()
        changed.place = .boxQueued
        next[block: index] = changed
      }
    case .boxQueued:
      let next = append()
      nextOfList(&changed)
      next[block: index] = changed
    case .workerIdle:
      guard state[.workQueued] else { return }
      let next = append()
      next[.workQueued] = false
      next[.workPending] = false
      changed.place = .workerTake
      next[block: index] = changed
    case .workerTake:
      let next = append()
      changed.list = state.releaseList
      next.releaseList = 0
      continueWork(index, &changed)
      next[block: index] = changed
    case .workerEnd:
      let next = append()
      var requeue = false
      if state.nextList != 0 {
        next.releaseList |= state.nextList
        next.nextList = 0
        requeue = !state[.workPending]
      } else {
        next[.inFlight] = false
      }
      changed.place = .workerIdle
      next[block: index] = changed
      if requeue {
        next[.workPending] = true
        requestGracePeriod(Self.workerRequest, next)
      }
    default: return
    }
  }

  /// The worker's next mount, or its end.
  @inline(__always)
  func continueWork(_ index: Int, _ changed: inout Block) {
    if changed.list != 0 {
      nextOfList(&changed)
    } else {
      let isGlobal = index == globalWorker
      changed = Block(bits: 0)
      changed.place = isGlobal ? .workerEnd : .boxIdle
    }
  }

  @inline(__always)
  private func nextOfList(_ changed: inout Block) {
    changed.mount = changed.list.trailingZeroBitCount
    changed.list &= changed.list - 1
    changed.putsForNamespace = true
    changed.place = .putRead
  }

  /// Store buffers, work queues, freeing: enabled whenever there is something for them to do.
  @inline(__always)
  func stepServices(_ state: ReleaseState, _ successors: borrowing SuccessorBuffer) {
    if state[.sequenceStorePending] {
      let next = ReleaseState(successors.append(copyOf: state.words, action: action(.drain)))
      next[.sequenceStorePending] = false
      bumpSequence(next)
    }
    if state[.workPending], !state[.workQueued], gracePeriodIsOver(Self.workerRequest, state) {
      let next = ReleaseState(
        successors.append(copyOf: state.words, action: action(.globalGracePeriod)))
      next[.workQueued] = true
    }
    for mount in 0..<mountCount {
      stepDeferredCleanup(.delayed, .delayed, mount, state, successors)
      stepDeferredCleanup(.queue, .queued, mount, state, successors)
      stepDeferredCleanup(.bystander, .bystander, mount, state, successors)
      if state[.cleaned, mount], !state[.freed, mount],
        gracePeriodIsOver(Self.freeRequest(mount), state)
      {
        let next = ReleaseState(
          successors.append(copyOf: state.words, action: action(.free, mount)))
        next[.freed, mount] = true
      }
    }
  }

  /// One CPU's softirq runs callbacks one after the other.
  private func anyCallbackRuns(_ state: ReleaseState) -> Bool {
    for index in actorCount..<blockCount where isCallback(index) {
      switch state[block: index].place {
      case .putRead, .putFast, .putLock, .putSlow, .tailWait: return true
      default: continue
      }
    }
    return false
  }

  @inline(__always)
  private func stepDeferredCleanup(
    _ service: Service, _ flag: ReleaseState.MountFlag, _ mount: Int, _ state: ReleaseState,
    _ successors: borrowing SuccessorBuffer
  ) {
    guard state[flag, mount], canCleanUp(mount, state) else { return }
    let next = ReleaseState(
      successors.append(copyOf: state.words, action: action(service, mount)))
    next[flag, mount] = false
    cleanUp(mount, by: nil, in: next, successors)
  }
}
