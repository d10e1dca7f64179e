extension ReleaseSystem {
  /// The actors, then the lanes of everything that is not an actor.
  public var lanes: [String] {
    var counts: [ActorRole: Int] = [:]
    var names = scenario.actors.map { actor in
      let number = counts[actor.role, default: 0] + 1
      counts[actor.role] = number
      let several = scenario.actors.count { $0.role == actor.role } > 1
      return several ? "\(actor.role.rawValue)\(number)" : actor.role.rawValue
    }
    for index in actorCount..<blockCount {
      names.append(
        isCallback(index) ? "callback" : index == globalWorker ? "worker" : "worker \(index)")
    }
    names.append("rcu")
    names.append("deferred")
    return names
  }

  private var rcuLane: Int { blockCount }
  private var deferredLane: Int { blockCount + 1 }

  public func describe(
    _ action: UInt16, from before: UnsafePointer<UInt64>, to after: UnsafePointer<UInt64>
  ) -> StepDescription {
    let index = Int(action >> 8)
    let old = ReleaseState(before)
    let new = ReleaseState(after)
    if index == Self.serviceIndex {
      let mount = Int(action & 7)
      let name = mountName(mount)
      switch Service(rawValue: Int(action & 0xFF) >> 3) {
      case .drain:
        return StepDescription(
          lane: rcuLane, text: "the store buffer drains: mount_lock's sequence becomes odd")
      case .delayed:
        return StepDescription(lane: deferredLane, text: "delayed_mntput: cleans up \(name)")
      case .queue:
        return StepDescription(lane: deferredLane, text: "work queue: cleans up \(name)")
      case .bystander:
        return StepDescription(
          lane: deferredLane, text: "an interrupted bystander's task work cleans up \(name)")
      case .free:
        return StepDescription(lane: rcuLane, text: "grace period over, \(name) is freed")
      case .globalGracePeriod, nil:
        return StepDescription(lane: rcuLane, text: "grace period over, the work is queued")
      }
    }
    let place = Place(rawValue: UInt8(action & 0x3F)) ?? .finished
    let variant = Int(action >> 6) & 3
    let block = old[block: index]
    let changed = new[block: index]
    let isPut =
      switch place {
      case .putRead, .putFast, .putLock, .putSlow: true
      default: false
      }
    let mount = isPut || index >= actorCount ? block.mount : targets[index]
    let name = mountName(mount)
    let count = new.count(mount)
    let isRcuStep = place == .gracePeriod || place == .boxGracePeriod
    let text =
      switch place {
      case .finished, .boxIdle: "nothing"
      case .resolve:
        changed.place == .finished
          ? "path lookup finds no mount" : "path lookup takes a reference, count=\(count)"
      case .namespaceLock: "namespace_lock"
      case .hashLock:
        design.barrier
          ? "lock_mount_hash, sequence odd"
          : "lock_mount_hash, sequence store still in the store buffer"
      case .check:
        checkText(role(index), changed, old.count(mount))
      case .detach:
        "umount_tree: mnt_ns=NULL, unhashed\(new[.sync, mount] ? ", MNT_SYNC_UMOUNT" : "")"
      case .unlockFailed: "unlocks everything"
      case .unlock: "unlocks everything\(releaseText(index, changed))"
      case .addToReleaseList: "adds to release_list"
      case .addToNextList: "adds to release_list_next_gp"
      case .gracePeriod: "grace period over, \(lanes[index]) is woken"
      case .putRead:
        "mntput(\(name)): mnt_ns \(changed.place == .putFast ? "is set, fast path" : "is NULL, slow path")"
      case .putFast: "mntput(\(name)) fast: count=\(count), no test"
      case .putLock:
        variant == 1
          ? "spins on mount_lock, which the task it interrupted holds"
          : "mntput(\(name)) slow: lock_mount_hash"
      case .putSlow:
        !old[.doomed, mount] && new[.doomed, mount]
          ? "mntput(\(name)) slow: count=0, final: MNT_DOOMED, \(tailText(index, mount, new))"
          : "mntput(\(name)) slow: count=\(count)"
      case .tailWait: "the queued cleanup is done, goes on"
      case .systemCallReturn:
        variant == 1 ? "task work: cleans up a mount" : returnText(index, block, mount, old)
      case .walkStart: "rcu_read_lock, samples the sequence"
      case .walkLookup:
        changed.place == .finished ? "__lookup_mnt finds nothing" : "__lookup_mnt finds \(name)"
      case .walkFirstRetry:
        changed.place == .finished ? "sequence changed, falls back" : "sequence unchanged"
      case .walkGet: "count=\(count), full barrier"
      case .walkSecondRetry:
        switch changed.place {
        case .putRead: "sequence unchanged: legitimized, holds a reference"
        case .walkSilentDrop: "sequence changed, sees MNT_SYNC_UMOUNT without the lock"
        default: "sequence changed"
        }
      case .walkSilentDrop: "drops its reference silently, count=\(count)"
      case .walkLock: "lock_mount_hash"
      case .walkTest:
        changed.place == .systemCallReturn
          ? "flag seen: drops its reference silently, count=\(count)"
          : "no flag: must call mntput; unlocks, leaves RCU"
      case .boxGracePeriod:
        isCallback(index)
          ? "grace period over, the callback starts" : "grace period over, work queued"
      case .boxQueued: "picks up its list"
      case .workerIdle: "PENDING cleared, function entered"
      case .workerTake: "takes release_list"
      case .workerEnd:
        old.nextList != 0 ? "moves release_list_next_gp over and queues again" : "done"
      }
    return StepDescription(lane: isRcuStep ? rcuLane : index, text: text)
  }

  public func describeShared(_ words: UnsafePointer<UInt64>) -> String {
    let state = ReleaseState(words)
    var parts: [String] = []
    for mount in 0..<mountCount {
      var text = "\(mountName(mount)) count=\(state.count(mount))"
      if state[.freed, mount] {
        text += " freed"
      } else if state[.cleaned, mount] {
        text += " cleaned"
      } else if state[.doomed, mount] {
        text += " doomed"
      } else if state[.detached, mount] {
        text += state[.sync, mount] ? " detached+sync" : " detached"
      }
      parts.append(text)
    }
    if state[.lockHeld] { parts.append("mount_lock") }
    if state[.namespaceLocked] { parts.append("namespace_sem") }
    let readers = (0..<blockCount).filter { state[block: $0].inReadSection }.map { lanes[$0] }
    if !readers.isEmpty { parts.append("readers: \(readers.joined(separator: " "))") }
    return parts.joined(separator: "; ")
  }

  private func mountName(_ mount: Int) -> String {
    mountCount == 1 ? "m" : "m\(mount)"
  }

  private func checkText(_ role: ActorRole?, _ changed: Block, _ count: UInt64) -> String {
    switch changed.result {
    case .busy: "busy check: count=\(count) -> EBUSY"
    case .invalid: "no longer mounted -> EINVAL"
    case .none, .success:
      role == .syncUmounter ? "busy check: count=\(count), not busy" : "lazy: no busy check"
    }
  }

  private func releaseText(_ index: Int, _ changed: Block) -> String {
    guard let role = role(index) else { return "" }
    return switch Self.release(for: role, in: design) {
    case .wait: ", waits for a grace period"
    case .callRcu: ", call_rcu"
    case .rcuWork: ", queue_rcu_work with its list"
    case .globalList: ", hands its list to the global worker"
    case .polled: changed.place == .gracePeriod ? ", waits for the rest" : ", nothing to wait for"
    case nil, .some(.none): ", does not wait"
    }
  }

  private func tailText(_ index: Int, _ mount: Int, _ new: ReleaseState) -> String {
    if new[.delayed, mount] { return "to delayed_mntput" }
    if new[.queued, mount] {
      return new[block: index].place == .tailWait ? "to the work queue, waits" : "to the work queue"
    }
    if new[.bystander, mount] { return "to the interrupted task" }
    return new[.cleaned, mount] ? "cleans up in place" : "to its task work"
  }

  private func returnText(
    _ index: Int, _ block: Block, _ mount: Int, _ state: ReleaseState
  ) -> String {
    let superblock = superblockIsDead(of: mount, state) ? "dead" : "alive"
    return switch block.result {
    case .success: "returns 0, superblock \(superblock)"
    case .busy: "returns EBUSY"
    case .invalid: "returns EINVAL"
    case .none: "returns, superblock \(superblock)"
    }
  }
}
