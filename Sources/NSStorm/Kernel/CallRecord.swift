public import StormVocabulary

/// One call that a worker made: what the kernel answered, and when.
public struct CallRecord: Hashable, Sendable {
  public var errno: Errno
  /// CLOCK_MONOTONIC just before the call, the same clock for all workers.
  public var startNanoseconds: UInt64
  /// CLOCK_MONOTONIC just after the call.
  public var endNanoseconds: UInt64
  /// What an operation of `nss_release.h` measured; 0 for calls under test.
  public var value: UInt32

  public init(
    errno: Errno, startNanoseconds: UInt64, endNanoseconds: UInt64, value: UInt32 = 0
  ) {
    self.errno = errno
    self.value = value
    self.startNanoseconds = startNanoseconds
    self.endNanoseconds = endNanoseconds
  }
}

/// How a single call ended.
public enum CallOutcome: Sendable {
  case answered(CallRecord)
  /// The worker did not answer within the limit.
  case hang(HangReport)
  /// The worker's process ended in the call.
  case died(WorkerDeath)

  /// The record of an answered call.
  public var record: CallRecord? {
    if case .answered(let record) = self { record } else { nil }
  }
}

/// What an observer saw, or that it did not come back.
public enum Observation<Value: Sendable>: Sendable {
  case seen(Value)
  case hang(HangReport)

  /// What was seen, if it was.
  public var value: Value? {
    if case .seen(let value) = self { value } else { nil }
  }
}

/// A worker's process ended without being told to.
public struct WorkerDeath: Hashable, Sendable, CustomStringConvertible {
  public var actor: Int
  /// The call it was in, where that is known.
  public var operation: Operation?
  public var cause: Cause

  public enum Cause: Hashable, Sendable {
    case exited(status: Int32)
    /// 9 is also what an oops in the kernel or the out-of-memory killer leaves.
    case signal(Int32)
  }

  init(actor: Int, operation: Operation?, waitStatus: Int32) {
    self.actor = actor
    self.operation = operation
    let signal = waitStatus & 0x7f
    cause = signal == 0 ? .exited(status: (waitStatus >> 8) & 0xff) : .signal(signal)
  }

  public var description: String {
    let place = operation.map { " in \($0)" } ?? ""
    return switch cause {
    case .exited(let status): "actor \(actor) exited with status \(status)\(place)"
    case .signal(let number): "actor \(actor) was killed by signal \(number)\(place)"
    }
  }
}
