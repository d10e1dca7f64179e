import StormEngine
import StormVocabulary

/// Splits racing calls into parts that cannot influence each other, so that each is searched alone.
///
/// Two calls belong together when a path of one is, or is above, a path of the other; when a call has both paths, or its
/// descriptor was opened there; and when mounts that are peers, masters and slaves, or of one file system, show one
/// directory at both: what happens at one of them then shows at the other. In everything else
/// that the engine knows, calls on different places of one tree commute: propagation takes a mount to the same dentry of
/// each receiver, and busy checks, umounts and moves look at that dentry alone. Whatever cannot be seen from the text of a
/// path (symbolic links, `..`, roots that were changed, namespaces, descriptors of detached trees) keeps all together.
struct WindowPartition {
  /// One part: positions of calls in each window.
  struct Part {
    var number: Int
    var calls: [[Int]]
  }

  /// More than one, or none where the calls have to stay together.
  private(set) var parts: [Part] = []
  private var owners: [String: Int] = [:]

  init(of windows: [ContendedWindow], startingFrom model: borrowing MountModel) {
    var places = Places()
    guard Self.join(windows, in: &places, model) else { return }
    let processes = Set(windows.flatMap { $0.calls.map(\.process) })
    guard processes.allSatisfy({ model.standsAtNamespaceRoot($0) }), !model.hasSymbolicLinks else {
      return
    }
    places.joinNested()
    Self.joinCoupled(model, in: &places)
    let numbers = places.numbers()
    guard numbers.count > 1 else { return }
    parts = (0..<numbers.count).map {
      Part(number: $0, calls: Array(repeating: [], count: windows.count))
    }
    for (number, window) in windows.enumerated() {
      for (index, call) in window.calls.enumerated() {
        guard let path = Self.key(of: call, places), let part = numbers[places.root(of: path)]
        else {
          parts = []
          return
        }
        parts[part].calls[number].append(index)
      }
    }
    for path in places.paths { owners[path] = numbers[places.root(of: path)] }
  }

  func filter(_ part: Part) -> PlaceFilter { PlaceFilter(owners: owners, part: part.number) }

  // MARK: what belongs together

  private static func key(of call: ContendedWindow.Call, _ places: Places) -> String? {
    call.operation.namedPaths?.first ?? call.operation.slot.map { slotKey(call.process, $0) }
  }

  private static func slotKey(_ process: NamespaceNumber, _ slot: DescriptorSlot) -> String {
    // No path: paths begin with a slash.
    "\(process)%\(slot)"
  }

  /// False where a call may reach what its text does not name.
  private static func join(
    _ windows: [ContendedWindow], in places: inout Places, _ model: borrowing MountModel
  ) -> Bool {
    for window in windows {
      for call in window.calls {
        guard let paths = call.operation.namedPaths, paths.allSatisfy(isPlain) else { return false }
        var keys = paths
        if let slot = call.operation.slot {
          keys.append(slotKey(call.process, slot))
          if model.isOpen(slot, of: call.process), !model.isAdrift(slot, of: call.process) {
            guard let place = model.mountpoint(ofDescriptor: slot, of: call.process) else {
              return false
            }
            keys.append(place)
          }
        }
        guard let first = keys.first else { return false }
        for key in keys {
          places.insert(key)
          places.join(first, key)
        }
      }
    }
    return true
  }

  private static func isPlain(_ path: String) -> Bool {
    path.hasPrefix("/") && !path.contains("//")
      && !path.split(separator: "/").contains { $0 == "." || $0 == ".." }
  }

  /// Mounts that hang together, or show one file system, at different places.
  private static func joinCoupled(_ model: borrowing MountModel, in places: inout Places) {
    // Groups and devices are told apart by their lowest bit.
    var seats: [UInt64: Set<Seat>] = [:]
    var masters: [(group: UInt64, of: UInt64)] = []
    for process in model.livingProcesses {
      for entry in model.table(seenBy: process).entries {
        let seat = Seat(mountpoint: entry.mountpoint, root: entry.root)
        seats[UInt64(entry.device.minor) << 1, default: []].insert(seat)
        if let group = entry.sharedGroup { seats[UInt64(group) << 1 | 1, default: []].insert(seat) }
        if let master = entry.masterGroup {
          seats[UInt64(master) << 1 | 1, default: []].insert(seat)
          if let group = entry.sharedGroup {
            masters.append((UInt64(group) << 1 | 1, UInt64(master) << 1 | 1))
          }
        }
      }
    }
    for (group, master) in masters {
      let both = seats[group, default: []].union(seats[master, default: []])
      seats[group] = both
      seats[master] = both
    }
    for key in seats.keys.sorted() {
      guard let coupled = seats[key], coupled.count > 1 else { continue }
      let ordered = coupled.sorted { ($0.mountpoint, $0.root) < ($1.mountpoint, $1.root) }
      guard ordered.count <= mostSeats else {
        places.joinRelated(to: ordered.map(\.mountpoint))
        continue
      }
      for (position, one) in ordered.enumerated() {
        for other in ordered[(position + 1)...] {
          if let common = one.common(with: other) { places.joinRelated(to: common) }
        }
      }
    }
  }

