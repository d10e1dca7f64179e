import StormEngine
import StormVerdict
import StormVocabulary

/// Follows the processes of a watched program on the engine and compares every answer.
struct CallFollower: ~Copyable {
  struct Start {
    var rules: KernelRules
    var table: MountTable
    /// Where the first process stands; nil where nobody knows.
    var workingDirectory: String?
    /// Processes that nobody watches share the first namespace.
    var hasOutsiders: Bool
    var mutation: Mutation?
  }

  var model: MountModel
  var book = TaskBook()
  var comparison = TableComparison()
  let start: Start
  let firstNamespace: Int
  /// All events, for the question which calls overlapped.
  let events: [TracedEvent]
  private(set) var verdict: ImportVerdict
  /// The event that is being judged.
  private(set) var position = 0
  /// Divergences that were found, at which event; the last one is the newest.
  private(set) var found: [(event: Int, divergence: ImportDivergence)] = []
  private var before: MountModel.Checkpoint
  /// The line of the first call that could not be followed and may have changed something.
  var unfollowedSince: Int?
  var divergedSince: Int?
  var namespacesSeen: Set<Int> = []
  var silencedTables: Set<Int> = []
  var nextProcess = 1
  private var hasOpenedUp = false

  /// Slots that no program uses: for the executable, the scratch and file mappings.
  static let executableSlot = 1 << 30
  static let scratchSlot = 1 << 30 | 1

  init(start: Start, events: [TracedEvent], file: String) {
    var model = MountModel(
      rules: start.rules, initialTable: InitialTable.ordered(start.table) ?? start.table)
    model.treatContentsAsUnseen()
    model.breakOnPurpose(start.mutation)
    model.beginExplaining()
    before = model.checkpoint()
    firstNamespace = model.namespaceNumber(of: 0) ?? 0
    self.model = model
    self.start = start
    self.events = events
    verdict = ImportVerdict(file: file)
    namespacesSeen.insert(firstNamespace)
    for entry in start.table.entries {
      if let key = Self.sharingKey(type: entry.fileSystemType, source: entry.source) {
        shareFirst(entry.mountpoint, key)
      }
    }
    if let directory = start.workingDirectory {
      _ = self.model.learn(.path(directory), as: .directory, by: 0)
      _ = self.model.perform(.chdir(.path(directory)), by: 0)
    }
  }

  private mutating func shareFirst(_ mountpoint: String, _ key: String) {
    model.share(fileSystemAt: .path(mountpoint), by: 0, as: key)
  }

  /// Follows the next event; false at the end.
  mutating func advance() -> Bool {
    guard position < events.count else { return false }
    follow(events[position])
    position += 1
    return true
  }

  /// What was found, once all events were followed.
  consuming func finish() -> ImportVerdict {
    verdict.namespaces = namespacesSeen.count
    verdict.divergences = found.map(\.divergence)
    return verdict
  }

  // MARK: accounts

  /// Notes a call that is not judged; where it may have changed something, what follows is in doubt.
  mutating func leave(
    _ event: TracedEvent, _ call: String, _ reason: NotJudged, _ detail: String, isMountCall: Bool,
    mayHaveChanged: Bool
  ) {
    verdict.unjudged[reason, default: 0] += 1
    if isMountCall || verdict.unjudgedCalls.count < 50,
      verdict.unjudgedCalls.count < ImportVerdict.mostListed
    {
      verdict.unjudgedCalls.append(
        UnjudgedCall(
          line: event.line, task: event.task, call: call, reason: reason, detail: detail))
    }
    if mayHaveChanged, unfollowedSince == nil { unfollowedSince = event.line }
  }

  mutating func countProcess() { verdict.processes += 1 }
  mutating func countLearned() { verdict.learned += 1 }

  mutating func countTable(entries: Int) {
    verdict.tables += 1
    verdict.tableEntries += entries
  }

  mutating func warn(_ text: String) { verdict.warnings.append(text) }

