import StormEngine
import StormVocabulary

// Single calls: sensible ones, and the decision what comes next.

extension PlanGenerator {
  /// Directories and namespaces that the phase begins with.
  mutating func prepare(_ phase: SequentialPhase) {
    for first in names {
      act(0, .mkdir(.path("/\(first)")), .preparation)
      guard phase.tree.depth > 1 else { continue }
      for second in names where random.chance(0.6) {
        act(0, .mkdir(.path("/\(first)/\(second)")), .preparation)
      }
    }
    if phase.sharesRoot { act(0, .change("/", to: .shared, recursive: true), .preparation) }
    while model.livingProcesses.count < phase.startNamespaces, !isFull() {
      // Something to share first, so that the namespaces hang together.
      if let place = plainDirectory(of: 0) {
        actWithinLimits(0, .tmpfs(newSource(), on: place), .preparation)
        furnish(0, place)
        act(0, .change(place, to: propagationType(), recursive: isRecursive()), .preparation)
      }
      let parent = random.one(in: 3) ? anyActor() : 0
      let answer = act(
        parent, .unshare(namespace: freeNamespace(), newUser: false), .preparation)
      guard answer == .none else { return }
    }
  }

  /// One decision: a shape or a single call with what follows from it.
  mutating func decide(_ phase: SequentialPhase) {
    if phase.shapeShare > 0, random.chance(phase.shapeShare),
      let shape = phase.shapes.draw(using: &random)
    {
      let before = pending.count
      perform(shape)
      if pending.count > before { return }
    }
    single(phase)
  }

  /// A single call; one that needs what does not stand is drawn again.
  mutating func single(_ phase: SequentialPhase) {
    let actor = anyActor()
    if table(of: actor).entries.isEmpty, actor != 0, onlyActor == nil, random.chance(0.4) {
      act(actor, .exit, .random(.exit))
      return
    }
    if actors[actor]?.isChrooted == true, onlyActor == nil, random.one(in: 5),
      let operation = homecoming(of: actor)
    {
      act(actor, operation, .random(.chroot))
      return
    }
    for _ in 0..<12 {
      guard var kind = phase.weights.draw(using: &random) else { break }
      // What this kernel does not have is tried now and then, to see that it is refused.
      if !kind.exists(under: model.rules), !random.one(in: 10) { continue }
      if isCrowded(), kind.makesMounts {
        kind = onlyActor == nil && random.one(in: 4) ? .exit : .umountDetach
      }
      if random.chance(phase.wrongShare), var operation = wrong(kind, by: actor) {
        if random.chance(phase.indirectShare) { operation = indirect(operation, by: actor) }
        if actWithinLimits(actor, operation, .wrong(kind)) != nil { return }
      } else if let plain = sensible(kind, by: actor) {
        let operation = random.chance(phase.indirectShare) ? indirect(plain, by: actor) : plain
        guard let answer = actWithinLimits(actor, operation, .random(kind)) else { continue }
        if kind == .tmpfs, answer == .none, operation == plain, case .mount(let call) = plain,
          case .path(let place) = call.target, !call.flags.contains(.readOnly)
        {
          furnish(actor, place)
        }
        return
      }
    }
    // Always possible, and never nothing: a plan must go on.
    act(actor, .mkdir(.path("/\(names[0])")), .random(.mkdir))
  }

  /// The nearer to the limit, the more often.
  private mutating func isCrowded() -> Bool {
    let limits = profile.limits
    let load = max(
      Double(model.mountCount) / Double(limits.mounts),
      Double(mostEntries()) / Double(limits.mountsPerNamespace))
    return random.chance(load * load)
  }

  /// Directories in a new mount.
  mutating func furnish(_ actor: NamespaceNumber, _ place: String) {
    for name in names where random.chance(0.7) {
      act(actor, .mkdir(.path(join(place, name))), .preparation)
    }
  }

  func join(_ directory: String, _ name: String) -> String {
    directory == "/" ? "/\(name)" : "\(directory)/\(name)"
  }

