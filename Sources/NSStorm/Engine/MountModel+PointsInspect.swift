public import StormVocabulary

// What a judge of concurrent calls asks about calls in flight. Mounts are named by their ids (`mnt_id_unique`).

extension MountModel {
  /// The mounts on which the call holds a reference now.
  public func mountsHeld(by call: CallInFlight) -> [UInt64] {
    call.references.map { mounts[$0.mount.index].uniqueID }
      + (call.partialWalk.map { [mounts[$0.location.mount.index].uniqueID] } ?? [])
  }

  /// The mounts whose references a umount's busy check looks at: the one it resolved, and whatever stands at the
  /// same place of the parent's receivers (5.2). Empty for other calls.
  public func mountsJudged(by call: CallInFlight) -> [UInt64] {
    guard case .umount2 = call.operation, case .place(let location)? = call.found.last else {
      return []
    }
    return removalCandidates(of: location.mount).map { mounts[$0.index].uniqueID }
  }

  private func removalCandidates(of victim: Mount) -> [Mount] {
    let parent = mounts[victim.index].parent
    var candidates = [victim]
    guard parent != .none else { return candidates }
    let place = mounts[victim.index].mountpoint
    var receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      let copy = child(of: receiver, at: place)
      if copy != .none { candidates.append(copy) }
      receiver = propagationNext(receiver, origin: parent)
    }
    return candidates
  }

  /// The mounts that a walk of the call's paths would meet now, those of stacks included: in ref-walk each of them
  /// is held for a moment, and so is what covers a target while it is locked.
  public mutating func mountsPassed(by call: CallInFlight) -> [UInt64] {
    guard isAlive(call.process) else { return [] }
    let mark = checkpoint()
    running.recordsPassing = true
    running.passed.removeAll()
    var copy = call
    for found in call.found {
      switch found {
      case .place(let location), .parent(let location, _): notePassing(traversed(location))
      case .failure: break
      }
    }
    // What was walked already may be walked again: a walk that met a change is repeated from its start.
    copy.found = []
    copy.partialWalk = nil
    copy.answer = nil
    while case .resolve = nextPoint(of: copy) { resolvePoint(&copy) }
    let passed = running.passed
    running = RunningCall()
    rollback(to: mark)
    return passed.map { mounts[$0.index].uniqueID }
  }

  /// The mounts that a walk of this path would meet now.
  public mutating func mountsPassed(by path: PathArgument, of process: Int) -> [UInt64] {
    mountsPassed(by: CallInFlight(.stat(path), by: process))
  }

  /// What a call touches: the places and mounts that it changes, and those that it only depends on.
  public struct Footprint: Hashable, Sendable {
    /// Mounts and places (a mount and a dentry on it), as numbers that are equal for equal things while they live.
    public var changes: Set<UInt64> = []
    public var uses: Set<UInt64> = []

    /// Whether one of the two calls changes what the other one uses or changes.
    public func conflicts(with other: Footprint) -> Bool {
      !changes.isDisjoint(with: other.changes) || !changes.isDisjoint(with: other.uses)
        || !uses.isDisjoint(with: other.changes)
    }
  }

  /// What a resolved call touches; to be asked just before its commit.
  public func footprint(of call: CallInFlight) -> Footprint {
    var footprint = Footprint()
    let places = call.found.compactMap { found -> Location? in
      switch found {
      case .place(let location), .parent(let location, _): location
      case .failure: nil
      }
    }
    for place in places {
      footprint.uses.insert(key(place.mount))
      footprint.uses.insert(key(traversed(place)))
      let record = mounts[place.mount.index]
      if record.root == place.dentry, record.parent != .none {
        footprint.uses.insert(
          key(Location(mount: record.parent, dentry: record.mountpoint)))
      }
    }
    switch call.operation {
    case .umount2:
      guard let place = places.last, mounts[place.mount.index].root == place.dentry else { break }
      for mount in removalCandidates(of: place.mount) { insertMountAndPlace(mount, &footprint) }
    case .mount(let arguments):
      guard let target = places.first else { break }
      if !arguments.flags.isDisjoint(with: .propagationTypes), !arguments.flags.contains(.bind) {
        footprint.changes.insert(key(target.mount))
      } else if arguments.flags.contains(.remount) {
        footprint.changes.insert(key(target.mount))
      } else {
        insertReceivers(of: traversed(target), &footprint)
        if arguments.flags.contains(.move), let source = places.last {
          insertMountAndPlace(source.mount, &footprint)
        }
      }
    case .moveMount:
      for place in places { insertReceivers(of: traversed(place), &footprint) }
      for place in places { insertMountAndPlace(place.mount, &footprint) }
    case .mountSetattr:
      for place in places { footprint.changes.insert(key(place.mount)) }
    case .pivotRoot:
      for place in places { insertMountAndPlace(place.mount, &footprint) }
    default: break
    }
    return footprint
  }

  private func insertMountAndPlace(_ mount: Mount, _ footprint: inout Footprint) {
    footprint.changes.insert(key(mount))
    let record = mounts[mount.index]
    if record.parent != .none {
      footprint.changes.insert(key(Location(mount: record.parent, dentry: record.mountpoint)))
    }
  }

  private func insertReceivers(of place: Location, _ footprint: inout Footprint) {
    footprint.changes.insert(key(place))
    guard isShared(place.mount) else { return }
    var receiver = propagationNext(place.mount, origin: place.mount)
    while receiver != .none {
      footprint.changes.insert(key(Location(mount: receiver, dentry: place.dentry)))
      receiver = propagationNext(receiver, origin: place.mount)
    }
  }

  private func key(_ mount: Mount) -> UInt64 { mounts[mount.index].uniqueID << 1 }

  private func key(_ place: Location) -> UInt64 {
    Fingerprint.mix(mounts[place.mount.index].uniqueID, UInt64(place.dentry.index)) | 1
  }
}
