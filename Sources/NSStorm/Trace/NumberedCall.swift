public import StormVocabulary

/// A call and its place in a trace, without answer and tables: what is announced before it is made, and what a replay
/// makes again.
public struct NumberedCall: Hashable, Sendable {
  /// The number of its step. The calls of programs that run at once share one; it is kept when other calls are taken away.
  public var number: Int
  /// The namespace in whose single process the call is made.
  public var namespace: NamespaceNumber
  public var operation: Operation

  public init(number: Int, namespace: NamespaceNumber, operation: Operation) {
    self.number = number
    self.namespace = namespace
    self.operation = operation
  }
}

extension NumberedCall: CustomStringConvertible {
  public var description: String { "step \(number), namespace \(namespace): \(operation)" }
}
