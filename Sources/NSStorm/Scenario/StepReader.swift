import StormVocabulary

/// Turns the words of one step into its command.
struct StepReader {
  let words: [String]
  let base: String
  let problem: (_ value: String, _ reason: String) -> ScenarioProblem

  private var name: String { words.first ?? "" }

  private func word(_ index: Int, _ meaning: String) throws(ScenarioProblem) -> String {
    guard index < words.count else {
      throw problem(words.joined(separator: " "), "\(meaning) is missing")
    }
    return words[index]
  }

  private func path(_ index: Int, _ meaning: String = "a path") throws(ScenarioProblem)
    -> PathArgument
  {
    try argument(word(index, meaning))
  }

  /// `-` is NULL, `%1` a descriptor, `%1:x` a path that starts there, `=x` literal, anything else below the base.
  private func argument(_ word: String) throws(ScenarioProblem) -> PathArgument {
    if word == "-" { return .null }
    if word.hasPrefix("%") {
      let parts = word.dropFirst().split(separator: ":", maxSplits: 1)
      let slot = try number(parts.first.map(String.init) ?? "")
      return parts.count > 1 ? .relative(slot, String(parts[1])) : .descriptor(slot)
    }
    if word.hasPrefix("=") { return .path(String(word.dropFirst())) }
    return .path(word == "/" && !base.isEmpty ? base : base + word)
  }

  private func number(_ word: String) throws(ScenarioProblem) -> Int {
    let digits = word.hasPrefix("0x") ? Int(word.dropFirst(2), radix: 16) : Int(word)
    guard let number = digits, number >= 0 else {
      throw problem(word, "a number is expected, such as 1 or 0x1000")
    }
    return number
  }

  private func slot(_ index: Int) throws(ScenarioProblem) -> Int {
    let text = try word(index, "a descriptor number")
    return try number(text.hasPrefix("%") ? String(text.dropFirst()) : text)
  }

  func command(_ text: String) throws(ScenarioProblem) -> ScenarioStep.Command {
    switch name {
    case "ns", "nsuser":
      return .namespace(try word(1, "the name of the new namespace"), newUser: name == "nsuser")
    case "emptyns", "emptynsuser":
      return .emptyNamespace(
        try word(1, "the name of the new namespace"), newUser: name == "emptynsuser")
    case "nsfile", "userfile":
      return .openNamespaceFile(
        name == "nsfile" ? .mount : .user, of: try word(2, "the name of a namespace"),
        try slot(1))
    case "setns": return .setns(try word(1, "the name of a namespace"))
    case "exit": return .exit
    case "stat":
      let start = try word(1, "a descriptor number or -")
      let rest = try word(2, "a path")
      if start == "-" { return .stat(try argument(rest)) }
      return .stat(.relative(try number(start), rest))
    case "fdpath": return .descriptorPath(try slot(1))
    case "rep":
      let times = try number(word(1, "how often"))
      let inner = StepReader(words: Array(words.dropFirst(2)), base: base, problem: problem)
      return .repeat(times, try inner.calls())
    case "count": return .count
    case "dump", "dumpall": return .dump(Array(words.dropFirst()), everything: name == "dumpall")
    case "say": return .say(words.dropFirst().joined(separator: " "))
    case "sleep": return .pause
    default: return .calls(try calls())
    }
  }

  private func calls() throws(ScenarioProblem) -> [Operation] {
    switch name {
    case "mkdir":
      _ = try path(1)
      var calls: [Operation] = []
      for word in words.dropFirst() { calls.append(.mkdir(try argument(word))) }
      return calls
    case "rmdir": return [.rmdir(try path(1))]
    case "unlink": return [.unlink(try path(1))]
    case "touch":
      _ = try path(1)
      var calls: [Operation] = []
      for word in words.dropFirst() { calls.append(.touch(try argument(word))) }
      return calls
    case "rename": return [.rename(from: try path(1), to: try path(2))]
    case "symlink":
      guard case .path(let contents) = try path(1, "what the link says") else {
        throw problem(words[1], "a symbolic link holds a path")
      }
      return [.symlink(contents: contents, at: try path(2))]
    case "chdir": return [.chdir(try path(1))]
    case "chroot": return [.chroot(try path(1))]
    case "pivot": return [.pivotRoot(newRoot: try path(1), putOld: try path(2))]
    case "open": return [.open(try path(2), try openFlags(.readOnly), try slot(1))]
    case "opath": return [.open(try path(2), try openFlags(.path), try slot(1))]
    case "openat":
      return [.open(.relative(try slot(2), try word(3, "a path")), .readOnly, try slot(1))]
    case "close": return [.close(try slot(1))]
    case "setnsfd": return [.setnsDescriptor(try slot(1))]
    case "map": return [.hold(try slot(2), .mapping, try number(word(1, "a number")))]
    case "send": return [.hold(try slot(2), .message, try number(word(1, "a number")))]
    case "letgo": return [.letGo(try number(word(1, "a number")))]
    default: return try mountCalls()
    }
  }

