public import StormEngine
import StormVerdict
public import StormVocabulary

/// Checks the calls of a watched program against the engine.
///
/// The kernel's intended rules are tried first. Where they do not predict an answer, the smallest set of known issues is
/// looked for that reproduces everything up to and with it.
public struct ImportCheck: Sendable {
  public struct Options: Sendable {
    public var release: KernelRelease
    /// The table before the first call.
    public var initialTable: MountTable
    /// Where it came from, for the report.
    public var initialTableOrigin: String
    /// Where the first process stands; nil where nobody knows.
    public var workingDirectory: String?
    /// Whether processes that nobody watches share the first namespace.
    public var hasOutsiders = true
    /// A rule of the engine to break on purpose; without effect in release builds.
    public var mutation: Mutation?

    public init(
      release: KernelRelease, initialTable: MountTable, initialTableOrigin: String,
      workingDirectory: String? = nil
    ) {
      self.release = release
      self.initialTable = initialTable
      self.initialTableOrigin = initialTableOrigin
      self.workingDirectory = workingDirectory
    }
  }

  /// Only this many divergences are told apart.
  public static let mostDivergences = 20

  private let history: StraceHistory
  private let options: Options

  public init(_ history: StraceHistory, _ options: Options) {
    self.history = history
    self.options = options
  }

  public func run() -> ImportVerdict {
    guard let intended = KernelRules(release: options.release) else {
      var verdict = ImportVerdict(file: history.file)
      verdict.failure = TraceError(
        file: history.file, line: 1, kind: .damaged,
        message: "there are no rules for kernel \(options.release); --rules RELEASE names another")
      return verdict
    }
    guard InitialTable.ordered(options.initialTable) != nil else {
      var verdict = ImportVerdict(file: history.file)
      verdict.failure = TraceError(
        file: history.file, line: 1, kind: .damaged,
        message:
          "the first table (\(options.initialTableOrigin)) is no tree: one root at \"/\", each other mount below its parent"
      )
      return verdict
    }
    let affecting = KnownIssue.affecting(options.release)
    var present: [KnownIssue] = []
    var adopted: Set<Int> = []
    var known: [ImportDivergence] = []
    while true {
      var follower = start(intended.applying(present))
      var restart = false
      var seen = 0
      while !restart, follower.advance() {
        while seen < follower.found.count, !restart {
          let (event, divergence) = follower.found[seen]
          seen += 1
          guard !adopted.contains(event) else { continue }
          var search = KnownIssueSearch(candidates: adopted.isEmpty ? affecting : [])
          let set = search.smallestSet(beside: present) {
            walk(under: intended.applying($0), through: event)
          }
          if let set {
            var explained = divergence
            let added = set.filter { issue in !present.contains { $0.id == issue.id } }
            explained.knownIssues = (added.isEmpty ? set : added).map(\.id)
            known.append(explained)
            present = set
            restart = true
          } else {
            adopted.insert(event)
          }
        }
        if adopted.count >= Self.mostDivergences { break }
      }
      if restart { continue }
      var verdict = follower.finish()
      if adopted.count >= Self.mostDivergences {
        verdict.warnings.append(
          "\(Self.mostDivergences) divergences were found; what follows was not checked")
      }
      verdict.divergences = (verdict.divergences + known).sorted { $0.line < $1.line }
      verdict.lines = history.lines
      verdict.kernel = history.kernel
      verdict.release = options.release
      verdict.initialTable = options.initialTableOrigin
      for orphan in history.orphans {
        verdict.warnings.append(
          "line \(orphan.line): process \(orphan.task) is not followed: \(orphan.reason)")
      }
      if history.isCutOff { verdict.warnings.append("the last line is cut off and was not read") }
      return verdict
    }
  }

  private func start(_ rules: KernelRules) -> CallFollower {
    var follower = CallFollower(
      start: CallFollower.Start(
        rules: rules, table: options.initialTable, workingDirectory: options.workingDirectory,
        hasOutsiders: options.hasOutsiders, mutation: options.mutation),
      events: history.events, file: history.file)
    let orphans = Dictionary(
      history.orphans.map { ($0.task, $0.reason) }, uniquingKeysWith: { first, _ in first })
    let first = history.events.first { orphans[$0.task] == nil }
    if let first { follower.begin(first: first.task) }
    for orphan in history.orphans where orphan.task != first?.task {
      follower.begin(orphan: orphan.task, because: orphan.reason)
    }
    return follower
  }

  private func walk(under rules: KernelRules, through event: Int) -> KnownIssueSearch.Walk {
    var follower = start(rules)
    while follower.position <= event, follower.found.isEmpty, follower.advance() {}
    return KnownIssueSearch.Walk(
      explains: follower.found.isEmpty, calls: follower.position,
      state: follower.model.fingerprint())
  }
}
