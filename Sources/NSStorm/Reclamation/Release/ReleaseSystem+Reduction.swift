/// What a step reads and writes, as bits. A step may be taken alone when nothing that the others can ever
/// do conflicts with it.
private struct Footprint {
  var reads: UInt64 = 0
  var writes: UInt64 = 0

  static let lock: UInt64 = 1 << 0
  static let namespaceLock: UInt64 = 1 << 1
  /// Who is inside a read section.
  static let readers: UInt64 = 1 << 2
  static let queues: UInt64 = 1 << 3
  /// The places that verdicts about others look at: held references, returned umounters.
  static let ghosts: UInt64 = 1 << 4
  static func count(_ mounts: UInt64) -> UInt64 { mounts << 8 }
  static func mounted(_ mounts: UInt64) -> UInt64 { mounts << 12 }
  static func death(_ mounts: UInt64) -> UInt64 { mounts << 16 }

  /// Two steps conflict when one writes what the other reads or writes.
  func conflicts(with other: Footprint) -> Bool {
    writes & (other.reads | other.writes) != 0 || other.writes & reads != 0
  }
}

extension ReleaseSystem {
  /// Persistent sets with one element: the only enabled step of an actor, which conflicts with nothing
  /// that another actor, worker or service can do from here on. The graph has no cycles, so nothing is
  /// put off for ever; the step must show nothing, so no order of findings is lost.
  public func soleSuccessor(
    of words: UnsafePointer<UInt64>, among successors: borrowing SuccessorBuffer
  ) -> Int? {
    let state = ReleaseState(words)
    for candidate in 0..<successors.count {
      guard successors.findings[candidate] == [] else { continue }
      let index = Int(successors.actions[candidate] >> 8)
      guard index < blockCount, let own = footprint(index, state) else { continue }
      var independent = true
      for other in 0..<blockCount where other != index {
        if own.conflicts(with: future(other, state)) {
          independent = false
          break
        }
      }
      if independent, !own.conflicts(with: servicesFuture(state)) { return candidate }
    }
    return nil
  }

  /// The next step of an actor, for the kinds of steps that can be independent at all.
  private func footprint(_ index: Int, _ state: ReleaseState) -> Footprint? {
    let block = state[block: index]
    // The end of a wait and a worker's start touch nothing but their own place, and nobody can take
    // back a grace period that is over.
    switch block.place {
    case .gracePeriod, .boxQueued: return Footprint()
    case .boxGracePeriod: return isCallback(index) ? nil : Footprint()
    default: break
    }
    guard index < actorCount else { return nil }
    let target: UInt64 = 1 << UInt64(targets[index])
    switch block.place {
    case .namespaceLock:
      return Footprint(reads: Footprint.namespaceLock, writes: Footprint.namespaceLock)
    case .check where role(index) != .syncUmounter:
      return Footprint(reads: Footprint.mounted(target), writes: 0)
    case .walkLookup where state[.mounted, targets[index]]:
      return Footprint(reads: Footprint.mounted(target), writes: 0)
    case .systemCallReturn where block.taskWork == 0:
      // Only an umounter's return is judged, or judged by.
      if role(index)?.isUmounter == true { return nil }
      return Footprint(reads: 0, writes: 0)
    default: return nil
    }
  }

  /// Everything that a block may still do.
  private func future(_ index: Int, _ state: ReleaseState) -> Footprint {
    let block = state[block: index]
    let all: UInt64 = (1 << UInt64(mountCount)) - 1
    let tail =
      Footprint.death(all) | Footprint.queues | Footprint.ghosts | Footprint.readers
      | Footprint.lock
    switch block.place {
    case .finished: return Footprint()
    case .boxIdle, .boxGracePeriod, .boxQueued, .workerIdle, .workerTake, .workerEnd:
      return Footprint(reads: ~0, writes: tail | Footprint.count(all))
    case .resolve, .namespaceLock, .hashLock, .check, .detach, .unlockFailed, .unlock,
      .addToReleaseList, .addToNextList:
      if role(index)?.isUmounter == true { return Footprint(reads: ~0, writes: ~0) }
      return Footprint(
        reads: ~Footprint.namespaceLock, writes: tail | Footprint.count(all))
    case .systemCallReturn:
      return Footprint(reads: ~(Footprint.namespaceLock | Footprint.lock), writes: tail)
    default:
      return Footprint(
        reads: ~Footprint.namespaceLock, writes: tail | Footprint.count(all))
    }
  }

  private func servicesFuture(_ state: ReleaseState) -> Footprint {
    let all: UInt64 = (1 << UInt64(mountCount)) - 1
    var writes = Footprint.death(all) | Footprint.queues | Footprint.readers
    if state[.sequenceStorePending] { writes |= Footprint.lock }
    return Footprint(reads: ~(Footprint.namespaceLock | Footprint.lock), writes: writes)
  }
}
