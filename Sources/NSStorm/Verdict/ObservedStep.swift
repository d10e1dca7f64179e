public import StormVocabulary

/// One call of a sequential history: what was made, what the kernel answered, and the tables read afterwards.
public struct ObservedStep: Hashable, Sendable {
  public var number: Int
  /// The namespace in whose single process the call was made.
  public var namespace: NamespaceNumber
  public var operation: Operation
  public var result: Errno
  /// The tables that differ from the last ones that were read of their namespaces (mount ids included), ascending.
  public var tables: [NamespaceTable]
  /// When the call was made; nil where nobody noted it.
  public var interval: CallInterval?
  /// When the tables were read.
  public var readingInterval: CallInterval?

  public init(
    number: Int, namespace: NamespaceNumber, operation: Operation, result: Errno,
    tables: [NamespaceTable] = [], interval: CallInterval? = nil,
    readingInterval: CallInterval? = nil
  ) {
    self.interval = interval
    self.readingInterval = readingInterval
    self.number = number
    self.namespace = namespace
    self.operation = operation
    self.result = result
    self.tables = tables
  }
}
