public import StormEngine
public import StormKernel
public import StormPlanning
public import StormVerdict
public import StormVocabulary

/// What a run did, checked and found.
public struct RunSummary: Sendable {
  public var kernel: RunningKernel
  public var rules: KernelRelease
  public var profile: String
  public var seed: Seed
  public var storm = Storm()
  public var checks = Checks()
  public var divergences: [FoundDivergence] = []
  public var faults: [RunFault] = []
  /// How often the predictions asked each rule.
  public var coverage = RuleCoverage()
  /// What the release rounds found wrong.
  public var releaseFindings: [FoundRelease] = []
  /// What they measured.
  public var releases: [ReleaseTally] = []
  /// The same with all file systems together.
  public var releasesByWay: [ReleaseTally] = []
  public var releaseCounts: [ReleaseCounts] = []
  public var skips: [Skip] = []
  public var warnings: [String] = []
  public var times = Times()
  /// How long calls took inside the kernel, by what they do.
  public var latencies: [LatencySummary] = []
  /// What the racing calls of contended phases came to; nil where the profile has none.
  public var races: Races?
  /// Nil where it was not measured.
  public var memory: Memory?
  /// The plan was carried out to its end, or as far as it was asked for.
  public var isComplete = false
  /// Somebody ended it early.
  public var wasInterrupted = false
  /// Processes of the sandbox could not be ended.
  public var leftovers: String?

  /// What was done to the kernel.
  public struct Storm: Hashable, Sendable, Codable {
    /// Calls made one after the other.
    public var steps = 0
    /// Calls of programs that ran at once.
    public var volleyCalls = 0
    public var succeededCalls = 0
    /// Calls by their answer, `0` included.
    public var answers: [String: Int] = [:]
    /// Namespaces that were made, namespace 0 included.
    public var namespacesMade = 1
    public var mostNamespaces = 1
    /// Mounts that all namespaces showed together, at most.
    public var mostMounts = 0
    public var mountsMade = 0
    public var copiesPropagated = 0
    public var mountsUmounted = 0
    public var copiesUmounted = 0
    /// Successful `umount2` calls without MNT_DETACH.
    public var synchronousUmounts = 0
    /// Successful `umount2` calls with MNT_DETACH.
    public var lazyUmounts = 0

    /// Rounds of release phases; each counts as one step.
    public var releaseRounds = 0
    /// Calls under test in those rounds.
    public var releaseCalls = 0
    /// Superblocks that were watched over volleys and have gone.
    public var superblocksReleased = 0
    /// The longest wait for the last of them.
    public var longestReleaseNanoseconds: UInt64 = 0
    /// Synchronous umounts of volleys that somebody's transient reference made busy.
    public var busyUmounts = 0

    public var calls: Int { steps - releaseRounds + volleyCalls + releaseCalls }
  }

  /// What was compared, by kind.
  public struct Checks: Hashable, Sendable, Codable {
    /// Answers of calls.
    public var answers = 0
    /// Tables that one side said had changed, and those read at quiescent points.
    public var tables = 0
    /// Mounts in those tables.
    public var entries = 0
    /// Lists of members of namespaces that should not have changed.
    public var memberLists = 0
    /// Full tables, in rotation, of namespaces that should not have changed.
    public var sampledTables = 0
    /// Tables that both observers read, and that had to be the same; nil where one observer reads alone.
    public var doublyReadTables: Int?
    /// Release rounds that were watched to their end.
    public var releases = 0
    /// Times at which all tables were read.
    public var quiescentPoints = 0
  }

  /// Racing calls, judged window by window.
  public struct Races: Hashable, Sendable, Codable {
    public var windows = 0
    public var explained = 0
    public var violated = 0
    /// Windows of which nobody knows whether they have an explanation, by the limit that ran out.
    public var unknown: [String: Int] = [:]
    /// Windows that were not judged, because one before them in their round could not be.
    public var unjudged = 0
    public var calls = 0
    /// Pairs of calls that overlapped in time on the same mounts.
    public var conflicts = 0
    /// Umounts that ran while a walker crossed what they umounted.
    public var umountsUnderWalkers = 0
    /// What the profile asks for.
    public var leastConflicts = 0
    /// Points that were tried.
    public var steps = 0
    /// How often the kernel used what it may do outside of its lock, by ``StormVerdict/Latitude``.
    public var latitude: [String: Int] = [:]

