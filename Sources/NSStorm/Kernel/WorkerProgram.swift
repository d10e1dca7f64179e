public import StormPlanning
public import StormVocabulary

/// A flat program that one actor executes alone: no allocation, no lock and no supervisor between its calls.
public struct WorkerProgram: Hashable, Sendable {
  public var actor: Int
  public var steps: [Step]
  /// How often the steps are run; the records are those of the last round. At least 1.
  public var iterations: Int
  /// The CPU that the worker stays on; nil for all.
  public var cpu: Int?
  /// The nice value that the worker runs with, -20 ... 19.
  public var priority = 0
  /// The steps are repeated until every program of the batch that is not in the background has ended; the records are
  /// those of the last round and may be mixed with some of the round before.
  public var isInBackground = false

  public init(actor: Int, steps: [Step], iterations: Int = 1, cpu: Int? = nil) {
    self.actor = actor
    self.steps = steps
    self.iterations = iterations
    self.cpu = cpu
  }

  public init(actor: Int, operations: [Operation], iterations: Int = 1, cpu: Int? = nil) {
    self.init(
      actor: actor, steps: operations.map { Step($0) }, iterations: iterations, cpu: cpu)
  }

  public init(actor: Int, calls: [WorkerCall]) {
    self.init(actor: actor, steps: calls.map { Step($0) })
  }

  public struct Step: Hashable, Sendable {
    public var call: WorkerCall
    /// Waited before the call, outside its times; spun below 50 µs, slept above.
    public var delayNanoseconds: UInt32

    /// The call under test, if it is one.
    public var operation: Operation? { call.operation }

    public init(_ operation: Operation, delayNanoseconds: UInt32 = 0) {
      self.init(.operation(operation), delayNanoseconds: delayNanoseconds)
    }

    public init(_ call: WorkerCall, delayNanoseconds: UInt32 = 0) {
      self.call = call
      self.delayNanoseconds = delayNanoseconds
    }
  }
}

/// How the programs of a batch start.
public enum BatchStart: Hashable, Sendable {
  /// Each as soon as it is posted.
  case asPosted
  /// All at one instant, after every worker has come to a barrier. Waiting workers spin where there are no more of
  /// them than CPUs, and sleep otherwise.
  case together
}

/// What a batch of programs did.
public struct BatchOutcome: Sendable {
  /// In the order of the programs.
  public var programs: [ProgramOutcome]
  /// CLOCK_MONOTONIC when the barrier opened, or when the last program was posted.
  public var startNanoseconds: UInt64
  /// CLOCK_MONOTONIC when the last program was seen to be over.
  public var endNanoseconds: UInt64

  /// The reports of those that did not come back.
  public var hangs: [HangReport] {
    programs.compactMap { if case .hang(let report?) = $0.end { report } else { nil } }
  }

  public var deaths: [WorkerDeath] {
    programs.compactMap { if case .died(let death) = $0.end { death } else { nil } }
  }
}

public struct ProgramOutcome: Sendable {
  /// The calls that were answered, from the first on.
  public var records: [CallRecord]
  /// Whole rounds of the steps.
  public var iterationsDone: Int
  public var end: ProgramEnd
}

public enum ProgramEnd: Sendable {
  /// All steps were run, or the actor's `exit` was.
  case finished
  /// It was told to stop before its end.
  case stopped
  case died(WorkerDeath)
  /// No answer, and no call of the whole batch ended for the limit. Only the first few carry a report.
  case hang(HangReport?)
}
