import StormEngine
import StormVocabulary

// Shapes around the files of namespaces and what keeps open files (kernel-mounts 3.3, 3.3.1, 3.9, 3.14, 6.5).

extension PlanGenerator {
  /// The file of a namespace is bound, copied, moved and slipped under locks; its namespace outlives its processes by it, and
  /// others go there.
  mutating func boundNamespaces() {
    guard
      let stage = makeStage(.boundNamespaces, directories: ["d"], shared: random.one(in: 2))
    else { return }
    let a = stage.actor
    let files = [stage("f"), stage("g"), stage.other("f")]
    for file in files { play(stage, .touch(.path(file))) }
    let aside = stage.other("t")
    mkdir(stage, by: a, aside)
    guard let b = receiver(stage, of: a, keeping: [a]),
      let c = receiver(stage, of: random.one(in: 2) ? a : b, keeping: [a, b])
    else { return strike(stage) }
    guard let slot = actors.freeSlot(of: a),
      play(stage, .openNamespaceFile(.mount, of: random.one(in: 2) ? b : c, slot))
    else { return strike(stage, cast: [b, c]) }
    for _ in 0..<5 + random.next(below: 7) {
      let file = random.element(of: files) ?? files[0]
      switch random.next(below: 16) {
      case 0, 1, 2: play(stage, .bind(.descriptor(slot), to: file, recursive: random.one(in: 3)))
      case 3: play(stage, .bind(stage.path, to: aside, recursive: true))
      case 4: moveNamespaceFile(stage, file, by: c, into: b)
      case 5: bindOlderNamespace(stage, file, by: b)
      case 6: copyDetachedNamespaceFile(stage, file, onto: files)
      case 7: slipNamespaceFileUnderLock(stage, file)
      case 8:
        if b != 0, random.one(in: 2), model.isAlive(b) { act(b, .exit, .shape(stage.kind)) }
      case 9: visit(stage, file, by: c)
      case 10: leave(stage, by: random.element(of: [a, a, c]) ?? a, file)
      case 11: play(stage, by: random.element(of: [a, b, c]) ?? a, .unlink(.path(file)))
      case 12:
        if let users = actors.freeSlot(of: a),
          play(stage, .openNamespaceFile(.user, of: a, users))
        {
          play(stage, .bind(.descriptor(users), to: file))
          play(stage, .close(users))
        }
      case 13: play(stage, .change(stage.path, to: propagationType()))
      case 14:
        play(stage, .mount(MountCall(source: .path(file), target: .path(aside), flags: .bind)))
      default:
        if let child = receiver(stage, of: a, keeping: [a, b, c], user: random.one(in: 2)) {
          act(child, .exit, .shape(stage.kind))
        }
      }
    }
    if actors.openSlots(of: a).contains(slot) { play(stage, .close(slot)) }
    for file in files { detach(stage, by: a, file) }
    strike(stage, cast: [b, c], places: [aside])
  }

  /// A tree with a namespace's file is taken along into that namespace, or into a newer one.
  private mutating func moveNamespaceFile(
    _ stage: Stage, _ file: String, by guest: NamespaceNumber, into host: NamespaceNumber
  ) {
    guard guest != 0, model.isAlive(host), !model.absoluteRootIsBare(inNamespaceOf: stage.actor),
      !model.absoluteRootIsBare(inNamespaceOf: host), let tree = actors.freeSlot(of: guest)
    else { return }
    play(stage, by: guest, .setns(stage.actor))
    play(stage, by: guest, .openTree(.path(stage.path), [.clone, .recursive], tree))
    play(stage, by: guest, .setns(host))
    guard actors.treeSlots(of: guest).contains(tree) else { return }
    play(stage, by: guest, .moveMount(from: .descriptor(tree), to: .path(stage.other("t")), []))
    if actors.openSlots(of: guest).contains(tree) { play(stage, by: guest, .close(tree)) }
  }

  /// A process binds the file of its own namespace, or of one that was made before it.
  private mutating func bindOlderNamespace(
    _ stage: Stage, _ file: String, by actor: NamespaceNumber
  ) {
    guard model.isAlive(actor), let slot = actors.freeSlot(of: actor) else { return }
    let other = random.one(in: 2) ? stage.actor : actor
    guard play(stage, by: actor, .openNamespaceFile(.mount, of: other, slot)) else { return }
    play(stage, by: actor, .bind(.descriptor(slot), to: file))
    play(stage, by: actor, .close(slot))
  }

