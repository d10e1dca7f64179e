public import StormRun

/// One line of the event stream (`docs/events.md`): what happened, in which order and when. Every report is made of these,
/// so that a report of a file and one of a run that goes on are the same code.
public struct RecordedEvent: Hashable, Sendable {
  /// Raised when a member is removed or changes its meaning; new members and new events may come without.
  public static let version = 1

  /// Counted from 0, without gaps within one stream but for progress that was left out.
  public var sequence: Int
  /// Since the first event of the stream.
  public var elapsedNanoseconds: UInt64
  public var payload: Payload

  public init(sequence: Int, elapsedNanoseconds: UInt64, payload: Payload) {
    self.sequence = sequence
    self.elapsedNanoseconds = elapsedNanoseconds
    self.payload = payload
  }

  public enum Payload: Hashable, Sendable {
    case began(BeganEvent)
    case phaseBegan(PhaseEvent)
    case progress(RunProgress)
    case divergence(DivergenceEvent)
    case window(WindowEvent)
    case release(ReleaseEvent)
    case fault(FaultEvent)
    case skipped(Skip)
    case warning(WarningEvent)
    case ended(EndedEvent)
    /// An event of a newer nsstorm, by its name: passed over.
    case unknown(String)
  }

  /// The words of the member `event`; the payload stands under the same word.
  public enum Name: String, CaseIterable, Hashable, Sendable, Codable {
    case began, phaseBegan, progress, divergence, window, release, fault, skipped, warning, ended
  }
}

extension RecordedEvent.Payload {
  /// The word that stands for it in a stream.
  public var name: String {
    switch self {
    case .began: RecordedEvent.Name.began.rawValue
    case .phaseBegan: RecordedEvent.Name.phaseBegan.rawValue
    case .progress: RecordedEvent.Name.progress.rawValue
    case .divergence: RecordedEvent.Name.divergence.rawValue
    case .window: RecordedEvent.Name.window.rawValue
    case .release: RecordedEvent.Name.release.rawValue
    case .fault: RecordedEvent.Name.fault.rawValue
    case .skipped: RecordedEvent.Name.skipped.rawValue
    case .warning: RecordedEvent.Name.warning.rawValue
    case .ended: RecordedEvent.Name.ended.rawValue
    case .unknown(let name): name
    }
  }
}
