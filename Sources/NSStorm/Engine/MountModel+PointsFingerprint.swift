import StormVocabulary

/// 128 bits that stand for a state of the model and of the calls in flight.
///
/// Two states with equal fingerprints are taken for equal, which decides whether a search visits the second one.
/// Each record contributes the sum of two independently mixed 64-bit words, so that the order of the records does
/// not count; n different states collide with a probability of about n² / 2^129, 10^-24 for ten million.
public struct Fingerprint: Hashable, Sendable {
  var low: UInt64 = 0
  var high: UInt64 = 0

  @inline(__always)
  mutating func add(_ word: UInt64) {
    low &+= Self.finish(word)
    high &+= Self.finish(word ^ 0x6a09_e667_f3bc_c909)
  }

  /// The finalizer of SplitMix64: every input bit reaches every output bit.
  @inline(__always)
  static func finish(_ word: UInt64) -> UInt64 {
    var z = word &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  @inline(__always)
  static func mix(_ one: UInt64, _ other: UInt64) -> UInt64 {
    finish(one ^ (other &* 0xD6E8_FEB8_6659_FD93 &+ 0x2545_F491_4F6C_DD1D))
  }
}

/// Buffers that one fingerprint needs; kept between calls, because a search takes many.
public struct FingerprintScratch: Sendable {
  fileprivate var positions: [UInt64] = []
  fileprivate var superblocks: [UInt64] = []
  fileprivate var holders: [UInt64] = []

  public init() {}
}

extension MountModel {
  /// A fingerprint of everything that can reach a later errno or a table read without regard to order.
  ///
  /// Numbers that say nothing (ids, group numbers, the order of creation) are left out: a mount is named by its
  /// place, which no two mounts of a namespace share (1.2), a group by the ring of the places of its members, a
  /// superblock by the places of its mounts. The order of rings and of slave lists is part of it.
  ///
  /// - Parameters:
  ///   - calls: the calls in flight and those that still hold references, each with a number of its own.
  ///   - includesNames: whether names can be made or removed between the states that are compared.
  public func fingerprint(
    of calls: some Sequence<(number: Int, call: CallInFlight)>, includesNames: Bool,
    using scratch: inout FingerprintScratch
  ) -> Fingerprint {
    var print = Fingerprint()
    prepare(&scratch)
    noteHolders(calls, &scratch)
    for index in 1..<mounts.slotCount where isTop(index) {
      let mount = Mount(index: index)
      let namespace = mounts[index].namespace
      scratch.positions[Int(index)] =
        namespace == .none || namespaces[namespace.index].isAnonymous
        ? Fingerprint.mix(0xde7a, scratch.holders[Int(index)])
        : Fingerprint.mix(0x7299, UInt64(smallestProcess(in: namespace)))
      name(treeOf: mount, &scratch)
    }
    for index in 1..<mounts.slotCount where mounts[index].nextPeer != .none {
      add(Mount(index: index), to: &print, scratch)
    }
    for index in 1..<max(processes.slotCount, 1) where processes[index].isAlive {
      add(Process(number: Int(index) - 1), to: &print, scratch)
    }
    for (number, call) in calls { add(call, number: number, to: &print, scratch) }
    if includesNames { addNames(to: &print, scratch) }
    return print
  }

  /// The same of a model in which no call is under way.
  public func fingerprint() -> Fingerprint {
    var scratch = FingerprintScratch()
    let calls: [(number: Int, call: CallInFlight)] = []
    return fingerprint(of: calls, includesNames: true, using: &scratch)
  }

  private func isTop(_ index: UInt32) -> Bool {
    mounts[index].nextPeer != .none && mounts[index].parent == .none
  }

  private func prepare(_ scratch: inout FingerprintScratch) {
    let count = Int(mounts.slotCount)
    if scratch.positions.count < count {
      scratch.positions = Array(repeating: 0, count: count * 2)
      scratch.holders = Array(repeating: 0, count: count * 2)
    }
    for index in 0..<count { scratch.holders[index] = 0 }
    let superblockCount = Int(superblocks.slotCount)
    if scratch.superblocks.count < superblockCount {
      scratch.superblocks = Array(repeating: 0, count: superblockCount * 2)
    }
    for index in 0..<superblockCount { scratch.superblocks[index] = 0 }
  }

  /// What is mounted nowhere is named by who holds it.
  private func noteHolders(
    _ calls: some Sequence<(number: Int, call: CallInFlight)>, _ scratch: inout FingerprintScratch
  ) {
    for index in 1..<max(processes.slotCount, 1) where processes[index].isAlive {
      let base = UInt64(index) << 32
      let record = processes[index]
      scratch.holders[Int(record.root.mount.index)] &+= Fingerprint.finish(base | 1)
      scratch.holders[Int(record.workingDirectory.mount.index)] &+= Fingerprint.finish(base | 2)
      var file = record.firstFile
      while file != .none {
        let slot = UInt64(UInt32(bitPattern: files[file.index].slot)) << 2
        scratch.holders[Int(files[file.index].location.mount.index)] &+=
          Fingerprint.finish(base | slot | 3)
        file = files[file.index].next
      }
    }
    for (number, call) in calls {
      for (position, location) in call.references.enumerated() {
        scratch.holders[Int(location.mount.index)] &+=
          Fingerprint.finish(UInt64(number) << 8 | UInt64(position) | 1 << 62)
      }
    }
  }

  private func smallestProcess(in namespace: Namespace) -> UInt32 {
    for index in 1..<max(processes.slotCount, 1)
    where processes[index].isAlive && processes[index].namespace == namespace {
      return index
    }
    return 0
  }