  private mutating func countAgreement(_ call: String, isMountCall: Bool, succeeded: Bool) {
    guard isMountCall else {
      verdict.judgedOtherCalls += 1
      return
    }
    verdict.judgedMountCalls += 1
    if succeeded {
      verdict.succeeded[call, default: 0] += 1
    } else {
      verdict.refused[call, default: 0] += 1
    }
  }

  // MARK: judging

  /// One call on the engine.
  enum Action {
    case operation(Operation)
    /// Several operations that the kernel makes as one; the first refusal is the answer.
    case sequence([Operation])
    case unshare(mounts: Bool, users: Bool)
    /// Enter a user namespace, then a mount namespace.
    case enter(users: Int?, mounts: Int?)
    case nothing
  }

  /// How the answer of a call is to be taken.
  struct Terms {
    /// The name in reports: the call with its arguments.
    var description: String
    var isMountCall: Bool
    /// Paths whose existence the answer tells.
    var names: [(path: PathArgument, kind: LearnedKind, followsFinalLink: Bool)] = []
    /// Names that the call itself makes or removes: only what is above them is learned.
    var parents: [PathArgument] = []
    /// The file system may refuse by itself.
    var fileSystemDecides = false
    /// Answers other than success and these depend on more than the engine knows.
    var judgedErrnos: Set<Errno>?
    var isUmount: PathArgument?
    /// Both ends of a bind, whose kinds must agree.
    var bind: (source: PathArgument, target: PathArgument)?
  }

  /// Performs a call on the engine and compares its answer with the kernel's.
  ///
  /// - Returns: whether the call took effect on both sides.
  mutating func judge(
    _ event: TracedEvent, task: Int, _ action: Action, answered result: TracedResult, _ terms: Terms
  ) -> Bool {
    guard let process = book[task]?.process else { return false }
    let observed: Errno
    switch result {
    case .value: observed = .none
    case .errno(let errno): observed = errno
    case .unknown(let why):
      leave(
        event, terms.description, .noAnswer, why, isMountCall: terms.isMountCall,
        mayHaveChanged: terms.isMountCall)
      return false
    }
    let meetsUnseen = (terms.names.map(\.path) + terms.parents).contains {
      model.meetsUnseenNames($0, by: process)
    }
    if observed.showsThatNamesExist { learn(terms, by: process) }
    let rights = book[task]?.rights ?? .unknown
    model.setMountCapability(rights != .none, of: process)
    model.discardCheckpoints()
    before = model.checkpoint()
    var predicted = apply(action, by: process)
    if predicted == .notDirectory, observed == .none, let ends = terms.bind {
      predicted = retryAsFiles(ends, action, by: process)
    }
    if predicted == .noSuchEntry, observed.showsThatNamesExist, start.hasOutsiders,
      openUp(terms, event, by: process)
    {
      predicted = apply(action, by: process)
    }
    let reasons = model.reasonsOfLastCall
    if predicted == observed {
      if meetsUnseen, predicted != .none, !terms.isMountCall {
        countLearned()
      } else {
        countAgreement(
          event.callName, isMountCall: terms.isMountCall, succeeded: observed == .none)
      }
      return observed == .none
    }
    if predicted == .none { model.rollback(to: before) }
    let why = excuse(
      event, task, terms, predicted: predicted, observed: observed, meetsUnseen: meetsUnseen)
    if let (reason, detail) = why {
      leave(
        event, terms.description, reason,
        "predicted \(predicted), observed \(observed)" + (detail.isEmpty ? "" : "; \(detail)"),
        isMountCall: terms.isMountCall, mayHaveChanged: observed == .none && terms.isMountCall)
    } else {
      diverge(
        event, terms.description, predicted: predicted, observed: observed,
        reasons: predicted == .none ? [] : reasons)
      if observed == .none, divergedSince == nil { divergedSince = event.line }
    }
    return false
  }

  private mutating func apply(_ action: Action, by process: Int) -> Errno {
    switch action {
    case .operation(let operation): return model.perform(operation, by: process)
    case .sequence(let operations):
      for operation in operations {
        let errno = model.perform(operation, by: process)
        if errno != .none {
          model.rollback(to: before)
          return errno
        }
      }
      return .none
    case .unshare(let mounts, let users):
      return model.unshareInPlace(mounts: mounts, users: users, by: process)
    case .enter(let users, let mounts):
      if let users { model.joinUsers(of: users, by: process) }
      return mounts.map { model.perform(.setns($0), by: process) } ?? .none
    case .nothing: return .none
    }
  }

