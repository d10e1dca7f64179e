import StormEngine
import StormVocabulary

// The same place by another path: relative to the working directory or to a descriptor, through a symbolic link, with dots,
// and now and then one that only looks like the same. Whatever it turns out to be, the engine has to say.

extension PlanGenerator {
  /// The call with some of its paths given in another way.
  mutating func indirect(_ operation: Operation, by actor: NamespaceNumber) -> Operation {
    switch operation {
    case .mkdir(let path): return .mkdir(indirect(path, by: actor))
    case .rmdir(let path): return .rmdir(indirect(path, by: actor))
    case .touch(let path): return .touch(indirect(path, by: actor))
    case .unlink(let path): return .unlink(indirect(path, by: actor))
    case .symlink(let contents, let path):
      return .symlink(contents: contents, at: indirect(path, by: actor))
    case .rename(let from, let to):
      return .rename(from: indirect(from, by: actor), to: indirect(to, by: actor))
    case .stat(let path): return .stat(indirect(path, by: actor, isPlace: true))
    case .mount(var call):
      // The source of a new file system is a name, not a path.
      if call.type == nil { call.source = indirect(call.source, by: actor, isPlace: true) }
      call.target = indirect(call.target, by: actor, isPlace: true)
      return .mount(call)
    case .umount2(let path, let flags):
      // A magic link is a link too: with UMOUNT_NOFOLLOW it would name procfs itself.
      let mayBeLink = !flags.contains(.noFollow)
      return .umount2(indirect(path, by: actor, isPlace: mayBeLink), flags)
    case .open(let path, let flags, let slot):
      return .open(indirect(path, by: actor, isPlace: true), flags, slot)
    case .chdir(let path): return .chdir(indirect(path, by: actor, isPlace: true))
    case .chroot(let path) where actor != 0:
      return .chroot(indirect(path, by: actor, isPlace: true))
    case .pivotRoot(let newRoot, let putOld) where actor != 0:
      return .pivotRoot(
        newRoot: indirect(newRoot, by: actor, isPlace: true),
        putOld: indirect(putOld, by: actor, isPlace: true))
    case .openTree(let path, let flags, let slot):
      return .openTree(indirect(path, by: actor, isPlace: true), flags, slot)
    case .openTreeAttr(let path, let flags, let change, let slot):
      return .openTreeAttr(indirect(path, by: actor, isPlace: true), flags, change, slot)
    case .moveMount(let from, let to, let flags):
      return .moveMount(
        from: indirect(from, by: actor, isPlace: true),
        to: indirect(to, by: actor, isPlace: true), flags)
    case .mountSetattr(let path, let recursive, let change):
      return .mountSetattr(indirect(path, by: actor, isPlace: true), recursive: recursive, change)
    default: return operation
    }
  }

  /// - Parameter isPlace: the path is followed to its end, so that a descriptor may stand for it.
  private mutating func indirect(
    _ argument: PathArgument, by actor: NamespaceNumber, isPlace: Bool = false
  ) -> PathArgument {
    guard case .path(let path) = argument, path.hasPrefix("/"), path.utf8.count < 1_000 else {
      return argument
    }
    switch random.next(below: 8) {
    case 0: return .path(dotted(path))
    case 1: return .path(path == "/" ? "//" : path + "/")
    case 2, 3: return .path(relative(path, to: actors[actor]?.workingDirectory ?? "/"))
    case 4, 5: return byDescriptor(path, by: actor, isPlace: isPlace)
    case 6: return .path(throughLink(path, by: actor))
    default: return argument
    }
  }

  /// `/a/b` as `/a/./b` or `/a/../a/b`.
  private mutating func dotted(_ path: String) -> String {
    var components = path.split(separator: "/").map(String.init)
    let place = random.next(below: components.count + 1)
    if place > 0, random.one(in: 2) {
      components.insert(contentsOf: ["..", components[place - 1]], at: place)
    } else {
      components.insert(".", at: place)
    }
    return "/" + components.joined(separator: "/")
  }

  /// A path from one directory to a place, by their names alone.
  private func relative(_ path: String, to base: String) -> String {
    if path == base { return "." }
    let prefix = base == "/" ? "/" : base + "/"
    if path.hasPrefix(prefix) { return String(path.dropFirst(prefix.count)) }
    let ups = Array(repeating: "..", count: base.split(separator: "/").count)
    return (ups + path.split(separator: "/").map(String.init)).joined(separator: "/")
  }

  /// By an open descriptor; by that of a detached tree it is another place with the same last name.
  private mutating func byDescriptor(
    _ path: String, by actor: NamespaceNumber, isPlace: Bool
  ) -> PathArgument {
    if let tree = random.element(of: actors.treeSlots(of: actor)), random.one(in: 2) {
      guard let last = path.split(separator: "/").last else {
        return isPlace ? .descriptor(tree) : .relative(tree, ".")
      }
      return .relative(tree, String(last))
    }
    guard let (slot, base) = random.element(of: actors.places(of: actor)) else {
      return .path(dotted(path))
    }
    if isPlace, path == base || random.one(in: 12) { return .descriptor(slot) }
    return .relative(slot, relative(path, to: base))
  }

  /// Through a link that leads to the place or above it, or through any link to the same last name.
  private mutating func throughLink(_ path: String, by actor: NamespaceNumber) -> String {
    let links = model.names(seenBy: actor, limit: Self.placeLimit)
      .filter { $0.kind == .symbolicLink }
    let leading = links.filter { path == $0.contents || path.hasPrefix($0.contents + "/") }
    if let link = random.element(of: leading) {
      return link.path + path.dropFirst(link.contents.count)
    }
    guard let link = random.element(of: links) else { return dotted(path) }
    return path.split(separator: "/").last.map { link.path + "/" + $0 } ?? link.path
  }
}
