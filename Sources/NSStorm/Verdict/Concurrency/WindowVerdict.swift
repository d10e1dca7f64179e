public import StormVocabulary

/// What a search says about a window.
public enum WindowVerdict: Sendable {
  /// Some order of all points gives every answer and the tables.
  case explained(ExplainedWindow)
  /// No order does.
  case violated(ConcurrencyViolation)
  /// Nobody knows: a limit ended the search. Never a pass.
  case unknown(ExhaustedBudget)
}

/// One point of an order.
public struct OrderedPoint: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// A path argument, counted from 0, was resolved.
    case resolve(argument: Int)
    /// The next component of a path was crossed.
    case walk
    /// `can_umount` or the expiry mark.
    case check
    /// What happens under the lock; another commit follows.
    case commit
    /// The last commit, with the answer.
    case answer(Errno)
    /// References were dropped: those on some mounts, by the engine's ids, or all where none are named.
    case release(mounts: [UInt64])
  }

  /// The position of the call in its window.
  public var call: Int
  /// The window, counted from the first one that was searched.
  public var window: Int
  public var kind: Kind
  /// Set where the answer needed it.
  public var latitude: Latitude?
}

/// An order that explains a window.
public struct ExplainedWindow: Hashable, Sendable {
  /// The points of the window, in the order found.
  public var order: [OrderedPoint]
  public var latitude: LatitudeUse
  /// Points that were tried to find it.
  public var steps: Int
  /// Pairs of calls that overlapped in time on the same mounts.
  public var conflicts: Int
  /// Known issues of the kernel without which there is no order, by name.
  public var knownIssues: [String] = []
}

/// A window that no order explains.
public struct ConcurrencyViolation: Sendable {
  /// The smallest beginning of the window that has no explanation: its calls, in the order of their starts. A call that
  /// had not ended then may have had any effect or none.
  public var calls: [ContendedWindow.Call]
  /// For each of ``calls``, whether it had ended.
  public var hasEnded: [Bool]
  /// Calls before these, all explained.
  public var explainedBefore: Int
  /// The order that explains most of ``calls``; call numbers count in ``calls``.
  public var bestOrder: [OrderedPoint]
  /// Why nothing continues that order.
  public var continuations: [FailedContinuation]
  /// The tables, where all answers can be explained and only the end cannot: the differences of the nearest end state.
  public var tables: [TableDifference]
  /// Different end states that were compared with the tables.
  public var endStates: Int
  public var steps: Int

  /// The call, with its wrong answer, that ends the smallest window; nil where only the tables are wrong.
  public var culprit: ContendedWindow.Call? {
    guard tables.isEmpty else { return nil }
    return zip(calls, hasEnded).filter(\.1).map(\.0).max { $0.endNanoseconds < $1.endNanoseconds }
  }
}

/// A call that could come next and would not have answered what it did.
public struct FailedContinuation: Hashable, Sendable {
  /// The position in ``ConcurrencyViolation/calls``.
  public var call: Int
  public var observed: Errno
  /// What the engine answers at this place of the order.
  public var predicted: Errno
  /// The rule that decides it.
  public var reason: String
}
