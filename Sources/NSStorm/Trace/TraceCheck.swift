public import StormEngine
public import StormVerdict
public import StormVocabulary

/// Checks a trace against the reference engine: every answer and every table, from the header to the end.
///
/// The kernel's intended rules are tried first. At the first step that they do not predict, the smallest set of known
/// issues is looked for that reproduces the whole trace up to and with that step; the check goes on under it. A
/// divergence that nothing explains is adopted where that needs no guess; else the check goes on in doubt, says so with
/// everything that it finds, and reports each difference once.
public struct TraceCheck: Sendable {
  public struct Options: Sendable {
    /// Compare the order of the lines of each table too.
    public var comparesOrder = false
    /// Predict for this release instead of the one in the header.
    public var release: KernelRelease?
    /// What releases are held against instead of the promises of the header's design.
    public var contract: ReleaseContract?
    /// A rule of the engine to break on purpose; without effect in release builds.
    public var mutation: Mutation?

    public init() {}
  }

  /// A trace may diverge at every step; only this many divergences are told apart.
  public static let mostDivergences = 20

  private let path: String
  private let options: Options

  public init(path: String, options: Options = Options()) {
    self.path = path
    self.options = options
  }

  public func run() -> TraceVerdict {
    var verdict = TraceVerdict(file: path)
    do throws(TraceError) {
      try check(&verdict)
    } catch {
      verdict.failure = error
    }
    return verdict
  }

  private func check(_ verdict: inout TraceVerdict) throws(TraceError) {
    let header = try TraceReader(path: path).header
    verdict.kernel = header.kernel
    let release = try judgedRelease(header)
    guard let intended = KernelRules(release: release) else {
      throw TraceError(
        file: path, line: 1, kind: .damaged,
        message:
          "`kernel` is \"\(header.kernel)\"; the known kernels are \(KernelRules.knownReleases.lowerBound.shortDescription) "
          + "to \(KernelRules.knownReleases.upperBound.shortDescription). `--rules RELEASE` predicts for another one"
      )
    }
    verdict.release = release
    if release > KernelRules.knownReleases.upperBound {
      verdict.warnings.append(
        "\(header.kernel) is newer than all known kernels; the rules of "
          + "\(KernelRules.knownReleases.upperBound.shortDescription) are used")
    }
    guard InitialTable.ordered(header.table) != nil else {
      throw TraceError(
        file: path, line: 1, kind: .damaged,
        message:
          "the first table is no tree: one root at \"/\", each other mount below its parent, no "
          + "place taken twice")
    }
    var options = options
    if options.contract == nil { options.contract = try contract(header) }
    let affecting = KnownIssue.affecting(release)
    var pass = try TracePass(path: path, rules: intended, options: options, probing: affecting)
    do throws(TraceError) {
      try judge(&pass, options, intended, affecting, &verdict)
      try pass.skipToEnd()
    } catch {
      // What stood before the damage has been checked and is reported too.
      verdict.failure = error
    }
    verdict.steps = pass.steps
    verdict.uncheckedSteps = pass.steps - pass.judgedSteps
    verdict.doubtfulSteps = pass.doubtfulSteps
    verdict.checks = pass.tally
    if pass.races.windows > 0 { verdict.races = pass.races }
    verdict.divergentWindow = pass.divergentWindow
    if pass.releases.rounds > 0 { verdict.releases = pass.releases }
    verdict.ending = pass.ending
    verdict.unansweredCalls = pass.unansweredCalls
    // In doubt a probe contradicts the trace for the reasons of the main pass.
    if pass.doubtfulSteps == 0, pass.standing == .inStep {
      verdict.absentIssues = pass.absentIssues
    }
  }

  private func judge(
    _ pass: inout TracePass, _ options: Options, _ intended: KernelRules, _ affecting: [KnownIssue],
    _ verdict: inout TraceVerdict
  ) throws(TraceError) {
    var present: [KnownIssue] = []
    while var divergence = try pass.advance() {
      let adopted = Set(verdict.unexplainedDivergences.map(\.step))
      // Whatever explains must explain all that came before as well, so each candidate begins at the header.
      // Racing calls are not judged again and again: their search has tried the issues itself.
      let isSound = divergence.follows == nil && pass.races.violated == 0
      var search = KnownIssueSearch(candidates: isSound ? affecting : [])
      let set = try search.smallestSet(beside: present) { (issues) throws(TraceError) in
        var candidate = try TracePass(
          path: path, rules: intended.applying(issues), options: options, adopted: adopted)
        let agrees = try candidate.agrees(through: divergence.step)
        return KnownIssueSearch.Walk(
          explains: agrees, calls: candidate.steps, state: candidate.fingerprint())
      }
      if search.wasGivenUp {
        verdict.warnings.append(
          "step \(divergence.step): the search for known issues was given up after \(search.walks) "
            + "walks with \(search.calls) calls")
      }
      if let set {
        let added = set.filter { issue in !present.contains { $0.id == issue.id } }
        divergence.knownIssues = (added.isEmpty ? set : added).map(\.id)
        present = set
        pass = try TracePass(
          path: path, rules: intended.applying(set), options: options, adopted: adopted,
          probing: affecting.filter { issue in !set.contains { $0.id == issue.id } })
        _ = try pass.agrees(through: divergence.step)
      }
      verdict.divergences.append(divergence)
      guard verdict.divergences.count < Self.mostDivergences else {
        verdict.warnings.append(
          "\(Self.mostDivergences) divergences were found; what follows was not checked")
        return
      }
    }
  }

