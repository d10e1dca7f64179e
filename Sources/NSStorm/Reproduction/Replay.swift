import StormEngine
public import StormKernel
public import StormTrace
public import StormVerdict
import StormVocabulary

/// Makes the calls of a recording again, a number of times, and counts how often its symptom shows.
public struct Replay: Sendable {
  public struct Result: Sendable {
    /// What was looked for; nil where the recording shows no divergence and none was named.
    public var symptom: Symptom?
    /// How often it showed.
    public var rate = ReproductionRate()
    /// How often a divergence showed that is neither the symptom nor a known issue.
    public var others = ReproductionRate()
    public var outcomes: [SequenceRun.Outcome] = []
    public var wasInterrupted = false

    public init(symptom: Symptom?) {
      self.symptom = symptom
    }
  }

  private let sequence: RecordedSequence
  private let settings: SequenceRun.Settings

  public init(_ sequence: RecordedSequence, settings: SequenceRun.Settings) {
    self.sequence = sequence
    self.settings = settings
  }

  /// - Parameters:
  ///   - times: runs, each in a sandbox of its own.
  ///   - each: called after each run; false ends the replay.
  public func run(
    symptom: Symptom?, times: Int, each: (SequenceRun.Outcome) -> Bool = { _ in true }
  ) throws(SandboxError) -> Result {
    var result = Result(symptom: symptom)
    for number in 0..<max(1, times) {
      // Each run jitters otherwise.
      var settings = settings
      settings.seed &+= UInt64(number)
      let outcome = try SequenceRun(settings).run(sequence.items)
      result.outcomes.append(outcome)
      result.rate.add(symptom.map { outcome.shows($0) } ?? false)
      result.others.add(outcome.showsMore(than: symptom))
      // A kernel that hangs or has warned is not asked again.
      if !outcome.faults.isEmpty { break }
      if !each(outcome) {
        result.wasInterrupted = true
        break
      }
    }
    return result
  }
}

extension Symptom {
  /// The symptom that a recording shows: its first divergence that nothing explains, else its first wrong release, else
  /// its first known issue.
  ///
  /// - Parameter options: for which release the trace is judged, and with which broken rule.
  /// - Throws: ``TraceError`` where the trace cannot be read.
  public static func recorded(
    in path: String, options: TraceCheck.Options = TraceCheck.Options()
  ) throws(TraceError) -> Symptom? {
    let verdict = TraceCheck(path: path, options: options).run()
    if let failure = verdict.failure { throw failure }
    if let divergence = verdict.unexplainedDivergences.first {
      return Symptom(divergence)
    }
    if let release = verdict.releases?.findings.first {
      return .release(release.finding.signature)
    }
    return verdict.divergences.first?.knownIssues.first.map { .knownIssue($0) }
  }
}
