import StormEngine
import StormVocabulary

// Shapes around trees that get mappings of ids, or become namespaces of their own (kernel-mounts 3.11 to 3.13).

extension PlanGenerator {
  /// Detached copies get a mapping and are attached, copied and mapped again; owners and others try the same.
  mutating func idmappedTrees() {
    guard OperationKind.idmap.exists(under: model.rules),
      let stage = makeStage(.idmappedTrees, directories: ["d"], shared: random.one(in: 3))
    else { return }
    let a = stage.actor
    let aside = stage.other("t")
    mkdir(stage, by: a, aside)
    if random.one(in: 2) {
      // A type that takes no mapping stands in the tree.
      let type = random.one(in: 2) ? "ramfs" : "tmpfs"
      play(
        stage,
        .mount(
          MountCall(type: type, source: .path(newSource()), target: .path(stage("d")))))
    }
    guard let u = receiver(stage, of: a, keeping: [a], user: true) else { return strike(stage) }
    let v = random.one(in: 3) ? receiver(stage, of: u, keeping: [a, u], user: true) : nil
    let mapper = random.one(in: 4) ? u : a
    guard let users = actors.freeSlot(of: mapper),
      play(
        stage, by: mapper,
        .openNamespaceFile(.user, of: random.element(of: [u, u, v ?? u, mapper]) ?? u, users))
    else { return strike(stage, cast: [u] + (v.map { [$0] } ?? [])) }
    if random.one(in: 3) { mount(stage, by: u, on: aside, directories: "x") }
    // A file that opens to who could not open it below /proc.
    if random.one(in: 4), mapper == a { lendUsers(stage, users, to: u, mapping: aside) }
    for _ in 0..<2 + random.next(below: 4) {
      mapTree(stage, users, by: mapper, from: random.one(in: 2) ? stage.path : aside, to: aside)
    }
    if actors.openSlots(of: mapper).contains(users) { play(stage, by: mapper, .close(users)) }
    leave(stage, by: mapper, aside)
    strike(stage, cast: [u] + (v.map { [$0] } ?? []), places: [aside])
  }

  private mutating func mapTree(
    _ stage: Stage, _ users: DescriptorSlot, by mapper: NamespaceNumber, from source: String,
    to target: String
  ) {
    guard model.isAlive(mapper), let tree = actors.freeSlot(of: mapper) else { return }
    let recursive = random.one(in: 2)
    let flags: OpenTreeFlags = recursive ? [.clone, .recursive] : .clone
    let mapping = AttributeChange.idmap(users)
    switch random.next(below: 6) {
    case 0: play(stage, by: mapper, .mountSetattr(.path(source), recursive: recursive, mapping))
    case 1:
      if model.rules.hasOpenTreeAttr {
        play(stage, by: mapper, .openTreeAttr(.path(source), flags, mapping, tree))
      }
    case 2:
      if model.rules.hasOpenTreeAttr {
        play(stage, by: mapper, .openTreeAttr(.path(source), flags, .clear(.idmapped), tree))
      }
    case 3: play(stage, by: mapper, .fsmount(type: "tmpfs", source: newSource(), tree))
    default: play(stage, by: mapper, .openTree(.path(source), flags, tree))
    }
    guard actors.treeSlots(of: mapper).contains(tree) else { return }
    for _ in 0..<1 + random.next(below: 2) {
      play(stage, by: mapper, .mountSetattr(.descriptor(tree), recursive: recursive, mapping))
    }
    if random.one(in: 5) {
      play(
        stage, by: mapper,
        .mountSetattr(.descriptor(tree), recursive: recursive, .clear(.idmapped)))
    }
    if random.chance(0.7) {
      play(stage, by: mapper, .moveMount(from: .descriptor(tree), to: .path(target), []))
      play(stage, by: mapper, .mkdir(.path(target + "/y")))
      if random.one(in: 3) {
        play(stage, by: mapper, .bind(target, to: stage("d"), recursive: recursive))
      }
    }
    if actors.openSlots(of: mapper).contains(tree) { play(stage, by: mapper, .close(tree)) }
  }

  /// The file of a user namespace is bound where others see it: a descriptor of it lends them no capability.
  private mutating func lendUsers(
    _ stage: Stage, _ users: DescriptorSlot, to other: NamespaceNumber, mapping place: String
  ) {
    let file = stage.other("f")
    play(stage, .touch(.path(file)))
    guard play(stage, .bind(.descriptor(users), to: file)),
      let stranger = receiver(stage, of: stage.actor, keeping: [stage.actor, other], user: true)
    else { return }
    if let open = actors.freeSlot(of: stranger),
      play(stage, by: stranger, .open(.path(file), [], open)),
      let tree = actors.freeSlot(of: stranger),
      play(stage, by: stranger, .openTree(.path(stage.path), [.clone, .recursive], tree))
    {
      play(
        stage, by: stranger, .mountSetattr(.descriptor(tree), recursive: false, .idmap(open)))
    }
    act(stranger, .exit, .shape(stage.kind))
    detach(stage, by: stage.actor, file)
  }

