public import StormVerdict
import StormVocabulary

/// What raced between two quiescent points, as version 2 of the format has it.
public struct TraceWindow: Hashable, Sendable {
  /// Ascending in the file.
  public var number: Int
  /// The phase of the profile; informative.
  public var phase: Int
  public var workers: [ConcurrentWorker]
  /// With the tables of all living namespaces at its closing point, or none where they were not read.
  public var window: ContendedWindow

  public init(number: Int, phase: Int, workers: [ConcurrentWorker], window: ContendedWindow) {
    self.number = number
    self.phase = phase
    self.workers = workers
    self.window = window
  }
}
