public import Foundation
import StormKernel
import StormPlanning
public import StormRun
import StormVerdict
import StormVocabulary

/// What takes events as they happen: a renderer, or a file of them.
public protocol EventSink: AnyObject {
  /// Takes the next event.
  ///
  /// - Parameter isSampled: false for progress that only a terminal wants: it comes after every step.
  func take(_ event: RecordedEvent, isSampled: Bool)
}

/// Turns what a run says into the event stream and hands it to every sink.
public final class EventStream {
  /// What every event of a stream builds on.
  public struct Context: Sendable {
    public var tool: String
    public var run: RunIdentifier
    public var startedAt: Date
    public var isStrict: Bool
    /// The command line of this run without seed, steps and files.
    public var command: String
    /// Whether the last event says how often each rule of the engine was exercised.
    public var withCoverage: Bool
    /// The command line of `nsstorm shrink` for this run, likewise; nil where there is none.
    public var shrinkCommand: String?

    public init(
      tool: String, run: RunIdentifier, startedAt: Date, isStrict: Bool, command: String,
      shrinkCommand: String? = nil, withCoverage: Bool = false
    ) {
      self.shrinkCommand = shrinkCommand
      self.tool = tool
      self.run = run
      self.startedAt = startedAt
      self.isStrict = isStrict
      self.command = command
      self.withCoverage = withCoverage
    }
  }

  private let context: Context
  private let exitCode: (RunSummary.Outcome) -> Int32
  private let sinks: [any EventSink]
  private let began = ContinuousClock.now
  private var sequence = 0
  private var phase = -1
  private var lastSample: Duration?
  /// The window that the next divergence is about.
  private var divergentWindow: Int?
  /// The last progress, where the stream does not have it.
  private var leftOut: (Duration, RecordedEvent.Payload)?
  private var outline: [PhaseOutline] = []
  private var windows = WindowSampling()

  /// - Parameter exitCode: what the process will end with for an outcome.
  public init(
    _ context: Context, sinks: [any EventSink],
    exitCode: @escaping (RunSummary.Outcome) -> Int32
  ) {
    self.context = context
    self.sinks = sinks
    self.exitCode = exitCode
  }

  /// Takes what the run says; to be called with every event, in order.
  public func take(_ event: RunEvent) {
    let elapsed = ContinuousClock.now - began
    var isSampled = true
    switch event {
    case .progress: isSampled = isDue(elapsed)
    case .windowJudged(let judged): isSampled = windows.isDue(judged)
    default: break
    }
    let payload = payload(event)
    if case .progress = event {
      leftOut = isSampled ? nil : (elapsed, payload)
    } else if isSampled, let (time, progress) = leftOut {
      // Where a run stood when something happened is worth a line, however soon after the last one.
      leftOut = nil
      hand(progress, at: time, isSampled: true)
    }
    hand(payload, at: elapsed, isSampled: isSampled)
  }

  private func hand(_ payload: RecordedEvent.Payload, at time: Duration, isSampled: Bool) {
    let event = RecordedEvent(
      sequence: sequence, elapsedNanoseconds: nanoseconds(time), payload: payload)
    if isSampled { sequence += 1 }
    for sink in sinks { sink.take(event, isSampled: isSampled) }
  }

  /// Progress is written at most ten times a second and at least every ten seconds, less often the longer the run has
  /// gone on: enough for a curve, and the file of a night stays small.
  private func isDue(_ elapsed: Duration) -> Bool {
    guard let lastSample else {
      lastSample = elapsed
      return true
    }
    let interval = min(max(.milliseconds(100), elapsed / 500), .seconds(10))
    guard elapsed - lastSample >= interval else { return false }
    self.lastSample = elapsed
    return true
  }

