/// The cases that a run's result is divided into for machines that count cases: unique names that are the same for every
/// run of a profile, known before the first step.
public enum CaseList {
  /// What is asked of each phase.
  enum PhaseAspect: String, CaseIterable {
    /// Every answer is the predicted one.
    case answers
    /// Every table is the predicted one.
    case tables
  }

  /// What is asked of the whole run.
  enum RunAspect: String, CaseIterable {
    /// The kernel showed no fault.
    case kernelHealth = "kernel-health"
    /// Nothing stayed that should have gone.
    case released
    /// Enough was done and compared to mean anything.
    case meaningful
  }

  static func planned(profile: String, phases: [PhaseEvent]) -> [String] {
    phases.flatMap { phase in
      PhaseAspect.allCases.map { name(profile: profile, phase: phase, $0) }
    } + RunAspect.allCases.map { name(profile: profile, $0) }
  }

  static func name(profile: String, phase: PhaseEvent, _ aspect: PhaseAspect) -> String {
    // The number makes it unique: two phases may share a name.
    "\(plain(profile)).\(phase.index + 1)-\(plain(phase.name)).\(aspect.rawValue)"
  }

  static func name(profile: String, _ aspect: RunAspect) -> String {
    "\(plain(profile)).\(aspect.rawValue)"
  }

  /// KTAP forbids `#`, and readers of JUnit cut at dots and slashes.
  private static func plain(_ text: String) -> String {
    String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" ? $0 : "-" })
  }
}

/// One case and what became of it.
public struct CaseResult: Hashable, Sendable, Codable {
  public enum Status: String, Hashable, Sendable, Codable {
    case passed
    /// Kernel and engine disagree, or the kernel shows a fault.
    case failed
    /// It differs only by known issues of this kernel.
    case knownIssue
    /// It was not asked for, or could not be done here.
    case skipped
    /// A process did not come back in time.
    case timedOut
    /// The run ended before it could be judged.
    case error
  }

  public var name: String
  public var status: Status
  /// Why it is not simply passed; one line for people.
  public var reason: String?
  /// Everything that belongs to it, for people.
  public var details: [String]
  /// How long the phase took; 0 for cases of the whole run.
  public var nanoseconds: UInt64

  /// Whether it makes the run red.
  public var isBad: Bool {
    switch status {
    case .passed, .knownIssue, .skipped: false
    case .failed, .timedOut, .error: true
    }
  }
}
