public import StormVocabulary

/// One window of a contended phase: what is made ready, and the programs that then start together.
public struct Race: Hashable, Sendable {
  public struct Worker: Hashable, Sendable {
    /// The process that makes the calls.
    public var process: NamespaceNumber
    /// Counted from 0 in its process; 0 is the process's first thread.
    public var thread: Int
    public var cpu: Int?
    public var priority: Int
  }

  public struct Call: Hashable, Sendable {
    public var operation: Operation
    /// Waited before the call.
    public var delayNanoseconds: UInt32
  }

  /// A call that is made alone, before the others start.
  public struct Prelude: Hashable, Sendable {
    public var worker: Int
    public var operation: Operation
  }

  /// Walks that are repeated until the last program has ended.
  public struct Walk: Hashable, Sendable {
    public var worker: Worker
    public var operations: [Operation]
    /// A path below each place that the walks cross: what the verdict needs to know of them.
    public var crossings: [String]
  }

  /// Windows with the same number began in the same known state.
  public var round: Int
  public var workers: [Worker]
  public var prelude: [Prelude]
  /// One for each worker.
  public var programs: [[Call]]
  public var walks: [Walk]

  public var callCount: Int { prelude.count + programs.reduce(0) { $0 + $1.count } }
}
