public import StormVocabulary

/// What workers that race with each other did: the windows of one phase, in order, and who the workers are.
///
/// Plain values throughout, for files and pictures: a window has its barrier, its calls and the tables that were read when
/// no call was in progress any more. All times are of one monotonic clock, in nanoseconds. The exact (sequential) calls
/// that led to the state before the first window are not part of it.
public struct ConcurrentHistory: Hashable, Sendable {
  /// In the order of their numbers; ``ContendedWindow/Call/worker`` counts here.
  public var workers: [ConcurrentWorker]
  public var windows: [ContendedWindow]

  public init(workers: [ConcurrentWorker], windows: [ContendedWindow] = []) {
    self.workers = workers
    self.windows = windows
  }

  public var callCount: Int { windows.reduce(0) { $0 + $1.calls.count } }
}

/// One of the workers that race.
public struct ConcurrentWorker: Hashable, Sendable, Codable {
  /// Counted from 0 in its phase.
  public var number: Int
  /// The process that makes its calls, in the engine's count. Workers with the same one are threads of it: they share
  /// descriptors, working directory and root.
  public var process: NamespaceNumber
  /// Whether it is a further thread of its process.
  public var isThread: Bool
  /// The CPU that it stays on; nil for all.
  public var cpu: Int?
  /// The nice value that it runs with, -20 ... 19.
  public var priority: Int

  public init(
    number: Int, process: NamespaceNumber, isThread: Bool = false, cpu: Int? = nil,
    priority: Int = 0
  ) {
    self.number = number
    self.process = process
    self.isThread = isThread
    self.cpu = cpu
    self.priority = priority
  }
}

/// A window and what was said about it; what a run gives to recorders and reports.
public struct JudgedWindow: Sendable {
  /// Counted from 0 over the whole run.
  public var number: Int
  /// The phase of the profile that it belongs to.
  public var phase: Int
  public var workers: [ConcurrentWorker]
  public var window: ContendedWindow
  /// Nil where the calls were recorded only and not judged.
  public var verdict: WindowVerdict?

  public init(
    number: Int, phase: Int, workers: [ConcurrentWorker], window: ContendedWindow,
    verdict: WindowVerdict?
  ) {
    self.number = number
    self.phase = phase
    self.workers = workers
    self.window = window
    self.verdict = verdict
  }
}