  /// Learns what an answer tells about names.
  private mutating func learn(_ terms: Terms, by process: Int) {
    for name in terms.names {
      _ = model.learn(
        name.path, as: name.kind, by: process, isFinalLinkFollowed: name.followsFinalLink)
    }
    for parent in terms.parents {
      if let above = parent.parent { _ = model.learn(above, as: .directory, by: process) }
    }
  }

  /// A name exists, but nothing in the trace made it: strace was told to leave out the call that did.
  private mutating func openUp(_ terms: Terms, _ event: TracedEvent, by process: Int) -> Bool {
    var isNews = false
    let names = terms.names.map { ($0.path, $0.kind) }
    let parents = terms.parents.compactMap(\.parent).map { ($0, LearnedKind.directory) }
    for (path, kind) in names + parents {
      if case .learned = model.learn(path, as: kind, by: process, opening: true) {
        isNews = true
        if !hasOpenedUp {
          warn(
            "line \(event.line): \(path) exists, but the trace does not show what made it; was it restricted with -e?"
          )
        }
        hasOpenedUp = true
      }
    }
    guard isNews else { return false }
    countLearned()
    model.discardCheckpoints()
    before = model.checkpoint()
    return true
  }

  /// A bind joins files to files: what was taken for a directory for want of knowledge is a file.
  private mutating func retryAsFiles(
    _ ends: (source: PathArgument, target: PathArgument), _ action: Action, by process: Int
  ) -> Errno {
    for path in [ends.source, ends.target] {
      model.rollback(to: before)
      guard case .learned = model.learn(path, as: .regular, by: process) else { continue }
      model.discardCheckpoints()
      before = model.checkpoint()
      let errno = apply(action, by: process)
      if errno != .notDirectory { return errno }
    }
    return .notDirectory
  }

  mutating func diverge(
    _ event: TracedEvent, _ call: String, predicted: Errno, observed: Errno,
    reasons: [Reason] = [], tables: [TableDifference] = []
  ) {
    let chain = reasons.suffix(2).map {
      "\($0.rule.explanation.sentence) (\($0.rule.explanation.function))"
    }
    let rule = chain.isEmpty ? nil : chain.joined(separator: "; ")
    found.append(
      (
        position,
        ImportDivergence(
          line: event.line, task: event.task, call: call, predictedErrno: predicted,
          observedErrno: observed, rule: rule, tables: tables, follows: divergedSince)
      ))
  }

  /// What the trace does not say and the answer may depend on; nil where the answer must have been the engine's.
  private mutating func excuse(
    _ event: TracedEvent, _ task: Int, _ terms: Terms, predicted: Errno, observed: Errno,
    meetsUnseen: Bool
  ) -> (NotJudged, String)? {
    if let judged = terms.judgedErrnos, !judged.contains(predicted) || !judged.contains(observed) {
      return (.fileSystem, "")
    }
    if let rights = excuse(ofRights: task, terms, predicted: predicted, observed: observed) {
      return rights
    }
    switch observed {
    case .noMemory, .interrupted, .inputOutput, .processFilesFull, .systemFilesFull:
      return (.resources, "")
    default: break
    }
    if observed.rawValue >= 512 { return (.resources, "interrupted and made again") }
    if let other = overlapping(event) {
      return (.overlap, "\(other.callName) of process \(other.task) ended on line \(other.line)")
    }
    if terms.fileSystemDecides, observed != .none { return (.fileSystem, "") }
    let isOfLookup = predicted.isOfLookup || observed.isOfLookup
    if meetsUnseen && isOfLookup || !terms.isMountCall && touchesUnseen(terms, task) {
      return (.unseenNames, "")
    }
    if observed == .noSuchEntry, touchesUnseen(terms, task) {
      return (.unseenNames, "somebody else may have removed it")
    }
    if observed == .busy, start.hasOutsiders, let path = terms.isUmount,
      let process = book[task]?.process
    {
      if model.namespaceNumber(of: process) == firstNamespace {
        return (.outsiders, "the namespace was there before the trace")
      }
      if model.umountReachesOthers(path, by: process) {
        return (.outsiders, "a copy in another namespace goes with it")
      }
    }
    if let line = unfollowedSince { return (.doubt, "line \(line) could not be followed") }
    return nil
  }

