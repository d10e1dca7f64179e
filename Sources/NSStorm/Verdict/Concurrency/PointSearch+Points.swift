import StormEngine
import StormVocabulary

// The points of an order, made one by one.

extension PointSearch {
  mutating func apply(_ move: Move, _ model: inout MountModel) -> Bool {
    switch move {
    case .finish(let index), .finishAtOnce(let index):
      return finish(index, .exactly, &model)
    case .hold(let holder, let index):
      begin(holder, &model)
      resolve(holder, &model)
      cursor.fresh = [holder]
      return finish(index, .exactly, &model)
    case .finishWithLatitude(let index): return finish(index, .withLatitude, &model)
    case .finishTorn(let index): return finishTorn(index, &model)
    case .step(let index): return step(index, &model)
    case .walk(let index):
      begin(index, &model)
      guard model.walkPoint(&states[index].call) else { return false }
      note(index, .walk, .walkInParts)
      freshen(index)
      return true
    case .release(let index):
      release(index, &model)
      return true
    }
  }

  private mutating func note(
    _ index: Int, _ kind: OrderedPoint.Kind, _ latitude: Latitude? = nil
  ) {
    order.append(
      OrderedPoint(
        call: entries[index].indexInWindow, window: entries[index].window, kind: kind,
        latitude: latitude))
    cursor.orderCount += 1
  }

  private mutating func begin(_ index: Int, _ model: inout MountModel) {
    touch(index)
    guard !states[index].hasStarted else { return }
    states[index].hasStarted = true
    cursor.active.append(index)
    for holder in cursor.lingering where entries[holder].end < entries[index].call.startNanoseconds
    {
      release(holder, &model)
    }
  }

  mutating func release(_ index: Int, _ model: inout MountModel) {
    touch(index)
    model.releasePoint(&states[index].call)
    cursor.lingering.removeAll { $0 == index }
    note(index, .release(mounts: []))
  }

  private mutating func resolve(_ index: Int, _ model: inout MountModel) {
    guard case .resolve(let argument) = model.nextPoint(of: states[index].call) else { return }
    model.resolvePoint(&states[index].call)
    note(index, .resolve(argument: argument))
  }

  private mutating func step(_ index: Int, _ model: inout MountModel) -> Bool {
    begin(index, &model)
    switch model.nextPoint(of: states[index].call) {
    case .resolve:
      resolve(index, &model)
      freshen(index)
      return true
    case .check:
      model.checkPoint(&states[index].call)
      note(index, .check)
      // What the check found may differ later although the walk would not.
      cursor.fresh.removeAll { $0 == index }
      guard let answer = states[index].call.answer else { return true }
      return accept(index, answer, &model)
    case .commit, .answered:
      guard let answer = model.commitPoint(&states[index].call) else {
        note(index, .commit)
        return settleFresh(after: index, &model)
      }
      return settleFresh(after: index, &model) && accept(index, answer, &model)
    }
  }

  enum Precision { case exactly, withLatitude }

  private mutating func finish(
    _ index: Int, _ precision: Precision, _ model: inout MountModel
  ) -> Bool {
    begin(index, &model)
    while case .resolve = model.nextPoint(of: states[index].call) { resolve(index, &model) }
    while true {
      let mark = model.checkpoint()
      let before = states[index].call
      guard let answer = commit(index, &model) else {
        note(index, .commit)
        guard settleFresh(after: index, &model) else { return false }
        continue
      }
      let observed = entries[index].observed
      if observed == nil || observed == answer {
        guard precision == .exactly else { return false }
        return settleFresh(after: index, &model) && accept(index, answer, &model)
      }
      if answer == .busy {
        model.rollback(to: mark)
        states[index].call = before
        guard dropObstacles(of: index, &model), let second = commit(index, &model) else {
          return false
        }
        return settleFresh(after: index, &model) && accept(index, second, &model)
      }
      if precision == .withLatitude, observed == .busy, answer == .none || answer == .tryAgain {
        model.rollback(to: mark)
        states[index].call = before
        guard let reason = transientReference(against: index, &model) else { return false }
        model.settle(&states[index].call, answer: .busy)
        return accept(index, .busy, &model, reason)
      }
      return false
    }
  }

  /// A synchronous umount that succeeded against references of which one moved meanwhile.
  private mutating func finishTorn(_ index: Int, _ model: inout MountModel) -> Bool {
    begin(index, &model)
    while case .resolve = model.nextPoint(of: states[index].call) { resolve(index, &model) }
    let judged = Set(model.mountsJudged(by: states[index].call))
    guard referenceMoves(on: judged, during: index, &model) else { return false }
    if case .check = model.nextPoint(of: states[index].call) {
      model.checkPoint(&states[index].call)
    }
    guard let answer = model.commitPoint(&states[index].call, missesReferences: true) else {
      return false
    }
    return accept(index, answer, &model, .tornSum)
  }

