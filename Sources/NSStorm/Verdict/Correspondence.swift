import StormVocabulary

/// A one-to-one correspondence between the engine's numbers and the kernel's, kept by counting.
///
/// Numbers of mounts, groups and devices mean nothing beyond identity (kernel-mounts 1.6), so predictions and
/// observations are compared by asking whether one correspondence fits all tables at once. Every place where a
/// predicted number stands against an observed one is counted. The correspondence holds while no number has two
/// different partners, and adding or removing a place costs the same however many others there are.
struct Correspondence: Sendable {
  private var observedPartners: [UInt64: Partners] = [:]
  private var predictedPartners: [UInt64: Partners] = [:]

  /// How many numbers, of either side, have more than one partner now.
  private(set) var conflictCount = 0

  /// How many predicted numbers stand in any table now.
  var count: Int { observedPartners.count }

  mutating func add(predicted: UInt64, observed: UInt64) {
    conflictCount += Self.add(observed, to: &observedPartners, at: predicted)
    conflictCount += Self.add(predicted, to: &predictedPartners, at: observed)
  }

  mutating func remove(predicted: UInt64, observed: UInt64) {
    conflictCount -= Self.remove(observed, from: &observedPartners, at: predicted)
    conflictCount -= Self.remove(predicted, from: &predictedPartners, at: observed)
  }

  /// The observed number that has stood for this predicted one for the longest time.
  func observed(for predicted: UInt64) -> UInt64? { observedPartners[predicted]?.first.number }

  /// The predicted number that has stood for this observed one for the longest time.
  func predicted(for observed: UInt64) -> UInt64? { predictedPartners[observed]?.first.number }

  /// Whether each of the two is the other's oldest partner: in a conflict the older place is believed.
  func agrees(predicted: UInt64, observed: UInt64) -> Bool {
    self.observed(for: predicted) == observed && self.predicted(for: observed) == predicted
  }

  /// Returns 1 when the number got its second partner.
  private static func add(
    _ partner: UInt64, to table: inout [UInt64: Partners], at number: UInt64
  ) -> Int {
    table[number, default: Partners(first: Partner(number: partner, places: 0))].add(partner)
  }

  /// Returns 1 when the number has a single partner again.
  private static func remove(
    _ partner: UInt64, from table: inout [UInt64: Partners], at number: UInt64
  ) -> Int {
    let (isEmpty, settled) =
      table[number]?.remove(partner) ?? (false, 0)
    if isEmpty { table[number] = nil }
    return settled
  }

  private struct Partner: Sendable {
    var number: UInt64
    var places: Int
  }

  /// Agreement is the rule, so the first partner stands in line and the others in an array that is nearly always empty.
  private struct Partners: Sendable {
    var first: Partner
    var others: [Partner] = []

    mutating func add(_ number: UInt64) -> Int {
      if first.number == number {
        first.places += 1
        return 0
      }
      if let index = others.firstIndex(where: { $0.number == number }) {
        others[index].places += 1
        return 0
      }
      others.append(Partner(number: number, places: 1))
      return others.count == 1 ? 1 : 0
    }

    mutating func remove(_ number: UInt64) -> (isEmpty: Bool, settled: Int) {
      if first.number == number {
        first.places -= 1
        guard first.places == 0 else { return (false, 0) }
        guard !others.isEmpty else { return (true, 0) }
        first = others.removeFirst()
        return (false, others.isEmpty ? 1 : 0)
      }
      guard let index = others.firstIndex(where: { $0.number == number }) else { return (false, 0) }
      others[index].places -= 1
      guard others[index].places == 0 else { return (false, 0) }
      others.remove(at: index)
      return (false, others.isEmpty ? 1 : 0)
    }
  }
}

/// The three correspondences that must hold across all namespaces at once.
struct Correspondences: Sendable {
  var mounts = Correspondence()
  var superblocks = Correspondence()
  var groups = Correspondence()

  var conflictCount: Int { mounts.conflictCount + superblocks.conflictCount + groups.conflictCount }

  mutating func add(_ place: MatchedPlace) {
    if place.countsMount {
      mounts.add(predicted: place.predictedMount, observed: place.observedMount)
    }
    if place.countsSuperblock {
      superblocks.add(predicted: place.predictedDevice, observed: place.observedDevice)
    }
    place.forEachGroup { groups.add(predicted: $0, observed: $1) }
  }

  mutating func remove(_ place: MatchedPlace) {
    if place.countsMount {
      mounts.remove(predicted: place.predictedMount, observed: place.observedMount)
    }
    if place.countsSuperblock {
      superblocks.remove(predicted: place.predictedDevice, observed: place.observedDevice)
    }
    place.forEachGroup { groups.remove(predicted: $0, observed: $1) }
  }

  /// The place without the numbers that contradict an older place.
  ///
  /// A wrong number is reported once and not learned: else what is right again would be the next difference.
  func believable(_ place: MatchedPlace) -> MatchedPlace {
    var place = place
    place.countsMount = mounts.agrees(
      predicted: place.predictedMount, observed: place.observedMount)
    place.countsSuperblock = superblocks.agrees(
      predicted: place.predictedDevice, observed: place.observedDevice)
    for index in 0..<3
    where !groups.agrees(
      predicted: UInt64(place.predictedGroups[index]),
      observed: UInt64(place.observedGroups[index]))
    {
      place.predictedGroups[index] = noGroup
    }
    return place
  }
}

/// The numbers of one predicted mount and of the observed mount that was matched with it.
struct MatchedPlace: Equatable, Sendable {
  var predictedMount: UInt64
  var observedMount: UInt64
  var countsMount = true
  var predictedDevice: UInt64
  var observedDevice: UInt64
  var countsSuperblock = true
  // A pair counts where both sides have a group.
  var predictedGroups: SIMD4<UInt32>
  var observedGroups: SIMD4<UInt32>

  init(predicted: borrowing MountTable.Entry, observed: borrowing MountTable.Entry) {
    predictedMount = predicted.id
    observedMount = observed.id
    predictedDevice = predicted.identityNumber
    observedDevice = observed.identityNumber
    predictedGroups = predicted.groups
    observedGroups = observed.groups
  }

  @inline(__always)
  func forEachGroup(_ body: (UInt64, UInt64) -> Void) {
    for index in 0..<3 where predictedGroups[index] != noGroup && observedGroups[index] != noGroup {
      body(UInt64(predictedGroups[index]), UInt64(observedGroups[index]))
    }
  }
}

/// The kernel's group numbers are positive `int`s. 0 is none of them, but a kernel once showed it (known bug 42), so it
/// cannot stand for the absence of a group.
let noGroup = UInt32.max

extension DeviceNumber {
  /// Both halves in one number, for a table's key.
  var number: UInt64 { UInt64(major) << 32 | UInt64(minor) }
}

extension MountTable.Entry {
  /// shared, master, propagate_from; ``noGroup`` where there is none.
  var groups: SIMD4<UInt32> {
    SIMD4(sharedGroup ?? noGroup, masterGroup ?? noGroup, propagateFromGroup ?? noGroup, noGroup)
  }
}