  /// Whether an answer may hang on rights that nobody knows. Of a task whose capabilities the observer has said, EPERM of a
  /// mount call is the engine's to predict, and so is success.
  private func excuse(
    ofRights task: Int, _ terms: Terms, predicted: Errno, observed: Errno
  ) -> (NotJudged, String)? {
    let rights = book[task]?.rights ?? .unknown
    if observed == .accessDenied { return (.credentials, "") }
    if observed == .notPermitted {
      return terms.isMountCall && rights != .unknown && !terms.fileSystemDecides
        ? nil : (.credentials, "")
    }
    if rights == .none, predicted == .notPermitted, let process = book[task]?.process,
      !model.isInOwningUserNamespace(process)
    {
      return (.credentials, "it may own the user namespace")
    }
    return nil
  }

  private mutating func touchesUnseen(_ terms: Terms, _ task: Int) -> Bool {
    guard let process = book[task]?.process else { return true }
    let paths = terms.names.map(\.path) + terms.parents.map { $0.parent ?? $0 }
    return paths.contains { model.fileSystem(at: $0, by: process)?.isUnseen ?? false }
  }

  /// Another task's call that succeeded in changing mounts while this one ran.
  private func overlapping(_ event: TracedEvent) -> TracedEvent? {
    func isRival(_ other: TracedEvent) -> Bool {
      guard other.task != event.task, other.line > event.startLine, other.startLine < event.line
      else { return false }
      switch other.what {
      case .call(let call, .value): return call.isMountCall || call.changesPins
      case .exit: return true
      default: return false
      }
    }
    var index = position - 1
    while index >= 0, events[index].line > event.startLine {
      if isRival(events[index]) { return events[index] }
      index -= 1
    }
    index = position + 1
    while index < events.count, index < position + 64 {
      if isRival(events[index]) { return events[index] }
      index += 1
    }
    return nil
  }
}

extension TracedCall {
  /// Whether its success changes what is held.
  var changesPins: Bool {
    switch self {
    case .open, .close, .chdir, .fchdir, .execute, .makeDirectory, .remove, .rename, .clone: true
    default: false
    }
  }
}

extension TracedEvent {
  var callName: String {
    switch what {
    case .call(let call, _): call.name
    case .unreadable(let call, _, _): call
    case .child: "clone"
    case .exit: "exit"
    case .usersMapped: "uid_map"
    case .capabilities: "capabilities"
    case .table: "table"
    }
  }
}

extension Errno {
  /// Whether the lookup of a path answers this.
  fileprivate var isOfLookup: Bool {
    self == .noSuchEntry || self == .notDirectory || self == .tooManySymbolicLinks
  }

  /// Whether a call that answered this got past the lookup of its paths.
  fileprivate var showsThatNamesExist: Bool {
    switch self {
    case .noSuchEntry, .notDirectory, .tooManySymbolicLinks, .accessDenied, .nameTooLong,
      .badAddress,
      .notPermitted, .badFileDescriptor:
      false
    default: true
    }
  }
}

extension PathArgument {
  /// The directory that the last component is in; nil where there is none to speak of.
  var parent: PathArgument? {
    func above(_ text: String) -> String? {
      var text = text[...]
      while text.hasSuffix("/"), text.count > 1 { text = text.dropLast() }
      guard let slash = text.lastIndex(of: "/") else { return "." }
      return slash == text.startIndex ? "/" : String(text[..<slash])
    }
    switch self {
    case .null, .descriptor: return nil
    case .path(let text): return above(text).map { .path($0) }
    case .relative(let slot, let text):
      return above(text).map { $0 == "." ? .descriptor(slot) : .relative(slot, $0) }
    }
  }
}
