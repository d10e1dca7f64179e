import StormKernel
import StormReport
import StormReproduction
import StormRun
import StormTrace
import StormVerdict
import StormVocabulary

// The JSON of `nsstorm replay`, `shrink` and `repro`, version 1 (docs/reproduce.md). A new key is no new version.

/// How often something showed, with Wilson's interval at 95% confidence.
struct RateDocument: Encodable {
  let successes: Int
  let trials: Int
  let lowerBound: Double
  let upperBound: Double

  init(_ rate: ReproductionRate) {
    successes = rate.successes
    trials = rate.trials
    lowerBound = rate.interval.lowerBound
    upperBound = rate.interval.upperBound
  }
}

/// What `nsstorm replay --json` prints.
struct ReplayDocument: Encodable {
  let schema = "nsstorm-replay"
  let version = 1
  let exitCode: Int32
  let trace: String
  let recordedOn: String
  let kernel: RunningKernel
  let rules: String
  /// Absent where the recording shows none and none was named.
  let symptom: Symptom?
  let reproduced: RateDocument?
  let others: RateDocument
  let interrupted: Bool
  let runs: [Run]

  struct Run: Encodable {
    let calls: Int
    let succeededCalls: Int
    let skippedCalls: Int
    let checks: StepCheck.Tally
    let shows: Bool?
    let divergences: [Divergence]
    let races: TraceVerdict.Races?
    let releaseRounds: Int?
    let releaseFindings: [ReleaseFinding]?
    let skippedRounds: [String: Int]?
    let faults: [String]

    init(_ outcome: SequenceRun.Outcome, _ symptom: Symptom?) {
      calls = outcome.calls
      succeededCalls = outcome.succeededCalls
      skippedCalls = outcome.skippedCalls
      checks = outcome.checks
      shows = symptom.map(outcome.shows)
      divergences = outcome.divergences.map(\.divergence)
      races = outcome.races
      let hasRounds = outcome.releaseRounds > 0 || !outcome.skippedRounds.isEmpty
      releaseRounds = hasRounds ? outcome.releaseRounds : nil
      releaseFindings = hasRounds ? outcome.releaseFindings.map(\.finding) : nil
      skippedRounds = hasRounds ? outcome.skippedRounds : nil
      faults = outcome.faults.map { FaultEvent($0, phase: -1).text }
    }
  }

  init(
    _ result: Replay.Result, trace: String, header: TraceHeader, rules: KernelRelease,
    status: ExitStatus
  ) {
    exitCode = status.rawValue
    self.trace = trace
    recordedOn = header.kernel
    kernel = .ofThisMachine()
    self.rules = rules.description
    symptom = result.symptom
    reproduced = result.symptom == nil ? nil : RateDocument(result.rate)
    others = RateDocument(result.others)
    interrupted = result.wasInterrupted
    runs = result.outcomes.map { Run($0, result.symptom) }
  }
}

/// What `nsstorm shrink --json` prints when a list was found.
struct ShrinkDocument: Encodable {
  let schema = "nsstorm-shrink"
  let version = 1
  let exitCode: Int32
  let source: String
  let kernel: RunningKernel
  let rules: String
  let symptom: Symptom
  let callsBefore: Int
  let calls: [Call]
  let isMinimal: Bool
  let runsPerCandidate: Int
  let presentIssues: [String]
  let before: RateDocument
  let after: RateDocument
  let effort: Effort
  let divergence: Divergence?
  let release: ReleaseFinding?
  /// The trace that was written.
  let output: String?

  struct Call: Encodable {
    let namespace: NamespaceNumber
    let call: String
    /// Of a call that raced.
    let worker: Int?
    let errno: Errno?

    init(namespace: NamespaceNumber, call: String, worker: Int? = nil, errno: Errno? = nil) {
      self.namespace = namespace
      self.call = call
      self.worker = worker
      self.errno = errno
    }
  }

  struct Effort: Encodable {
    let candidates: Int
    let rejectedByEngine: Int
    let kernelRuns: Int
    let seconds: Double

    init(_ effort: Shrinker.Effort) {
      candidates = effort.candidates
      rejectedByEngine = effort.rejectedByEngine
      kernelRuns = effort.kernelRuns
      seconds = effort.seconds
    }
  }

  /// What is the same for every search.
  struct Frame {
    var source: String
    var rules: KernelRelease
    var status: ExitStatus
    var output: String?
  }

  init(_ result: Shrinker.Result, _ frame: Frame) {
    exitCode = frame.status.rawValue
    source = frame.source
    kernel = .ofThisMachine()
    rules = frame.rules.description
    output = frame.output
    symptom = result.symptom
    callsBefore = result.callsBefore
    calls = result.calls.map { Call(namespace: $0.namespace, call: "\($0.operation)") }
    isMinimal = result.isMinimal
    runsPerCandidate = result.runsPerCandidate
    presentIssues = result.presentIssues
    before = RateDocument(result.rateBefore)
    after = RateDocument(result.rateAfter)
    effort = Effort(result.effort)
    divergence = result.found.divergence
    release = nil
  }

  init(_ result: RaceShrinker.Result, _ frame: Frame) {
    exitCode = frame.status.rawValue
    source = frame.source
    kernel = .ofThisMachine()
    rules = frame.rules.description
    output = frame.output
    symptom = result.symptom
    callsBefore = result.callsBefore
    calls = result.lines.flatMap { line -> [Call] in
      switch line {
      case .step(let step): return [Call(namespace: step.namespace, call: "\(step.operation)")]
      case .window(let window):
        return window.window.calls.map {
          Call(namespace: $0.process, call: "\($0.operation)", worker: $0.worker, errno: $0.errno)
        }
      case .release(let release):
        return release.round.map { [Call(namespace: 0, call: "release round \($0.plan)")] } ?? []
      case .end: return []
      }
    }
    isMinimal = result.isMinimal
    runsPerCandidate = result.runsPerCandidate
    presentIssues = []
    before = RateDocument(result.rateBefore)
    after = RateDocument(result.rateAfter)
    effort = Effort(result.effort)
    divergence = result.divergence
    release = result.release
  }
}

/// What `nsstorm repro --json` prints.
struct ReproDocument: Encodable {
  let schema = "nsstorm-repro"
  let version = 1
  let exitCode: Int32
  let trace: String
  let format: String
  var symptom: Symptom?
  /// Whether its calls race, so that the program needs many rounds.
  var races: Bool?
  /// The program; absent where it was written to ``output``.
  var program: String?
  var output: String?
  /// Why there is none.
  var failure: Failure?

  struct Failure: Encodable {
    let kind: String
    let message: String

    init(_ error: ReproducerError) {
      kind =
        switch error {
        case .trace: "trace"
        case .notInTrace: "notInTrace"
        case .release: "release"
        case .cannotRace: "cannotRace"
        case .noFact: "noFact"
        case .cannotSay: "cannotSay"
        }
      message = error.description
    }
  }

  init(trace: String, format: String, status: ExitStatus) {
    exitCode = status.rawValue
    self.trace = trace
    self.format = format
  }
}
