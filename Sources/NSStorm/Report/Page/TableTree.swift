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
    let parents = Parents(rows)
    var children: [Int: [Int]] = [:]
    var tops: [Int] = []
    for index in rows.indices {
      if let parent = parents.of(index), !parents.isAncestor(index, of: parent) {
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

  /// Which row a row hangs below.
  private struct Parents {
    private let rows: [Row]
    private let byID: [Substring: [Int]]

    init(_ rows: [Row]) {
      self.rows = rows
      byID = Dictionary(grouping: rows.indices) { rows[$0].id }
    }

    /// The row that a row names as its parent, on its own side. What is the same on both sides hangs below the observed
    /// one of two parents, so that the two stand beside each other.
    func of(_ index: Int) -> Int? {
      let row = rows[index]
      let fitting = (byID[row.parent] ?? []).filter { other in
        other != index
          && (rows[other].side == .same || row.side == .same || rows[other].side == row.side)
      }
      return fitting.first { rows[$0].side == row.side }
        ?? fitting.first { rows[$0].side == .observed } ?? fitting.first
    }

    /// Two sides of one table may name each other as parents; a tree must not.
    func isAncestor(_ candidate: Int, of start: Int) -> Bool {
      var current = start
      for _ in rows {
        if current == candidate { return true }
        guard let parent = of(current) else { return false }
        current = parent
      }
      return true
    }
  }
}
