import StormEngine
public import StormKernel
public import StormRun
public import StormTrace
public import StormVerdict
public import StormVocabulary

/// Makes a list of calls as short and plain as it gets while the same symptom shows on the running kernel.
///
/// The engine says which lists are worth trying: the call that diverges must still be made and still be predicted to answer
/// the same for the same reason. The kernel says which of them show the symptom. Nothing is accepted on the engine's word.
public struct Shrinker: Sendable {
  public struct Result: Sendable {
    public var symptom: Symptom
    /// The shortest list; its last call shows the symptom.
    public var calls: [NumberedCall]
    public var found: SequenceRun.FoundDivergence
    /// The last run of the shortest list, to be written as a trace.
    public var steps: [ObservedStep]
    public var initialTable: MountTable
    /// Calls up to the symptom in the beginning.
    public var callsBefore: Int
    public var rateBefore: ReproductionRate
    public var rateAfter: ReproductionRate
    /// Runs of one list until the symptom counts as lost; 1 where it showed every time.
    public var runsPerCandidate: Int
    public var effort: Effort
    /// Taking any one call away was tried on the result and loses the symptom.
    public var isMinimal: Bool
    /// Known issues that showed before the symptom; the engine predicts with them.
    public var presentIssues: [String]
  }

  /// What the search took.
  public struct Effort: Hashable, Sendable {
    public var candidates = 0
    /// Candidates that the engine ruled out.
    public var rejectedByEngine = 0
    public var kernelRuns = 0
    public var seconds = 0.0
  }

  public enum Failure: Error, Sendable {
    case sandbox(SandboxError)
    /// The symptom did not show on this kernel; with the divergences that did.
    case notShown(runs: Int, instead: [Divergence])
    /// The kernel broke; nothing is tried further.
    case fault(RunFault)
  }

  /// How far the search is.
  public struct Progress: Hashable, Sendable {
    public var calls: Int
    public var effort: Effort
  }

  private let settings: SequenceRun.Settings

  public init(_ settings: SequenceRun.Settings) {
    self.settings = settings
  }

  /// - Parameters:
  ///   - symptom: what must stay; nil for the first divergence that nothing explains.
  ///   - goesOn: asked again and again; false ends the search with what it has.
  public func shrink(
    _ calls: [NumberedCall], symptom: Symptom?, goesOn: @escaping (Progress) -> Bool = { _ in true }
  ) throws(Failure) -> Result {
    var started = settings
    started.explains = true
    let all = CallRewriting.renumbered(calls)
    var instead: [Divergence] = []
    for attempt in 1...Self.attempts {
      let outcome: SequenceRun.Outcome
      do throws(SandboxError) { outcome = try SequenceRun(started).run(all) } catch {
        throw .sandbox(error)
      }
      if let fault = outcome.faults.first { throw .fault(fault) }
      let found = symptom.map { outcome.first($0) } ?? outcome.unexplained.first
      guard let found else {
        instead = outcome.divergences.map(\.divergence)
        // Without a symptom there is nothing to wait for.
        if symptom == nil { throw .notShown(runs: attempt, instead: instead) }
        continue
      }
      let before = outcome.divergences.prefix { $0.position < found.position }
      let issues = Set(before.flatMap(\.divergence.knownIssues))
      let pass = ShrinkPass(
        settings, symptom: symptom ?? Symptom(found.divergence), found: found,
        present: KnownIssue.catalogue.filter { issues.contains($0.id) }, goesOn: goesOn)
      return try pass.run(Array(all[..<min(all.count, found.position + 1)]))
    }
    throw .notShown(runs: Self.attempts, instead: instead)
  }

  private static let attempts = 10
}
