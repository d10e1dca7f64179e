/// Where an actor stands: the next thing it will do.
enum Place: UInt8, Sendable {
  case finished
  case resolve
  case namespaceLock
  case hashLock
  case check
  case detach
  case unlockFailed
  case unlock
  case addToReleaseList
  case addToNextList
  case gracePeriod
  case putRead
  case putFast
  case putLock
  case putSlow
  case tailWait
  case systemCallReturn
  case walkStart
  case walkLookup
  case walkFirstRetry
  case walkGet
  case walkSecondRetry
  case walkSilentDrop
  case walkLock
  case walkTest
  case boxIdle
  case boxGracePeriod
  case boxQueued
  case workerIdle
  case workerTake
  case workerEnd
}

/// Where an actor goes after a put.
enum Continuation: UInt8, Sendable {
  /// The next mount of its list, then its own path reference, then the return.
  case nextPut
  case systemCallReturn
}

/// What a system call returns.
enum CallResult: UInt64, Sendable {
  case none = 0
  case success = 1
  case busy = 2
  case invalid = 3
}

/// One actor, worker or callback in 64 bits. All that is private to it stands here, so that alike actors
/// can change places by swapping words.
struct Block: Equatable {
  var bits: UInt64

  @inline(__always)
  private func field(_ shift: UInt64, _ width: UInt64) -> UInt64 {
    (bits >> shift) & ((1 << width) - 1)
  }

  @inline(__always)
  private mutating func setField(_ shift: UInt64, _ width: UInt64, _ value: UInt64) {
    let mask: UInt64 = ((1 << width) - 1) << shift
    bits = (bits & ~mask) | (value << shift & mask)
  }

  @inline(__always)
  var place: Place {
    get { Place(rawValue: UInt8(truncatingIfNeeded: bits)) ?? .finished }
    set { setField(0, 8, UInt64(newValue.rawValue)) }
  }
  var continuation: Continuation {
    @inline(__always) get { field(8, 8) == 0 ? .nextPut : .systemCallReturn }
    @inline(__always) set { setField(8, 8, UInt64(newValue.rawValue)) }
  }
  /// The mount that is being put.
  var mount: Int {
    @inline(__always) get { Int(field(16, 4)) }
    @inline(__always) set { setField(16, 4, UInt64(newValue)) }
  }
  /// Mounts that are still to be put for the namespace.
  var list: UInt64 {
    @inline(__always) get { field(20, 4) }
    @inline(__always) set { setField(20, 4, newValue) }
  }
  /// Mounts whose cleanup waits as task work.
  var taskWork: UInt64 {
    @inline(__always) get { field(24, 4) }
    @inline(__always) set { setField(24, 4, newValue) }
  }
  /// Mounts that were detached while this reader was inside (ghost).
  var predates: UInt64 {
    @inline(__always) get { field(28, 4) }
    @inline(__always) set { setField(28, 4, newValue) }
  }
  /// Grace periods that wait for this reader: a bit a requester.
  var waitedBy: UInt64 {
    @inline(__always) get { field(32, 16) }
    @inline(__always) set { setField(32, 16, newValue) }
  }
  var inReadSection: Bool {
    @inline(__always) get { field(48, 1) != 0 }
    @inline(__always) set { setField(48, 1, newValue ? 1 : 0) }
  }
  /// `mount_lock` was taken since the walker sampled its sequence.
  var sequenceChanged: Bool {
    @inline(__always) get { field(49, 1) != 0 }
    @inline(__always) set { setField(49, 1, newValue ? 1 : 0) }
  }
  /// Holds a reference that a user can explain (ghost).
  var holdsReference: Bool {
    @inline(__always) get { field(50, 1) != 0 }
    @inline(__always) set { setField(50, 1, newValue ? 1 : 0) }
  }
  /// Holds the reference of its own path lookup.
  var holdsPath: Bool {
    @inline(__always) get { field(51, 1) != 0 }
    @inline(__always) set { setField(51, 1, newValue ? 1 : 0) }
  }
  /// The put in progress is made on behalf of the namespace.
  var putsForNamespace: Bool {
    @inline(__always) get { field(52, 1) != 0 }
    @inline(__always) set { setField(52, 1, newValue ? 1 : 0) }
  }
  var result: CallResult {
    @inline(__always) get { CallResult(rawValue: field(53, 2)) ?? .none }
    @inline(__always) set { setField(53, 2, newValue.rawValue) }
  }
  /// Mounts that this actor detached (ghost).
  var detached: UInt64 {
    @inline(__always) get { field(56, 4) }
    @inline(__always) set { setField(56, 4, newValue) }
  }

  @inline(__always)
  mutating func leaveReadSection() {
    inReadSection = false
    sequenceChanged = false
    predates = 0
    waitedBy = 0
  }
}

/// The words of a state of `ReleaseSystem`: globals, mounts, then one word a block.
struct ReleaseState {
  let words: UnsafeMutablePointer<UInt64>

  @inline(__always)
  init(_ words: UnsafeMutablePointer<UInt64>) { self.words = words }

  /// For reading only.
  @inline(__always)
  init(_ words: UnsafePointer<UInt64>) { self.words = UnsafeMutablePointer(mutating: words) }

  static let firstBlock = 2

  @inline(__always)
  subscript(block index: Int) -> Block {
    get { Block(bits: words[Self.firstBlock + index]) }
    nonmutating set { words[Self.firstBlock + index] = newValue.bits }
  }

  enum Global: UInt64 {
    case lockHeld
    case sequenceStorePending
    case namespaceLocked
    case halted
    case workPending
    case workQueued
    case inFlight
  }

  @inline(__always)
  subscript(global: Global) -> Bool {
    get { words[0] >> global.rawValue & 1 != 0 }
    nonmutating set {
      let bit: UInt64 = 1 << global.rawValue
      words[0] = newValue ? words[0] | bit : words[0] & ~bit
    }
  }

  /// `release_list` of the global worker, a bit a mount.
  var releaseList: UInt64 {
    @inline(__always) get { words[0] >> 8 & 15 }
    nonmutating set { words[0] = words[0] & ~(15 << 8) | newValue << 8 }
  }
  /// `release_list_next_gp` of the global worker.
  var nextList: UInt64 {
    @inline(__always) get { words[0] >> 12 & 15 }
    nonmutating set { words[0] = words[0] & ~(15 << 12) | newValue << 12 }
  }

  enum MountFlag: UInt64 {
    case mounted = 4
    case sync
    case doomed
    case cleaned
    case freed
    case detached
    case delayed
    case queued
    case bystander
    case stuck
    case dispatched
  }

  @inline(__always)
  subscript(flag: MountFlag, mount: Int) -> Bool {
    get { words[1] >> (UInt64(mount) * 16 + flag.rawValue) & 1 != 0 }
    nonmutating set {
      let bit: UInt64 = 1 << (UInt64(mount) * 16 + flag.rawValue)
      words[1] = newValue ? words[1] | bit : words[1] & ~bit
    }
  }

  /// References to a mount.
  @inline(__always)
  func count(_ mount: Int) -> UInt64 { words[1] >> (UInt64(mount) * 16) & 15 }

  @inline(__always)
  func get(_ mount: Int) {
    precondition(count(mount) < 15, "a mount has more than 15 references")
    words[1] += 1 << (UInt64(mount) * 16)
  }

  @inline(__always)
  func drop(_ mount: Int) {
    precondition(count(mount) > 0, "a reference is dropped that nobody holds")
    words[1] -= 1 << (UInt64(mount) * 16)
  }
}