  /// A bind of a namespace's file is detached while a descriptor holds it; copies of it and of the tree on it.
  private mutating func copyDetachedNamespaceFile(
    _ stage: Stage, _ file: String, onto files: [String]
  ) {
    let a = stage.actor
    guard let slot = actors.freeSlot(of: a), play(stage, .open(.path(file), .path, slot)) else {
      return
    }
    detach(stage, by: a, file)
    let target = random.element(of: files) ?? file
    play(stage, .bind(.descriptor(slot), to: target, recursive: random.one(in: 2)))
    play(stage, .close(slot))
  }

  /// A process of other users slips the file of a namespace of theirs under a mount that is locked for them.
  private mutating func slipNamespaceFileUnderLock(_ stage: Stage, _ file: String) {
    let a = stage.actor
    play(stage, .bind(stage("g"), to: file))
    guard let u = receiver(stage, of: a, keeping: [a], user: true) else { return }
    if let v = receiver(stage, of: u, keeping: [a, u]), let own = actors.freeSlot(of: u),
      play(stage, by: u, .openNamespaceFile(.mount, of: v, own)), let tree = actors.freeSlot(of: u),
      play(stage, by: u, .openTree(.descriptor(own), .clone, tree))
    {
      play(stage, by: u, .moveMount(from: .descriptor(tree), to: .path(file), .beneath))
      leave(stage, by: u, file)
    }
    for guest in model.livingProcesses where actors[guest]?.isInUserNamespace == true {
      act(guest, .exit, .shape(stage.kind))
    }
  }

  /// Through a bind of its file, or by a descriptor, into a namespace whose process may be gone.
  private mutating func visit(_ stage: Stage, _ file: String, by guest: NamespaceNumber) {
    guard let slot = actors.freeSlot(of: guest),
      play(stage, by: guest, .open(.path(file), [], slot))
    else { return }
    if mayEnter(slot, by: guest), play(stage, by: guest, .setnsDescriptor(slot)) {
      mount(stage, by: guest, on: stage("d"), directories: "x")
      play(stage, by: guest, .umount2(.path(stage("d")), random.one(in: 2) ? .detach : []))
    }
    if actors.openSlots(of: guest).contains(slot) { play(stage, by: guest, .close(slot)) }
  }

  /// Mappings and messages keep mounts, trees and namespaces after the last descriptor has gone (6.5).
  mutating func keptFiles() {
    guard let stage = makeStage(.keptFiles, directories: ["d"], shared: random.chance(0.7)) else {
      return
    }
    let a = stage.actor
    let cast = receivers(stage, most: 2)
    let place = stage("d")
    let file = place + "/f"
    mount(stage, by: a, on: place, directories: "x")
    play(stage, .touch(.path(file)))
    let everyone = [a] + cast
    var kept: [(actor: NamespaceNumber, number: HoldNumber)] = []
    for _ in 0..<2 + random.next(below: 3) {
      let actor = random.element(of: everyone) ?? a
      guard model.isAlive(actor), let slot = actors.freeSlot(of: actor),
        let number = actors.freeHold(of: actor)
      else { continue }
      var kind = HoldKind.message
      let opened: Operation
      switch random.next(below: 6) {
      case 0: opened = .open(.path(place), random.one(in: 2) ? .path : .directory, slot)
      case 1: opened = .openTree(.path(stage.path), [.clone, .recursive], slot)
      case 2: opened = .openNamespaceFile(.mount, of: random.element(of: everyone) ?? a, slot)
      default:
        opened = .open(.path(file), random.one(in: 6) ? .path : [], slot)
        if random.chance(0.7) { kind = .mapping }
      }
      guard play(stage, by: actor, opened) else { continue }
      if random.one(in: 6) { kind = .mapping }
      if play(stage, by: actor, .hold(slot, kind, number)) { kept.append((actor, number)) }
      if actors.openSlots(of: actor).contains(slot) { play(stage, by: actor, .close(slot)) }
    }
    for _ in 0..<2 + random.next(below: 3) {
      let actor = random.element(of: everyone) ?? a
      switch random.next(below: 5) {
      case 0:
        if actor != 0, actor != a, model.isAlive(actor) {
          act(actor, .exit, .shape(stage.kind))
        }
      case 1: if let one = random.element(of: kept) { release(stage, .kept(one.actor, one.number)) }
      default: leave(stage, by: actor, place)
      }
    }
    for one in kept where random.chance(0.8) { release(stage, .kept(one.actor, one.number)) }
    leave(stage, by: a, place)
    strike(stage, cast: cast)
  }
}
