import StormEngine
import StormVocabulary

// What may come next in an order.

extension PointSearch {
  /// The unfinished calls that may take a point now, the one that has probably committed first at the front.
  func candidates() -> [Int] {
    guard cursor.window < windows.count else { return [] }
    var found: [Int] = []
    var firstEnd = UInt64.max
    var index = cursor.low
    while index < bounds[cursor.window + 1], entries[index].call.startNanoseconds <= firstEnd {
      if !states[index].isFinished {
        firstEnd = min(firstEnd, entries[index].end)
        let before = entries[index].predecessor
        if before < 0 || states[before].isFinished { found.append(index) }
      }
      index += 1
    }
    found.removeAll { entries[$0].call.startNanoseconds > firstEnd }
    if found.count > 1 {
      let keyed = found.map { (call: $0, key: orderKey(of: $0)) }
      found = keyed.sorted { $0.key < $1.key }.map(\.call)
    }
    return found
  }

  /// What is tried first: what the closing tables speak for, then what has probably committed first. When the search has
  /// begun again, something else.
  private func orderKey(of index: Int) -> (UInt64, UInt64, Int) {
    let entry = entries[index]
    let isUnlikely: UInt64 =
      dives % 3 != 2 && !cursor.stacks.speakFor(entry.guess) ? 1 : 0
    let time =
      dives == 0
      ? entry.probableCommit
      : Fingerprint.mixed(UInt64(index), UInt64(dives))
    return (isUnlikely, time, index)
  }

  func moves(_ model: borrowing MountModel) -> [Move] {
    let candidates = self.candidates()
    var moves: [Move] = []
    if cursor.fresh.isEmpty {
      for call in candidates where canFinishAtOnce(call) { moves.append(.finishAtOnce(call)) }
    }
    for call in candidates
    where entries[call].observed != nil && !cursor.fresh.contains(call) {
      moves.append(.finish(call))
    }
    if cursor.fresh.isEmpty { moves += movesOfReferences(candidates, model) }
    if releasesApart { for call in cursor.lingering { moves.append(.release(call)) } }
    if candidates.count > 1 {
      let last = cursor.fresh.last ?? 0
      for call in candidates where call >= last && hasApartStep(call, model) {
        moves.append(.step(call))
      }
      if splitsWalks {
        for call in candidates where call >= last && canResolve(call, model) {
          moves.append(.walk(call))
        }
      }
    }
    for call in candidates
    where entries[call].observed == nil && !cursor.fresh.contains(call) {
      moves.append(.finish(call))
    }
    if allowsTornSums, cursor.fresh.isEmpty {
      for call in candidates where entries[call].isSuccessfulSynchronousUmount {
        moves.append(.finishTorn(call))
      }
    }
    return moves
  }

  /// An EBUSY that a reference of another call explains.
  private func movesOfReferences(_ candidates: [Int], _ model: borrowing MountModel) -> [Move] {
    guard candidates.count > 1 || !windows[cursor.window].readers.isEmpty else { return [] }
    var moves: [Move] = []
    for call in candidates where entries[call].mayMeetReferences {
      for holder in candidates
      where holder != call && !isAnsweredByWalk(holder) && canResolve(holder, model) {
        moves.append(.hold(holder, then: call))
      }
      moves.append(.finishWithLatitude(call))
    }
    return moves
  }

  /// A call that changes nothing may as well come now as later, unless its reference explains somebody's EBUSY or its
  /// beginning ends a reference that does.
  private func canFinishAtOnce(_ index: Int) -> Bool {
    guard entries[index].isPassive, !serves(index) else { return false }
    let start = entries[index].call.startNanoseconds
    return states[index].hasStarted || !cursor.lingering.contains { entries[$0].end < start }
  }

  /// Whether a reference of this call could explain the EBUSY of a call that is not finished.
  func serves(_ index: Int) -> Bool {
    if releasesApart { return true }
    let entry = entries[index]
    return busyEntries.contains { other in
      other != index && !states[other].isFinished && entries[other].window == entry.window
        && entries[other].call.startNanoseconds <= entry.end
        && entry.call.startNanoseconds <= entries[other].end
    }
  }

  /// Whether nothing comes after the walk that could be told apart from it: to walk early is to finish early.
  private func isAnsweredByWalk(_ index: Int) -> Bool {
    if case .stat = entries[index].call.operation { true } else { false }
  }

  func canResolve(_ index: Int, _ model: borrowing MountModel) -> Bool {
    if case .resolve = model.nextPoint(of: states[index].call) { true } else { false }
  }

  /// Whether the next point can be told apart from all that follow it.
  private func hasApartStep(_ index: Int, _ model: borrowing MountModel) -> Bool {
    switch model.nextPoint(of: states[index].call) {
    case .resolve: return !isAnsweredByWalk(index)
    case .check: return model.checksApart(states[index].call)
    case .commit: return entries[index].call.operation.commitsRepeatedly
    case .answered: return false
    }
  }
}

extension PointSearch.Entry {
  /// A synchronous umount that answered EBUSY.
  var mayMeetReferences: Bool {
    guard observed == .busy, case .umount2(_, let flags) = call.operation else { return false }
    return !flags.contains(.detach)
  }

  var isSuccessfulSynchronousUmount: Bool {
    guard observed == Errno.none, case .umount2(_, let flags) = call.operation else { return false }
    return flags.isDisjoint(with: [.detach, .expire])
  }
}

extension Operation {
  /// Whether a call with this answer has changed nothing: it only looked, or it was refused.
  func leavesNoTrace(answering errno: Errno) -> Bool {
    switch self {
    case .stat: true
    case .mkdir, .rmdir, .unlink, .rename, .symlink, .touch, .mount, .open, .openTree, .moveMount,
      .mountSetattr, .umount2:
      errno != .none && !marksExpiry
    case .unshare, .unshareEmpty, .exit, .setns, .setnsDescriptor, .openNamespaceFile, .close,
      .chdir, .chroot, .pivotRoot, .openTreeAttr, .fsmount, .fsmountNamespace, .hold, .letGo:
      false
    }
  }

  /// Whether it makes, moves or removes names.
  var changesNames: Bool {
    switch self {
    case .mkdir, .rmdir, .unlink, .rename, .symlink, .touch: true
    default: false
    }
  }

  var marksExpiry: Bool {
    if case .umount2(_, let flags) = self { flags.contains(.expire) } else { false }
  }

  /// Whether it changes things more than once.
  var commitsRepeatedly: Bool {
    switch self {
    case .rmdir, .unlink, .rename, .exit: true
    default: false
    }
  }
}
