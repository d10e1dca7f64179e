public import StormKernel
public import StormRun
public import StormVerdict

/// What is known before the first step.
public struct BeganEvent: Hashable, Sendable, Codable {
  /// The version of nsstorm.
  public var tool: String
  public var run: RunIdentifier
  /// UTC, as in ISO 8601.
  public var startedAt: String
  public var kernel: RunningKernel
  public var configuration: KernelConfiguration
  public var machine: MachineDescription
  /// The release whose rules predict.
  public var rules: String
  public var profile: String
  /// Hex.
  public var seed: String
  /// How many steps were asked for; nil for the profile's own.
  public var stepLimit: Int?
  /// Whether known issues count as divergences.
  public var isStrict: Bool
  /// The command line of this run without seed, steps and files.
  public var command: String
  public var phases: [PhaseEvent]
  /// Every case that will get a verdict, in the order of reports.
  public var cases: [String]
}

/// A phase of the profile.
public struct PhaseEvent: Hashable, Sendable, Codable {
  /// From 0.
  public var index: Int
  public var name: String
  /// `sequential`, `partitioned`, `contended` or `blast`.
  public var kind: String
  /// Nil where the phase is bounded by time or does not count steps.
  public var steps: Int?
}

/// A step at which kernel and engine disagree, and how to see it again.
public struct DivergenceEvent: Hashable, Sendable, Codable {
  /// Index of the phase; -1 before the first one.
  public var phase: Int
  public var divergence: Divergence
  /// Steps to run until it has happened.
  public var replaySteps: Int
  /// The command that leads there again.
  public var replay: String
  /// The command that finds the fewest calls that show it; absent where the run cannot be shrunk, or nothing is red.
  public var shrink: String?
  /// The number of the window whose racing calls show it; absent where one call made alone does.
  public var window: Int?
}

/// A release that was not as promised.
public struct ReleaseEvent: Hashable, Sendable, Codable {
  /// Index of the phase.
  public var phase: Int
  public var finding: ReleaseFinding
  public var replaySteps: Int
  /// The command that leads there again.
  public var replay: String
}

/// A sign that the kernel itself is broken.
public struct FaultEvent: Hashable, Sendable, Codable {
  public enum Kind: String, Hashable, Sendable, Codable {
    /// A process did not come back.
    case hang
    /// A worker was ended by something else than the plan.
    case death
    /// What the kernel logged.
    case log
    /// The taint changed, and no line of the log says why.
    case taint
  }

  /// Index of the phase; -1 before the first one.
  public var phase: Int
  public var kind: Kind
  /// For people.
  public var text: String
  /// What sort of report the log has, such as `kasan`; only for `log`.
  public var report: String?
  /// The lines of the kernel log, or the frames of the kernel stack.
  public var lines: [String]
}

/// Something that a reader of the result should know.
public struct WarningEvent: Hashable, Sendable, Codable {
  public var text: String
}

/// What the run did and how it is judged. Divergences, faults, skips and warnings are events of their own.
public struct EndedEvent: Hashable, Sendable, Codable {
  public var outcome: RunSummary.Outcome
  public var exitCode: Int32
  /// The plan was carried out to its end, or as far as it was asked for.
  public var isComplete: Bool
  public var storm: RunSummary.Storm
  public var checks: RunSummary.Checks
  public var memory: RunSummary.Memory?
  public var times: RunSummary.Times
  public var latencies: [LatencySummary]
  /// What release rounds showed, for each phase, file system and way; nil where there were none.
  public var releases: [ReleaseTally]?
  public var releasesByWay: [ReleaseTally]?
  public var releaseCounts: [RunSummary.ReleaseCounts]?
  /// Processes of the sandbox that could not be ended.
  public var leftovers: String?
  /// How often each rule of the engine was exercised; nil where that was not asked for.
  public var coverage: [RuleUse]?
  /// What racing calls came to; nil where nothing raced.
  public var races: RunSummary.Races?
}
