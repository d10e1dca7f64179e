import StormVocabulary

/// The table that the engine starts from: a tree whose root comes first and whose parents stand before their children.
enum InitialTable {
  /// The table with its lines in that order; nil where it is no such tree.
  static func ordered(_ table: MountTable) -> MountTable? {
    let ids = Set(table.entries.map(\.id))
    guard ids.count == table.entries.count else { return nil }
    let roots = table.entries.filter { $0.parent == $0.id || !ids.contains($0.parent) }
    guard roots.count == 1, let root = roots.first, root.mountpoint == "/" else { return nil }
    let children = Dictionary(grouping: table.entries.filter { $0.id != root.id }, by: \.parent)
    var entries = [root]
    var next = 0
    while next < entries.count {
      let parent = entries[next]
      let here = children[parent.id] ?? []
      guard Set(here.map(\.mountpoint)).count == here.count,
        here.allSatisfy({ isBelow($0.mountpoint, parent.mountpoint) })
      else { return nil }
      entries += here
      next += 1
    }
    return entries.count == table.entries.count ? inOrder(entries, of: table) : nil
  }

  /// The lines as they stood, if parents come first there already; creation order is worth keeping.
  private static func inOrder(_ entries: [MountTable.Entry], of table: MountTable) -> MountTable {
    var seen: Set<UInt64> = []
    for (index, entry) in table.entries.enumerated() {
      guard index == 0 ? entry.id == entries[0].id : seen.contains(entry.parent) else {
        return MountTable(entries: entries)
      }
      seen.insert(entry.id)
    }
    return table
  }

  private static func isBelow(_ path: String, _ upper: String) -> Bool {
    path == upper || upper == "/" && path.hasPrefix("/") || path.hasPrefix(upper + "/")
  }
}
