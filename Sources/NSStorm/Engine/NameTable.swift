/// Path components and device names, each stored once and known by a number. Names are never forgotten, so a
/// rollback needs to do nothing here.
struct NameTable {
  /// The number of a name; equal names have equal numbers.
  typealias Index = UInt32

  private var names: [String] = [""]
  private var hashes: [UInt64] = [0]
  private var slots: [Index] = Array(repeating: 0, count: 256)

  /// The number of the name, or 0 if no file or directory ever had it.
  func find(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Index {
    find(bytes, hash: Self.hash(bytes))
  }

  mutating func intern(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Index {
    let hash = Self.hash(bytes)
    let found = find(bytes, hash: hash)
    if found != 0 { return found }
    let index = Index(names.count)
    names.append(String(decoding: bytes, as: UTF8.self))
    hashes.append(hash)
    if names.count * 2 > slots.count { grow() } else { place(index) }
    return index
  }

  mutating func intern(_ name: String) -> Index {
    var name = name
    return name.withUTF8 { intern($0[...]) }
  }

  subscript(index: Index) -> String { names[Int(index)] }

  private func find(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, hash: UInt64) -> Index {
    let mask = slots.count - 1
    var position = Int(truncatingIfNeeded: hash) & mask
    while slots[position] != 0 {
      let index = slots[position]
      if hashes[Int(index)] == hash, names[Int(index)].utf8.elementsEqual(bytes) { return index }
      position = (position + 1) & mask
    }
    return 0
  }

  private mutating func place(_ index: Index) {
    let mask = slots.count - 1
    var position = Int(truncatingIfNeeded: hashes[Int(index)]) & mask
    while slots[position] != 0 { position = (position + 1) & mask }
    slots[position] = index
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: slots.count * 2)
    for index in 1..<names.count { place(Index(index)) }
  }

  private static func hash(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes {
      hash ^= UInt64(byte)
      hash = hash &* 0x0000_0100_0000_01b3
    }
    return hash ^ (hash >> 31)
  }
}
