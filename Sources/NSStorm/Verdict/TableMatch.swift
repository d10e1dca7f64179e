import StormVocabulary

/// Which mount of a predicted table stands where which mount of an observed table stands.
///
/// Two tables have the same structure when their roots can be matched and then, parent by parent, their children
/// by mountpoint. Stacking needs no rule of its own: it is visible only through parent links (kernel-mounts 1.6).
struct TableMatch {
  /// For each predicted entry the index of the observed one.
  var observedIndices: [Int]

  /// Pairs the tables line by line; nil where that is no match of trees.
  ///
  /// Engine and kernel both list mounts in the order of their creation, so this nearly always succeeds.
  init?(lineByLine predicted: MountTable, _ observed: MountTable) {
    let count = predicted.entries.count
    guard count == observed.entries.count else { return nil }
    guard let positions = PositionIndex(predicted) else { return nil }
    for (left, right) in zip(predicted.entries, observed.entries) {
      guard left.mountpoint == right.mountpoint else { return nil }
      if left.parent != left.id, let parent = positions[left.parent] {
        guard observed.entries[parent].id == right.parent, right.parent != right.id else {
          return nil
        }
      } else {
        guard observed.isRoot(right) else { return nil }
      }
    }
    observedIndices = Array(0..<count)
  }

  /// Matches the trees from their roots down, whatever the order of the lines; nil where they differ.
  ///
  /// Several children of one parent may show the same mountpoint (a name that was removed and made again). They are
  /// matched so that known mounts keep their partners and equal subtrees meet.
  init?(trees predicted: MountTable, _ observed: MountTable, known: Correspondences) {
    guard predicted.entries.count == observed.entries.count else { return nil }
    let left = TableTree(predicted)
    let right = TableTree(observed)
    var indices = [Int](repeating: -1, count: predicted.entries.count)
    var matched = 0
    var pending: [(predicted: Int?, observed: Int?)] = [(nil, nil)]
    while let parents = pending.popLast() {
      let places = left.places(below: parents.predicted)
      let counterparts = right.places(below: parents.observed)
      guard places.count == counterparts.count else { return nil }
      for (mountpoint, children) in places {
        guard let candidates = counterparts[mountpoint], candidates.count == children.count else {
          return nil
        }
        let pairs =
          children.count == 1
          ? [(children[0], candidates[0])]
          : Self.assign(children, of: left, to: candidates, of: right, known: known)
        for (child, candidate) in pairs {
          indices[child] = candidate
          matched += 1
          pending.append((child, candidate))
        }
      }
    }
    // Entries that no root leads to (a cycle of parent links in a damaged table) stay unmatched.
    guard matched == indices.count else { return nil }
    observedIndices = indices
  }

  /// The best pairing of children that show the same mountpoint: every order is tried while they are few.
  private static func assign(
    _ children: [Int], of left: TableTree, to candidates: [Int], of right: TableTree,
    known: Correspondences
  ) -> [(Int, Int)] {
    let scores = children.map { child in
      candidates.map { candidate in
        score(child, of: left, against: candidate, of: right, known: known)
      }
    }
    var best: (score: Int, order: [Int]) = (Int.min, Array(candidates.indices))
    if children.count <= 6 {
      var order = Array(candidates.indices)
      permute(&order, from: 0) { order in
        let sum = order.enumerated().reduce(0) { $0 + scores[$1.offset][$1.element] }
        if sum > best.score { best = (sum, order) }
      }
    } else {
      var free = Array(candidates.indices)
      best.order = children.indices.map { child in
        let position =
          free.indices.max { scores[child][free[$0]] < scores[child][free[$1]] } ?? 0
        return free.remove(at: position)
      }
    }
    return zip(children, best.order).map { ($0, candidates[$1]) }
  }

  private static func permute(_ order: inout [Int], from start: Int, _ body: ([Int]) -> Void) {
    guard start < order.count else { return body(order) }
    for index in start..<order.count {
      order.swapAt(start, index)
      permute(&order, from: start + 1, body)
      order.swapAt(start, index)
    }
  }

