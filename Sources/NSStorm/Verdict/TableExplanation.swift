import StormEngine
import StormVocabulary

/// Two tables that differ, their mounts paired as a person would pair them.
///
/// A mount that was known before the step is paired with its known partner wherever it went, so that a stack in the
/// wrong order reads as two mounts with a wrong parent and not as a heap of wrong fields.
struct TableExplanation {
  private let predicted: TableTree
  private let observed: TableTree
  /// For each predicted entry the observed one that is taken for it.
  private var observedIndices: [Int?]
  private var predictedIndices: [Int?]

  init(predicted: MountTable, observed: MountTable, known: Correspondence) {
    self.predicted = TableTree(predicted)
    self.observed = TableTree(observed)
    observedIndices = Array(repeating: nil, count: predicted.entries.count)
    predictedIndices = Array(repeating: nil, count: observed.entries.count)
    let observedByID = observed.indexByID
    for (index, entry) in predicted.entries.enumerated() {
      guard let partner = known.observed(for: entry.id),
        known.predicted(for: partner) == entry.id, let counterpart = observedByID[partner]
      else { continue }
      pair(index, counterpart)
    }
    var lookalikes = Dictionary(
      grouping: observed.entries.indices.filter { predictedIndices[$0] == nil }.reversed()
    ) { Look(observed.entries[$0]) }
    var pending = Array(self.predicted.roots.reversed())
    while let node = pending.popLast() {
      if observedIndices[node] == nil { pairNew(node, &lookalikes) }
      pending += self.predicted.children[node].reversed()
    }
  }

  /// What makes two mounts look the same without their numbers.
  private struct Look: Hashable {
    let mountpoint: String
    let root: String
    let source: String

    init(_ entry: MountTable.Entry) {
      mountpoint = entry.mountpoint
      root = entry.isNamespaceFile ? "" : entry.root
      source = entry.source
    }
  }

  private mutating func pair(_ index: Int, _ counterpart: Int) {
    guard observedIndices[index] == nil, predictedIndices[counterpart] == nil else { return }
    observedIndices[index] = counterpart
    predictedIndices[counterpart] = index
  }

  /// Pairs a mount that was not known: the same at the same place, else the same elsewhere, else any at the same place.
  ///
  /// - Parameter lookalikes: observed mounts that may be free, the first of the table last.
  private mutating func pairNew(_ index: Int, _ lookalikes: inout [Look: [Int]]) {
    let entry = predicted.table.entries[index]
    let siblings: [Int]
    if let parent = predicted.parents[index] {
      siblings = observedIndices[parent].map { observed.children[$0] } ?? []
    } else {
      siblings = observed.roots
    }
    let here = siblings.filter {
      predictedIndices[$0] == nil && observed.table.entries[$0].mountpoint == entry.mountpoint
    }
    let look = Look(entry)
    if let same = here.first(where: { Look(observed.table.entries[$0]) == look }) {
      return pair(index, same)
    }
    while let candidate = lookalikes[look]?.popLast() {
      if predictedIndices[candidate] == nil { return pair(index, candidate) }
    }
    if let other = here.first { pair(index, other) }
  }

  /// Each observed mount with the predicted one that is taken for it, and the predicted ones that are left.
  var pairing: (members: [AdoptedTable.Member], gone: [UInt64]) {
    let members = observed.table.entries.enumerated().map { index, entry in
      AdoptedTable.Member(
        mount: predictedIndices[index].map { predicted.table.entries[$0].id }, entry: entry)
    }
    let gone = predicted.table.entries.indices.filter { observedIndices[$0] == nil }
      .map { predicted.table.entries[$0].id }
    return (members, gone)
  }

  /// What is counted as corresponding.
  var places: [MatchedPlace] {
    observedIndices.enumerated().compactMap { index, counterpart in
      counterpart.map {
        MatchedPlace(
          predicted: predicted.table.entries[index], observed: observed.table.entries[$0])
      }
    }
  }

  /// The differences with their lines; nil where, after all, nothing differs.
  func difference(
    in namespace: NamespaceNumber, under correspondences: Correspondences, comparesOrder: Bool
  ) -> TableDifference? {
    var names = NumberNames(correspondences)
    var mounts: [MountDifference] = []
    var rows: [(TableDifference.Line.Side, [String])] = []
    var extras = extrasByPredecessor
    func append(_ extra: [Int]?) {
      for index in extra ?? [] {
        let entry = observed.table.entries[index]
        mounts.append(MountDifference(kind: .extraMount, place: .init(entry)))
        rows.append((.observed, names.row(observed: entry)))
      }
    }
    append(extras.removeValue(forKey: -1))
    for (index, entry) in predicted.table.entries.enumerated() {
      if let counterpart = observedIndices[index] {
        let other = observed.table.entries[counterpart]
        let found = fieldDifferences(index, counterpart, names: &names)
        if found.isEmpty {
          rows.append((.same, names.row(observed: other)))
        } else {
          rows.append((.predicted, names.row(predicted: entry)))
          rows.append((.observed, names.row(observed: other)))
        }
        mounts += found
      } else {
        mounts.append(MountDifference(kind: .missingMount, place: .init(entry)))
        rows.append((.predicted, names.row(predicted: entry)))
      }
      append(extras.removeValue(forKey: index))
    }
    if comparesOrder, mounts.isEmpty { mounts = orderDifferences }
    guard !mounts.isEmpty else { return nil }
    return TableDifference(
      namespace: namespace, mounts: mounts, lines: TableLines(rows).lines)
  }

