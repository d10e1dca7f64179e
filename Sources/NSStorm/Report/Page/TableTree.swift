import StormVerdict

/// The lines of a differing table put together to a tree, by the parents that they name.
struct TableTree {
  struct Node {
    var side: TableDifference.Line.Side
    var mountpoint: String
    /// The other columns, without the numbers of mount and parent.
    var rest: String
    var children: [Node] = []
    /// Whether it or something below it is not the same on both sides.
    var differs: Bool
    /// Mounts here and below.
    var size: Int
  }

  let roots: [Node]

  private struct Row {
    var id: Substring
    var parent: Substring
    var side: TableDifference.Line.Side
    var mountpoint: String
    var rest: String
  }

  init(_ table: TableDifference) {
    // The columns of mountinfo: mount, parent, device, root, mountpoint, and what describes it.
    let rows: [Row] = table.lines.compactMap { line in
      let words = line.text.split(separator: " ")
      guard words.count > 5 else { return nil }
      let root = words[3] == "/" ? "" : "root \(words[3]) "
      return Row(
        id: words[0], parent: words[1], side: line.side, mountpoint: String(words[4]),
        rest: root + words[5...].joined(separator: " "))
    }
    var children: [Int: [Int]] = [:]
    var tops: [Int] = []
    for (index, row) in rows.enumerated() {
      let parent = rows.indices.first { other in
        other != index && rows[other].id == row.parent
          && (rows[other].side == .same || row.side == .same || rows[other].side == row.side)
      }
      if let parent, !Self.isAncestor(index, of: parent, rows) {
        children[parent, default: []].append(index)
      } else {
        tops.append(index)
      }
    }
    func node(_ index: Int) -> Node {
      let below = (children[index] ?? []).map(node)
      let row = rows[index]
      return Node(
        side: row.side, mountpoint: row.mountpoint, rest: row.rest, children: below,
        differs: row.side != .same || below.contains(where: \.differs),
        size: below.reduce(1) { $0 + $1.size })
    }
    roots = tops.map(node)
  }

  /// Two sides of one table may name each other as parents; a tree must not.
  private static func isAncestor(_ candidate: Int, of start: Int, _ rows: [Row]) -> Bool {
    var current = start
    for _ in rows {
      if current == candidate { return true }
      let parent = rows.indices.first { other in
        other != current && rows[other].id == rows[current].parent
          && (rows[other].side == .same || rows[current].side == .same
            || rows[other].side == rows[current].side)
      }
      guard let parent else { return false }
      current = parent
    }
    return true
  }
}
