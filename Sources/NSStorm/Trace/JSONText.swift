import StormVocabulary

/// The bytes of one line, written in the order and form of the format's examples.
struct JSONText {
  private(set) var bytes: [UInt8] = []

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
  }

  mutating func raw(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  mutating func number(_ value: some BinaryInteger) {
    bytes.append(contentsOf: String(value).utf8)
  }

  mutating func string(_ text: String) {
    bytes.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C:
        bytes.append(0x5C)
        bytes.append(byte)
      case 0..<0x20:
        raw("\\u00")
        for digit in [byte >> 4, byte & 15] {
          bytes.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
  }

  mutating func strings(_ words: [String]) {
    raw("[")
    for (index, word) in words.enumerated() {
      if index > 0 { raw(",") }
      string(word)
    }
    raw("]")
  }

  /// `,"key":"value"`.
  mutating func member(_ key: StaticString, _ value: String) {
    raw(",\"")
    raw(key)
    raw("\":")
    string(value)
  }

  mutating func member(_ key: StaticString, _ value: some BinaryInteger) {
    raw(",\"")
    raw(key)
    raw("\":")
    number(value)
  }

  mutating func member(_ key: StaticString, _ words: [String]) {
    raw(",\"")
    raw(key)
    raw("\":")
    strings(words)
  }
}

extension JSONText {
  /// `,"tables":{…}`, ascending by namespace.
  mutating func tables(_ tables: [(namespace: NamespaceNumber, table: MountTable)]) {
    raw(",\"tables\":{")
    for (index, (namespace, table)) in tables.enumerated() {
      if index > 0 { raw(",") }
      raw("\"")
      number(namespace)
      raw("\":[")
      for (position, entry) in table.entries.enumerated() {
        if position > 0 { raw(",") }
        self.entry(entry)
      }
      raw("]")
    }
    raw("}")
  }

  private mutating func entry(_ entry: MountTable.Entry) {
    raw("{\"id\":")
    number(entry.id)
    member("parent", entry.parent)
    member("dev", entry.device.description)
    member("root", entry.root)
    member("mountpoint", entry.mountpoint)
    member("options", entry.attributes.options)
    if let group = entry.sharedGroup { member("shared", group) }
    if let group = entry.masterGroup { member("master", group) }
    if let group = entry.propagateFromGroup { member("propagate_from", group) }
    if entry.isUnbindable { raw(",\"unbindable\":true") }
    member("fstype", entry.fileSystemType)
    member("source", entry.source)
    if let isReadOnly = entry.superblockIsReadOnly {
      member("superblock", isReadOnly ? "ro" : "rw")
    }
    raw("}")
  }

  /// The members of a step that say which call was made.
  mutating func call(_ operation: Operation) {
    member("call", operation.callName)
    switch operation {
    case .mkdir(let path), .rmdir(let path), .unlink(let path), .touch(let path),
      .chdir(let path), .chroot(let path), .stat(let path):
      self.path("path", path)
    case .rename(let from, let to):
      path("from", from)
      path("to", to)
    case .symlink(let contents, let path):
      member("contents", contents)
      self.path("path", path)
    case .mount(let call):
      if let type = call.type { member("type", type) }
      path("source", call.source)
      path("target", call.target)
      flags(call.flags.rawValue, MountFlags.words.map { ($0.word, $0.flag.rawValue) })
    case .umount2(let path, let flags):
      self.path("target", path)
      self.flags(
        UInt64(flags.rawValue), UmountFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
    case .unshare(let namespace, let newUser):
      member("new", namespace)
      if newUser { raw(",\"user\":true") }
    case .unshareEmpty(let namespace, let newUser):
      member("new", namespace)
      if newUser { raw(",\"user\":true") }
      raw(",\"empty\":true")
    case .exit: break
    case .setns(let namespace): member("to", namespace)
    case .setnsDescriptor(let slot): member("fd", slot)
    case .openNamespaceFile(let kind, let namespace, let slot):
      member("type", kind.rawValue)
      member("of", namespace)
      member("fd", slot)
    case .hold(let slot, _, let number):
      member("fd", slot)
      member("hold", number)
    case .letGo(let number): member("hold", number)
    case .open(let path, let flags, let slot):
      self.path("path", path)
      self.flags(
        UInt64(flags.rawValue), OpenFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      member("fd", slot)
    case .close(let slot): member("fd", slot)
    case .pivotRoot(let newRoot, let putOld):
      path("new_root", newRoot)
      path("put_old", putOld)
    case .openTree(let path, let flags, let slot):
      self.path("path", path)
      self.flags(
        UInt64(flags.rawValue), OpenTreeFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      member("fd", slot)
    case .openTreeAttr(let path, let flags, let change, let slot):
      self.path("path", path)
      self.flags(
        UInt64(flags.rawValue), OpenTreeFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      attributeChange(change)
      member("fd", slot)
    case .fsmount(let type, let source, let slot):
      member("type", type)
      member("source", source)
      member("fd", slot)
    case .fsmountNamespace(let type, let source, let slot):
      member("type", type)
      member("source", source)
      member("flags", ["namespace"])
      member("fd", slot)
    case .moveMount(let from, let to, let flags):
      path("from", from)
      path("to", to)
      self.flags(
        UInt64(flags.rawValue), MoveMountFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
    case .mountSetattr(let path, let recursive, let change):
      self.path("path", path)
      member("flags", recursive ? ["recursive"] : [])
      attributeChange(change)
    }
  }

  private mutating func attributeChange(_ change: AttributeChange) {
    switch change {
    case .set(let attributes): member("set", words(of: attributes))
    case .clear(let attributes): member("clear", words(of: attributes))
    case .propagation(let type): member("propagation", type.rawValue)
    case .idmap(let slot): member("idmap_fd", slot)
    }
  }

  private func words(of attributes: MountAttributes) -> [String] {
    MountAttributes.words.filter { attributes.contains($0.attribute) }.map(\.word)
  }

  /// A path under its key, a descriptor under `<key>_fd`, both for a path that starts at a descriptor.
  mutating func path(_ key: String, _ argument: PathArgument) {
    switch argument {
    case .null: break
    case .path(let path): pathMember(key, path)
    case .descriptor(let slot): slotMember(key, slot)
    case .relative(let slot, let path):
      pathMember(key, path)
      slotMember(key, slot)
    }
  }

  private mutating func pathMember(_ key: String, _ path: String) {
    raw(",")
    string(key)
    raw(":")
    string(path)
  }

  private mutating func slotMember(_ key: String, _ slot: DescriptorSlot) {
    raw(",")
    string(key + "_fd")
    raw(":")
    number(slot)
  }

  /// The flags that have names, then what is left of the bits as one hexadecimal word.
  private mutating func flags(_ bits: UInt64, _ words: [(word: String, bits: UInt64)]) {
    var rest = bits
    var list: [String] = []
    for (word, flag) in words where bits & flag == flag {
      list.append(word)
      rest &= ~flag
    }
    if rest != 0 { list.append("0x" + String(rest, radix: 16)) }
    member("flags", list)
  }
}
