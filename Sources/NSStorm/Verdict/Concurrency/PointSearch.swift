import StormEngine
import StormVocabulary

/// Searches an order of the points of all calls that gives every answer and every table (Wing and Gong, with Lowe's
/// rule for what may come next and with dead states remembered).
///
/// Windows follow each other: no point of a later one comes before the closing tables of an earlier one. A call's
/// points come one after the other and between its start and its end; so a call may take its first point only when no
/// unfinished call had ended before it started.
///
/// References that a call still holds after its commit are dropped as late as possible: when a call begins that
/// started after the holder's end, or when a busy check must succeed. Dropping one never hinders anything but an EBUSY,
/// so nothing is lost by waiting; only where MNT_EXPIRE is used, whose mark a dropped reference clears, is the moment
/// searched for.
struct PointSearch {
  /// A call of the history, in the order of starts.
  struct Entry {
    var call: ContendedWindow.Call
    /// The answer; nil for a call whose end is not part of the history.
    var observed: Errno?
    var end: UInt64
    var window: Int
    var indexInWindow: Int
    /// The call of the same worker before it, or -1.
    var predecessor: Int
  }

  struct State {
    var call: CallInFlight
    var hasStarted = false
    var isFinished = false
  }

  enum Move {
    case finish(Int)
    /// The first one resolves, so that the second one finds it busy.
    case hold(Int, then: Int)
    case finishWithLatitude(Int)
    case step(Int)
    case walk(Int)
    case release(Int)
  }

  enum Outcome {
    case explained
    case inexplicable
    case exhausted(ExhaustedBudget)
  }

  /// Where the search stands, restored as a whole when it goes back.
  struct Cursor {
    var window = 0
    /// The first call of the window that is not finished.
    var low = 0
    var finishedInWindow = 0
    var finished = 0
    var progress: UInt64 = 0
    /// Calls that have begun and not finished.
    var active: [Int] = []
    /// Finished calls that still hold references.
    var lingering: [Int] = []
    var orderCount = 0
    var passedWindows = 0
  }

  private struct Frame {
    var mark: MountModel.Checkpoint
    var cursor: Cursor
    var moves: [Move]
    var next = 0
    var saved: [(index: Int, state: State)] = []
  }

  /// What was compared at the closing points that the search has passed.
  struct Passed {
    var comparison: TableComparison
  }

  let entries: [Entry]
  /// The first entry of each window, and the number of entries at the end.
  let bounds: [Int]
  let requiredInWindow: [Int]
  let windows: [ContendedWindow]
  let limits: SearchLimits
  let splitsWalks: Bool
  let includesNames: Bool
  let releasesApart: Bool
  /// An end state that does not count, for the question whether there is another one.
  var excludedEnd: Fingerprint?

  var states: [State]
  var cursor = Cursor()
  var order: [OrderedPoint] = []
  var passed: [Passed]
  var steps = 0
  var deepest = Deepest()
  var endStates = 0
  /// The end state whose tables differ least.
  var nearest: (differences: [TableDifference], order: [OrderedPoint])?
  private var frames: [Frame] = []
  private var dead: Set<Fingerprint> = []
  var scratch = FingerprintScratch()

  /// The order that explained most, and what could not follow it.
  struct Deepest {
    var finished = -1
    var order: [OrderedPoint] = []
    var continuations: [FailedContinuation] = []
  }