  private func contract(_ header: TraceHeader) throws(TraceError) -> ReleaseContract {
    guard let name = header.design else { return ReleaseContract() }
    guard let contract = ReleaseContract(designNamed: name) else {
      throw TraceError(
        file: path, line: 1, kind: .damaged,
        message: "`design` is \"\(name)\"; allowed are "
          + ReleaseContract.designNames.joined(separator: ", "))
    }
    return contract
  }

  private func judgedRelease(_ header: TraceHeader) throws(TraceError) -> KernelRelease {
    if let release = options.release { return release }
    guard let release = KernelRelease(release: header.kernel, build: header.build) else {
      throw TraceError(
        file: path, line: 1, kind: .damaged,
        message: "`kernel` is \"\(header.kernel)\"; it must begin with MAJOR.MINOR, such as 6.18.44"
      )
    }
    return release
  }
}

/// What checking one trace has shown.
public struct TraceVerdict: Sendable {
  public var file: String
  public var kernel: String?
  /// The release whose rules predicted.
  public var release: KernelRelease?
  /// The steps that the file has.
  public var steps = 0
  /// Steps that were not judged: in namespaces that only the kernel made, or behind too many divergences.
  public var uncheckedSteps = 0
  /// Steps that were judged behind a divergence that could not be adopted; what they show may follow from it.
  public var doubtfulSteps = 0
  public var checks = StepCheck.Tally()
  /// What the racing calls came to; nil in a trace without any.
  public var races: Races?
  /// What the release rounds came to; nil in a trace without any.
  public var releases: Releases?
  /// The window that no order explains, or only one with a known issue; nothing behind it is judged in the first case.
  public var divergentWindow: DivergentWindow?
  /// Ascending by step. Those with known issues are the first of each issue.
  public var divergences: [Divergence] = []
  /// Known issues that the release should show and did not.
  public var absentIssues: [AbsentIssue] = []
  public var ending = TraceReader.Ending.unread
  /// Calls that were announced and never answered.
  public var unansweredCalls: [NumberedCall] = []
  public var warnings: [String] = []
  /// The file could not be read, or not further.
  public var failure: TraceError?

  /// Windows of racing calls by their verdict.
  public struct Races: Hashable, Sendable, Codable {
    public var windows = 0
    public var calls = 0
    public var explained = 0
    public var violated = 0
    /// A limit ended the search.
    public var unknown = 0
    /// Behind a window that was not explained.
    public var unjudged = 0
    /// Pairs of calls that overlapped in time on the same mounts.
    public var conflicts = 0

    public init() {}

    mutating func add(_ window: ContendedWindow) {
      windows += 1
      calls += window.calls.count
    }
  }

  /// A window that shows a divergence.
  public struct DivergentWindow: Sendable {
    /// Its number in the trace.
    public var number: Int
    public var divergence: Divergence
    /// Nil where a known issue explains it.
    public var violation: ConcurrencyViolation?
  }

  /// Release rounds, each held against what the design promises.
  public struct Releases: Hashable, Sendable, Codable {
    public var rounds = 0
    public var findings: [Finding] = []

    public init() {}

    /// Something that the design does not allow.
    public struct Finding: Hashable, Sendable, Codable {
      /// The round, counted from 0.
      public var round: Int
      /// The line of the trace.
      public var line: Int
      public var finding: ReleaseFinding
    }

    /// Rounds with a finding.
    public var brokenRounds: Int { Set(findings.map(\.round)).count }
    /// Whether something else is wrong than that it was never released.
    public var diverges: Bool { findings.contains { $0.finding.kind != .neverReleased } }
  }

  public struct AbsentIssue: Hashable, Sendable, Codable {
    public var issue: String
    /// The first step that the issue would have made different.
    public var step: Int
  }

  public init(file: String) {
    self.file = file
  }

  public var unexplainedDivergences: [Divergence] {
    divergences.filter(\.knownIssues.isEmpty)
  }
}

extension KernelRelease {
  /// Without a stable number that stands for "any".
  var shortDescription: String { patch == .max || patch == 0 ? "\(major).\(minor)" : description }
}
