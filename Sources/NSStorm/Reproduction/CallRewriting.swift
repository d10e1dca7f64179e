import StormTrace
import StormVocabulary

extension Operation {
  /// The call with every path argument replaced; the contents of symbolic links count as paths, names of devices do not.
  func mapPaths(_ change: (PathArgument) -> PathArgument) -> Operation {
    switch self {
    case .mkdir(let path): return .mkdir(change(path))
    case .rmdir(let path): return .rmdir(change(path))
    case .unlink(let path): return .unlink(change(path))
    case .touch(let path): return .touch(change(path))
    case .chdir(let path): return .chdir(change(path))
    case .chroot(let path): return .chroot(change(path))
    case .stat(let path): return .stat(change(path))
    case .rename(let from, let to): return .rename(from: change(from), to: change(to))
    case .symlink(let contents, let path):
      guard case .path(let text) = change(.path(contents)) else { return self }
      return .symlink(contents: text, at: change(path))
    case .mount(var call):
      if call.type == nil { call.source = change(call.source) }
      call.target = change(call.target)
      return .mount(call)
    case .umount2(let path, let flags): return .umount2(change(path), flags)
    case .open(let path, let flags, let slot): return .open(change(path), flags, slot)
    case .openTree(let path, let flags, let slot): return .openTree(change(path), flags, slot)
    case .pivotRoot(let new, let old): return .pivotRoot(newRoot: change(new), putOld: change(old))
    case .moveMount(let from, let to, let flags):
      return .moveMount(from: change(from), to: change(to), flags)
    case .mountSetattr(let path, let recursive, let what):
      return .mountSetattr(change(path), recursive: recursive, what)
    case .openTreeAttr(let path, let flags, let what, let slot):
      return .openTreeAttr(change(path), flags, what, slot)
    case .unshare, .unshareEmpty, .exit, .setns, .setnsDescriptor, .openNamespaceFile, .close,
      .fsmount, .fsmountNamespace, .hold, .letGo:
      return self
    }
  }

  /// Every path argument, as ``mapPaths(_:)`` meets them.
  var paths: [PathArgument] {
    var paths: [PathArgument] = []
    _ = mapPaths { path in
      paths.append(path)
      return path
    }
    return paths
  }

  /// The same call with one thing less: a flag, an attribute, a user namespace.
  var simpler: [Operation] {
    switch self {
    case .mount(let call):
      return Self.bits(call.flags.rawValue).map { bit in
        var simpler = call
        simpler.flags.remove(MountFlags(rawValue: bit))
        return .mount(simpler)
      }
    case .umount2(let path, let flags):
      return Self.bits(UInt64(flags.rawValue)).map {
        .umount2(path, flags.subtracting(UmountFlags(rawValue: UInt32($0))))
      }
    case .unshare(let namespace, true): return [.unshare(namespace: namespace, newUser: false)]
    case .unshareEmpty(let namespace, let newUser):
      return newUser
        ? [.unshareEmpty(namespace: namespace, newUser: false)]
        : [.unshare(namespace: namespace, newUser: false)]
    case .fsmountNamespace(let type, let source, let slot):
      return [.fsmount(type: type, source: source, slot)]
    case .openTreeAttr(let path, let flags, _, let slot): return [.openTree(path, flags, slot)]
    case .open(let path, let flags, let slot) where !flags.isEmpty && flags != .readOnly:
      return [.open(path, .readOnly, slot)]
    case .openTree(let path, let flags, let slot) where flags.contains(.recursive):
      return [.openTree(path, flags.subtracting(.recursive), slot)]
    case .moveMount(let from, let to, let flags) where !flags.isEmpty:
      return [.moveMount(from: from, to: to, [])]
    case .mountSetattr(let path, let recursive, let change):
      var simpler: [Operation] = []
      if recursive { simpler.append(.mountSetattr(path, recursive: false, change)) }
      switch change {
      case .set(let attributes):
        simpler += Self.bits(UInt64(attributes.rawValue)).dropFirst().map {
          .mountSetattr(
            path, recursive: recursive,
            .set(attributes.subtracting(MountAttributes(rawValue: UInt16($0)))))
        }
      case .clear(let attributes):
        simpler += Self.bits(UInt64(attributes.rawValue)).dropFirst().map {
          .mountSetattr(
            path, recursive: recursive,
            .clear(attributes.subtracting(MountAttributes(rawValue: UInt16($0)))))
        }
      case .propagation, .idmap: break
      }
      return simpler
    default: return []
    }
  }

  private static func bits(_ word: UInt64) -> [UInt64] {
    (0..<64).map { 1 << $0 }.filter { word & $0 != 0 }
  }
}

/// Rewrites whole lists of calls. Each way keeps or lowers the number of calls, namespaces, components and flags.
enum CallRewriting {
  /// Every namespace gets a number of its own: numbers are used again once a namespace has ended, and a list from which
  /// that end was taken away would name two.
  static func renumbered(_ calls: [NumberedCall]) -> [NumberedCall] {
    var current: [NamespaceNumber: NamespaceNumber] = [:]
    var next = 1
    return calls.map { call in
      var call = call
      call.namespace = current[call.namespace] ?? call.namespace
      switch call.operation {
      case .unshare(let number, let newUser):
        current[number] = next
        call.operation = .unshare(namespace: next, newUser: newUser)
        next += 1
      case .unshareEmpty(let number, let newUser):
        current[number] = next
        call.operation = .unshareEmpty(namespace: next, newUser: newUser)
        next += 1
      case .setns(let number): call.operation = .setns(current[number] ?? number)
      case .openNamespaceFile(let kind, of: let number, let slot):
        call.operation = .openNamespaceFile(kind, of: current[number] ?? number, slot)
      default: break
      }
      return call
    }
  }