  /// - Parameter cut: calls that ended later have not ended; nil takes the windows as they are.
  init(
    windows: [ContendedWindow], from start: Passed, limits: SearchLimits, splitsWalks: Bool,
    cut: UInt64? = nil
  ) {
    var entries: [Entry] = []
    var bounds = [0]
    var required: [Int] = []
    for (number, window) in windows.enumerated() {
      var last: [Int: Int] = [:]
      var requiredHere = 0
      let ordered = window.calls.enumerated().sorted {
        ($0.element.startNanoseconds, $0.element.endNanoseconds, $0.offset)
          < ($1.element.startNanoseconds, $1.element.endNanoseconds, $1.offset)
      }
      for (index, call) in ordered {
        if let cut, call.startNanoseconds > cut { continue }
        let hasEnded = cut.map { call.endNanoseconds <= $0 } ?? true
        entries.append(
          Entry(
            call: call, observed: hasEnded ? call.errno : nil,
            end: hasEnded ? call.endNanoseconds : .max, window: number, indexInWindow: index,
            predecessor: last[call.worker] ?? -1))
        last[call.worker] = entries.count - 1
        if hasEnded { requiredHere += 1 }
      }
      bounds.append(entries.count)
      required.append(requiredHere)
    }
    self.entries = entries
    self.bounds = bounds
    requiredInWindow = required
    self.windows = windows
    self.limits = limits
    self.splitsWalks = splitsWalks
    includesNames = entries.contains { $0.call.operation.changesNames }
    releasesApart = entries.contains { $0.call.operation.marksExpiry }
    states = entries.map { State(call: CallInFlight($0.call.operation, by: $0.call.process)) }
    passed = [start]
  }

  // MARK: the search

  /// Leaves the model in the end state when an order was found, and where it was otherwise.
  mutating func run(_ model: inout MountModel) -> Outcome {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(limits.milliseconds)
    let beginning = model.checkpoint()
    switch arrive(&model) {
    case .complete: return .explained
    case .refused: return .inexplicable
    case .underWay: break
    }
    push(&model)
    while let top = frames.indices.last {
      guard frames[top].next < frames[top].moves.count else {
        leaveDeadEnd(&model)
        if dead.count > limits.states {
          model.rollback(to: beginning)
          return .exhausted(.states)
        }
        continue
      }
      let move = frames[top].moves[frames[top].next]
      frames[top].next += 1
      steps += 1
      if steps > limits.steps {
        model.rollback(to: beginning)
        return .exhausted(.steps)
      }
      if steps & 0xff == 0, clock.now > deadline {
        model.rollback(to: beginning)
        return .exhausted(.milliseconds)
      }
      guard apply(move, &model) else {
        goBack(&model)
        continue
      }
      switch arrive(&model) {
      case .complete: return .explained
      case .refused: goBack(&model)
      case .underWay:
        if !dead.isEmpty, dead.contains(fingerprint(model)) {
          goBack(&model)
        } else {
          push(&model)
        }
      }
    }
    model.rollback(to: beginning)
    return .inexplicable
  }

  private mutating func push(_ model: inout MountModel) {
    let moves = self.moves(model)
    frames.append(Frame(mark: model.checkpoint(), cursor: cursor, moves: moves))
  }

  /// Undoes the move that was tried last.
  private mutating func goBack(_ model: inout MountModel) {
    guard let top = frames.indices.last else { return }
    model.rollback(to: frames[top].mark)
    for (index, state) in frames[top].saved.reversed() { states[index] = state }
    frames[top].saved.removeAll(keepingCapacity: true)
    cursor = frames[top].cursor
    order.removeLast(order.count - cursor.orderCount)
    passed.removeLast(passed.count - 1 - cursor.passedWindows)
  }

  private mutating func leaveDeadEnd(_ model: inout MountModel) {
    dead.insert(fingerprint(model))
    if cursor.finished > deepest.finished {
      deepest.finished = cursor.finished
      deepest.order = order
      deepest.continuations = continuations(&model)
    }
    frames.removeLast()
    goBack(&model)
  }

  /// Remembers a call's state before it changes.
  private mutating func touch(_ index: Int) {
    guard let top = frames.indices.last,
      !frames[top].saved.contains(where: { $0.index == index })
    else { return }
    frames[top].saved.append((index, states[index]))
  }

  private mutating func fingerprint(_ model: borrowing MountModel) -> Fingerprint {
    var scratch = FingerprintScratch()
    swap(&scratch, &self.scratch)
    defer { swap(&scratch, &self.scratch) }
    return fingerprint(model, &scratch)
  }

  /// The fingerprint that the closing point of the last window has in this search, when nothing is in flight.
  func endFingerprint(_ model: borrowing MountModel) -> Fingerprint {
    var progress: UInt64 = 0
    for index in entries.indices { progress ^= Fingerprint.word(UInt64(index) + 1) }
    var scratch = self.scratch
    return model.fingerprint(of: [], includesNames: includesNames, using: &scratch)
      .adding(progress).adding(UInt64(windows.count - 1))
  }