    public var unknownCount: Int { unknown.values.reduce(unjudged, +) }

    /// More than one window in a hundred is not known.
    public var hasTooManyUnknown: Bool { unknownCount * 100 > windows }
    public var hasTooFewConflicts: Bool { conflicts < leastConflicts }
  }

  /// What the run took, at its largest known point.
  public struct Memory: Hashable, Sendable, Codable {
    /// Summed proportional set sizes of all processes of the tool.
    public var proportionalBytes: Int
    public var processes: Int
    /// How much more the whole machine's kernel memory was than before the run.
    public var kernelChangeBytes: Int
  }

  /// Where the time went; nanoseconds.
  public struct Times: Hashable, Sendable, Codable {
    public var totalNanoseconds: UInt64 = 0
    /// Inside the calls, as the workers' clock has it.
    public var kernelNanoseconds: UInt64 = 0
    /// Reading and parsing tables and member lists.
    public var readingNanoseconds: UInt64 = 0
    /// Predicting and comparing.
    public var engineNanoseconds: UInt64 = 0
    /// Searching orders of racing calls, beside all else; nil where nothing raced.
    public var searchNanoseconds: UInt64?
  }

  /// A divergence and how to see it again.
  public struct FoundDivergence: Hashable, Sendable {
    public var divergence: Divergence
    public var replay: ReplayPoint
  }

  /// A wrong release and how to see it again.
  public struct FoundRelease: Sendable {
    public var finding: ReleaseFinding
    public var replay: ReplayPoint
  }

  /// Counts of the whole machine that should be as before a release phase; other users of the machine move them too.
  public struct ReleaseCounts: Hashable, Sendable, Codable {
    public var phase: String
    public var rounds: Int
    /// Memory of all tmpfs files.
    public var sharedMemoryChangeBytes: Int
    /// Objects of `mnt_cache`; absent where they cannot be read.
    public var mountObjectsChange: Int?

    public init(
      phase: String, rounds: Int, sharedMemoryChangeBytes: Int, mountObjectsChange: Int? = nil
    ) {
      self.phase = phase
      self.rounds = rounds
      self.sharedMemoryChangeBytes = sharedMemoryChangeBytes
      self.mountObjectsChange = mountObjectsChange
    }
  }

  public var unexplainedDivergences: [FoundDivergence] {
    divergences.filter(\.divergence.knownIssues.isEmpty)
  }

  public var knownDivergences: [FoundDivergence] {
    divergences.filter { !$0.divergence.knownIssues.isEmpty }
  }

  /// How the run is to be judged; the order is that of gravity.
  public enum Outcome: String, Hashable, Sendable, Codable {
    case kernelFault, diverged, neverReleased, interrupted, nothingChecked, agreed
  }

  /// - Parameter strict: known issues count as divergences.
  public func outcome(strict: Bool) -> Outcome {
    if !faults.isEmpty { return .kernelFault }
    if !(strict ? divergences : unexplainedDivergences).isEmpty { return .diverged }
    if releaseFindings.contains(where: { $0.finding.kind != .neverReleased }) { return .diverged }
    if leftovers != nil || !releaseFindings.isEmpty { return .neverReleased }
    if wasInterrupted { return .interrupted }
    // A run whose calls all failed, or after which no table had changed, says nothing about mounts.
    if storm.succeededCalls == 0 || (checks.entries == 0 && checks.releases == 0) {
      return .nothingChecked
    }
    // So does one whose racing calls did not race, or whose windows nobody could judge.
    if let races, races.hasTooManyUnknown || races.hasTooFewConflicts { return .nothingChecked }
    return .agreed
  }
}
