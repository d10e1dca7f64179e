import Glibc

/// The distinct states of a search: words in one arena, an open-addressed table of 32-bit indices with
/// 32-bit fingerprints, and the index of each state's parent.
///
/// A state costs its words, four bytes for the parent and 11 to 22 bytes of table. The arena grows by
/// chunks, so that nothing is copied and little stands empty.
final class StateStore {
  enum Insertion {
    case added
    case known
    case full
  }

  let wordCount: Int
  let maximumBytes: Int
  private(set) var count = 0
  /// The count at which `grow` must be asked: end of a chunk, full table, or the memory limit.
  private var roomFor = 0
  /// Keeps the loads of `prepare` from being dropped.
  private var touched: UInt64 = 0
  private var chunkCount = 0
  private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<UInt64>>
  private let parentChunks: UnsafeMutablePointer<UnsafeMutablePointer<UInt32>>
  private var table: UnsafeMutablePointer<UInt64>
  private var mask: Int

  /// An entry of the table that holds no state.
  private static var vacant: UInt64 { .max }

  /// States of a chunk, as a power of two: small stores stay small.
  private static var chunkShift: Int { 16 }
  private static var maximumChunks: Int { Int(UInt32.max) >> chunkShift }

  init(wordCount: Int, maximumBytes: Int) {
    self.wordCount = wordCount
    self.maximumBytes = maximumBytes
    mask = (1 << 13) - 1
    chunks = .allocate(capacity: Self.maximumChunks)
    parentChunks = .allocate(capacity: Self.maximumChunks)
    table = Self.allocate(mask + 1)
    table.initialize(repeating: Self.vacant, count: mask + 1)
  }

  deinit {
    for chunk in 0..<chunkCount {
      free(chunks[chunk])
      parentChunks[chunk].deallocate()
    }
    chunks.deallocate()
    parentChunks.deallocate()
    free(table)
  }

  /// Bytes that the stored states and their table take.
  var byteCount: Int { count * (wordCount * 8 + 4) + (mask + 1) * 8 }

  @inline(__always)
  private func place(_ index: Int) -> UnsafeMutablePointer<UInt64> {
    chunks[index >> Self.chunkShift] + (index & (1 << Self.chunkShift - 1)) * wordCount
  }

  @inline(__always)
  subscript(index: Int) -> UnsafePointer<UInt64> { UnsafePointer(place(index)) }

  func parent(of index: Int) -> Int? {
    let parent = parentChunks[index >> Self.chunkShift][index & (1 << Self.chunkShift - 1)]
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
    insert(state, hash: hash(state), parent: parent)
  }

  /// Hashes the successors in a buffer and brings the cache lines that their insertion needs on their
  /// way, all at once: the search is bound by the latency of memory.
  @inline(__always)
  func prepare(_ buffer: borrowing SuccessorBuffer) {
    for index in 0..<buffer.count { buffer.hashes[index] = hash(buffer[index]) }
    var touched: UInt64 = 0
    for index in 0..<buffer.count {
      let hash = buffer.hashes[index]
      let entry = table[Int(truncatingIfNeeded: hash) & mask]
      if entry != Self.vacant, entry >> 32 == hash >> 32 {
        touched ^= place(Int(entry & 0xFFFF_FFFF)).pointee
      }
    }
    self.touched = touched
  }

  @inline(__always)
  func insert(_ state: UnsafePointer<UInt64>, hash: UInt64, parent: UInt32) -> Insertion {
    let fingerprint = hash >> 32
    var slot = Int(truncatingIfNeeded: hash) & mask
    while true {
      let entry = table[slot]
      if entry == Self.vacant { break }
      if entry >> 32 == fingerprint, equal(Int(entry & 0xFFFF_FFFF), state) { return .known }
      slot = (slot + 1) & mask
    }
    if count == roomFor {
      guard grow() else { return .full }
      slot = vacantSlot(for: hash)
    }
    table[slot] = fingerprint << 32 | UInt64(count)
    place(count).update(from: state, count: wordCount)
    parentChunks[count >> Self.chunkShift][count & (1 << Self.chunkShift - 1)] = parent
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
    let stored = place(index)
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
    let stateBytes = wordCount * 8 + 4
    if (count + 1) * 4 > (mask + 1) * 3 {
      let slots = (mask + 1) * 2
      guard count * stateBytes + slots * 8 < maximumBytes else { return false }
      enlargeTable(to: slots)
    }
    if count == chunkCount << Self.chunkShift {
      guard chunkCount < Self.maximumChunks else { return false }
      chunks[chunkCount] = Self.allocate(wordCount << Self.chunkShift)
      parentChunks[chunkCount] = .allocate(capacity: 1 << Self.chunkShift)
      chunkCount += 1
    }
    roomFor = min(
      chunkCount << Self.chunkShift, (mask + 1) / 4 * 3,
      (maximumBytes - (mask + 1) * 8) / stateBytes)
    return count < roomFor
  }

  /// Memory in huge pages where the system gives them: the table is read at random.
  private static func allocate(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    let bytes = count * 8
    let huge = 2 << 20
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, bytes >= huge ? huge : 64, bytes) == 0, let memory else {
      preconditionFailure("no memory for \(bytes) bytes of states; lower the memory limit")
    }
    if bytes >= huge { _ = madvise(memory, bytes, MADV_HUGEPAGE) }
    return memory.bindMemory(to: UInt64.self, capacity: count)
  }

  private func enlargeTable(to slots: Int) {
    free(table)
    table = Self.allocate(slots)
    table.initialize(repeating: Self.vacant, count: slots)
    mask = slots - 1
    for index in 0..<count {
      let hash = hash(self[index])
      table[vacantSlot(for: hash)] = (hash >> 32) << 32 | UInt64(index)
    }
  }
}
