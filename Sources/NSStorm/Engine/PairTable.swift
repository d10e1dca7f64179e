/// An open-addressed hash from a pair of 32-bit numbers to a third: (parent mount, dentry) to child mount, as
/// the kernel's mount hash table, and (directory, name) to dentry. Linear probing, no tombstones, undo journal.
struct PairTable: ~Copyable {
  private struct Slot: BitwiseCopyable {
    var first: UInt32
    var second: UInt32
    /// 0 marks an empty slot.
    var value: UInt32
  }

  private struct Change {
    var first: UInt32
    var second: UInt32
    /// The value before the change; 0 where there was none.
    var previous: UInt32
  }

  private var slots: UnsafeMutablePointer<Slot>
  private var mask: Int
  private var journal: [Change] = []
  private var journaling = false

  private(set) var count = 0

  init() {
    mask = 63
    slots = .allocate(capacity: 64)
    slots.initialize(repeating: Slot(first: 0, second: 0, value: 0), count: 64)
  }

  deinit {
    slots.deallocate()
  }

  var footprintBytes: Int { (mask + 1) * MemoryLayout<Slot>.stride }

  @inline(__always)
  private func home(_ first: UInt32, _ second: UInt32) -> Int {
    var mixed = (UInt64(first) << 32 | UInt64(second)) &* 0x9E37_79B9_7F4A_7C15
    mixed ^= mixed >> 29
    return Int(truncatingIfNeeded: mixed) & mask
  }

  /// The value for a pair, or 0.
  @inline(__always)
  subscript(first: UInt32, second: UInt32) -> UInt32 {
    var position = home(first, second)
    while slots[position].value != 0 {
      if slots[position].first == first && slots[position].second == second {
        return slots[position].value
      }
      position = (position + 1) & mask
    }
    return 0
  }

  /// Sets the value for a pair; 0 removes it.
  mutating func set(_ first: UInt32, _ second: UInt32, to value: UInt32) {
    let previous = replace(first, second, with: value)
    if journaling { journal.append(Change(first: first, second: second, previous: previous)) }
  }

  private mutating func replace(_ first: UInt32, _ second: UInt32, with value: UInt32) -> UInt32 {
    var position = home(first, second)
    while slots[position].value != 0 {
      if slots[position].first == first && slots[position].second == second {
        let previous = slots[position].value
        if value == 0 { remove(at: position) } else { slots[position].value = value }
        return previous
      }
      position = (position + 1) & mask
    }
    guard value != 0 else { return 0 }
    slots[position] = Slot(first: first, second: second, value: value)
    count += 1
    if count * 8 > (mask + 1) * 5 { grow() }
    return 0
  }

  private mutating func remove(at start: Int) {
    var hole = start
    var position = (start + 1) & mask
    while slots[position].value != 0 {
      let wanted = home(slots[position].first, slots[position].second)
      if (position - wanted) & mask >= (position - hole) & mask {
        slots[hole] = slots[position]
        hole = position
      }
      position = (position + 1) & mask
    }
    slots[hole].value = 0
    count -= 1
  }

  private mutating func grow() {
    let old = slots
    let oldCapacity = mask + 1
    mask = oldCapacity * 2 - 1
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: Slot(first: 0, second: 0, value: 0), count: mask + 1)
    for index in 0..<oldCapacity where old[index].value != 0 {
      var position = home(old[index].first, old[index].second)
      while slots[position].value != 0 { position = (position + 1) & mask }
      slots[position] = old[index]
    }
    old.deallocate()
  }

  mutating func mark() -> Int {
    journaling = true
    return journal.count
  }

  mutating func rollback(to mark: Int) {
    while journal.count > mark {
      let change = journal.removeLast()
      _ = replace(change.first, change.second, with: change.previous)
    }
  }

  mutating func stopJournaling() {
    journal.removeAll(keepingCapacity: journal.count < 1 << 16)
    journaling = false
  }
}
