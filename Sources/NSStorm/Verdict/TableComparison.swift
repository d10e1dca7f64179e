import StormEngine
public import StormVocabulary

/// Compares the predicted tables of all namespaces with the observed ones, as structures.
///
/// Numbers are compared by identity alone: one correspondence of mounts, one of superblocks and one of peer groups
/// must fit all namespaces at once, and while a mount (group, superblock) of the engine stays in a table, its
/// partner must stay the same. The correspondences are kept by counting, so an update costs in proportion to the
/// tables that it replaces, not to the number of namespaces.
public struct TableComparison: Sendable {
  /// What is compared beyond the structure.
  public struct Aspects: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The order of the lines: that in which mounts were made since 6.8, of the namespace's list before (kernel-mounts 1.6).
    public static let order = Aspects(rawValue: 1)
  }

  /// How much was compared. A green verdict is worth what stands here.
  public struct Tally: Hashable, Sendable, Codable {
    /// Tables that at least one side said had changed.
    public var tables = 0
    /// Mounts in those tables.
    public var mounts = 0

    public init() {}
  }

  public let aspects: Aspects
  public private(set) var tally = Tally()
  private var predictedTables: [NamespaceNumber: MountTable] = [:]
  private var observedTables: [NamespaceNumber: MountTable] = [:]
  private var places: [NamespaceNumber: [MatchedPlace]] = [:]
  private var correspondences = Correspondences()

  public init(aspects: Aspects = []) {
    self.aspects = aspects
  }

  /// The namespaces of which a table is held, ascending.
  public var namespaces: [NamespaceNumber] {
    Set(predictedTables.keys).union(observedTables.keys).sorted()
  }

  public func predictedTable(of namespace: NamespaceNumber) -> MountTable? {
    predictedTables[namespace]
  }

  public func observedTable(of namespace: NamespaceNumber) -> MountTable? {
    observedTables[namespace]
  }

  /// Takes over what one step changed and compares it.
  ///
  /// - Parameters:
  ///   - predicted: the tables that the engine says changed; the others are those of the last update.
  ///   - observed: the tables that were read and differ from the last ones.
  ///   - ended: namespaces that the step ended; they have no table any more.
  ///   - unobserved: namespaces of which the observer, who looked at all, found none.
  /// - Returns: one difference for each namespace that does not agree, ascending; none where all agree.
  public mutating func update(
    predicted: [NamespaceTable], observed: [NamespaceTable], ended: [NamespaceNumber] = [],
    unobserved: Set<NamespaceNumber> = []
  ) -> [TableDifference] {
    for reading in predicted { predictedTables[reading.namespace] = reading.table }
    for reading in observed { observedTables[reading.namespace] = reading.table }
    for namespace in unobserved { observedTables[namespace] = nil }
    var changed = Set(predicted.map(\.namespace)).union(observed.map(\.namespace)).sorted()
    for namespace in ended {
      predictedTables[namespace] = nil
      observedTables[namespace] = nil
      drop(namespace)
      changed.removeAll { $0 == namespace }
    }
    guard !changed.isEmpty else { return [] }
    return compare(changed)
  }

  /// Gives up what is known of the mounts of these namespaces, because more than one step lies between their tables.
  ///
  /// Numbers of mounts that have gone are used again, so across several steps an equal number need not be the same mount.
  public mutating func forgetIdentities(of namespaces: [NamespaceNumber]) {
    for namespace in namespaces { drop(namespace) }
  }

  /// The observed tables with the engine's mounts that stand for their entries; nil where a side has a namespace that the
  /// other has not.
  func adoptable() -> [AdoptedTable]? {
    var tables: [AdoptedTable] = []
    for namespace in namespaces {
      guard let predicted = predictedTables[namespace], let observed = observedTables[namespace]
      else { return nil }
      let explanation = TableExplanation(
        predicted: predicted, observed: observed, known: correspondences.mounts)
      let (members, gone) = explanation.pairing
      tables.append(AdoptedTable(process: namespace, members: members, gone: gone))
    }
    return tables
  }

  /// Gives up all correspondences and begins again with these tables, as after a divergence.
  ///
  /// - Returns: what differs all the same; a caller that adopted the observed tables exactly gets none.
  public mutating func restart(
    predicted: [NamespaceTable], observed: [NamespaceTable]
  ) -> [TableDifference] {
    predictedTables = [:]
    observedTables = [:]
    places = [:]
    correspondences = Correspondences()
    return update(predicted: predicted, observed: observed)
  }

  private mutating func compare(_ changed: [NamespaceNumber]) -> [TableDifference] {
    tally.tables += changed.count
    tally.mounts += changed.reduce(0) { $0 + (observedTables[$1]?.entries.count ?? 0) }
    var matches = changed.map { match($0, carefully: false) }
    stage(&matches)
    if correspondences.conflictCount > 0 {
      // Several children may show one mountpoint; the careful match knows which of them is which.
      unstage(matches)
      matches = changed.map { match($0, carefully: true) }
      stage(&matches)
    }
    defer { settle(matches) }
    if correspondences.conflictCount == 0, matches.allSatisfy(\.agrees) { return [] }
    return explain(&matches)
  }
}

// MARK: - Matching and counting

