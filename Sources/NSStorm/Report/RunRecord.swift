public import StormRun
import StormVerdict

/// All that the events of one run say, put together: what reports are made of once the run has ended, or has been killed.
public struct RunRecord: Sendable {
  public var began: BeganEvent
  public var phases: [StartedPhase] = []
  public var samples: [Sample] = []
  public var divergences: [TimedEvent<DivergenceEvent>] = []
  /// Those of the concurrency windows that the stream has.
  public var windows: [TimedEvent<WindowEvent>] = []
  public var releases: [TimedEvent<ReleaseEvent>] = []
  public var faults: [TimedEvent<FaultEvent>] = []
  public var skips: [Skip] = []
  public var warnings: [String] = []
  /// Nil where the run was killed before it could judge itself.
  public var ended: EndedEvent?
  /// The time of the last event.
  public var elapsedNanoseconds: UInt64 = 0
  /// Events of a newer nsstorm that were passed over, by name.
  public var unknownEvents: [String: Int] = [:]

  public struct StartedPhase: Hashable, Sendable {
    public var phase: PhaseEvent
    public var atNanoseconds: UInt64
  }

  public struct Sample: Hashable, Sendable {
    public var atNanoseconds: UInt64
    public var progress: RunProgress
  }

  public struct TimedEvent<Event: Hashable & Sendable>: Hashable, Sendable {
    public var atNanoseconds: UInt64
    public var event: Event
  }

  public init(_ began: BeganEvent) {
    self.began = began
  }

  /// Puts a stream together.
  ///
  /// - Returns: nil where the stream has no `began`: nothing is known about such a run.
  public init?(_ events: some Sequence<RecordedEvent>) {
    var record: RunRecord?
    for event in events {
      if case .began(let began) = event.payload, record == nil { record = RunRecord(began) }
      record?.add(event)
    }
    guard let record else { return nil }
    self = record
  }

  public mutating func add(_ event: RecordedEvent) {
    let time = event.elapsedNanoseconds
    elapsedNanoseconds = max(elapsedNanoseconds, time)
    switch event.payload {
    case .began: break
    case .phaseBegan(let phase): phases.append(.init(phase: phase, atNanoseconds: time))
    case .progress(let progress):
      samples.append(.init(atNanoseconds: time, progress: progress))
    case .divergence(let found): divergences.append(.init(atNanoseconds: time, event: found))
    case .window(let window): windows.append(.init(atNanoseconds: time, event: window))
    case .release(let found): releases.append(.init(atNanoseconds: time, event: found))
    case .fault(let fault): faults.append(.init(atNanoseconds: time, event: fault))
    case .skipped(let skip): skips.append(skip)
    case .warning(let warning): warnings.append(warning.text)
    case .ended(let end): ended = end
    case .unknown(let name): unknownEvents[name, default: 0] += 1
    }
  }

  /// The window whose racing calls show a divergence, where they do.
  public func window(of event: DivergenceEvent) -> WindowEvent? {
    guard let number = event.window else { return nil }
    return windows.map(\.event).first { $0.number == number }
  }

  /// Windows of which no order was found, or only with a known issue.
  public var unexplainedWindows: [WindowEvent] {
    let known = Set(divergences.compactMap(\.event.window))
    return windows.map(\.event).filter {
      $0.verdict == .violated || $0.verdict == .unknown || known.contains($0.number)
    }
  }

  public var unexplainedDivergences: [DivergenceEvent] {
    divergences.map(\.event).filter(\.divergence.knownIssues.isEmpty)
  }

  public var knownDivergences: [DivergenceEvent] {
    divergences.map(\.event).filter { !$0.divergence.knownIssues.isEmpty }
  }

  /// How long a phase took; 0 for one that did not begin.
  public func nanoseconds(ofPhase index: Int) -> UInt64 {
    guard let position = phases.firstIndex(where: { $0.phase.index == index }) else { return 0 }
    let next = phases.dropFirst(position + 1).first?.atNanoseconds ?? elapsedNanoseconds
    return next - min(next, phases[position].atNanoseconds)
  }
}