  /// The calls of a namespace made by its parent instead, and the namespace not made.
  static func merged(
    _ namespace: NamespaceNumber, into parent: NamespaceNumber, _ calls: [NumberedCall]
  ) -> [NumberedCall] {
    calls.compactMap { call in
      var call = call
      if call.operation.newNamespace == namespace { return nil }
      if call.namespace == namespace {
        if call.operation == .exit { return nil }
        call.namespace = parent
      }
      if call.operation == .setns(namespace) { call.operation = .setns(parent) }
      if case .openNamespaceFile(let kind, of: namespace, let slot) = call.operation {
        call.operation = .openNamespaceFile(kind, of: parent, slot)
      }
      return call
    }
  }

  /// One component less: `/a/b/c` without `/a/b` is `/a/c`.
  static func without(
    component index: Int, of prefix: [Substring], _ calls: [NumberedCall]
  ) -> [NumberedCall] {
    calls.map { call in
      var call = call
      call.operation = call.operation.mapPaths { path in
        guard case .path(let text) = path, text.hasPrefix("/") else { return path }
        var components = text.split(separator: "/")
        guard components.count >= prefix.count, Array(components.prefix(prefix.count)) == prefix
        else { return path }
        components.remove(at: index)
        let end = path.endsInSlash && !components.isEmpty ? "/" : ""
        return .path("/" + components.joined(separator: "/") + end)
      }
      return call
    }
  }

  /// Every prefix that some path has, the deepest first.
  static func prefixes(_ calls: [NumberedCall]) -> [[Substring]] {
    var prefixes: Set<[Substring]> = []
    for call in calls {
      for case .path(let text) in call.operation.paths where text.hasPrefix("/") {
        let components = text.split(separator: "/")
        for length in 1...max(1, components.count) where length <= components.count {
          prefixes.insert(Array(components.prefix(length)))
        }
      }
    }
    return prefixes.sorted { ($1.count, $0.joined()) < ($0.count, $1.joined()) }
  }

  /// Names in the order of their appearance: `a`, `b`, …; file systems `t1`, `t2`, …; namespaces and slots counted up.
  static func plainNames(_ calls: [NumberedCall]) -> [NumberedCall] {
    var names: [Substring: String] = [:]
    var sources: [String: String] = [:]
    var slots: [DescriptorSlot: DescriptorSlot] = [:]
    func name(_ component: Substring) -> String {
      if component == ".." || component == "." { return String(component) }
      if let known = names[component] { return known }
      let index = names.count
      let letter = String(UnicodeScalar(UInt8(97 + index % 26)))
      let new = index < 26 ? letter : "\(letter)\(index / 26)"
      names[component] = new
      return new
    }
    func renamed(_ text: String) -> String {
      let parts = text.split(separator: "/").map(name).joined(separator: "/")
      // A slash at the end asks for a directory.
      let end = text.hasSuffix("/") && !parts.isEmpty ? "/" : ""
      return (text.hasPrefix("/") ? "/" : "") + parts + end
    }
    func slot(_ number: DescriptorSlot) -> DescriptorSlot {
      if let known = slots[number] { return known }
      slots[number] = slots.count + 1
      return slots.count
    }
    func changed(_ change: AttributeChange) -> AttributeChange {
      if case .idmap(let number) = change { .idmap(slot(number)) } else { change }
    }
    func source(_ text: String) -> String {
      if let known = sources[text] { return known }
      sources[text] = "t\(sources.count + 1)"
      return sources[text] ?? text
    }
    return renumbered(calls).map { call in
      var call = call
      var operation = call.operation.mapPaths { path in
        switch path {
        case .null: path
        case .path(let text): .path(renamed(text))
        case .descriptor(let number): .descriptor(slot(number))
        case .relative(let number, let text): .relative(slot(number), renamed(text))
        }
      }
      switch operation {
      case .mount(var mount):
        if mount.type == "tmpfs", case .path(let text) = mount.source {
          mount.source = .path(source(text))
        }
        operation = .mount(mount)
      case .open(let path, let flags, let number):
        operation = .open(path, flags, slot(number))
      case .close(let number): operation = .close(slot(number))
      case .openTree(let path, let flags, let number):
        operation = .openTree(path, flags, slot(number))
      case .fsmount(let type, let text, let number):
        operation = .fsmount(type: type, source: source(text), slot(number))
      case .fsmountNamespace(let type, let text, let number):
        operation = .fsmountNamespace(type: type, source: source(text), slot(number))
      case .openTreeAttr(let path, let flags, let change, let number):
        operation = .openTreeAttr(path, flags, changed(change), slot(number))
      case .mountSetattr(let path, let recursive, let change):
        operation = .mountSetattr(path, recursive: recursive, changed(change))
      case .openNamespaceFile(let kind, of: let namespace, let number):
        operation = .openNamespaceFile(kind, of: namespace, slot(number))
      case .setnsDescriptor(let number): operation = .setnsDescriptor(slot(number))
      case .hold(let number, let kind, let hold): operation = .hold(slot(number), kind, hold)
      default: break
      }
      call.operation = operation
      return call
    }
  }
}