  /// Observed mounts without a partner, by the predicted mount that stands before them (-1: none).
  private var extrasByPredecessor: [Int: [Int]] {
    var extras: [Int: [Int]] = [:]
    var predecessor = -1
    for (index, counterpart) in predictedIndices.enumerated() {
      if let counterpart {
        predecessor = counterpart
      } else {
        extras[predecessor, default: []].append(index)
      }
    }
    return extras
  }

  private var orderDifferences: [MountDifference] {
    observedIndices.enumerated().compactMap { index, counterpart in
      guard let counterpart, index != counterpart else { return nil }
      return MountDifference(
        kind: .wrongOrder, place: .init(predicted.table.entries[index]),
        predicted: "line \(index + 1)", observed: "line \(counterpart + 1)")
    }
  }

  private func fieldDifferences(
    _ index: Int, _ counterpart: Int, names: inout NumberNames
  ) -> [MountDifference] {
    let left = predicted.table.entries[index]
    let right = observed.table.entries[counterpart]
    let place = MountDifference.Place(right)
    var found: [MountDifference] = []
    // What agrees is given no name: only what the reader sees counts the `new` ones.
    func check(
      _ kind: MountDifference.Kind, _ agrees: Bool, _ first: @autoclosure () -> String,
      _ second: @autoclosure () -> String
    ) {
      if !agrees {
        found.append(
          MountDifference(kind: kind, place: place, predicted: first(), observed: second()))
      }
    }
    let correspondences = names.correspondences
    check(
      .wrongMount, correspondences.mounts.agrees(predicted: left.id, observed: right.id),
      "mount \(names.mount(left.id))", "mount \(right.id)")
    check(
      .wrongParent, parentsAgree(index, counterpart), "mount \(names.mount(left.parent))",
      "mount \(right.parent)")
    check(.wrongMountpoint, left.mountpoint == right.mountpoint, left.mountpoint, right.mountpoint)
    check(.wrongRoot, left.rootAgrees(with: right), left.root, right.root)
    check(
      .wrongSuperblock,
      correspondences.superblocks.agrees(
        predicted: left.identityNumber, observed: right.identityNumber),
      left.isNamespaceFile ? left.root : names.device(left.device),
      right.isNamespaceFile ? right.root : right.device.description)
    check(
      .wrongAttributes, left.attributes == right.attributes, left.attributes.options,
      right.attributes.options)
    let kinds: [MountDifference.Kind] = [.wrongSharedGroup, .wrongMaster, .wrongPropagateFrom]
    let words = ["shared", "master", "propagate_from"]
    for field in 0..<3 {
      let groups = (left.groups[field], right.groups[field])
      let agrees =
        groups.0 == noGroup || groups.1 == noGroup
        ? groups.0 == groups.1
        : correspondences.groups.agrees(predicted: UInt64(groups.0), observed: UInt64(groups.1))
      check(
        kinds[field], agrees,
        groups.0 == noGroup ? "none" : "\(words[field]):\(names.group(UInt64(groups.0)))",
        groups.1 == noGroup ? "none" : "\(words[field]):\(groups.1)")
    }
    check(
      .wrongUnbindable, left.isUnbindable == right.isUnbindable,
      left.isUnbindable ? "unbindable" : "bindable",
      right.isUnbindable ? "unbindable" : "bindable")
    check(
      .wrongFileSystemType, left.fileSystemType == right.fileSystemType, left.fileSystemType,
      right.fileSystemType)
    check(.wrongSource, left.source == right.source, left.source, right.source)
    if let first = left.superblockIsReadOnly, let second = right.superblockIsReadOnly {
      check(
        .wrongSuperblockState, first == second, first ? "ro" : "rw", second ? "ro" : "rw")
    }
    return found
  }

  private func parentsAgree(_ index: Int, _ counterpart: Int) -> Bool {
    guard let first = predicted.parents[index], let second = observed.parents[counterpart] else {
      return predicted.parents[index] == nil && observed.parents[counterpart] == nil
    }
    return observedIndices[first] == second
  }
}

extension MountTable.Entry {
  /// Whether everything agrees that means something by itself; ids, parents, devices and groups do not.
  func agreesBesideNumbers(with other: borrowing MountTable.Entry) -> Bool {
    attributes == other.attributes && isUnbindable == other.isUnbindable
      && (sharedGroup == nil) == (other.sharedGroup == nil)
      && (masterGroup == nil) == (other.masterGroup == nil)
      && (propagateFromGroup == nil) == (other.propagateFromGroup == nil)
      && rootAgrees(with: other) && mountpoint == other.mountpoint
      && fileSystemType == other.fileSystemType && source == other.source
      && (superblockIsReadOnly == nil || other.superblockIsReadOnly == nil
        || superblockIsReadOnly == other.superblockIsReadOnly)
  }
}
