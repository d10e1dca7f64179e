public import StormVocabulary

/// Writes calls in the scenario language, so that a person can read, change and run them again.
///
/// Absolute paths become paths below the scenario's base. Where that would mean something else (a call on the root itself,
/// a relative path), all paths are taken literally, with a leading `=`.
public struct ScenarioWriter {
  /// One call and the namespace that makes it.
  public struct Call: Hashable, Sendable {
    public var namespace: NamespaceNumber
    public var operation: Operation

    public init(namespace: NamespaceNumber, operation: Operation) {
      self.namespace = namespace
      self.operation = operation
    }
  }

  /// Whether paths are written literally.
  public let isLiteral: Bool
  private let calls: [Call]
  private let names: [NamespaceNumber: String]

  public init(_ calls: [Call]) {
    self.calls = calls
    isLiteral = !calls.allSatisfy { $0.operation.scenarioPaths.allSatisfy(Self.canBeMoved) }
    var names: [NamespaceNumber: String] = [0: "A"]
    for call in calls {
      var numbers = [call.namespace]
      if let new = call.operation.newNamespace { numbers.append(new) }
      for number in numbers where names[number] == nil { names[number] = Self.name(names.count) }
    }
    self.names = names
  }

  /// `A` to `Z`, then `N26`, `N27`, …
  private static func name(_ index: Int) -> String {
    index < 26 ? String(UnicodeScalar(UInt8(65 + index))) : "N\(index)"
  }

  /// Whether the path means the same place below a base directory as below the root.
  private static func canBeMoved(_ path: String) -> Bool {
    path.hasPrefix("/") && path.contains { $0 != "/" }
      && !path.split(separator: "/").contains("..")
  }

  /// What a namespace is called in the text.
  public func name(of namespace: NamespaceNumber) -> String {
    names[namespace] ?? "N\(namespace)"
  }

  /// One line for each call.
  public var lines: [String] {
    calls.map { call in
      let actor = call.namespace == 0 ? "" : "@\(name(of: call.namespace)) "
      return actor + step(call.operation)
    }
  }

  /// A whole file with one case that ends in a dump of all tables.
  public func text(name: String, title: String, remarks: [String] = []) -> String {
    let remarks = remarks.map { "# \($0)" }
    let dump = isLiteral ? "dumpall" : "dump"
    return (remarks + ["case \(name): \(title)"] + lines + [dump]).joined(separator: "\n") + "\n"
  }

  // MARK: - Steps

  private func step(_ operation: Operation) -> String {
    switch operation {
    case .mkdir(let path), .rmdir(let path), .unlink(let path), .touch(let path),
      .chdir(let path), .chroot(let path):
      return "\(operation.name) \(word(path))"
    case .rename(let from, let to): return "rename \(word(from)) \(word(to))"
    case .symlink(let contents, let path): return "symlink \(word(.path(contents))) \(word(path))"
    case .mount(let call): return step(call)
    case .umount2(let path, let flags): return "umount \(word(path))" + letters(flags)
    case .unshare(let namespace, let newUser):
      return "\(newUser ? "nsuser" : "ns") \(name(of: namespace))"
    case .unshareEmpty(let namespace, let newUser):
      return "\(newUser ? "emptynsuser" : "emptyns") \(name(of: namespace))"
    case .setnsDescriptor(let slot): return "setnsfd \(slot)"
    case .openNamespaceFile(let kind, of: let namespace, let slot):
      return "\(kind == .mount ? "nsfile" : "userfile") \(slot) \(name(of: namespace))"
    case .openTreeAttr(let path, let flags, let change, let slot):
      return "otreeattr \(slot) \(word(path)) \(flags.contains(.recursive) ? "r" : "-") "
        + word(change)
    case .fsmountNamespace(_, let source, let slot): return "fsmountns \(slot) \(source)"
    case .hold(let slot, let kind, let number):
      return "\(kind == .mapping ? "map" : "send") \(number) %\(slot)"
    case .letGo(let number): return "letgo \(number)"
    case .exit: return "exit"
    case .setns(let namespace): return "setns \(name(of: namespace))"
    case .open(let path, let flags, let slot):
      let verb = flags.contains(.path) ? "opath" : "open"
      return "\(verb) \(slot) \(word(path))" + (flags.contains(.directory) ? " directory" : "")
    case .close(let slot): return "close \(slot)"
    case .pivotRoot(let newRoot, let putOld): return "pivot \(word(newRoot)) \(word(putOld))"
    case .openTree(let path, let flags, let slot):
      var text = "otree \(slot) \(word(path))"
      if flags.contains(.recursive) { text += " r" }
      if !flags.contains(.clone) { text += " noclone" }
      if flags.contains(.namespace) { text += " namespace" }
      return text
    case .fsmount(_, let source, let slot): return "fsmount \(slot) \(source)"
    case .moveMount(let from, let to, let flags):
      return "mm \(word(from)) \(word(to))" + (flags.contains(.beneath) ? " beneath" : "")
        + (flags.contains(.setGroup) ? " group" : "")
    case .mountSetattr(let path, let recursive, let change):
      return "sattr \(word(path)) \(recursive ? "r" : "-") \(word(change))"
    case .stat(let path): return "stat - \(word(path))"
    }
  }

