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
    var due = changed.filter(living.contains)
    if sandbox.listsMembers {
      let surprising = try membersChanged(besides: due, living: living, in: sandbox, &reading)
      due += surprising
    }
    guard reading.hang == nil else { return reading }
    let others = living.filter { !due.contains($0) }
    var sample: NamespaceNumber?
    if !others.isEmpty {
      nextSample += 1
      sample = others[nextSample % others.count]
    }
    let wanted = (due + (sample.map { [$0] } ?? [])).sorted()
    guard !wanted.isEmpty else { return reading }
    guard let tables = try tables(of: wanted, from: sandbox, &reading) else { return reading }
    for (namespace, table) in zip(wanted, tables) {
      let isNew = lastSeen[namespace] != table
      lastSeen[namespace] = table
      if namespace == sample {
        reading.sampledTables += 1
        // What did not change was compared when it did.
        guard isNew else { continue }
      }
      reading.tables.append(NamespaceTable(namespace: namespace, table: table))
    }
    return reading
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

  private mutating func membersChanged(
    besides due: [NamespaceNumber], living: [NamespaceNumber], in sandbox: Sandbox,
    _ reading: inout Reading
  ) throws(SandboxError) -> [NamespaceNumber] {
    var surprising: [NamespaceNumber] = []
    switch try sandbox.members(of: living) {
    case .hang(let report): reading.hang = report
    case .seen(let lists):
      for (namespace, list) in zip(living, lists) {
        let list = list ?? []
        if !due.contains(namespace) {
          reading.memberLists += 1
          if let last = lastMembers[namespace], last != list { surprising.append(namespace) }
        }
        lastMembers[namespace] = list
      }
    }
    return surprising
  }

  private mutating func forget(except living: [NamespaceNumber]) {
    // A number is used again once its namespace has ended: what was seen of the old one must not stay.
    lastSeen = lastSeen.filter { living.contains($0.key) }
    lastMembers = lastMembers.filter { living.contains($0.key) }
  }
}
