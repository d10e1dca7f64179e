public import StormEngine
public import StormVocabulary

/// Says step by step what a kernel answers and which tables it changes.
public struct Predictor: ~Copyable {
  /// What a call should do.
  public struct Prediction: Hashable, Sendable {
    public var answer: Errno
    /// The namespaces whose table differs from the one before, ascending.
    public var changed: [NamespaceNumber]
    /// The namespaces whose process has ended, ascending.
    public var ended: [NamespaceNumber]
    /// Copies that propagation made elsewhere.
    public var copiesMade: Int
    /// Copies that umount propagation took elsewhere.
    public var copiesTaken: Int
  }

  public private(set) var model: MountModel
  private var seen: [NamespaceNumber: (version: UInt64, table: MountTable)] = [:]
  /// Ascending.
  public private(set) var living: [NamespaceNumber] = []

  /// - Parameter initialTable: the table of namespace 0; nil for one private tmpfs.
  public init(rules: KernelRules, initialTable: MountTable? = nil) {
    if let initialTable {
      model = MountModel(rules: rules, initialTable: initialTable)
    } else {
      model = MountModel(rules: rules)
    }
    _ = refresh()
  }

  public mutating func perform(_ operation: Operation, by actor: NamespaceNumber) -> Prediction {
    let before = model.counters
    let answer = model.perform(operation, by: actor)
    let (changed, ended) = refresh()
    return Prediction(
      answer: answer, changed: changed, ended: ended,
      copiesMade: Int(model.counters.copiesPropagated - before.copiesPropagated),
      copiesTaken: Int(model.counters.copiesUmounted - before.copiesUmounted))
  }

  /// Performs calls whose order does not matter; the tables are looked at once, afterwards.
  public mutating func perform(_ volley: Volley) -> Prediction {
    let before = model.counters
    for program in volley.programs {
      for operation in program.operations { _ = model.perform(operation, by: program.actor) }
    }
    let (changed, ended) = refresh()
    return Prediction(
      answer: .none, changed: changed, ended: ended,
      copiesMade: Int(model.counters.copiesPropagated - before.copiesPropagated),
      copiesTaken: Int(model.counters.copiesUmounted - before.copiesUmounted))
  }

  /// The table that the process sees; empty where there is no such process.
  public func table(of namespace: NamespaceNumber) -> MountTable {
    seen[namespace]?.table ?? MountTable()
  }

  /// The mounts of all living namespaces together.
  public var entryCount: Int { seen.values.reduce(0) { $0 + $1.table.entries.count } }

  private mutating func refresh() -> (changed: [NamespaceNumber], ended: [NamespaceNumber]) {
    var changed: [NamespaceNumber] = []
    let before = living
    living = model.livingProcesses
    for process in living {
      let version = model.tableVersion(seenBy: process)
      let last = seen[process]
      if last?.version == version { continue }
      let table = model.table(seenBy: process)
      seen[process] = (version, table)
      if last?.table != table { changed.append(process) }
    }
    let ended = before.filter { !model.isAlive($0) }
    for process in ended { seen[process] = nil }
    return (changed, ended)
  }
}