  /// Beyond this many places of one thing every pair is not looked at: all of them belong together.
  private static let mostSeats = 64

  /// Where a mount stands and which part of its file system it shows.
  private struct Seat: Hashable {
    var mountpoint: String
    var root: String

    /// The two paths at which both show the same directory; nil where they show different parts.
    func common(with other: Seat) -> [String]? {
      // The path of a removed directory says nothing.
      guard !root.hasSuffix("//deleted"), !other.root.hasSuffix("//deleted") else {
        return [mountpoint, other.mountpoint]
      }
      if let rest = Self.rest(of: other.root, below: root) {
        return [Self.joined(mountpoint, rest), other.mountpoint]
      }
      if let rest = Self.rest(of: root, below: other.root) {
        return [mountpoint, Self.joined(other.mountpoint, rest)]
      }
      return nil
    }

    private static func rest(of path: String, below upper: String) -> String? {
      if path == upper { return "" }
      if upper == "/" { return path }
      return path.hasPrefix(upper + "/") ? String(path.dropFirst(upper.count)) : nil
    }

    private static func joined(_ mountpoint: String, _ rest: String) -> String {
      rest.isEmpty ? mountpoint : mountpoint == "/" ? rest : mountpoint + rest
    }
  }

  /// Sets of paths and descriptors that belong together.
  private struct Places {
    private var parents: [String: String] = [:]

    var paths: [String] { parents.keys.filter { $0.hasPrefix("/") }.sorted() }

    mutating func insert(_ key: String) {
      if parents[key] == nil { parents[key] = key }
    }

    func root(of key: String) -> String {
      var here = key
      while let parent = parents[here], parent != here { here = parent }
      return here
    }

    mutating func join(_ one: String, _ other: String) {
      let first = root(of: one)
      let second = root(of: other)
      if first != second { parents[max(first, second)] = min(first, second) }
    }

    /// A path and what is below it.
    mutating func joinNested() {
      let paths = self.paths
      for path in paths {
        var here = path[...]
        while let slash = here.lastIndex(of: "/") {
          here = here[..<slash]
          let above = here.isEmpty ? "/" : String(here)
          if parents[above] != nil { join(above, path) }
          if here.isEmpty { break }
        }
      }
    }

    /// All paths at, above or below one of these places.
    mutating func joinRelated(to places: [String]) {
      var first: String?
      for path in paths {
        guard places.contains(where: { isRelated($0, path) }) else { continue }
        if let first { join(first, path) } else { first = path }
      }
    }

    private func isRelated(_ one: String, _ other: String) -> Bool {
      one == other || isAbove(one, other) || isAbove(other, one)
    }

    private func isAbove(_ upper: String, _ lower: String) -> Bool {
      upper == "/" || lower.hasPrefix(upper) && lower.dropFirst(upper.count).first == "/"
    }

    /// A number for each set, by its root.
    func numbers() -> [String: Int] {
      var numbers: [String: Int] = [:]
      for key in parents.keys.sorted() {
        let root = root(of: key)
        if numbers[root] == nil { numbers[root] = numbers.count }
      }
      return numbers
    }
  }
}

/// The entries of a table that one part of the calls can change, and those that none can.
struct PlaceFilter: Sendable {
  fileprivate var owners: [String: Int]
  fileprivate var part: Int

  func part(of table: MountTable) -> MountTable {
    MountTable(
      entries: table.entries.filter { owner(of: $0.mountpoint).map { $0 == part } ?? true })
  }

  private func owner(of mountpoint: String) -> Int? {
    var here = mountpoint[...]
    while !here.isEmpty {
      if let owner = owners[String(here)] { return owner }
      guard let slash = here.lastIndex(of: "/") else { break }
      here = here[..<slash]
    }
    return owners["/"]
  }
}

extension Operation {
  /// The path texts that the call names; nil where it names things otherwise, or touches more than they say.
  fileprivate var namedPaths: [String]? {
    func texts(_ arguments: PathArgument...) -> [String]? {
      var texts: [String] = []
      for argument in arguments {
        switch argument {
        case .path(let text): texts.append(text)
        case .null: break
        case .descriptor, .relative: return nil
        }
      }
      return texts
    }
    switch self {
    case .mkdir(let path), .rmdir(let path), .unlink(let path), .touch(let path), .stat(let path),
      .umount2(let path, _), .open(let path, _, _), .openTree(let path, _, _),
      .mountSetattr(let path, _, _):
      return texts(path)
    case .rename(let from, let to), .moveMount(let from, let to, _): return texts(from, to)
    case .mount(let call):
      return call.type == nil ? texts(call.target, call.source) : texts(call.target)
    case .close: return []
    case .symlink, .unshare, .unshareEmpty, .exit, .setns, .setnsDescriptor, .openNamespaceFile,
      .chdir, .chroot, .pivotRoot, .openTreeAttr, .fsmount, .fsmountNamespace, .hold, .letGo:
      return nil
    }
  }

  fileprivate var slot: DescriptorSlot? {
    switch self {
    case .open(_, _, let slot), .openTree(_, _, let slot), .close(let slot): slot
    default: nil
    }
  }
}
