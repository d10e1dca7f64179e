extension ReleaseSystem {
  /// A path walk under RCU that wants to keep the mount (steps 1 to 7 of section 2.3).
  @inline(__always)
  func stepWalk(
    _ index: Int, _ block: Block, _ state: ReleaseState, _ successors: borrowing SuccessorBuffer
  ) {
    let mount = targets[index]
    func append() -> ReleaseState {
      ReleaseState(successors.append(copyOf: state.words, action: action(index, block.place)))
    }
    var changed = block
    switch block.place {
    case .walkStart:
      if design.counts == .locked {
        // Before 2013: the walker takes its part of the lock, nothing can come between.
        guard !state[.lockHeld] else { return }
        let next = append()
        if state[.mounted, mount] {
          touch(mount, state, successors)
          next.get(mount)
          changed.holdsReference = true
          changed.place = .putRead
          changed.continuation = .systemCallReturn
        } else {
          changed = finish(block)
        }
        next[block: index] = changed
        return
      }
      guard sequenceLooksEven(state) else { return }
      let next = append()
      changed.inReadSection = true
      changed.place = .walkLookup
      next[block: index] = changed

    case .walkLookup:
      let next = append()
      changed.place = .walkFirstRetry
      next[block: index] = state[.mounted, mount] ? changed : finish(block)

    case .walkFirstRetry:
      let next = append()
      changed.place = .walkGet
      next[block: index] = block.sequenceChanged ? finish(block) : changed

    case .walkGet:
      let next = append()
      touch(mount, state, successors)
      next.get(mount)
      changed.place = .walkSecondRetry
      next[block: index] = changed

    case .walkSecondRetry:
      let next = append()
      if !block.sequenceChanged {
        changed.leaveReadSection()
        changed.holdsReference = true
        changed.place = .putRead
        changed.continuation = .systemCallReturn
      } else if design.legit == .unlockedFlag, state[.sync, mount] {
        touch(mount, state, successors)
        changed.place = .walkSilentDrop
      } else {
        changed.place = .walkLock
      }
      changed.sequenceChanged = false
      next[block: index] = changed

    case .walkSilentDrop:
      let next = append()
      touch(mount, state, successors)
      next.drop(mount)
      changed.leaveReadSection()
      changed.place = .systemCallReturn
      next[block: index] = changed

    case .walkLock:
      guard !state[.lockHeld] else { return }
      let next = append()
      takeLock(next)
      changed.place = .walkTest
      next[block: index] = changed

    case .walkTest:
      let next = append()
      touch(mount, state, successors)
      next[.lockHeld] = false
      let doomed = state[.doomed, mount] && !design.sabotage.contains(.ignoreDoomed)
      let flagged = doomed || (state[.sync, mount] && design.legit == .lockedFlag)
      changed.leaveReadSection()
      if flagged {
        next.drop(mount)
        changed.place = .systemCallReturn
      } else {
        changed.place = .putRead
        changed.continuation = .systemCallReturn
      }
      next[block: index] = changed

    default: return
    }
  }
}
