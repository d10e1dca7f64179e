import StormEngine
import StormVocabulary

// Calls that are wrong on purpose: each aims at one check, so that the order of the checks is tested as well.

extension PlanGenerator {
  /// A call of this kind that should fail; nil where the kind has no such call.
  mutating func wrong(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .mkdir:
      return switch random.next(below: 4) {
      case 0: .mkdir(.path("/"))
      case 1: .mkdir(.path(missing(of: actor) + "/a"))
      default: .mkdir(.path(directory(of: actor)))
      }
    case .rmdir:
      return switch random.next(below: 4) {
      case 0: .rmdir(.path("/"))
      case 1: .rmdir(.path(missing(of: actor)))
      case 2: mountpoint(of: actor).map { .rmdir(.path($0)) }
      default: filledDirectory(of: actor).map { .rmdir(.path($0)) }
      }
    case .tmpfs: return wrongTmpfs(actor)
    case .bind, .rbind: return wrongBind(actor, recursive: kind == .rbind)
    case .move, .moveMount, .beneath: return wrongMove(kind, by: actor)
    case .propagation: return wrongPropagation(actor)
    case .remount:
      let place = random.one(in: 2) ? missing(of: actor) : plainDirectory(of: actor)
      return place.map {
        .mount(MountCall(target: .path($0), flags: [.remount, .bind, .readOnly]))
      }
    case .umount, .umountDetach, .umountExpire, .umountForce:
      return wrongUmount(kind, by: actor)
    case .open:
      return actors.freeSlot(of: actor).map {
        .open(.path(missing(of: actor)), .directory, $0)
      }
    case .chdir:
      return random.one(in: 2)
        ? .chdir(.path(missing(of: actor))) : file(of: actor).map { .chdir(.path($0)) }
    case .pivotRoot, .chroot, .setns: return wrongRooting(kind, by: actor)
    case .touch, .unlink, .symlink, .rename, .stat: return wrongNaming(kind, by: actor)
    case .close: return actors.freeSlot(of: actor).map { .close($0) }
    case .openTree:
      guard let slot = actors.freeSlot(of: actor) else { return nil }
      return switch random.next(below: 3) {
      case 0: .openTree(.path(directory(of: actor)), .recursive, slot)
      case 1: .openTree(.path(missing(of: actor)), .clone, slot)
      default:
        entry(of: actor) { $0.isUnbindable }.map { .openTree(.path($0.mountpoint), .clone, slot) }
      }
    case .attach:
      guard let slot = random.element(of: actors.openSlots(of: actor)) else { return nil }
      let place = random.one(in: 2) ? missing(of: actor) : directory(of: actor)
      return .moveMount(from: .descriptor(slot), to: .path(place), [])
    case .setGroup:
      let from = random.one(in: 2) ? directory(of: actor) : mountpoint(of: actor)
      guard let from, let to = mountpoint(of: actor) else { return nil }
      return .moveMount(from: .path(from), to: .path(to), .setGroup)
    case .setattr:
      let place = random.one(in: 2) ? missing(of: actor) : plainDirectory(of: actor)
      return place.map {
        .mountSetattr(.path($0), recursive: isRecursive(), .set(.noSetuid))
      }
    case .namespaceFile, .bindNamespaceFile, .setnsFile:
      return wrongNamespaceFiles(kind, by: actor)
    case .idmap, .openTreeAttr, .namespaceTree: return wrongNewTrees(kind, by: actor)
    case .hold, .letGo: return wrongHolding(kind, by: actor)
    case .unshare, .unshareUser, .unshareEmpty, .exit, .fsmount, .fsmountNamespace: return nil
    }
  }

  /// A path that does not exist: a new name, or one below a new name.
  mutating func missing(of actor: NamespaceNumber) -> String {
    let parent = random.one(in: 2) ? "/" : directory(of: actor)
    return join(parent, random.one(in: 3) ? "none/a" : "none")
  }

  /// A directory with something in it.
  private mutating func filledDirectory(of actor: NamespaceNumber) -> String? {
    let all = model.directories(seenBy: actor, limit: Self.placeLimit)
    let taken = Set(table(of: actor).entries.map(\.mountpoint))
    return random.element(
      of: all.filter { directory in
        directory != "/" && !taken.contains(directory)
          && all.contains { $0.hasPrefix(directory + "/") }
      })
  }

  private mutating func wrongTmpfs(_ actor: NamespaceNumber) -> Operation? {
    let target = random.one(in: 3) ? missing(of: actor) : directory(of: actor)
    switch random.next(below: 4) {
    case 0: return .tmpfs(newSource(), on: missing(of: actor))
    case 3: return file(of: actor).map { .tmpfs(newSource(), on: $0) }
    case 1:
      return .mount(
        MountCall(type: "nosuchfs", source: .path(newSource()), target: .path(target)))
    default: return .mount(MountCall(source: .path(newSource()), target: .path(target)))
    }
  }

  private mutating func wrongBind(_ actor: NamespaceNumber, recursive: Bool) -> Operation? {
    let target = directory(of: actor)
    switch random.next(below: 5) {
    case 4:
      // A file on a directory, or the other way round.
      guard let file = file(of: actor) else { return nil }
      let onFile = random.one(in: 2)
      return .bind(onFile ? target : file, to: onFile ? file : target, recursive: recursive)
    case 0: return .bind(missing(of: actor), to: target, recursive: recursive)
    case 1: return .bind(target, to: missing(of: actor), recursive: recursive)
    case 2:
      return entry(of: actor, root: true) { $0.isUnbindable }.map {
        .bind($0.mountpoint, to: target, recursive: recursive)
      }
    default: return .mount(MountCall(target: .path(target), flags: .bind))
    }
  }

  private mutating func wrongMove(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    let source: String?
    var target = directory(of: actor)
    switch random.next(below: 5) {
    case 0: source = missing(of: actor)
    case 1: source = plainDirectory(of: actor)
    case 2:
      // Out of a shared parent.
      let shared = Set(table(of: actor).entries.filter { $0.sharedGroup != nil }.map(\.id))
      source = entry(of: actor) { shared.contains($0.parent) }?.mountpoint
    case 3:
      // Into itself.
      source = movable(of: actor)
      if let source {
        let inside = model.directories(seenBy: actor, limit: Self.placeLimit)
          .filter { $0.hasPrefix(source + "/") }
        target = random.element(of: inside) ?? source
      }
    default: source = "/"
    }
    guard let source else { return nil }
    switch kind {
    case .move: return .move(source, to: target)
    case .moveMount: return .moveMount(from: .path(source), to: .path(target), [])
    default: return .moveMount(from: .path(source), to: .path(target), .beneath)
    }
  }

  private mutating func wrongPropagation(_ actor: NamespaceNumber) -> Operation? {
    switch random.next(below: 4) {
    case 0: return .change(missing(of: actor), to: propagationType())
    case 1: return plainDirectory(of: actor).map { .change($0, to: propagationType()) }
    case 2:
      return mountpoint(of: actor).map {
        .mount(MountCall(target: .path($0), flags: [.shared, .private]))
      }
    default:
      return mountpoint(of: actor).map {
        .mount(MountCall(target: .path($0), flags: [.slave, .readOnly]))
      }
    }
  }

  private mutating func wrongUmount(
    _ kind: OperationKind, by actor: NamespaceNumber
  ) -> Operation? {
    let flags: UmountFlags =
      switch kind {
      case .umountDetach: .detach
      case .umountExpire: .expire
      case .umountForce: .force
      default: []
      }
    switch random.next(below: 6) {
    case 0: return .umount2(.path(missing(of: actor)), flags)
    case 5:
      // Bits that no kernel knows, before anything else is looked at.
      let bits = UmountFlags(rawValue: 1 << UInt32(4 + random.next(below: 27)))
      let path: PathArgument = random.one(in: 4) ? .null : .path(mountpoint(of: actor) ?? "/")
      return .umount2(path, random.one(in: 4) ? flags : flags.union(bits))
    case 1: return plainDirectory(of: actor).map { .umount2(.path($0), flags) }
    case 2:
      return mountpoint(of: actor).map {
        .umount2(.path($0), [.expire, random.one(in: 2) ? .detach : .force])
      }
    case 3:
      // A mount with children, synchronously.
      let parents = Set(table(of: actor).entries.map(\.parent))
      return entry(of: actor) { parents.contains($0.id) }.map {
        .umount2(.path($0.mountpoint), flags.subtracting(.detach))
      }
    default:
      // The root: only where it is not the tmpfs that all namespaces share, which would become
      // read-only for the rest of the run (kernel-mounts 5.1, 4).
      guard actor != 0, let root = table(of: actor).entries.first, root.source != "root" else {
        return nil
      }
      return .umount2("/", flags)
    }
  }
}