  private func fingerprint(
    _ model: borrowing MountModel, _ scratch: inout FingerprintScratch
  ) -> Fingerprint {
    let calls = (cursor.active + cursor.lingering).sorted().map {
      (number: $0, call: states[$0].call)
    }
    return model.fingerprint(of: calls, includesNames: includesNames, using: &scratch)
      .adding(cursor.progress).adding(UInt64(cursor.window))
  }

  // MARK: what may come next

  /// The unfinished calls that may take a point now, earliest end first.
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
    if found.count > 1 { found.sort { (entries[$0].end, $0) < (entries[$1].end, $1) } }
    return found
  }

  private func moves(_ model: borrowing MountModel) -> [Move] {
    let candidates = self.candidates()
    var moves: [Move] = []
    for call in candidates where entries[call].observed != nil { moves.append(.finish(call)) }
    if candidates.count > 1 || !windows[cursor.window].readers.isEmpty {
      for call in candidates where entries[call].mayMeetReferences {
        for holder in candidates where holder != call && canResolve(holder, model) {
          moves.append(.hold(holder, then: call))
        }
        moves.append(.finishWithLatitude(call))
      }
    }
    if releasesApart { for call in cursor.lingering { moves.append(.release(call)) } }
    if candidates.count > 1 {
      for call in candidates where hasApartStep(call, model) { moves.append(.step(call)) }
      if splitsWalks {
        for call in candidates where canResolve(call, model) { moves.append(.walk(call)) }
      }
    }
    for call in candidates where entries[call].observed == nil { moves.append(.finish(call)) }
    return moves
  }

  private func canResolve(_ index: Int, _ model: borrowing MountModel) -> Bool {
    if case .resolve = model.nextPoint(of: states[index].call) { true } else { false }
  }

  /// Whether the next point can be told apart from all that follow it.
  private func hasApartStep(_ index: Int, _ model: borrowing MountModel) -> Bool {
    switch model.nextPoint(of: states[index].call) {
    case .resolve: return true
    case .check: return model.checksApart(states[index].call)
    case .commit: return entries[index].call.operation.commitsRepeatedly
    case .answered: return false
    }
  }

  // MARK: moves

  private mutating func apply(_ move: Move, _ model: inout MountModel) -> Bool {
    switch move {
    case .finish(let index): return finish(index, latitude: false, &model)
    case .hold(let holder, let index):
      begin(holder, &model)
      resolve(holder, &model)
      return finish(index, latitude: false, &model)
    case .finishWithLatitude(let index): return finish(index, latitude: true, &model)
    case .step(let index): return step(index, &model)
    case .walk(let index):
      begin(index, &model)
      guard model.walkPoint(&states[index].call) else { return false }
      note(index, .walk, .walkInParts)
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

  private mutating func release(_ index: Int, _ model: inout MountModel) {
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
      return true
    case .check:
      model.checkPoint(&states[index].call)
      note(index, .check)
      guard let answer = states[index].call.answer else { return true }
      return accept(index, answer)
    case .commit, .answered:
      guard let answer = model.commitPoint(&states[index].call) else {
        note(index, .commit)
        return true
      }
      return accept(index, answer)
    }
  }

  private mutating func finish(
    _ index: Int, latitude: Bool, _ model: inout MountModel
  ) -> Bool {
    begin(index, &model)
    while case .resolve = model.nextPoint(of: states[index].call) { resolve(index, &model) }
    while true {
      let mark = model.checkpoint()
      let before = states[index].call
      guard let answer = commit(index, &model) else {
        note(index, .commit)
        continue
      }
      let observed = entries[index].observed
      if observed == nil || observed == answer { return accept(index, answer) }
      if answer == .busy {
        model.rollback(to: mark)
        states[index].call = before
        guard dropObstacles(of: index, &model) else { return false }
        let second = commit(index, &model)
        return second.map { accept(index, $0) } ?? false
      }
      if latitude, observed == .busy, answer == .none || answer == .tryAgain {
        model.rollback(to: mark)
        states[index].call = before
        guard let reason = transientReference(against: index, &model) else { return false }
        model.settle(&states[index].call, answer: .busy)
        return accept(index, .busy, reason)
      }
      return false
    }
  }

  private mutating func commit(_ index: Int, _ model: inout MountModel) -> Errno? {
    if case .check = model.nextPoint(of: states[index].call) {
      model.checkPoint(&states[index].call)
    }
    return model.commitPoint(&states[index].call)
  }

  private mutating func accept(
    _ index: Int, _ answer: Errno, _ latitude: Latitude? = nil
  ) -> Bool {
    if let observed = entries[index].observed, observed != answer { return false }
    note(index, .answer(answer), latitude)
    states[index].isFinished = true
    cursor.active.removeAll { $0 == index }
    if states[index].call.holdsReferences { cursor.lingering.append(index) }
    if entries[index].observed != nil {
      cursor.finishedInWindow += 1
      cursor.finished += 1
    }
    cursor.progress ^= Fingerprint.word(UInt64(index) + 1)
    while cursor.low < bounds[cursor.window + 1], states[cursor.low].isFinished { cursor.low += 1 }
    return true
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

  // MARK: closing points

  private enum Arrival {
    case underWay
    case complete
    case refused
  }

  /// Passes the closing points that have been reached.
  private mutating func arrive(_ model: inout MountModel) -> Arrival {
    while cursor.window < windows.count,
      cursor.finishedInWindow == requiredInWindow[cursor.window]
    {
      for holder in cursor.lingering { release(holder, &model) }
      let isLast = cursor.window == windows.count - 1
      if windows[cursor.window].tables != nil || isLast && excludedEnd != nil {
        let here = fingerprint(model)
        if dead.contains(here) { return .refused }
        if !agrees(model) || isLast && here == excludedEnd {
          dead.insert(here)
          return .refused
        }
      }
      cursor.window += 1
      cursor.low = bounds[cursor.window]
      cursor.finishedInWindow = 0
    }
    return cursor.window == windows.count ? .complete : .underWay
  }

  /// Whether the tables of the closing point are those of this state.
  private mutating func agrees(_ model: borrowing MountModel) -> Bool {
    guard let tables = windows[cursor.window].tables, var next = passed.last else { return true }
    endStates += 1
    // Within a window the kernel gives ids, groups and devices to new things again, so each closing point is compared
    // as a snapshot of its own.
    let predicted = model.livingProcesses.map {
      NamespaceTable(namespace: $0, table: model.table(seenBy: $0))
    }
    let differences = next.comparison.restart(predicted: predicted, observed: tables)
    guard differences.isEmpty else {
      if nearest.map({ Self.size(of: differences) < Self.size(of: $0.differences) }) ?? true {
        nearest = (differences, order)
      }
      return false
    }
    passed.append(next)
    cursor.passedWindows += 1
    return true
  }

  private static func size(of differences: [TableDifference]) -> Int {
    differences.reduce(0) { $0 + 1 + $1.mounts.count }
  }

  /// What each call that could come next would answer.
  private func continuations(_ model: inout MountModel) -> [FailedContinuation] {
    model.beginExplaining()
    defer { model.stopExplaining() }
    return candidates().compactMap { index in
      guard let observed = entries[index].observed else { return nil }
      let mark = model.checkpoint()
      defer { model.rollback(to: mark) }
      var call = states[index].call
      while case .resolve = model.nextPoint(of: call) { model.resolvePoint(&call) }
      if case .check = model.nextPoint(of: call) { model.checkPoint(&call) }
      var answer = model.commitPoint(&call)
      while answer == nil { answer = model.commitPoint(&call) }
      let reason = model.reasonsOfLastCall.last { $0.errno != .none }?.rule.explanation.sentence
      return FailedContinuation(
        call: entries[index].indexInWindow, observed: observed, predicted: answer ?? .none,
        reason: reason ?? "nothing refuses it")
    }
  }
}

extension PointSearch.Entry {
  /// A synchronous umount that answered EBUSY.
  fileprivate var mayMeetReferences: Bool {
    guard observed == .busy, case .umount2(_, let flags) = call.operation else { return false }
    return !flags.contains(.detach)
  }
}

extension Operation {
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
