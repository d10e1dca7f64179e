import StormEngine
import StormVocabulary

// Drawing actors, paths and flags.

extension SeededGenerator {
  /// A random element, or nil of an empty collection.
  mutating func element<Element>(of array: [Element]) -> Element? {
    array.isEmpty ? nil : array[next(below: array.count)]
  }

  /// True once in so many.
  mutating func one(in count: Int) -> Bool { next(below: count) == 0 }
}

extension PlanGenerator {
  /// How many directories of a process are considered as places.
  static var placeLimit: Int { 160 }

  /// The names of directories; few, so that calls meet.
  var names: [String] {
    let breadth = body?.tree.breadth ?? 3
    return (0..<breadth).map { String(UnicodeScalar(UInt8(97 + $0))) }
  }

  func isFull() -> Bool { model.livingProcesses.count >= profile.limits.namespaces }

  /// The lowest number that no living namespace has.
  func freeNamespace() -> NamespaceNumber {
    var number = 1
    for process in model.livingProcesses where process > 0 {
      guard process == number else { break }
      number += 1
    }
    return number
  }

  mutating func anyActor() -> NamespaceNumber {
    onlyActor ?? random.element(of: model.livingProcesses) ?? 0
  }

  mutating func directory(of actor: NamespaceNumber) -> String {
    random.element(of: model.directories(seenBy: actor, limit: Self.placeLimit)) ?? "/"
  }

  /// A directory that nothing is mounted on, as far as the table tells.
  mutating func plainDirectory(of actor: NamespaceNumber) -> String? {
    let taken = Set(table(of: actor).entries.map(\.mountpoint))
    return random.element(
      of: model.directories(seenBy: actor, limit: Self.placeLimit).filter { !taken.contains($0) })
  }

  /// An entry that satisfies the condition, the one for `/` only where `root` says so.
  mutating func entry(
    of actor: NamespaceNumber, root: Bool = false, where condition: (MountTable.Entry) -> Bool
  ) -> MountTable.Entry? {
    random.element(
      of: table(of: actor).entries.filter { (root || $0.mountpoint != "/") && condition($0) })
  }

  mutating func mountpoint(of actor: NamespaceNumber) -> String? {
    entry(of: actor) { _ in true }?.mountpoint
  }

  /// A mountpoint whose mount has nothing mounted on it.
  mutating func leaf(of actor: NamespaceNumber) -> String? {
    let parents = Set(table(of: actor).entries.map(\.parent))
    return entry(of: actor) { !parents.contains($0.id) }?.mountpoint
  }

  /// A mountpoint whose mount can be moved away: its parent is in the table and not shared.
  mutating func movable(of actor: NamespaceNumber) -> String? {
    let open = Set(table(of: actor).entries.filter { $0.sharedGroup == nil }.map(\.id))
    return entry(of: actor) { open.contains($0.parent) }?.mountpoint
  }

  mutating func newSource() -> String {
    defer { nextSource += 1 }
    return "t\(nextSource)"
  }

  mutating func propagationType() -> PropagationType {
    body?.propagation.draw(using: &random) ?? .shared
  }

  mutating func isRecursive() -> Bool { random.chance(body?.recursiveShare ?? 0.3) }

  /// Each of the attributes with the given chance.
  mutating func attributes(chance: Double) -> MountAttributes {
    var attributes: MountAttributes = []
    for attribute in [MountAttributes.readOnly, .noSetuid, .noDevices, .noExecute]
    where random.chance(chance) {
      attributes.insert(attribute)
    }
    return attributes
  }

  mutating func mountFlags(chance: Double) -> MountFlags {
    var flags: MountFlags = []
    for flag in [MountFlags.readOnly, .noSetuid, .noDevices, .noExecute]
    where random.chance(chance) {
      flags.insert(flag)
    }
    let rare: [MountFlags] = [
      .noAccessTime, .noDirectoryAccessTime, .strictAccessTime, .relativeAccessTime,
      .noSymlinkFollow,
    ]
    if random.chance(chance / 3), let flag = random.element(of: rare) { flags.insert(flag) }
    return flags
  }
}

extension PropagationType {
  /// The bit of `mount(2)`.
  var mountFlag: MountFlags {
    switch self {
    case .shared: .shared
    case .private: .private
    case .slave: .slave
    case .unbindable: .unbindable
    }
  }
}

extension Operation {
  /// `mount(NULL, target, NULL, type)`.
  static func change(
    _ target: String, to type: PropagationType, recursive: Bool = false
  ) -> Operation {
    .mount(
      MountCall(
        target: .path(target),
        flags: recursive ? [type.mountFlag, .recursive] : type.mountFlag))
  }

  static func tmpfs(_ source: String, on target: String, flags: MountFlags = []) -> Operation {
    .mount(
      MountCall(type: "tmpfs", source: .path(source), target: .path(target), flags: flags))
  }

  static func bind(_ source: String, to target: String, recursive: Bool = false) -> Operation {
    .mount(
      MountCall(
        source: .path(source), target: .path(target),
        flags: recursive ? [.bind, .recursive] : .bind))
  }

  static func move(_ source: String, to target: String) -> Operation {
    .mount(MountCall(source: .path(source), target: .path(target), flags: .move))
  }
}