extension TableComparison {
  /// How far the two tables of one namespace agree on their own, and what stands where.
  private struct NamespaceMatch {
    var namespace: NamespaceNumber
    var agrees: Bool
    /// The matched mounts, in the order of the predicted table; none where the tables do not agree.
    var places: [MatchedPlace] = []
    /// The places that were there before as well, at both ends; only those between them are counted anew.
    var unchanged: (head: Int, tail: Int) = (0, 0)
  }

  private func match(_ namespace: NamespaceNumber, carefully: Bool) -> NamespaceMatch {
    guard let predicted = predictedTables[namespace], let observed = observedTables[namespace]
    else { return NamespaceMatch(namespace: namespace, agrees: false) }
    if !carefully, let match = TableMatch(lineByLine: predicted, observed),
      let places = agreeingPlaces(match, predicted, observed)
    {
      return NamespaceMatch(namespace: namespace, agrees: true, places: places)
    }
    if let match = TableMatch(trees: predicted, observed, known: correspondences),
      let places = agreeingPlaces(match, predicted, observed)
    {
      return NamespaceMatch(namespace: namespace, agrees: true, places: places)
    }
    return NamespaceMatch(namespace: namespace, agrees: false)
  }

  private func agreeingPlaces(
    _ match: TableMatch, _ predicted: MountTable, _ observed: MountTable
  ) -> [MatchedPlace]? {
    var places: [MatchedPlace] = []
    places.reserveCapacity(predicted.entries.count)
    for (index, counterpart) in match.observedIndices.enumerated() {
      if aspects.contains(.order), index != counterpart { return nil }
      guard predicted.entries[index].agreesBesideNumbers(with: observed.entries[counterpart])
      else { return nil }
      places.append(
        MatchedPlace(
          predicted: predicted.entries[index], observed: observed.entries[counterpart]))
    }
    return places
  }

  /// Counts the new places beside the old ones: what stays must keep its partner, so both stand at once.
  private mutating func stage(_ matches: inout [NamespaceMatch]) {
    for index in matches.indices { stage(&matches[index]) }
  }

  private mutating func stage(_ match: inout NamespaceMatch) {
    let old = places[match.namespace] ?? []
    let shorter = min(old.count, match.places.count)
    var head = 0
    while head < shorter, old[head] == match.places[head] { head += 1 }
    var tail = 0
    while tail < shorter - head,
      old[old.count - 1 - tail] == match.places[match.places.count - 1 - tail]
    {
      tail += 1
    }
    match.unchanged = (head, tail)
    for place in match.places[head..<(match.places.count - tail)] { correspondences.add(place) }
  }

  private mutating func unstage(_ matches: [NamespaceMatch]) {
    for match in matches { unstage(match) }
  }

  private mutating func unstage(_ match: NamespaceMatch) {
    let (head, tail) = match.unchanged
    for place in match.places[head..<(match.places.count - tail)] { correspondences.remove(place) }
  }

  /// The old places go; what was staged is what stands.
  private mutating func settle(_ matches: [NamespaceMatch]) {
    for match in matches {
      let old = places[match.namespace] ?? []
      let (head, tail) = match.unchanged
      for place in old[head..<(old.count - tail)] { correspondences.remove(place) }
      places[match.namespace] = match.places
    }
  }

  private mutating func drop(_ namespace: NamespaceNumber) {
    for place in places[namespace] ?? [] { correspondences.remove(place) }
    places[namespace] = nil
  }

  /// The slow way, taken only where something differs: pairs the mounts as a person would and names each difference.
  private mutating func explain(_ matches: inout [NamespaceMatch]) -> [TableDifference] {
    var explanations: [TableExplanation?] = []
    for index in matches.indices {
      let namespace = matches[index].namespace
      guard let predicted = predictedTables[namespace], let observed = observedTables[namespace]
      else {
        explanations.append(nil)
        continue
      }
      unstage(matches[index])
      let explanation = TableExplanation(
        predicted: predicted, observed: observed, known: correspondences.mounts)
      matches[index].places = explanation.places
      stage(&matches[index])
      explanations.append(explanation)
    }
    var differences: [TableDifference] = []
    for (match, explanation) in zip(matches, explanations) {
      if let explanation {
        let difference = explanation.difference(
          in: match.namespace, under: correspondences, comparesOrder: aspects.contains(.order))
        if let difference { differences.append(difference) }
      } else {
        differences.append(absence(of: match.namespace))
      }
    }
    let believable = matches.map { $0.places.map(correspondences.believable) }
    for index in matches.indices {
      unstage(matches[index])
      matches[index].places = believable[index]
    }
    stage(&matches)
    return differences
  }

  private func absence(of namespace: NamespaceNumber) -> TableDifference {
    let isMissing = observedTables[namespace] == nil
    let table = (isMissing ? predictedTables : observedTables)[namespace] ?? MountTable()
    var names = NumberNames(correspondences)
    return TableDifference(
      namespace: namespace, presence: isMissing ? .missingTable : .extraTable,
      lines: TableLines(
        table.entries.map {
          isMissing ? (.predicted, names.row(predicted: $0)) : (.observed, names.row(observed: $0))
        }
      ).lines)
  }
}

/// The table of one namespace, as one side sees it.
public struct NamespaceTable: Hashable, Sendable {
  public var namespace: NamespaceNumber
  public var table: MountTable

  public init(namespace: NamespaceNumber, table: MountTable) {
    self.namespace = namespace
    self.table = table
  }
}
