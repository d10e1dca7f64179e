public import StormVocabulary

// What the tables of a closing point ask of every state before it.

/// How many mounts of each source have to stand, for each process's namespace, when a window closes.
public struct Survivors: Sendable {
  /// One source in the table of one process.
  fileprivate struct Demand: Sendable {
    var process: Process
    var slot: Int
    var count: Int32
  }

  fileprivate var demands: [Demand] = []
  /// The slot of each source, by the number of its name; -1 where none of its mounts has to stand.
  fileprivate var slots: [Int32] = []
  /// The slots that have a demand.
  fileprivate(set) public var slotCount = 0
  /// Mounts counted last: first those of each slot altogether, then those of each namespace.
  fileprivate var counts: [Int32] = []
}

extension MountModel {
  /// What these tables ask for; nothing where walks can make mounts appear.
  public mutating func survivors(
    in tables: [(process: Int, table: MountTable)]
  ) -> Survivors {
    var survivors = Survivors()
    guard !hasAutomountPoints else { return survivors }
    for reading in tables {
      var counts: [NameTable.Index: Int32] = [:]
      for entry in reading.table.entries { counts[names.intern(entry.source), default: 0] += 1 }
      for (name, count) in counts {
        while survivors.slots.count <= Int(name) { survivors.slots.append(-1) }
        if survivors.slots[Int(name)] < 0 {
          survivors.slots[Int(name)] = Int32(survivors.slotCount)
          survivors.slotCount += 1
        }
        survivors.demands.append(
          .init(
            process: Process(number: reading.process), slot: Int(survivors.slots[Int(name)]),
            count: count))
      }
    }
    return survivors
  }

  /// The slot of a source among those that have to stand; nil for one that need not.
  public mutating func slot(of source: String, in survivors: Survivors) -> Int? {
    let name = Int(names.intern(source))
    guard name < survivors.slots.count, survivors.slots[name] >= 0 else { return nil }
    return Int(survivors.slots[name])
  }

  /// Whether no demand can be met any more: mounts that have to stand are fewer than that, and nothing brings them back.
  ///
  /// - Parameters:
  ///   - canCopy: a call is left that may copy or move what stands; then only what has gone altogether is lost.
  ///   - arrivals: slots whose sources a call that is left mounts anew.
  public func hasLost(
    _ survivors: inout Survivors, canCopy: Bool, arrivals: some Sequence<Int>
  ) -> Bool {
    count(&survivors)
    // An arrival meets every demand.
    for slot in arrivals { survivors.counts[slot] = -1 }
    for demand in survivors.demands {
      let all = survivors.counts[demand.slot]
      if all < 0 { continue }
      if all == 0 { return true }
      guard !canCopy, isAlive(demand.process.number) else { continue }
      let namespace = processes[demand.process.index].namespace
      let here =
        namespace == .none
        ? 0
        : survivors.counts[(Int(namespace.index) + 1) * survivors.slotCount + demand.slot]
      if here < demand.count { return true }
    }
    return false
  }

  private var hasAutomountPoints: Bool {
    for index in 1..<dentries.slotCount
    where dentries[index].superblock != .none && dentries[index].isAutomountPoint {
      return true
    }
    return false
  }

  private func count(_ survivors: inout Survivors) {
    let size = (Int(namespaces.slotCount) + 1) * survivors.slotCount
    if survivors.counts.count < size {
      survivors.counts = Array(repeating: 0, count: size)
    } else {
      for index in 0..<size { survivors.counts[index] = 0 }
    }
    for index in 1..<mounts.slotCount where mounts[index].nextPeer != .none {
      let name = Int(mounts[index].deviceName)
      guard name < survivors.slots.count, survivors.slots[name] >= 0 else { continue }
      let slot = Int(survivors.slots[name])
      survivors.counts[slot] += 1
      let namespace = mounts[index].namespace
      if namespace != .none {
        survivors.counts[(Int(namespace.index) + 1) * survivors.slotCount + slot] += 1
      }
    }
  }
}