  private func mountCalls() throws(ScenarioProblem) -> [Operation] {
    switch name {
    case "tmpfs": return try newFileSystem()
    case "chg": return [try changeType(word(1, "a propagation type"), at: path(2))]
    case "shared", "private", "slave", "unbindable", "rshared", "rprivate", "rslave", "runbindable":
      return [try changeType(name, at: path(1))]
    case "bind", "rbind":
      let flags: MountFlags = name == "rbind" ? [.bind, .recursive] : .bind
      return [.mount(MountCall(source: try path(1), target: try path(2), flags: flags))]
    case "move": return [.mount(MountCall(source: try path(1), target: try path(2), flags: .move))]
    case "remount":
      let flags = try mountFlags(words.dropFirst(2))
      return [.mount(MountCall(target: try path(1), flags: flags.union([.remount, .bind])))]
    case "rawmount":
      let type = try word(3, "a file system type or -")
      return [
        .mount(
          MountCall(
            type: type == "-" ? nil : type, source: try path(1), target: try path(2),
            flags: MountFlags(rawValue: UInt64(try number(word(4, "a flag word"))))))
      ]
    case "umount": return [.umount2(try path(1), try umountFlags())]
    case "mm":
      return [.moveMount(from: try path(1), to: try path(2), try moveFlags(words.dropFirst(3)))]
    case "mmfd":
      return [
        .moveMount(
          from: .descriptor(try slot(1)), to: try path(2), try moveFlags(words.dropFirst(3)))
      ]
    case "mmfdat":
      return [
        .moveMount(
          from: .descriptor(try slot(1)), to: .relative(try slot(2), try word(3, "a path")), [])
      ]
    case "otree":
      return [.openTree(try path(2), try treeFlags(from: 3), try slot(1))]
    case "otreeat":
      return [
        .openTree(
          .relative(try slot(2), try word(3, "a path")), try treeFlags(from: 4), try slot(1))
      ]
    case "mountfs":
      return [
        .mount(
          MountCall(
            type: try word(1, "a file system type"),
            source: .path(try word(2, "a name for the file system")), target: try path(3)))
      ]
    case "otreens":
      let recursive = words.count > 3 && words[3] == "r"
      return [
        .openTree(try path(2), recursive ? [.namespace, .recursive] : .namespace, try slot(1))
      ]
    case "otreeattr":
      // otreeattr N P r|- WHAT
      let recursive = try word(3, "r or -") == "r"
      return [
        .openTreeAttr(
          try path(2), recursive ? [.clone, .recursive] : .clone,
          try change(4, recursive: recursive), try slot(1))
      ]
    case "fsmountns":
      return [
        .fsmountNamespace(
          type: "tmpfs", source: try word(2, "a name for the file system"), try slot(1))
      ]
    case "fsmount":
      return [
        .fsmount(type: "tmpfs", source: try word(2, "a name for the file system"), try slot(1))
      ]
    case "sattr":
      return [try setattr(path(1))]
    case "sattrfd":
      return [try setattr(.descriptor(slot(1)))]
    default:
      throw problem(
        name, "no such step; the words are \(ScenarioParser.words.joined(separator: ", "))")
    }
  }

  /// `tmpfs X P d…`: a new tmpfs named X on P with directories in it.
  private func newFileSystem() throws(ScenarioProblem) -> [Operation] {
    let source = try word(1, "a name for the file system")
    let target = try path(2)
    var calls: [Operation] = [
      .mount(MountCall(type: "tmpfs", source: .path(source), target: target))
    ]
    guard case .path(let prefix) = target else { return calls }
    for name in words.dropFirst(3) { calls.append(.mkdir(.path(prefix + "/" + name))) }
    return calls
  }