  private func step(_ call: MountCall) -> String {
    let flags = call.flags
    let types = flags.intersection(.propagationTypes)
    switch (call.type, call.source) {
    case ("tmpfs", .path(let source)) where flags.isEmpty && Self.isPlainName(source):
      return "tmpfs \(source) \(word(call.target))"
    case (nil, .null)
    where types.rawValue.nonzeroBitCount == 1 && flags.subtracting([types, .recursive]).isEmpty:
      let type = MountFlags.words.first { $0.flag == types }?.word ?? ""
      return "chg \(flags.contains(.recursive) ? "r" : "")\(type) \(word(call.target))"
    case (nil, _) where flags == .bind: return "bind \(word(call.source)) \(word(call.target))"
    case (nil, _) where flags == [.bind, .recursive]:
      return "rbind \(word(call.source)) \(word(call.target))"
    case (nil, _) where flags == .move: return "move \(word(call.source)) \(word(call.target))"
    case (nil, .null) where flags.isSuperset(of: [.remount, .bind]):
      let words = MountFlags.words.filter {
        flags.subtracting([.remount, .bind]).contains($0.flag)
      }.map(\.word)
      return (["remount", word(call.target)] + (words.isEmpty ? ["rw"] : words))
        .joined(separator: " ")
    default:
      // The name of a device is no path.
      var source = word(call.source)
      if call.type != nil, case .path(let name) = call.source { source = "=\(name)" }
      return "rawmount \(source) \(word(call.target)) \(call.type ?? "-") "
        + "0x\(String(flags.rawValue, radix: 16))"
    }
  }

  private static func isPlainName(_ name: String) -> Bool {
    !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "_.-/".contains($0) }
  }

  private func word(_ path: PathArgument) -> String {
    switch path {
    case .null: "-"
    case .path(let path): isLiteral ? "=\(path)" : path
    case .descriptor(let slot): "%\(slot)"
    case .relative(let slot, let path): "%\(slot):\(path)"
    }
  }

  private func letters(_ flags: UmountFlags) -> String {
    let letters: [(UmountFlags, String)] = [
      (.detach, "l"), (.force, "f"), (.expire, "e"), (.noFollow, "n"),
      (UmountFlags(rawValue: 0x10), "x"),
    ]
    let text = letters.filter { flags.contains($0.0) }.map(\.1).joined()
    return text.isEmpty ? "" : " \(text)"
  }

  private func word(_ change: AttributeChange) -> String {
    switch change {
    case .propagation(let type): type.rawValue
    case .set(.idmapped): "idmap"
    case .set(let attributes): Self.options(attributes)
    case .clear(.readOnly): "rw"
    case .clear(.idmapped): "noidmap"
    case .idmap(let slot): "idmap \(slot)"
    case .clear(let attributes): "clear=\(Self.options(attributes))"
    }
  }

  private static func options(_ attributes: MountAttributes) -> String {
    MountAttributes.words.filter { attributes.contains($0.attribute) }.map(\.word)
      .joined(separator: ",")
  }
}

extension Operation {
  /// The path strings of the call that begin at the caller's root or working directory; names of devices are none.
  fileprivate var scenarioPaths: [String] {
    func text(_ arguments: PathArgument...) -> [String] {
      arguments.compactMap { if case .path(let path) = $0 { path } else { nil } }
    }
    switch self {
    case .mkdir(let path), .rmdir(let path), .unlink(let path), .touch(let path),
      .chdir(let path), .chroot(let path), .stat(let path), .umount2(let path, _),
      .open(let path, _, _), .openTree(let path, _, _), .mountSetattr(let path, _, _),
      .openTreeAttr(let path, _, _, _):
      return text(path)
    case .rename(let from, let to), .moveMount(let from, let to, _): return text(from, to)
    case .symlink(let contents, let path): return [contents] + text(path)
    case .mount(let call):
      return call.type == nil ? text(call.source, call.target) : text(call.target)
    case .pivotRoot(let newRoot, let putOld): return text(newRoot, putOld)
    case .unshare, .unshareEmpty, .exit, .setns, .setnsDescriptor, .openNamespaceFile, .close,
      .fsmount, .fsmountNamespace, .hold, .letGo:
      return []
    }
  }
}
