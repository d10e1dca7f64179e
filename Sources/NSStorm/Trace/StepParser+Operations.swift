import StormVocabulary

/// Builds the operation of a step from its fields.
///
/// A path stands under its key. `<key>_fd` names a descriptor slot instead (as `from_fd` in the format's version 1), and
/// both together a path that starts at the descriptor.
extension StepParser.Fields {
  func operation(_ call: String) throws(JSONProblem) -> Operation {
    switch call {
    case "mkdir": return .mkdir(try requiredPath(.path, .pathDescriptor, call))
    case "rmdir": return .rmdir(try requiredPath(.path, .pathDescriptor, call))
    case "unlink": return .unlink(try requiredPath(.path, .pathDescriptor, call))
    case "touch": return .touch(try requiredPath(.path, .pathDescriptor, call))
    case "chdir": return .chdir(try requiredPath(.path, .pathDescriptor, call))
    case "chroot": return .chroot(try requiredPath(.path, .pathDescriptor, call))
    case "stat": return .stat(try requiredPath(.path, .pathDescriptor, call))
    case "rename":
      return .rename(
        from: try requiredPath(.from, .fromDescriptor, call),
        to: try requiredPath(.to, .toDescriptor, call))
    case "symlink":
      return .symlink(
        contents: try required(.contents, call) { (scanner) throws(JSONProblem) in
          try scanner.readString()
        }, at: try requiredPath(.path, .pathDescriptor, call))
    case "mount":
      return .mount(
        MountCall(
          type: try string(.type), source: try path(.source, .sourceDescriptor),
          target: try path(.target, .targetDescriptor),
          flags: MountFlags(
            rawValue: try flags(MountFlags.words.map { ($0.word, $0.flag.rawValue) }))
        ))
    case "umount2":
      let bits = try flags(UmountFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      return .umount2(
        try path(.target, .targetDescriptor),
        UmountFlags(rawValue: UInt32(truncatingIfNeeded: bits)))
    case "unshare":
      let new = try number(.new, call)
      let newUser = try flag(.user)
      return try flag(.empty)
        ? .unshareEmpty(namespace: new, newUser: newUser)
        : .unshare(namespace: new, newUser: newUser)
    case "exit": return .exit
    case "setns":
      return value(.fd) == nil
        ? .setns(try number(.to, call)) : .setnsDescriptor(try number(.fd, call))
    case "open_namespace":
      let type = try string(.type) ?? ""
      guard let kind = NamespaceFileKind(rawValue: type) else {
        throw scanner.problem(
          "`type` is \"\(type)\"; allowed are "
            + NamespaceFileKind.allCases.map(\.rawValue).joined(separator: ", "), at: 0)
      }
      return .openNamespaceFile(kind, of: try number(.of, call), try number(.fd, call))
    case "mmap", "sendmsg":
      let kind: HoldKind = call == "mmap" ? .mapping : .message
      return .hold(try number(.fd, call), kind, try number(.hold, call))
    case "let_go": return .letGo(try number(.hold, call))
    case "open":
      let bits = try flags(OpenFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      return .open(
        try requiredPath(.path, .pathDescriptor, call),
        OpenFlags(rawValue: UInt32(truncatingIfNeeded: bits)), try number(.fd, call))
    case "close": return .close(try number(.fd, call))
    case "pivot_root":
      return .pivotRoot(
        newRoot: try requiredPath(.newRoot, .newRootDescriptor, call),
        putOld: try requiredPath(.putOld, .putOldDescriptor, call))
    case "open_tree":
      let bits = try flags(OpenTreeFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      return .openTree(
        try requiredPath(.path, .pathDescriptor, call),
        OpenTreeFlags(rawValue: UInt32(truncatingIfNeeded: bits)), try number(.fd, call))
    case "open_tree_attr":
      let bits = try flags(OpenTreeFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      return .openTreeAttr(
        try requiredPath(.path, .pathDescriptor, call),
        OpenTreeFlags(rawValue: UInt32(truncatingIfNeeded: bits)), try attributeChange(),
        try number(.fd, call))
    case "fsmount":
      let type = try required(.type, call) { (scanner) throws(JSONProblem) in
        try scanner.readString()
      }
      let source = try string(.source) ?? ""
      let slot = try number(.fd, call)
      return try flags([("namespace", 1)]) == 0
        ? .fsmount(type: type, source: source, slot)
        : .fsmountNamespace(type: type, source: source, slot)
    case "move_mount":
      let bits = try flags(MoveMountFlags.words.map { ($0.word, UInt64($0.flag.rawValue)) })
      return .moveMount(
        from: try requiredPath(.from, .fromDescriptor, call),
        to: try requiredPath(.to, .toDescriptor, call),
        MoveMountFlags(rawValue: UInt32(truncatingIfNeeded: bits)))
    case "mount_setattr":
      let recursive = try flags([("recursive", 1)]) != 0
      return .mountSetattr(
        try requiredPath(.path, .pathDescriptor, call), recursive: recursive,
        try attributeChange())
    default:
      throw scanner.problem(
        "`call` is \"\(call)\"; allowed are \(StepParser.calls.joined(separator: ", "))", at: 0)
    }
  }

  private func value(_ name: Name) -> JSONScanner? {
    values.last { $0.key == name }.map { scanner.scanner(at: $0.value) }
  }

  private func required<Result>(
    _ name: Name, _ call: String,
    _ read: (inout JSONScanner) throws(JSONProblem) -> Result
  ) throws(JSONProblem) -> Result {
    guard var scanner = value(name) else {
      throw self.scanner.problem("`\(call)` needs `\(name.rawValue)`", at: 0)
    }
    return try read(&scanner)
  }

  private func string(_ name: Name) throws(JSONProblem) -> String? {
    guard var scanner = value(name) else { return nil }
    return try scanner.readString()
  }

  private func number(_ name: Name, _ call: String) throws(JSONProblem) -> Int {
    try required(name, call) { (scanner) throws(JSONProblem) in
      try number(&scanner, name)
    }
  }

  private func number(_ scanner: inout JSONScanner, _ name: Name) throws(JSONProblem) -> Int {
    let start = scanner.offset
    guard let number = try scanner.readNumber(), number <= UInt64(StepParser.highestNumber) else {
      throw scanner.problem(
        "`\(name.rawValue)` is \(scanner.excerpt(at: start)); a whole number from 0 to "
          + "\(StepParser.highestNumber) is allowed", at: start)
    }
    return Int(number)
  }

  private func flag(_ name: Name) throws(JSONProblem) -> Bool {
    guard var scanner = value(name) else { return false }
    let start = scanner.offset
    guard let flag = try scanner.readBool() else {
      throw scanner.problem(
        "`\(name.rawValue)` is \(scanner.excerpt(at: start)); allowed are true and false", at: start
      )
    }
    return flag
  }

  private func path(_ name: Name, _ descriptor: Name) throws(JSONProblem) -> PathArgument {
    let text = try string(name)
    guard var scanner = value(descriptor) else { return text.map { .path($0) } ?? .null }
    let slot = try number(&scanner, descriptor)
    return text.map { .relative(slot, $0) } ?? .descriptor(slot)
  }

  private func requiredPath(
    _ name: Name, _ descriptor: Name, _ call: String
  ) throws(JSONProblem) -> PathArgument {
    let path = try path(name, descriptor)
    guard path != .null else {
      throw scanner.problem("`\(call)` needs `\(name.rawValue)`", at: 0)
    }
    return path
  }

  /// Reads `flags`, or another list of words; absent is empty. A word `0x…` gives bits that have no name.
  private func flags(
    _ words: [(word: String, bits: UInt64)], _ name: Name = .flags
  ) throws(JSONProblem) -> UInt64 {
    guard var scanner = value(name) else { return 0 }
    var all: UInt64 = 0
    try scanner.readArray { (scanner) throws(JSONProblem) in
      scanner.skipSpace()
      let start = scanner.offset
      let word = try scanner.readString()
      if let bits = words.first(where: { $0.word == word })?.bits {
        all |= bits
      } else if word.hasPrefix("0x"), let bits = UInt64(word.dropFirst(2), radix: 16) {
        all |= bits
      } else {
        throw scanner.problem(
          "\"\(word)\" in `\(name.rawValue)` is unknown; allowed are "
            + words.map(\.word).joined(separator: ", "), at: start)
      }
    }
    return all
  }

  private func attributeChange() throws(JSONProblem) -> AttributeChange {
    let present = [Name.set, .clear, .propagation, .idmapDescriptor].filter { value($0) != nil }
    guard present.count == 1, let name = present.first else {
      throw scanner.problem(
        "a change of attributes needs exactly one of `set`, `clear`, `propagation`, `idmap_fd`",
        at: 0)
    }
    if name == .idmapDescriptor { return .idmap(try number(name, "mount_setattr")) }
    guard name == .propagation else {
      let bits = try flags(
        MountAttributes.words.map { ($0.word, UInt64($0.attribute.rawValue)) }, name)
      let attributes = MountAttributes(rawValue: UInt16(truncatingIfNeeded: bits))
      return name == .set ? .set(attributes) : .clear(attributes)
    }
    let word = try string(.propagation) ?? ""
    guard let type = PropagationType(rawValue: word) else {
      throw scanner.problem(
        "`propagation` is \"\(word)\"; allowed are "
          + PropagationType.allCases.map(\.rawValue).joined(separator: ", "), at: 0)
    }
    return .propagation(type)
  }
}