  private static func score(
    _ child: Int, of left: TableTree, against candidate: Int, of right: TableTree,
    known: Correspondences
  ) -> Int {
    let predicted = left.table.entries[child]
    let observed = right.table.entries[candidate]
    func weigh(_ correspondence: Correspondence, _ first: UInt64, _ second: UInt64) -> Int {
      if correspondence.agrees(predicted: first, observed: second) { return 1 }
      let isKnown =
        correspondence.observed(for: first) != nil || correspondence.predicted(for: second) != nil
      return isKnown ? -1 : 0
    }
    var score = 64 * weigh(known.mounts, predicted.id, observed.id)
    score += 8 * weigh(known.superblocks, predicted.identityNumber, observed.identityNumber)
    for index in 0..<3 {
      let groups = (predicted.groups[index], observed.groups[index])
      if groups.0 != noGroup, groups.1 != noGroup {
        score += weigh(known.groups, UInt64(groups.0), UInt64(groups.1))
      }
    }
    if left.shape(of: child) == right.shape(of: candidate) { score += 32 }
    return score
  }
}

/// Finds mounts of a table by their ids; nil for a table that has an id twice.
///
/// The engine numbers mounts in the order of their creation and lists them in that order, so ids nearly always ascend and
/// need no index of their own. That makes checking a trace a tenth faster.
private struct PositionIndex {
  private let entries: [MountTable.Entry]
  /// Nil where the ids ascend.
  private let positions: [UInt64: Int]?

  init?(_ table: MountTable) {
    entries = table.entries
    var ascends = true
    for index in entries.indices.dropFirst() where entries[index - 1].id >= entries[index].id {
      ascends = false
      break
    }
    positions = ascends ? nil : table.indexByID
    if let positions, positions.count != entries.count { return nil }
  }

  subscript(id: UInt64) -> Int? {
    if let positions { return positions[id] }
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < entries.count && entries[low].id == id ? low : nil
  }
}

/// A table with its parent links turned round.
struct TableTree {
  let table: MountTable
  /// The children of each entry, in the order of the table.
  let children: [[Int]]
  /// The parent of each entry; nil for a root.
  let parents: [Int?]
  /// The topmost entries: those whose parent is not in the table, or is the mount itself.
  let roots: [Int]

  init(_ table: MountTable) {
    self.table = table
    let indexByID = table.indexByID
    var children = [[Int]](repeating: [], count: table.entries.count)
    var parents = [Int?](repeating: nil, count: table.entries.count)
    var roots: [Int] = []
    for (index, entry) in table.entries.enumerated() {
      if entry.parent != entry.id, let parent = indexByID[entry.parent] {
        children[parent].append(index)
        parents[index] = parent
      } else {
        roots.append(index)
      }
    }
    self.children = children
    self.parents = parents
    self.roots = roots
  }

  /// The children of an entry (of the unseen world above for nil) by mountpoint. Each place is matched by itself, so
  /// the order in which they are visited reaches no result.
  func places(below parent: Int?) -> [String: [Int]] {
    Dictionary(grouping: parent.map { children[$0] } ?? roots) { table.entries[$0].mountpoint }
  }

  /// What the subtree looks like without any number: equal shapes may be the same mounts.
  func shape(of top: Int) -> [String] {
    var lines: [String] = []
    var pending = [(top, 0)]
    var visited = 0
    while let (index, depth) = pending.popLast(), visited <= table.entries.count {
      visited += 1
      let entry = table.entries[index]
      let groups = entry.groups
      lines.append(
        "\(depth) \(entry.mountpoint) \(entry.isNamespaceFile ? "" : entry.root) \(entry.attributes.options) "
          + "\(groups[0] != noGroup) \(groups[1] != noGroup) \(groups[2] != noGroup) "
          + "\(entry.isUnbindable) \(entry.fileSystemType) \(entry.source)")
      for child in children[index] { pending.append((child, depth + 1)) }
    }
    return lines.sorted()
  }
}

extension MountTable {
  /// The position of each mount; of two entries with one id (a damaged table) the first.
  var indexByID: [UInt64: Int] {
    Dictionary(
      entries.enumerated().lazy.map { ($0.element.id, $0.offset) }, uniquingKeysWith: { a, _ in a })
  }

  /// Whether the entry's parent is not in this table, or is the mount itself.
  func isRoot(_ entry: Entry) -> Bool {
    entry.parent == entry.id || !entries.contains { $0.id == entry.parent }
  }
}