  /// Whether a call that overlaps in time takes or puts a reference on one of these mounts.
  private func referenceMoves(
    on judged: Set<UInt64>, during index: Int, _ model: inout MountModel
  ) -> Bool {
    let call = entries[index].call
    for other in bounds[cursor.window]..<bounds[cursor.window + 1] where other != index {
      let entry = entries[other]
      guard entry.call.worker != call.worker, entry.call.startNanoseconds <= call.endNanoseconds,
        entry.end >= call.startNanoseconds
      else { continue }
      let source =
        states[other].isFinished
        ? CallInFlight(entry.call.operation, by: entry.call.process) : states[other].call
      if model.mountsMoved(by: source).contains(where: judged.contains) { return true }
    }
    return false
  }

  private mutating func freshen(_ index: Int) {
    if cursor.fresh.last != index { cursor.fresh.append(index) }
  }

  /// After a commit: it must have made a difference to every walk that was made early for it, and no call may be left that
  /// can never answer what it did.
  private mutating func settleFresh(after index: Int, _ model: inout MountModel) -> Bool {
    for other in cursor.active
    where other != index && entries[other].observed == Errno.none
      && model.canNoLongerSucceed(states[other].call)
    {
      return false
    }
    guard !cursor.fresh.isEmpty else { return true }
    let wasBusy = entries[index].mayMeetReferences
    let judged = wasBusy ? Set(model.mountsJudged(by: states[index].call)) : []
    for other in cursor.fresh where other != index {
      if wasBusy, model.mountsHeld(by: states[other].call).contains(where: judged.contains) {
        continue
      }
      if model.wouldWalkAlike(states[other].call) { return false }
    }
    cursor.fresh.removeAll()
    return true
  }

  private mutating func commit(_ index: Int, _ model: inout MountModel) -> Errno? {
    if case .check = model.nextPoint(of: states[index].call) {
      model.checkPoint(&states[index].call)
    }
    return model.commitPoint(&states[index].call)
  }

  private mutating func accept(
    _ index: Int, _ answer: Errno, _ model: inout MountModel, _ latitude: Latitude? = nil
  ) -> Bool {
    if let observed = entries[index].observed, observed != answer { return false }
    note(index, .answer(answer), latitude)
    cursor.stacks.take(entries[index].guess)
    states[index].isFinished = true
    cursor.active.removeAll { $0 == index }
    if states[index].call.holdsReferences { cursor.lingering.append(index) }
    for holder in cursor.lingering where !serves(holder) { release(holder, &model) }
    if entries[index].observed != nil {
      cursor.finishedInWindow += 1
      cursor.finished += 1
    }
    cursor.progress ^= Fingerprint.word(UInt64(index) + 1)
    while cursor.low < bounds[cursor.window + 1], states[cursor.low].isFinished { cursor.low += 1 }
    return answer != .none || !entries[index].call.operation.takesMounts || !isHopeless(&model)
  }

  /// Calls that have committed may have dropped their references by now.
  private mutating func dropObstacles(of index: Int, _ model: inout MountModel) -> Bool {
    let judged = model.mountsJudged(by: states[index].call)
    var dropped = false
    for holder in cursor.lingering {
      touch(holder)
      if judged.isEmpty {
        model.releasePoint(&states[holder].call)
      } else if !model.releasePoint(&states[holder].call, on: judged) {
        continue
      }
      dropped = true
      note(holder, .release(mounts: judged))
    }
    cursor.lingering.removeAll { !states[$0].call.holdsReferences }
    return dropped
  }

  /// Whether somebody who is on the way may hold what the umount's busy check looks at.
  private func transientReference(
    against index: Int, _ model: inout MountModel
  ) -> Latitude? {
    let judged = Set(model.mountsJudged(by: states[index].call))
    for other in candidates() where other != index {
      let passed = model.mountsPassed(by: states[other].call)
      if passed.contains(where: judged.contains) { return .passingWalk }
    }
    let call = entries[index].call
    for reader in windows[entries[index].window].readers
    where reader.startNanoseconds <= call.endNanoseconds
      && reader.endNanoseconds >= call.startNanoseconds
    {
      let passed = model.mountsPassed(by: reader.path, of: reader.process)
      if passed.contains(where: judged.contains) { return .reader }
    }
    return nil
  }
}
