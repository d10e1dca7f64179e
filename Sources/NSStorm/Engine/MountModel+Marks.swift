/// Scratch marks on mounts for one traversal: a mount carries the marks that were set since `begin`.
/// Nothing here is part of the state, so nothing is journaled.
struct MountMarks {
  private var stamps: [UInt32] = []
  private var values: [UInt32] = []
  private var stamp: UInt32 = 0

  /// Forgets all marks.
  mutating func begin(slotCount: UInt32) {
    stamp &+= 1
    if stamp == 0 {
      stamps = []
      values = []
      stamp = 1
    }
    if stamps.count < Int(slotCount) {
      let missing = max(Int(slotCount), stamps.count * 2) - stamps.count
      stamps.append(contentsOf: repeatElement(0, count: missing))
      values.append(contentsOf: repeatElement(0, count: missing))
    }
  }

  subscript(mount: Mount) -> UInt32 {
    get {
      let index = Int(mount.index)
      return index < stamps.count && stamps[index] == stamp ? values[index] : 0
    }
    set {
      let index = Int(mount.index)
      if index >= stamps.count {
        let missing = max(index + 1, stamps.count * 2) - stamps.count
        stamps.append(contentsOf: repeatElement(0, count: missing))
        values.append(contentsOf: repeatElement(0, count: missing))
      }
      stamps[index] = stamp
      values[index] = newValue
    }
  }
}