  private func changeType(
    _ word: String, at target: PathArgument
  ) throws(ScenarioProblem) -> Operation {
    let types: [String: MountFlags] = [
      "shared": .shared, "private": .private, "slave": .slave, "unbindable": .unbindable,
    ]
    if let type = types[word] { return .mount(MountCall(target: target, flags: type)) }
    if word.hasPrefix("r"), let type = types[String(word.dropFirst())] {
      return .mount(MountCall(target: target, flags: type.union(.recursive)))
    }
    throw problem(
      word,
      "a propagation type is shared, private, slave or unbindable, or one of them with r in front")
  }

  private func mountFlags(_ words: some Sequence<String>) throws(ScenarioProblem) -> MountFlags {
    var flags: MountFlags = []
    for word in words where word != "rw" {
      guard let known = MountFlags.words.first(where: { $0.word == word }) else {
        throw problem(
          word, "a mount flag is one of \(MountFlags.words.map(\.word).joined(separator: ", "))")
      }
      flags.insert(known.flag)
    }
    return flags
  }

  private func umountFlags() throws(ScenarioProblem) -> UmountFlags {
    var flags: UmountFlags = []
    for letter in words.dropFirst(2).joined() {
      switch letter {
      case "l": flags.insert(.detach)
      case "f": flags.insert(.force)
      case "e": flags.insert(.expire)
      case "n": flags.insert(.noFollow)
      case "x": flags.insert(UmountFlags(rawValue: 0x10))
      default:
        throw problem(
          String(letter),
          "an umount flag is l (detach), f (force), e (expire), n (nofollow) or x (undefined)")
      }
    }
    return flags
  }

  private func moveFlags(_ words: some Sequence<String>) throws(ScenarioProblem) -> MoveMountFlags {
    var flags: MoveMountFlags = []
    for word in words {
      switch word {
      case "beneath": flags.insert(.beneath)
      case "group": flags.insert(.setGroup)
      default: throw problem(word, "a move_mount flag is beneath or group")
      }
    }
    return flags
  }

  private func openFlags(_ flags: OpenFlags) throws(ScenarioProblem) -> OpenFlags {
    guard words.count > 3 else { return flags }
    guard words[3] == "directory" else {
      throw problem(words[3], "only directory may stand here")
    }
    return flags.union(.directory)
  }

  private func treeFlags(from index: Int) throws(ScenarioProblem) -> OpenTreeFlags {
    var flags = OpenTreeFlags.clone
    for word in words.dropFirst(index) {
      switch word {
      case "r": flags.insert(.recursive)
      case "noclone": flags.remove(.clone)
      case "namespace": flags.insert(.namespace)
      default: throw problem(word, "an open_tree flag is r (recursive), noclone or namespace")
      }
    }
    return flags
  }

  private func setattr(_ target: PathArgument) throws(ScenarioProblem) -> Operation {
    let recursive = try word(2, "r or -") == "r"
    return .mountSetattr(target, recursive: recursive, try change(3, recursive: recursive))
  }

  private func change(
    _ index: Int, recursive: Bool
  ) throws(ScenarioProblem) -> AttributeChange {
    let what = try word(index, "an attribute or a propagation type")
    if what == "idmap" {
      return index + 1 < words.count ? .idmap(try slot(index + 1)) : .set(.idmapped)
    }
    if what == "noidmap" { return .clear(.idmapped) }
    var type = what
    if recursive, what.hasPrefix("r"), what != "ro", what != "rw" { type.removeFirst() }
    if let propagation = PropagationType(rawValue: type) { return .propagation(propagation) }
    if what.hasPrefix("clear=") {
      let attributes = MountAttributes(options: what.dropFirst(6))
      guard !attributes.isEmpty, !attributes.contains(.unknown) else {
        throw problem(what, "behind clear= stand attributes such as nosuid,nodev")
      }
      return .clear(attributes)
    }
    if what == "rw" { return .clear(.readOnly) }
    let attributes = MountAttributes(options: what)
    guard !attributes.isEmpty, !attributes.contains(.unknown) else {
      throw problem(
        what,
        "an attribute is ro, rw, nosuid, nodev, noexec, idmap N or noidmap, "
          + "a type is shared, private, slave or unbindable"
      )
    }
    return .set(attributes)
  }
}
