import StormVocabulary

/// Writes tables as nested lines, groups renamed by first appearance in the scenario.
struct ScenarioTableText {
  private let base: String
  private var groups: [UInt32: Int] = [:]
  private var namespaceFiles: [String: Int] = [:]

  init(base: String) {
    self.base = base
  }

  /// The entries at or below the base, their mountpoints relative to it; or all of them.
  func visible(_ table: MountTable, everything: Bool) -> [MountTable.Entry] {
    if everything || base.isEmpty { return table.entries }
    return table.entries.compactMap { entry in
      var entry = entry
      if entry.mountpoint == base {
        entry.mountpoint = "/"
      } else if entry.mountpoint.hasPrefix(base + "/") {
        entry.mountpoint = String(entry.mountpoint.dropFirst(base.count))
      } else {
        return nil
      }
      return entry
    }
  }

  mutating func lines(of table: MountTable, name: String, everything: Bool) -> [String] {
    let entries = visible(table, everything: everything)
    var lines = ["[\(name)] \(entries.count) mounts"]
    for entry in entries {
      for group in [entry.sharedGroup, entry.masterGroup, entry.propagateFromGroup] {
        if let group { _ = renamed(group) }
      }
    }
    let shown = Set(entries.map(\.id))
    var children: [UInt64: [Int]] = [:]
    var roots: [Int] = []
    for (position, entry) in entries.enumerated() {
      if shown.contains(entry.parent), entry.parent != entry.id {
        children[entry.parent, default: []].append(position)
      } else {
        roots.append(position)
      }
    }
    var pending: [(position: Int, depth: Int)] = roots.reversed().map { ($0, 0) }
    while let (position, depth) = pending.popLast() {
      let entry = entries[position]
      lines.append(line(entry, depth: depth, number: position + 1))
      for child in (children[entry.id] ?? []).reversed() {
        pending.append((child, depth + 1))
      }
    }
    return lines
  }

  private mutating func line(_ entry: MountTable.Entry, depth: Int, number: Int) -> String {
    var words = [entry.mountpoint, "[\(entry.source):\(root(of: entry))]"]
    for (word, attribute) in MountAttributes.words
    where entry.attributes.contains(attribute) && attribute != .relativeAccessTime {
      words.append(word)
    }
    if let group = entry.sharedGroup { words.append("shared:\(renamed(group))") }
    if let group = entry.masterGroup { words.append("master:\(renamed(group))") }
    if let group = entry.propagateFromGroup { words.append("propagate_from:\(renamed(group))") }
    if entry.isUnbindable { words.append("unbindable") }
    words.append("#\(number)")
    return String(repeating: "  ", count: depth) + words.joined(separator: " ")
  }

  /// A namespace file's root names an inode: it is renamed by first appearance as well.
  private mutating func root(of entry: MountTable.Entry) -> String {
    guard !entry.root.hasPrefix("/"), let kind = entry.root.split(separator: ":").first else {
      return entry.root
    }
    let number = namespaceFiles[entry.root] ?? namespaceFiles.count + 1
    namespaceFiles[entry.root] = number
    return "\(kind):[\(number)]"
  }

  private mutating func renamed(_ group: UInt32) -> Int {
    if let known = groups[group] { return known }
    let next = groups.count + 1
    groups[group] = next
    return next
  }
}
