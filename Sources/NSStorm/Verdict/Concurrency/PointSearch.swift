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
/// started after the holder's end, when a busy check must succeed, or when no call is left whose EBUSY they could explain.
/// Dropping one never hinders anything but an EBUSY, so nothing is lost by waiting; only where MNT_EXPIRE is used, whose
/// mark a dropped reference clears, is the moment searched for.
///
/// Of orders that differ in nothing only one is searched. A walk is made early only directly before a commit that changes
/// where it leads, or whose EBUSY its reference explains (``Cursor/fresh``). A call that changes nothing and whose answer is
/// right now is made now, and no other order is tried (``Move/finishAtOnce(_:)``).
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
    /// It leaves no trace but its references: it only looks, or it was refused.
    var isPassive = false
    /// When it has probably committed; a guess that only decides what is tried first.
    var probableCommit: UInt64 = 0
    var guess = Guess()
  }

  struct State {
    var call: CallInFlight
    var hasStarted = false
    var isFinished = false
  }

  enum Move {
    case finish(Int)
    /// Nothing else need be tried if it succeeds.
    case finishAtOnce(Int)
    /// A busy check that missed references: a known issue.
    case finishTorn(Int)
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
    /// Calls that have walked since the last commit, ascending: the next one must make a difference to each of them.
    var fresh: [Int] = []
    var orderCount = 0
    var passedWindows = 0
    var stacks = Stacks()
  }

  struct Frame {
    var mark: MountModel.Checkpoint
    var cursor: Cursor
    var moves: [Move]
    var next = 0
    var saved: [(index: Int, state: State)] = []
    /// The state that the moves start from; nil where it was not asked for yet.
    var fingerprint: Fingerprint?
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
  /// Which entries of the tables are compared; nil for all.
  var filter: PlaceFilter?
  /// Whether busy checks may miss references that move.
  var allowsTornSums = false
  /// Whether states are given up from which the closing tables cannot be reached; only to see the nearest end state is
  /// every end looked at.
  var looksAhead = true
  var outlook: Outlook?
  /// Synchronous umounts that answered EBUSY.
  let busyEntries: [Int]

  var states: [State]
  var cursor = Cursor()
  var order: [OrderedPoint] = []
  var passed: [Passed]
  var steps = 0
  var deepest = Deepest()
  var endStates = 0
  /// The end state whose tables differ least.
  var nearest: (differences: [TableDifference], order: [OrderedPoint])?
  var frames: [Frame] = []
  var dead: Set<Fingerprint> = []
  var scratch = FingerprintScratch()
  /// How often the search has begun again.
  var dives = 0
  private static let firstDive = 1_500

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
        var entry = Entry(
          call: call, observed: hasEnded ? call.errno : nil,
          end: hasEnded ? call.endNanoseconds : .max, window: number, indexInWindow: index,
          predecessor: last[call.worker] ?? -1)
        entry.isPassive = hasEnded && call.operation.leavesNoTrace(answering: call.errno)
        entry.probableCommit = Self.probableCommit(of: call)
        entries.append(entry)
        last[call.worker] = entries.count - 1
        if hasEnded { requiredHere += 1 }
      }
      bounds.append(entries.count)
      required.append(requiredHere)
    }
    Guess.prepare(&entries, windows)
    let expires = entries.contains { $0.call.operation.marksExpiry }
    if expires { for index in entries.indices { entries[index].isPassive = false } }
    self.entries = entries
    busyEntries = entries.indices.filter { entries[$0].mayMeetReferences }
    self.bounds = bounds
    requiredInWindow = required
    self.windows = windows
    self.limits = limits
    self.splitsWalks = splitsWalks
    includesNames = entries.contains { $0.call.operation.changesNames }
    releasesApart = expires
    states = entries.map { State(call: CallInFlight($0.call.operation, by: $0.call.process)) }
    passed = [start]
  }

  /// umount2 that succeeds waits for a grace period after its commit (kernel-mounts 6.2), so that lies near its start;
  /// everything else returns at once.
  private static func probableCommit(of call: ContendedWindow.Call) -> UInt64 {
    guard call.errno == .none, case .umount2 = call.operation else { return call.endNanoseconds }
    return min(call.endNanoseconds, call.startNanoseconds + 5_000)
  }

  // MARK: the search

  /// Leaves the model in the end state when an order was found, and where it was otherwise.
  mutating func run(_ model: inout MountModel) -> Outcome {
    let deadline = ProcessorClock.deadline(milliseconds: limits.milliseconds)
    let beginning = model.checkpoint()
    let first = (cursor: cursor, states: states, passed: passed)
    var diveEnd = Self.firstDive
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
      if steps & 0xff == 0, ProcessorClock.nanoseconds > deadline {
        model.rollback(to: beginning)
        return .exhausted(.milliseconds)
      }
      if steps > diveEnd {
        // A wrong choice near the beginning costs all that can follow it. Begin again and choose otherwise; what is known
        // to be dead stays so, and each time lasts longer, so that the last one is complete.
        dives += 1
        diveEnd = steps + Self.firstDive << dives
        model.rollback(to: beginning)
        frames = []
        order = []
        (cursor, states, passed) = first
        _ = arrive(&model)
        push(&model)
        continue
      }
      guard apply(move, &model) else {
        goBack(&model)
        continue
      }
      if case .finishAtOnce = move { frames[top].moves.removeSubrange(frames[top].next...) }
      switch arrive(&model) {
      case .complete: return .explained
      case .refused: goBack(&model)
      case .underWay:
        let here = dead.isEmpty ? nil : fingerprint(model)
        if let here, dead.contains(here) {
          goBack(&model)
        } else {
          push(&model)
          frames[frames.count - 1].fingerprint = here
        }
      }
    }
    model.rollback(to: beginning)
    return .inexplicable
  }

  mutating func push(_ model: inout MountModel) {
    let moves = self.moves(model)
    frames.append(Frame(mark: model.checkpoint(), cursor: cursor, moves: moves))
  }

  /// Undoes the move that was tried last.
  mutating func goBack(_ model: inout MountModel) {
    guard let top = frames.indices.last else { return }
    model.rollback(to: frames[top].mark)
    for (index, state) in frames[top].saved.reversed() { states[index] = state }
    frames[top].saved.removeAll(keepingCapacity: true)
    cursor = frames[top].cursor
    order.removeLast(order.count - cursor.orderCount)
    passed.removeLast(passed.count - 1 - cursor.passedWindows)
  }

  private mutating func leaveDeadEnd(_ model: inout MountModel) {
    let known = frames.last?.fingerprint
    dead.insert(known ?? fingerprint(model))
    if cursor.finished > deepest.finished {
      deepest.finished = cursor.finished
      deepest.order = order
      deepest.continuations = continuations(&model)
    }
    frames.removeLast()
    goBack(&model)
  }

  /// Remembers a call's state before it changes.
  mutating func touch(_ index: Int) {
    guard let top = frames.indices.last,
      !frames[top].saved.contains(where: { $0.index == index })
    else { return }
    frames[top].saved.append((index, states[index]))
  }

  mutating func fingerprint(_ model: borrowing MountModel) -> Fingerprint {
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
      .adding(progress).adding(UInt64(windows.count - 1)).adding(0)
  }

  private func fingerprint(
    _ model: borrowing MountModel, _ scratch: inout FingerprintScratch
  ) -> Fingerprint {
    let calls = (cursor.active + cursor.lingering).sorted().map {
      (number: $0, call: states[$0].call)
    }
    var fresh: UInt64 = 0
    for index in cursor.fresh { fresh ^= Fingerprint.word(UInt64(index) + 1 << 32) }
    return model.fingerprint(of: calls, includesNames: includesNames, using: &scratch)
      .adding(cursor.progress).adding(UInt64(cursor.window)).adding(fresh)
  }
}