  /// A call of this kind that the model's state suggests; nil where nothing fits.
  mutating func sensible(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .mkdir, .rmdir, .open, .close, .chdir: files(kind, by: actor)
    case .tmpfs, .bind, .rbind, .move, .propagation, .remount, .setattr:
      mounting(kind, by: actor)
    case .umount, .umountDetach, .umountExpire, .umountForce: umounting(kind, by: actor)
    case .touch, .unlink, .symlink, .rename, .stat: naming(kind, by: actor)
    case .unshare, .unshareUser, .exit: namespaces(kind, by: actor)
    case .pivotRoot, .chroot, .setns: rooting(kind, by: actor)
    case .openTree, .fsmount, .attach, .moveMount, .beneath, .setGroup: trees(kind, by: actor)
    case .namespaceFile, .bindNamespaceFile, .setnsFile: namespaceFiles(kind, by: actor)
    case .idmap, .openTreeAttr, .namespaceTree, .fsmountNamespace, .unshareEmpty:
      newTrees(kind, by: actor)
    case .hold, .letGo: holding(kind, by: actor)
    }
  }

  private mutating func files(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .mkdir:
      let parent = directory(of: actor)
      guard depth(of: parent) < body?.tree.depth ?? 3, let name = random.element(of: names) else {
        return nil
      }
      return .mkdir(.path(join(parent, name)))
    case .rmdir:
      let directories = model.directories(seenBy: actor, limit: Self.placeLimit)
      let leaves = directories.filter { directory in
        directory != "/" && !directories.contains { $0.hasPrefix(directory + "/") }
      }
      return random.element(of: leaves).map { .rmdir(.path($0)) }
    case .open:
      guard let slot = actors.freeSlot(of: actor) else { return nil }
      if random.one(in: 12), let file = file(of: actor) {
        return .open(.path(file), random.one(in: 2) ? .path : [], slot)
      }
      let place = random.chance(0.6) ? mountpoint(of: actor) : directory(of: actor)
      return place.map { .open(.path($0), random.one(in: 3) ? .path : .directory, slot) }
    case .close:
      return random.element(of: actors.openSlots(of: actor)).map { .close($0) }
    default:
      return .chdir(.path(random.one(in: 3) ? "/" : directory(of: actor)))
    }
  }

  private mutating func mounting(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .tmpfs:
      let place =
        random.chance(0.75) ? plainDirectory(of: actor) : directory(of: actor)
      // A mount over the root hides nothing from absolute paths, and too many make namespaces alike.
      guard let place, place != "/" || random.one(in: 4) else { return nil }
      return .tmpfs(newSource(), on: place, flags: mountFlags(chance: 0.07))
    case .bind, .rbind:
      if random.one(in: 10), let source = file(of: actor), let target = file(of: actor) {
        return .bind(source, to: target, recursive: kind == .rbind)
      }
      let source =
        random.chance(0.6)
        ? entry(of: actor, root: random.one(in: 5)) { !$0.isUnbindable }?.mountpoint
        : directory(of: actor)
      let target = random.chance(0.7) ? plainDirectory(of: actor) : directory(of: actor)
      guard let source, let target, target != "/" else { return nil }
      return .bind(source, to: target, recursive: kind == .rbind)
    case .move:
      guard let source = movable(of: actor) else { return nil }
      let target = directory(of: actor)
      guard target != "/", target != source, !target.hasPrefix(source + "/") else { return nil }
      return .move(source, to: target)
    case .propagation:
      let root = random.one(in: 6)
      guard let entry = entry(of: actor, root: root, where: { _ in true }) else { return nil }
      return .change(entry.mountpoint, to: propagationType(), recursive: isRecursive())
    case .remount:
      guard let place = mountpoint(of: actor) else { return nil }
      return .mount(
        MountCall(
          target: .path(place), flags: mountFlags(chance: 0.3).union([.remount, .bind])))
    default:
      guard let place = mountpoint(of: actor) else { return nil }
      return attributeChange().map {
        .mountSetattr(.path(place), recursive: isRecursive(), $0)
      }
    }
  }

  private mutating func umounting(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .umountDetach:
      return mountpoint(of: actor).map { .umount2(.path($0), .detach) }
    case .umountExpire:
      if let place = actors[actor]?.expiring, random.chance(0.6) {
        return .umount2(.path(place), .expire)
      }
      guard let place = leaf(of: actor) else { return nil }
      actors.expire(place, by: actor)
      return .umount2(.path(place), .expire)
    default:
      let place = random.chance(0.8) ? leaf(of: actor) : mountpoint(of: actor)
      var flags: UmountFlags = kind == .umountForce ? .force : []
      if random.one(in: 12) { flags.insert(.noFollow) }
      if kind == .umountForce, random.one(in: 3) { flags.insert(.detach) }
      return place.map { .umount2(.path($0), flags) }
    }
  }

  private mutating func namespaces(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .unshare, .unshareUser:
      guard !isFull() else { return nil }
      return .unshare(namespace: freeNamespace(), newUser: kind == .unshareUser)
    case .exit:
      guard actor != 0, model.livingProcesses.count > 2 else { return nil }
      return .exit
    default: return nil
    }
  }

  private mutating func trees(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .openTree:
      guard let slot = actors.freeSlot(of: actor) else { return nil }
      let place = random.chance(0.7) ? mountpoint(of: actor) : directory(of: actor)
      var flags: OpenTreeFlags = []
      if random.chance(0.85) {
        flags = isRecursive() ? [.clone, .recursive] : .clone
      }
      return place.map { .openTree(.path($0), flags, slot) }
    case .fsmount:
      return actors.freeSlot(of: actor).map {
        .fsmount(type: "tmpfs", source: newSource(), $0)
      }
    case .attach:
      guard let slot = random.element(of: actors.treeSlots(of: actor)) else { return nil }
      let beneath = random.one(in: 8)
      let place = beneath ? mountpoint(of: actor) : directory(of: actor)
      guard let place, place != "/" else { return nil }
      return .moveMount(from: .descriptor(slot), to: .path(place), beneath ? .beneath : [])
    case .moveMount:
      guard let source = movable(of: actor) else { return nil }
      let target = directory(of: actor)
      guard target != "/", target != source, !target.hasPrefix(source + "/") else { return nil }
      return .moveMount(from: .path(source), to: .path(target), [])
    case .beneath:
      guard let source = movable(of: actor), let target = mountpoint(of: actor) else { return nil }
      guard target != source else { return nil }
      return .moveMount(from: .path(source), to: .path(target), .beneath)
    default:
      guard
        let from = entry(
          of: actor, root: true, where: { $0.sharedGroup != nil || $0.masterGroup != nil }),
        let to = entry(
          of: actor,
          where: {
            $0.device == from.device && $0.sharedGroup == nil && $0.masterGroup == nil
              && ($0.root == from.root || $0.root.hasPrefix(from.root) || from.root == "/")
          })
      else { return nil }
      return .moveMount(from: .path(from.mountpoint), to: .path(to.mountpoint), .setGroup)
    }
  }
}

extension OperationKind {
  /// Whether the kind adds mounts.
  var makesMounts: Bool {
    switch self {
    case .tmpfs, .bind, .rbind, .unshare, .unshareUser, .openTree, .fsmount, .attach,
      .bindNamespaceFile, .openTreeAttr, .namespaceTree, .fsmountNamespace, .unshareEmpty:
      true
    default: false
    }
  }
}
