import StormTrace
import StormVerdict
import StormVocabulary

/// Every sequential call of a run with its answer: a known issue explains all of them or nothing.
///
/// Memory is bounded. A long history is read back from the file that records it; where nothing records, it is given up
/// beyond ``mostCallsInMemory`` calls.
struct RunHistory {
  private var calls: [PastCall] = []
  private(set) var count = 0
  /// Nil once a part of the history is nowhere any more.
  private var source: Source?
  private var recording: String?

  private enum Source {
    case memory
    case file(String)
  }

  /// About 200 bytes each.
  static let mostCallsInMemory = 1_000_000
  /// What is kept where a file has the rest.
  static let mostCallsBesideRecording = 100_000

  private let mostInMemory: Int
  private let mostBesideRecording: Int

  /// - Parameter recording: a trace that every call is written to before it is judged.
  init(
    recording: String?, mostInMemory: Int = mostCallsInMemory,
    mostBesideRecording: Int = mostCallsBesideRecording
  ) {
    self.recording = recording
    self.mostInMemory = mostInMemory
    self.mostBesideRecording = mostBesideRecording
    source = .memory
  }

  /// Whether every call can be had again.
  var isComplete: Bool { source != nil }

  mutating func append(_ call: PastCall) {
    guard case .memory = source else {
      if source != nil { count += 1 }
      return
    }
    count += 1
    calls.append(call)
    if let recording, calls.count > mostBesideRecording {
      source = .file(recording)
      calls = []
    } else if calls.count > mostInMemory {
      source = nil
      calls = []
    }
  }

  /// The tables after the last call were taken over. No recording says so.
  mutating func adopt(_ tables: [NamespaceTable]) {
    guard case .memory = source, !calls.isEmpty else { return giveUp() }
    calls[calls.count - 1].adopted = tables
  }

  /// Calls that raced have no order in which they could be performed again.
  mutating func giveUp() {
    source = nil
    calls = []
  }

  /// What is called from here on is in no file.
  mutating func endRecording() {
    recording = nil
    if case .file = source { source = nil }
  }

  /// All calls from the first on; nil where they are not complete, or the file cannot be read.
  func all() -> AnySequence<PastCall>? {
    switch source {
    case nil: return nil
    case .memory: return AnySequence(calls)
    case .file(let path):
      guard (try? TraceReader(path: path)) != nil else { return nil }
      return AnySequence { RecordedCalls(path: path) }
    }
  }
}

/// The sequential calls of a trace, read as they are asked for. A class, because a reader cannot be copied.
private final class RecordedCalls: IteratorProtocol {
  private var reader: TraceReader?

  init(path: String) {
    reader = try? TraceReader(path: path)
  }

  func next() -> PastCall? {
    while let line = try? reader?.next() {
      if case .step(let step) = line {
        return PastCall(
          namespace: step.namespace, operation: step.operation, answer: step.result)
      }
    }
    return nil
  }
}