  private func name(treeOf top: Mount, _ scratch: inout FingerprintScratch) {
    var mount = top
    while mount != .none {
      let record = mounts[mount.index]
      if mount != top {
        scratch.positions[Int(mount.index)] = Fingerprint.mix(
          scratch.positions[Int(record.parent.index)], pathWord(record.mountpoint))
      }
      scratch.superblocks[Int(record.superblock.index)] &+= Fingerprint.finish(
        scratch.positions[Int(mount.index)])
      mount = nextInTree(mount, root: top)
    }
  }

  /// A dentry's path in its file system. A removed one has its path in common with its successor, so its number counts.
  private func pathWord(_ dentry: Dentry) -> UInt64 {
    var word: UInt64 = 1
    var here = dentry
    while here != .none {
      let record = dentries[here.index]
      word = Fingerprint.mix(word, UInt64(record.name))
      if record.isUnlinked { word = Fingerprint.mix(word, UInt64(here.index)) }
      here = record.parent
    }
    return word
  }

  private func add(_ mount: Mount, to print: inout Fingerprint, _ scratch: FingerprintScratch) {
    let record = mounts[mount.index]
    func position(_ other: Mount) -> UInt64 {
      other == .none ? 0 : scratch.positions[Int(other.index)]
    }
    let superblock = superblocks[record.superblock.index]
    var word = Fingerprint.mix(position(mount), pathWord(record.root))
    word = Fingerprint.mix(word, scratch.superblocks[Int(record.superblock.index)])
    word = Fingerprint.mix(
      word, UInt64(superblock.removedHeldCount) << 1 | (superblock.isReadOnly ? 1 : 0))
    word = Fingerprint.mix(
      word, UInt64(record.attributes.rawValue) << 32 | UInt64(record.state.rawValue))
    word = Fingerprint.mix(word, UInt64(record.holds) << 32 | UInt64(record.deviceName))
    word = Fingerprint.mix(word, record.group == 0 ? 0 : position(record.nextPeer))
    word = Fingerprint.mix(word, position(record.master))
    word = Fingerprint.mix(word, position(record.nextSlave))
    if !rules.umountsLargestSet { word = Fingerprint.mix(word, position(record.nextSibling)) }
    print.add(word)
  }

  private func word(_ location: Location, _ scratch: FingerprintScratch) -> UInt64 {
    location == .none
      ? 0
      : Fingerprint.mix(
        scratch.positions[Int(location.mount.index)], pathWord(location.dentry))
  }

  private func add(_ process: Process, to print: inout Fingerprint, _ scratch: FingerprintScratch) {
    let record = processes[process.index]
    var sum = Fingerprint.mix(UInt64(process.index), word(record.root, scratch))
    sum = Fingerprint.mix(sum, word(record.workingDirectory, scratch))
    sum = Fingerprint.mix(sum, UInt64(smallestProcess(in: record.namespace)))
    var file = record.firstFile
    var open: UInt64 = 0
    while file != .none {
      let slot = UInt64(UInt32(bitPattern: files[file.index].slot))
      open &+= Fingerprint.mix(slot, word(files[file.index].location, scratch))
      file = files[file.index].next
    }
    print.add(Fingerprint.mix(sum, open))
  }

  private func add(
    _ call: CallInFlight, number: Int, to print: inout Fingerprint, _ scratch: FingerprintScratch
  ) {
    let progress = UInt64(call.commitCount) << 1 | (call.wasChecked ? 1 : 0)
    var sum = Fingerprint.mix(UInt64(number), progress)
    for found in call.found {
      switch found {
      case .place(let location): sum = Fingerprint.mix(sum, word(location, scratch))
      case .parent(let location, let last):
        let name: UInt64 = if case .name(let name) = last { UInt64(name) } else { 0 }
        sum = Fingerprint.mix(Fingerprint.mix(sum, word(location, scratch)), name)
      case .failure(let errno): sum = Fingerprint.mix(sum, UInt64(errno.rawValue) | 1 << 40)
      }
    }
    for location in call.references {
      sum = Fingerprint.mix(sum, word(location, scratch) | 1)
    }
    if let partial = call.partialWalk {
      sum = Fingerprint.mix(
        Fingerprint.mix(sum, word(partial.location, scratch)), UInt64(partial.rest.utf8.count))
    }
    if call.removed != .none { sum = Fingerprint.mix(sum, pathWord(call.removed)) }
    if let answer = call.answer { sum = Fingerprint.mix(sum, UInt64(answer.rawValue) | 1 << 41) }
    print.add(sum)
  }

  /// The names in all file systems; a file system is told apart by its mounts.
  private func addNames(to print: inout Fingerprint, _ scratch: FingerprintScratch) {
    for index in 1..<superblocks.slotCount where superblocks[index].root != .none {
      let identity = scratch.superblocks[Int(index)]
      let root = superblocks[index].root
      guard dentries[root.index].superblock.index == index else { continue }
      var pending = [(dentry: root, word: identity)]
      while let (dentry, word) = pending.popLast() {
        var child = dentries[dentry.index].firstChild
        while child != .none {
          let record = dentries[child.index]
          let below = Fingerprint.mix(word, UInt64(record.name))
          print.add(
            Fingerprint.mix(below, UInt64(record.kind.rawValue) << 32 | UInt64(record.contents)))
          pending.append((child, below))
          child = record.nextSibling
        }
      }
    }
  }
}

extension Fingerprint {
  /// With one more word.
  public func adding(_ word: UInt64) -> Fingerprint {
    var sum = self
    sum.add(word)
    return sum
  }

  /// Two numbers mixed; for orders that shall look random and be the same each time.
  public static func mixed(_ one: UInt64, _ other: UInt64) -> UInt64 { mix(one, other) }

  /// A number mixed so that any set of them can be told apart by its exclusive or.
  public static func word(_ number: UInt64) -> UInt64 { finish(number) }
}
