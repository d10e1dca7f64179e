import Glibc
import StormRun

/// The terminal's lines in a file, each with its time, and the progress every ten seconds: what a person reads the morning
/// after. Complete up to the last line when the run is killed.
public final class TextLog: EventSink {
  private let descriptor: Int32
  private let text = RunText()
  private var record: RunRecord?
  private var lastProgress: UInt64?

  /// Makes the file, or empties it.
  public init(path: String) throws(EventFileError) {
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw EventFileError(attempt: "create", path: path, code: errno) }
  }

  deinit { close(descriptor) }

  public func take(_ event: RecordedEvent, isSampled: Bool) {
    guard isSampled else { return }
    if case .began(let began) = event.payload { record = RunRecord(began) }
    record?.add(event)
    let time = event.elapsedNanoseconds
    switch event.payload {
    case .progress(let progress):
      if let lastProgress, time - lastProgress < 10_000_000_000 { return }
      lastProgress = time
      append(text.progress(progress, phases: record?.began.phases.count ?? 1), at: time)
    case .phaseBegan(let phase):
      append("phase \(phase.index + 1): \(phase.name) (\(phase.kind))", at: time)
    case .ended:
      if let record { append(text.summary(record), at: time) }
    default:
      if let lines = text.lines(event.payload) { append(lines, at: time) }
    }
  }

  // A log is for people: a line that does not fit on the disk is missing, and the run's result is not.
  private func append(_ lines: String, at time: UInt64) {
    let tenths = time / 100_000_000
    let stamp = "[\(tenths / 10).\(tenths % 10) s] "
    let bytes = Array((stamp + lines + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
  }
}
