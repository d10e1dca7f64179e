/// The distinct states of a search: words in one arena, an open-addressed table of 32-bit indices with
/// 32-bit fingerprints, and the index of each state's parent.
///
/// A state costs its words, four bytes for the parent and 11 to 22 bytes of table.
final class StateStore {
  enum Insertion {
    case added
    case known
    case full
  }

  let wordCount: Int
  let maximumBytes: Int
  private(set) var count = 0
  private var capacity: Int
  private var words: UnsafeMutablePointer<UInt64>
  private var parents: UnsafeMutablePointer<UInt32>
  private var table: UnsafeMutablePointer<UInt64>
  private var mask: Int

  /// An entry of the table that holds no state.
  private static var vacant: UInt64 { .max }

  init(wordCount: Int, maximumBytes: Int) {
    self.wordCount = wordCount
    self.maximumBytes = maximumBytes
    capacity = 1 << 12
    mask = (1 << 13) - 1
    words = .allocate(capacity: capacity * wordCount)
    parents = .allocate(capacity: capacity)
    table = .allocate(capacity: mask + 1)
    table.initialize(repeating: Self.vacant, count: mask + 1)
  }

  deinit {
    words.deallocate()
    parents.deallocate()
    table.deallocate()
  }

  /// Bytes that the stored states and their table take.
  var byteCount: Int { count * (wordCount * 8 + 4) + (mask + 1) * 8 }

  @inline(__always)
  subscript(index: Int) -> UnsafePointer<UInt64> { UnsafePointer(words + index * wordCount) }

  func parent(of index: Int) -> Int? {
    let parent = parents[index]
    return parent == .max ? nil : Int(parent)
  }

  @inline(__always)
  func hash(_ state: UnsafePointer<UInt64>) -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    for index in 0..<wordCount {
      let product = (hash ^ state[index]).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
      hash = product.high ^ product.low
    }
    return hash ^ (hash >> 29)
  }

  /// Stores a state unless it is there. `full` when the memory limit forbids another one.
  @inline(__always)
  func insert(_ state: UnsafePointer<UInt64>, parent: UInt32) -> Insertion {
    let hash = hash(state)
    let fingerprint = hash >> 32
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let entry = table[slot]
      if entry == Self.vacant { break }
      if entry >> 32 == fingerprint, equal(Int(entry & 0xFFFF_FFFF), state) { return .known }
      slot = (slot + 1) & mask
    }
    if count == capacity || (count + 1) * 4 > (mask + 1) * 3 {
      guard grow() else { return .full }
      slot = vacantSlot(for: hash)
    }
    table[slot] = fingerprint << 32 | UInt64(count)
    (words + count * wordCount).update(from: state, count: wordCount)
    parents[count] = parent
    count += 1
    return .added
  }

  /// The index of a state, if it is stored.
  func index(of state: UnsafePointer<UInt64>) -> Int? {
    let hash = hash(state)
    let fingerprint = hash >> 32
    var slot = Int(truncatingIfNeeded: hash) & mask
    while table[slot] != Self.vacant {
      let entry = table[slot]
      let index = Int(entry & 0xFFFF_FFFF)
      if entry >> 32 == fingerprint, equal(index, state) { return index }
      slot = (slot + 1) & mask
    }
    return nil
  }

  @inline(__always)
  private func equal(_ index: Int, _ state: UnsafePointer<UInt64>) -> Bool {
    let stored = words + index * wordCount
    for word in 0..<wordCount where stored[word] != state[word] { return false }
    return true
  }

  private func vacantSlot(for hash: UInt64) -> Int {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while table[slot] != Self.vacant { slot = (slot + 1) & mask }
    return slot
  }

  /// Makes room for more states; false when that would pass the memory limit or 2^32 states.
  private func grow() -> Bool {
    if count == capacity {
      let larger = min(capacity + capacity / 2, Int(UInt32.max) - 1)
      guard larger > capacity, larger * (wordCount * 8 + 4) + (mask + 1) * 8 <= maximumBytes
      else { return false }
      words = Self.enlarge(words, holding: count * wordCount, to: larger * wordCount)
      parents = Self.enlarge(parents, holding: count, to: larger)
      capacity = larger
    }
    if (count + 1) * 4 > (mask + 1) * 3 {
      let slots = (mask + 1) * 2
      guard capacity * (wordCount * 8 + 4) + slots * 8 <= maximumBytes else { return false }
      table.deallocate()
      table = .allocate(capacity: slots)
      table.initialize(repeating: Self.vacant, count: slots)
      mask = slots - 1
      for index in 0..<count {
        let hash = hash(self[index])
        table[vacantSlot(for: hash)] = (hash >> 32) << 32 | UInt64(index)
      }
    }
    return true
  }

  private static func enlarge<Element: BitwiseCopyable>(
    _ old: UnsafeMutablePointer<Element>, holding count: Int, to capacity: Int
  ) -> UnsafeMutablePointer<Element> {
    let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    new.update(from: old, count: count)
    old.deallocate()
    return new
  }
}
