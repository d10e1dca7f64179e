/// Fixed-size records in one buffer, addressed by 32-bit indices, with an undo journal.
///
/// Index 0 is never handed out: it stands for "none" in every link. While a checkpoint is open, the first
/// write to a record saves the whole record; `rollback` puts the saved ones back in reverse. A write costs one
/// comparison when no checkpoint is open.
struct Arena<Record: BitwiseCopyable>: ~Copyable {
  /// What must be remembered about the arena itself to come back to a point in time.
  struct Mark {
    fileprivate var journalCount: Int
    fileprivate var slotCount: UInt32
    fileprivate var freeHead: UInt32
    fileprivate var liveCount: Int
  }

  private var base: UnsafeMutablePointer<Record>
  private var stamps: UnsafeMutablePointer<UInt32>
  private var capacity: UInt32
  private var freeHead: UInt32 = 0
  private var journal: [(index: UInt32, record: Record)] = []
  /// 0 while nothing is journaled; otherwise the stamp that says "saved since the last checkpoint".
  private var epoch: UInt32 = 0
  private var lastEpoch: UInt32 = 0
  private let blank: Record

  /// The number of slots ever handed out, plus the reserved slot 0.
  private(set) var slotCount: UInt32 = 1
  /// The number of records in use.
  private(set) var liveCount = 0

  init(blank: Record, capacity: UInt32 = 64) {
    self.blank = blank
    self.capacity = max(capacity, 2)
    base = .allocate(capacity: Int(self.capacity))
    stamps = .allocate(capacity: Int(self.capacity))
    base.initialize(repeating: blank, count: Int(self.capacity))
    stamps.initialize(repeating: 0, count: Int(self.capacity))
  }

  deinit {
    base.deallocate()
    stamps.deallocate()
  }

  /// The bytes that the arena holds in buffers.
  var footprintBytes: Int {
    Int(capacity) * (MemoryLayout<Record>.stride + MemoryLayout<UInt32>.stride)
      + journal.capacity * MemoryLayout<(UInt32, Record)>.stride
  }

  subscript(index: UInt32) -> Record {
    @inline(__always) _read {
      assert(index < slotCount, "an index that was never handed out")
      yield base[Int(index)]
    }
    @inline(__always) _modify {
      assert(index != 0 && index < slotCount, "a write through the index that means none")
      if epoch != 0 { save(index) }
      yield &base[Int(index)]
    }
  }

  private mutating func save(_ index: UInt32) {
    if stamps[Int(index)] != epoch {
      stamps[Int(index)] = epoch
      journal.append((index, base[Int(index)]))
    }
  }

  /// A record in its blank state.
  mutating func allocate() -> UInt32 {
    liveCount += 1
    if freeHead != 0 {
      let index = freeHead
      if epoch != 0 { save(index) }
      freeHead = UnsafeRawPointer(base + Int(index)).load(as: UInt32.self)
      base[Int(index)] = blank
      return index
    }
    if slotCount == capacity { grow(to: capacity * 2) }
    let index = slotCount
    slotCount += 1
    stamps[Int(index)] = epoch
    base[Int(index)] = blank
    return index
  }

  /// Makes every index below `count` usable; for arenas that are addressed by a number from outside.
  mutating func extend(to count: UInt32) {
    guard count > slotCount else { return }
    if count > capacity { grow(to: max(count, capacity * 2)) }
    for index in slotCount..<count {
      base[Int(index)] = blank
      stamps[Int(index)] = epoch
    }
    slotCount = count
  }

  mutating func free(_ index: UInt32) {
    if epoch != 0 { save(index) }
    base[Int(index)] = blank
    UnsafeMutableRawPointer(base + Int(index)).storeBytes(of: freeHead, as: UInt32.self)
    freeHead = index
    liveCount -= 1
  }

  private mutating func grow(to newCapacity: UInt32) {
    let newBase = UnsafeMutablePointer<Record>.allocate(capacity: Int(newCapacity))
    let newStamps = UnsafeMutablePointer<UInt32>.allocate(capacity: Int(newCapacity))
    newBase.initialize(repeating: blank, count: Int(newCapacity))
    newStamps.initialize(repeating: 0, count: Int(newCapacity))
    newBase.update(from: base, count: Int(slotCount))
    newStamps.update(from: stamps, count: Int(slotCount))
    base.deallocate()
    stamps.deallocate()
    base = newBase
    stamps = newStamps
    capacity = newCapacity
  }

  mutating func mark() -> Mark {
    lastEpoch += 1
    epoch = lastEpoch
    return Mark(
      journalCount: journal.count, slotCount: slotCount, freeHead: freeHead, liveCount: liveCount)
  }

  mutating func rollback(to mark: Mark) {
    precondition(
      mark.journalCount <= journal.count, "a mark that a rollback to an earlier one has ended")
    while journal.count > mark.journalCount {
      let saved = journal.removeLast()
      base[Int(saved.index)] = saved.record
    }
    slotCount = mark.slotCount
    freeHead = mark.freeHead
    liveCount = mark.liveCount
    lastEpoch += 1
    epoch = lastEpoch
  }

  /// Forgets what was saved; the arena can no longer be rolled back.
  mutating func stopJournaling() {
    journal.removeAll(keepingCapacity: journal.count < 1 << 16)
    epoch = 0
  }
}
