public import StormKernel
public import StormPlanning
public import StormVerdict
public import StormVocabulary

/// What happens in a run, in order. All reports are renderings of this one stream.
public enum RunEvent: Sendable {
  case began(RunStart)
  case phaseBegan(index: Int, name: String, kind: PhaseKind)
  /// Some steps are done; comes after every step, so that a renderer decides how often to show it.
  case progress(RunProgress)
  case divergence(Divergence, replay: ReplayPoint)
  /// Workers raced, stopped, and the tables were read; comes for every window, so that a recorder gets all of them.
  case windowJudged(JudgedWindow)
  /// A release that was not as promised.
  case release(ReleaseFinding, replay: ReplayPoint)
  case fault(RunFault)
  /// Something that was not done, and why.
  case skipped(Skip)
  case warning(String)
  case ended(RunSummary)
}

/// What is known before the first step.
public struct RunStart: Hashable, Sendable {
  public var kernel: RunningKernel
  /// The release whose rules predict.
  public var rules: KernelRelease
  public var profile: String
  public var seed: Seed
  /// How many steps were asked for; nil for the profile's own.
  public var stepLimit: Int?
  public var phases: Int
  /// The phases in their order, before the first of them begins.
  public var outline: [PhaseOutline]
}

/// What is planned of a phase.
public struct PhaseOutline: Hashable, Sendable {
  public var name: String
  public var kind: PhaseKind
  /// Nil where the phase is bounded by time or does not count steps.
  public var steps: Int?

  public init(_ phase: Phase) {
    name = phase.name
    kind = phase.kind
    if case .sequential(let body) = phase.body, case .steps(let count) = body.length {
      steps = count
    }
  }
}

/// How far a run has come.
public struct RunProgress: Hashable, Sendable, Codable {
  public var phase: Int
  public var stepOfPhase: Int
  /// Nil where the phase is bounded by time.
  public var stepsOfPhase: Int?
  public var steps: Int
  /// Calls so far of programs that ran at once.
  public var volleyCalls: Int
  public var namespaces: Int
  public var mounts: Int
  public var divergences: Int
  /// Time so far inside the calls, as the workers' clocks have it.
  public var kernelNanoseconds: UInt64
}

/// Where in its profile something happened: enough to come there again.
public struct ReplayPoint: Hashable, Sendable {
  public var seed: Seed
  /// Steps to run until it has happened.
  public var steps: Int
}

/// A sign that the kernel itself is broken.
public enum RunFault: Sendable {
  /// A process did not come back.
  case hang(HangReport)
  /// A worker was ended by something else than the plan.
  case death(WorkerDeath)
  /// What the kernel logged.
  case log(KernelFault)
  /// The kernel's taint changed, and no line of the log says why.
  case taint(KernelTaint)
}

/// Something that was not done, by name, so that a green verdict does not hide it.
public struct Skip: Hashable, Sendable, Codable {
  public var what: String
  public var why: String
  /// How often; 1 where it cannot be counted.
  public var count: Int
}
