import StormVerdict
import StormVocabulary

/// Something that a mount table shows and that needs no other table to be told: what a reproducer checks.
struct TableFact: Hashable, Sendable {
  /// A mount of a table, pointed at without numbers: its place, and which of those that look alike it is.
  struct Mount: Hashable, Sendable {
    var namespace: NamespaceNumber
    var mountpoint: String
    var root: String
    var source: String
    /// Counted from 0 in the order of the table.
    var index = 0
  }

  enum Kind: Hashable, Sendable {
    /// So many mounts look like it.
    case count(Int)
    case unbindable(Bool)
    case shared(Bool)
    case slave(Bool)
    case propagateFrom(Bool)
    /// The mount's own options, `rw,relatime`.
    case options(String)
    /// What it is mounted on.
    case parent(Mount)
    /// Whether it is a peer of another mount.
    case peer(Mount, Bool)
    /// Whether it is a slave of the peer group of another mount.
    case master(Mount, Bool)
    /// It is the mount that stood there before the last call.
    case remains
  }

  var mount: Mount
  var kind: Kind

  /// Whether tables show it; nil where they lack the mount that it is about.
  func holds(in tables: FactTables) -> Bool? {
    if case .count(let count) = kind { return tables.count(like: mount) == count }
    guard let entry = tables.entry(mount) else { return nil }
    switch kind {
    case .count: return nil
    case .unbindable(let value): return entry.isUnbindable == value
    case .shared(let value): return (entry.sharedGroup != nil) == value
    case .slave(let value): return (entry.masterGroup != nil) == value
    case .propagateFrom(let value): return (entry.propagateFromGroup != nil) == value
    case .options(let text): return entry.attributes.options == text
    case .parent(let mount): return tables.entry(mount).map { $0.id == entry.parent }
    case .peer(let other, let value):
      guard let other = tables.entry(other), let group = entry.sharedGroup else { return nil }
      return (other.sharedGroup == group) == value
    case .master(let other, let value):
      guard let other = tables.entry(other), let group = entry.masterGroup else { return nil }
      return (other.sharedGroup == group) == value
    case .remains: return tables.idsBefore[mount].map { $0 == entry.id }
    }
  }
}

/// The tables of all namespaces at one moment, with ways to find mounts without numbers.
struct FactTables {
  private let tables: [NamespaceNumber: MountTable]
  /// The ids before the last call.
  let idsBefore: [TableFact.Mount: UInt64]

  init(_ tables: [NamespaceTable], before: [NamespaceTable]) {
    self.tables = Dictionary(tables.map { ($0.namespace, $0.table) }, uniquingKeysWith: { $1 })
    var ids: [TableFact.Mount: UInt64] = [:]
    for reading in before {
      for (mount, entry) in Self.named(reading.table, in: reading.namespace) {
        ids[mount] = entry.id
      }
    }
    idsBefore = ids
  }

  /// Every mount of a table with its name.
  static func named(
    _ table: MountTable, in namespace: NamespaceNumber
  ) -> [(mount: TableFact.Mount, entry: MountTable.Entry)] {
    var seen: [TableFact.Mount: Int] = [:]
    return table.entries.map { entry in
      var mount = TableFact.Mount(
        namespace: namespace, mountpoint: entry.mountpoint, root: entry.root, source: entry.source)
      let index = seen[mount, default: 0]
      seen[mount] = index + 1
      mount.index = index
      return (mount, entry)
    }
  }

  var namespaces: [NamespaceNumber] { tables.keys.sorted() }

  func named(in namespace: NamespaceNumber) -> [(mount: TableFact.Mount, entry: MountTable.Entry)] {
    tables[namespace].map { Self.named($0, in: namespace) } ?? []
  }

  func count(like mount: TableFact.Mount) -> Int {
    tables[mount.namespace]?.entries.count {
      $0.mountpoint == mount.mountpoint && $0.root == mount.root && $0.source == mount.source
    } ?? 0
  }

  func entry(_ mount: TableFact.Mount) -> MountTable.Entry? {
    let alike = tables[mount.namespace]?.entries.filter {
      $0.mountpoint == mount.mountpoint && $0.root == mount.root && $0.source == mount.source
    }
    guard let alike, alike.indices.contains(mount.index) else { return nil }
    return alike[mount.index]
  }
}

extension TableFact {
  /// The facts that are predicted and not observed, the plain ones first; at most ``most`` of them.
  ///
  /// - Parameter namespaces: where differences were found.
  static func decisive(
    predicted: FactTables, observed: FactTables, in namespaces: [NamespaceNumber]
  ) -> [TableFact] {
    var facts: [TableFact] = []
    func keep(_ fact: TableFact) {
      if fact.holds(in: predicted) == true, fact.holds(in: observed) == false {
        facts.append(fact)
      }
    }
    for namespace in namespaces {
      let mine = predicted.named(in: namespace)
      var places = Set<Mount>()
      for (mount, _) in mine + observed.named(in: namespace) {
        var place = mount
        place.index = 0
        if places.insert(place).inserted {
          keep(TableFact(mount: place, kind: .count(predicted.count(like: place))))
        }
      }
      for (mount, entry) in mine {
        keep(TableFact(mount: mount, kind: .unbindable(entry.isUnbindable)))
        keep(TableFact(mount: mount, kind: .shared(entry.sharedGroup != nil)))
        keep(TableFact(mount: mount, kind: .slave(entry.masterGroup != nil)))
        keep(TableFact(mount: mount, kind: .propagateFrom(entry.propagateFromGroup != nil)))
        keep(TableFact(mount: mount, kind: .options(entry.attributes.options)))
        if let parent = mine.first(where: { $0.entry.id == entry.parent }) {
          keep(TableFact(mount: mount, kind: .parent(parent.mount)))
        }
      }
      for (mount, entry) in mine where entry.sharedGroup != nil || entry.masterGroup != nil {
        for other in predicted.namespaces {
          for (partner, second) in predicted.named(in: other)
          where partner != mount && second.sharedGroup != nil {
            keep(
              TableFact(
                mount: mount, kind: .peer(partner, second.sharedGroup == entry.sharedGroup)))
            keep(
              TableFact(
                mount: mount, kind: .master(partner, second.sharedGroup == entry.masterGroup)))
          }
        }
      }
      for (mount, entry) in mine where predicted.idsBefore[mount] == entry.id {
        keep(TableFact(mount: mount, kind: .remains))
      }
    }
    return Array(facts.prefix(most))
  }

  /// More would hide what matters.
  static let most = 6
}