  private func payload(_ event: RunEvent) -> RecordedEvent.Payload {
    switch event {
    case .began(let start):
      outline = start.outline
      return .began(beganEvent(start))
    case .phaseBegan(let index, _, _):
      phase = index
      // The next step is worth a sample: phases can be short.
      lastSample = nil
      return .phaseBegan(phaseEvent(index))
    case .progress(let progress): return .progress(progress)
    case .divergence(let divergence, let replay):
      defer { divergentWindow = nil }
      return .divergence(
        DivergenceEvent(
          phase: phase, divergence: divergence, replaySteps: replay.steps,
          replay: "\(context.command) --seed \(replay.seed) --steps \(max(1, replay.steps))",
          shrink: shrinkCommand(divergence, replay), window: divergentWindow))
    case .windowJudged(let judged):
      // The divergence of a window is said directly behind it.
      divergentWindow = judged.isDivergent ? judged.number : nil
      return .window(WindowEvent(judged))
    case .release(let finding, let replay):
      return .release(
        ReleaseEvent(
          phase: phase, finding: finding, replaySteps: replay.steps,
          replay: "\(context.command) --seed \(replay.seed) --steps \(max(1, replay.steps))"))
    case .fault(let fault): return .fault(FaultEvent(fault, phase: phase))
    case .skipped(let skip): return .skipped(skip)
    case .warning(let text): return .warning(WarningEvent(text: text))
    case .ended(let summary): return .ended(endedEvent(summary))
    }
  }

  /// What is red goes on to the fewest calls that show it.
  private func shrinkCommand(_ divergence: Divergence, _ replay: ReplayPoint) -> String? {
    guard let command = context.shrinkCommand, divergence.operation != nil,
      context.isStrict || divergence.knownIssues.isEmpty
    else { return nil }
    let known = divergence.knownIssues.first.map { " --known \($0)" } ?? ""
    return "\(command)\(known) --seed \(replay.seed) --steps \(max(1, replay.steps)) "
      + "--output small.jsonl"
  }

  private func beganEvent(_ start: RunStart) -> BeganEvent {
    let phases = start.outline.indices.map(phaseEvent)
    return BeganEvent(
      tool: context.tool, run: context.run,
      startedAt: RunIdentifier.timestamp(context.startedAt), kernel: start.kernel,
      configuration: .ofThisMachine(release: start.kernel.release), machine: .ofThisMachine(),
      rules: "\(start.rules)", profile: start.profile, seed: "\(start.seed)",
      stepLimit: start.stepLimit, isStrict: context.isStrict, command: context.command,
      phases: phases,
      cases: CaseList.planned(profile: start.profile, phases: phases))
  }

  private func phaseEvent(_ index: Int) -> PhaseEvent {
    guard outline.indices.contains(index) else {
      return PhaseEvent(index: index, name: "", kind: "")
    }
    let phase = outline[index]
    return PhaseEvent(
      index: index, name: phase.name, kind: phase.kind.rawValue, steps: phase.steps)
  }

  private func endedEvent(_ summary: RunSummary) -> EndedEvent {
    let outcome = summary.outcome(strict: context.isStrict)
    return EndedEvent(
      outcome: outcome, exitCode: exitCode(outcome), isComplete: summary.isComplete,
      storm: summary.storm, checks: summary.checks, memory: summary.memory, times: summary.times,
      latencies: summary.latencies,
      releases: summary.releases.isEmpty ? nil : summary.releases,
      releasesByWay: summary.releases.isEmpty ? nil : summary.releasesByWay,
      releaseCounts: summary.releaseCounts.isEmpty ? nil : summary.releaseCounts,
      leftovers: summary.leftovers,
      coverage: context.withCoverage ? RuleCoverageReport(summary.coverage).rules : nil,
      races: summary.races)
  }

  private func nanoseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    return UInt64(clamping: seconds) &* 1_000_000_000
      &+ UInt64(clamping: attoseconds / 1_000_000_000)
  }
}

extension FaultEvent {
  /// - Parameter phase: the index of the phase; -1 where there is none.
  public init(_ fault: RunFault, phase: Int) {
    self.phase = phase
    switch fault {
    case .hang(let report):
      (kind, text, lines) = (.hang, "hang: \(report)", report.stack)
    case .death(let death): (kind, text, lines) = (.death, "\(death)", [])
    case .log(let found):
      (kind, text, lines) = (.log, "\(found)", found.lines)
      self.report = found.kind.rawValue
    case .taint(let taint):
      (kind, text, lines) = (
        .taint, "the kernel is tainted now (\(taint)) and was not before", []
      )
    }
  }
}
