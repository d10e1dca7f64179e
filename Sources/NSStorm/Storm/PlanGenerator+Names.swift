import StormEngine
import StormVocabulary

// Calls on names: files, symbolic links, renames, and paths that are looked up and nothing else (kernel-mounts 2).

extension PlanGenerator {
  /// Names of what is not a directory; few, so that calls meet.
  private static var fileNames: [String] { ["f", "g"] }
  private static var linkNames: [String] { ["l", "m"] }

  /// A call that makes, removes, renames or looks up a name; nil where nothing fits.
  mutating func naming(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .touch:
      return random.element(of: Self.fileNames).map { name in
        .touch(.path(join(directory(of: actor), name)))
      }
    case .unlink:
      return name(of: actor) { $0.kind != .directory }.map { .unlink(.path($0.path)) }
    case .symlink: return symbolicLink(by: actor)
    case .rename: return rename(by: actor)
    default:
      if let slot = random.element(of: actors.openSlots(of: actor)), random.one(in: 4) {
        return .stat(random.one(in: 2) ? .descriptor(slot) : .relative(slot, anyComponent()))
      }
      return name(of: actor) { _ in true }.map { .stat(.path($0.path)) }
    }
  }

  /// A call on a name that is refused.
  mutating func wrongNaming(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .touch:
      return switch random.next(below: 4) {
      case 0: .touch(.path(missing(of: actor) + "/f"))
      case 1: .touch(.path(join(directory(of: actor), "new/")))
      case 2: file(of: actor).map { .touch(.path($0 + "/below")) }
      default: name(of: actor) { _ in true }.map { .touch(.path($0.path)) }
      }
    case .unlink:
      return switch random.next(below: 4) {
      case 0: .unlink(.path(missing(of: actor)))
      case 1: .unlink(.path(directory(of: actor)))
      case 2: file(of: actor).map { .unlink(.path($0 + "/")) }
      default: mountpoint(of: actor).map { .unlink(.path($0)) }
      }
    case .symlink:
      return name(of: actor) { _ in true }.map { .symlink(contents: "/a", at: .path($0.path)) }
    case .rename: return wrongRename(by: actor)
    default:
      return switch random.next(below: 5) {
      case 0: .stat(.path("/" + String(repeating: "n", count: 256)))
      case 1: .stat(.path(String(repeating: "/a", count: 2_100)))
      case 2: file(of: actor).map { .stat(.path($0 + "/a")) }
      case 3: .stat("")
      default: .stat(.path(missing(of: actor)))
      }
    }
  }

  /// A link that leads to a place, relatively or absolutely, to itself, to another link, or nowhere.
  private mutating func symbolicLink(by actor: NamespaceNumber) -> Operation? {
    guard let own = random.element(of: Self.linkNames) else { return nil }
    let parent = directory(of: actor)
    let contents: String
    switch random.next(below: 12) {
    case 0: contents = own
    case 1: contents = join(parent, own == "l" ? "m" : "l")
    case 2: contents = "none/a"
    case 3: contents = ".."
    case 4: contents = "../" + anyComponent()
    case 5: contents = anyComponent()
    case 6: contents = "/"
    default:
      contents = random.chance(0.6) ? mountpoint(of: actor) ?? parent : directory(of: actor)
    }
    return .symlink(contents: contents, at: .path(join(parent, own)))
  }

  /// Within one mount, to a new name or over what may be replaced.
  private mutating func rename(by actor: NamespaceNumber) -> Operation? {
    let taken = Set(table(of: actor).entries.map(\.mountpoint))
    guard let from = name(of: actor, where: { $0.path != "/" && !taken.contains($0.path) }) else {
      return nil
    }
    let parent = random.chance(0.6) ? String(parentPath(of: from.path)) : directory(of: actor)
    let name =
      switch from.kind {
      case .directory: anyComponent()
      case .regular, .mountNamespaceFile, .userNamespaceFile:
        random.element(of: Self.fileNames) ?? "f"
      case .symbolicLink: random.element(of: Self.linkNames) ?? "l"
      }
    let to = join(parent, name)
    guard to != from.path, !to.hasPrefix(from.path + "/"), depth(of: to) <= body?.tree.depth ?? 3
    else { return nil }
    return .rename(from: .path(from.path), to: .path(to))
  }

  private mutating func wrongRename(by actor: NamespaceNumber) -> Operation? {
    let place = name(of: actor) { $0.path != "/" }?.path
    guard let place else { return .rename(from: "/", to: "/a") }
    switch random.next(below: 7) {
    case 0: return .rename(from: .path(missing(of: actor)), to: .path(place))
    case 1: return .rename(from: .path(place), to: .path(place + "/in"))
    case 2: return mountpoint(of: actor).map { .rename(from: .path($0), to: .path(place)) }
    case 3: return mountpoint(of: actor).map { .rename(from: .path(place), to: .path($0)) }
    case 4: return .rename(from: .path(place + "/"), to: .path(place + "x/"))
    case 5: return .rename(from: .path(place + "/.."), to: .path("/new"))
    default:
      return name(of: actor) { _ in true }.map { .rename(from: .path(place), to: .path($0.path)) }
    }
  }

  // MARK: drawing names

  /// A name that the process sees and that satisfies the condition.
  mutating func name(
    of actor: NamespaceNumber, where condition: (SeenName) -> Bool
  ) -> SeenName? {
    random.element(of: model.names(seenBy: actor, limit: Self.placeLimit).filter(condition))
  }

  /// A regular file.
  mutating func file(of actor: NamespaceNumber) -> String? {
    name(of: actor) { $0.kind == .regular }?.path
  }

  /// One of the names that directories have.
  mutating func anyComponent() -> String { random.element(of: names) ?? "a" }

  func parentPath(of path: String) -> Substring {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return path[..<slash]
  }

  /// How many components an absolute path has.
  func depth(of path: String) -> Int {
    path == "/" ? 0 : path.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "/") ? 1 : 0) }
  }
}