  /// Trees and fresh file systems become namespaces, and some namespaces begin empty; processes go there, and what they do
  /// propagates to where the trees came from.
  mutating func madeNamespaces() {
    guard model.rules.hasNamespaceTrees,
      let stage = makeStage(.madeNamespaces, directories: ["d", "e"], shared: random.chance(0.7))
    else { return }
    let a = stage.actor
    play(stage, .touch(.path(stage("f"))))
    if random.one(in: 2) { mount(stage, by: a, on: stage("d"), directories: "x") }
    if random.one(in: 4) { play(stage, .change(stage("d"), to: .unbindable)) }
    guard let b = receiver(stage, of: a, keeping: [a], user: random.one(in: 3)),
      let c = receiver(stage, of: random.one(in: 2) ? a : b, keeping: [a, b])
    else { return strike(stage) }
    if random.one(in: 3), !model.absoluteRootIsBare(inNamespaceOf: b) {
      play(stage, by: c, .setns(b))
    }
    for _ in 0..<2 + random.next(below: 4) {
      let maker = random.element(of: [b, c, c]) ?? c
      if random.one(in: 4), model.rules.hasEmptyNamespaces {
        beginEmpty(stage, from: maker, keeping: [a, b, c])
        continue
      }
      guard model.isAlive(maker), let slot = actors.freeSlot(of: maker) else { continue }
      let place = random.element(of: [stage.path, stage.path, stage("d"), stage("f"), "/"])
      var made: Operation = .openTree(
        .path(place ?? stage.path), random.one(in: 2) ? [.namespace, .recursive] : .namespace, slot)
      if random.one(in: 4), model.rules.hasFsmountNamespace {
        made = .fsmountNamespace(type: "tmpfs", source: newSource(), slot)
      } else if random.one(in: 8) {
        made = .openTreeAttr(.path(stage.path), .namespace, .set(.readOnly), slot)
      }
      guard play(stage, by: maker, made) else { continue }
      if random.one(in: 4) {
        play(stage, by: maker, .bind(.descriptor(slot), to: stage("f")))
      }
      if mayEnter(slot, by: maker), play(stage, by: maker, .setnsDescriptor(slot)) {
        live(stage, by: maker)
      }
      if actors.openSlots(of: maker).contains(slot) { play(stage, by: maker, .close(slot)) }
      if random.one(in: 2), !model.absoluteRootIsBare(inNamespaceOf: a), maker != 0 {
        play(stage, by: maker, .setns(a))
      }
    }
    leave(stage, by: a, stage("e"))
    strike(stage, cast: [b, c])
  }

  /// What a process does at the root of its new namespace.
  private mutating func live(_ stage: Stage, by actor: NamespaceNumber) {
    for _ in 0..<2 + random.next(below: 3) {
      switch random.next(below: 8) {
      case 0: play(stage, by: actor, .mkdir("/e"))
      case 1, 2: play(stage, by: actor, .tmpfs(newSource(), on: random.one(in: 2) ? "/e" : "/d"))
      case 3: play(stage, by: actor, .umount2("/", .detach))
      case 4: play(stage, by: actor, .umount2(random.one(in: 2) ? "/d" : "/e", []))
      case 5: play(stage, by: actor, .change("/", to: propagationType()))
      case 6: play(stage, by: actor, .bind("/", to: "/e", recursive: true))
      default: play(stage, by: actor, .stat("/d/x"))
      }
    }
  }

  private mutating func beginEmpty(
    _ stage: Stage, from parent: NamespaceNumber, keeping cast: [NamespaceNumber]
  ) {
    guard model.isAlive(parent), !isFull() else { return }
    let number = freeNamespace()
    let begun = Operation.unshareEmpty(namespace: number, newUser: random.one(in: 3))
    guard actWithinLimits(parent, begun, .shape(stage.kind)) == Errno.none else { return }
    for _ in 0..<2 + random.next(below: 4) {
      switch random.next(below: 7) {
      case 0: play(stage, by: number, .mkdir("/x"))
      case 1, 2: play(stage, by: number, .tmpfs(newSource(), on: "/"))
      case 3: play(stage, by: number, .umount2("/", random.one(in: 2) ? .detach : []))
      case 4: play(stage, by: number, .change("/", to: propagationType()))
      case 5: play(stage, by: number, .pivotRoot(newRoot: "/", putOld: "/"))
      default:
        if let tree = actors.freeSlot(of: number),
          play(stage, by: number, .fsmount(type: "tmpfs", source: newSource(), tree))
        {
          play(stage, by: number, .moveMount(from: .descriptor(tree), to: "/", []))
          if random.one(in: 2) {
            play(stage, by: number, .pivotRoot(newRoot: .descriptor(tree), putOld: "/"))
          }
        }
      }
    }
    if model.isAlive(number), random.chance(0.7) { act(number, .exit, .shape(stage.kind)) }
  }
}
