package import StormKernel
package import StormVerdict
package import StormVocabulary

/// Decides what is read after a step, and reads it: the full tables of the namespaces that the engine says changed, the
/// membership of the others, and one full table of the others in rotation.
package struct TableReader {
  /// What a step's reading gave.
  package struct Reading {
    package var tables: [NamespaceTable] = []
    package var memberLists = 0
    package var sampledTables = 0
    /// Tables that both observers read.
    package var doublyReadTables = 0
    /// Those of them in which the observers do not agree.
    package var disagreements: [ObserverDisagreement] = []
    /// A process that did not come back.
    package var hang: HangReport?
  }

  /// The first one's tables are those that are compared with predictions.
  let observers: [TableObserver]
  private var lastSeen: [NamespaceNumber: MountTable] = [:]
  /// The tables as they were read last, ascending.
  package var lastTables: [NamespaceTable] {
    lastSeen.sorted { $0.key < $1.key }.map { NamespaceTable(namespace: $0.key, table: $0.value) }
  }

  private var lastMembers: [NamespaceNumber: [UInt64]] = [:]
  private var nextSample = 0

  package init(observers: [TableObserver] = [.mountinfo]) {
    self.observers = observers
  }

  /// After a step that should have changed these namespaces and no other.
  package mutating func read(
    changed: [NamespaceNumber], from sandbox: Sandbox
  ) throws(SandboxError) -> Reading {
    let living = sandbox.livingProcesses
    forget(except: living)
    var reading = Reading()
    let due = changed.filter(living.contains)
    let others = living.filter { !due.contains($0) }
    var sample: NamespaceNumber?
    if !others.isEmpty {
      nextSample += 1
      sample = others[nextSample % others.count]
    }
    let wanted = (due + (sample.map { [$0] } ?? [])).sorted()
    guard let seen = try look(tables: wanted, members: living, from: sandbox, &reading) else {
      return reading
    }
    for (namespace, table) in zip(wanted, seen.tables) {
      take(table, of: namespace, isSample: namespace == sample, &reading)
    }
    let surprising = changedMembers(seen.members, of: living, besides: due, &reading)
      .filter { !wanted.contains($0) }
    if !surprising.isEmpty { try readMore(surprising, from: sandbox, &reading) }
    return reading
  }

  private mutating func take(
    _ table: MountTable, of namespace: NamespaceNumber, isSample: Bool, _ reading: inout Reading
  ) {
    let isNew = lastSeen[namespace] != table
    lastSeen[namespace] = table
    if isSample {
      reading.sampledTables += 1
      // What did not change was compared when it did.
      guard isNew else { return }
    }
    reading.tables.append(NamespaceTable(namespace: namespace, table: table))
  }

  private mutating func readMore(
    _ namespaces: [NamespaceNumber], from sandbox: Sandbox, _ reading: inout Reading
  ) throws(SandboxError) {
    guard let tables = try tables(of: namespaces, from: sandbox, &reading) else { return }
    for (namespace, table) in zip(namespaces, tables) {
      take(table, of: namespace, isSample: false, &reading)
    }
    reading.tables.sort { $0.namespace < $1.namespace }
  }

  /// Tables and member lists: in one question where mountinfo alone is read; nil where a process did not come back.
  private func look(
    tables wanted: [NamespaceNumber], members living: [NamespaceNumber], from sandbox: Sandbox,
    _ reading: inout Reading
  ) throws(SandboxError) -> (tables: [MountTable], members: [[UInt64]?])? {
    let listed = sandbox.listsMembers ? living : []
    if observers.isEmpty || observers == [.mountinfo] {
      switch try sandbox.look(tables: wanted, members: listed) {
      case .seen(let seen): return seen
      case .hang(let report):
        reading.hang = report
        return nil
      }
    }
    switch try sandbox.members(of: listed) {
    case .seen(let members):
      guard let tables = try tables(of: wanted, from: sandbox, &reading) else { return nil }
      return (tables, members)
    case .hang(let report):
      reading.hang = report
      return nil
    }
  }

  /// All tables, at a point where nothing runs.
  package mutating func readAll(from sandbox: Sandbox) throws(SandboxError) -> Reading {
    let living = sandbox.livingProcesses
    forget(except: living)
    var reading = Reading()
    for (namespace, table) in zip(living, try tables(of: living, from: sandbox, &reading) ?? []) {
      lastSeen[namespace] = table
      reading.tables.append(NamespaceTable(namespace: namespace, table: table))
    }
    // Membership is compared with the list after the last look; steps without a look in between make it stale.
    lastMembers = [:]
    return reading
  }

  /// The tables as the first observer has them; nil where one did not come back.
  private func tables(
    of namespaces: [NamespaceNumber], from sandbox: Sandbox, _ reading: inout Reading
  ) throws(SandboxError) -> [MountTable]? {
    guard observers.count > 1 else {
      switch try sandbox.tables(of: namespaces, through: observers.first ?? .mountinfo) {
      case .seen(let tables): return tables
      case .hang(let report):
        reading.hang = report
        return nil
      }
    }
    let lines: [MountTable]
    let statuses: [StatmountTable]
    switch try sandbox.tables(of: namespaces) {
    case .seen(let tables): lines = tables
    case .hang(let report):
      reading.hang = report
      return nil
    }
    switch try sandbox.statmountTables(of: namespaces) {
    case .seen(let tables): statuses = tables
    case .hang(let report):
      reading.hang = report
      return nil
    }
    reading.doublyReadTables += namespaces.count
    for (index, namespace) in namespaces.enumerated() {
      let other = statuses[index].inShortNumbers
      guard lines[index] != other else { continue }
      reading.disagreements.append(
        ObserverDisagreement(namespace: namespace, mountinfo: lines[index], statmount: other))
    }
    return observers.first == .statmount ? statuses.map(\.table) : lines
  }

  private mutating func changedMembers(
    _ lists: [[UInt64]?], of living: [NamespaceNumber], besides due: [NamespaceNumber],
    _ reading: inout Reading
  ) -> [NamespaceNumber] {
    var surprising: [NamespaceNumber] = []
    for (namespace, list) in zip(living, lists) {
      let list = list ?? []
      if !due.contains(namespace) {
        reading.memberLists += 1
        if let last = lastMembers[namespace], last != list { surprising.append(namespace) }
      }
      lastMembers[namespace] = list
    }
    return surprising
  }

  private mutating func forget(except living: [NamespaceNumber]) {
    // A number is used again once its namespace has ended: what was seen of the old one must not stay.
    lastSeen = lastSeen.filter { living.contains($0.key) }
    lastMembers = lastMembers.filter { living.contains($0.key) }
  }
}
