public import StormVocabulary

/// What workers did between two quiescent points: the calls with their answers and times, and the tables read at the
/// closing point, when no call was in progress.
public struct ContendedWindow: Hashable, Sendable {
  /// One call, as its worker saw it. All times are of one monotonic clock.
  public struct Call: Hashable, Sendable {
    /// The worker that made it; the calls of one worker follow each other.
    public var worker: Int
    /// The process in the engine's count, which is the number of its namespace.
    public var process: NamespaceNumber
    public var operation: Operation
    public var errno: Errno
    public var startNanoseconds: UInt64
    public var endNanoseconds: UInt64

    public init(
      worker: Int, process: NamespaceNumber, operation: Operation, errno: Errno,
      startNanoseconds: UInt64, endNanoseconds: UInt64
    ) {
      self.worker = worker
      self.process = process
      self.operation = operation
      self.errno = errno
      self.startNanoseconds = startNanoseconds
      self.endNanoseconds = endNanoseconds
    }
  }

  /// Somebody who walked a path again and again and whose single walks nobody recorded.
  public struct Reader: Hashable, Sendable {
    public var process: NamespaceNumber
    public var path: PathArgument
    public var startNanoseconds: UInt64
    public var endNanoseconds: UInt64

    public init(
      process: NamespaceNumber, path: PathArgument, startNanoseconds: UInt64,
      endNanoseconds: UInt64
    ) {
      self.process = process
      self.path = path
      self.startNanoseconds = startNanoseconds
      self.endNanoseconds = endNanoseconds
    }
  }

  /// When the barrier opened behind which all workers began; nil where there was none.
  public var barrierNanoseconds: UInt64?
  public var calls: [Call]
  public var readers: [Reader]
  /// The tables of all processes at the closing quiescent point. Nil where they were not read.
  public var tables: [NamespaceTable]?
  /// When they were read: after the end of every call of the window and before the next barrier.
  public var tablesNanoseconds: UInt64?

  public init(
    calls: [Call], readers: [Reader] = [], tables: [NamespaceTable]?,
    barrierNanoseconds: UInt64? = nil, tablesNanoseconds: UInt64? = nil
  ) {
    self.barrierNanoseconds = barrierNanoseconds
    self.calls = calls
    self.readers = readers
    self.tables = tables
    self.tablesNanoseconds = tablesNanoseconds
  }
}

/// How much work one window may take. What runs out is named in the verdict.
public struct SearchLimits: Hashable, Sendable {
  /// Points tried.
  public var steps = 2_000_000
  /// States remembered as dead ends.
  public var states = 1_000_000
  /// Time that the searching thread spends on a processor.
  public var milliseconds = 20_000
  /// Earlier windows whose order may be revised when a later one cannot be explained.
  public var earlierWindows = 8

  public init() {}
}

/// Which limit ended a search without an answer.
public enum ExhaustedBudget: String, Hashable, Sendable, Codable, CaseIterable {
  case steps
  case states
  case milliseconds
  /// Windows before those that are still kept may have ended in another state than the one that was taken.
  case earlierWindows

  /// What to do about it.
  public var advice: String {
    switch self {
    case .steps: "raise the limit of steps, or read the tables more often"
    case .states: "raise the limit of states, or read the tables more often"
    case .milliseconds: "raise the time limit, or read the tables more often"
    case .earlierWindows: "raise the number of earlier windows that are kept"
    }
  }
}
