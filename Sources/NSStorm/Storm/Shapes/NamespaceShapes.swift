import StormEngine
import StormVocabulary

// Shapes around user namespaces, detached trees, removed directories and roots (kernel-mounts 3.8, 3.12, 3.14, 5.8).

extension PlanGenerator {
  /// A user namespace gets locked copies; it works around them, and the owner mounts and umounts below
  /// (E28 to E31, E92, E93).
  mutating func lockedChain() {
    guard let stage = makeStage(.lockedChain, directories: ["d", "e"], shared: random.chance(0.7))
    else {
      return
    }
    let a = stage.actor
    let place = stage("d")
    let aside = stage.other("t")
    mkdir(stage, by: a, aside)
    if random.chance(0.8), mount(stage, by: a, on: place, directories: "x", "y"), random.one(in: 2)
    {
      mount(stage, by: a, on: place + "/x")
    }
    if random.one(in: 3) {
      play(
        stage,
        .mount(
          MountCall(target: .path(stage.path), flags: [.remount, .bind, .readOnly, .noSetuid])))
    }
    guard let u = receiver(stage, of: a, keeping: [a], user: true) else { return strike(stage) }
    var holds: [Hold?] = []
    for _ in 0..<4 + random.next(below: 5) {
      switch random.next(below: 14) {
      case 0: leave(stage, by: u, place)
      case 1: leave(stage, by: u, place + "/x")
      case 2: leave(stage, by: u, stage.path)
      case 3: play(stage, by: u, .bind(stage.path, to: aside, recursive: random.chance(0.7)))
      case 4: mount(stage, by: u, on: place, directories: "x")
      case 5: mount(stage, by: a, on: random.one(in: 2) ? place : stage("e"), directories: "x")
      case 6: leave(stage, by: a, place)
      case 7: holds.append(hold(stage, by: u, random.one(in: 2) ? aside : place))
      case 8: leave(stage, by: u, random.one(in: 2) ? aside : aside + "/d")
      case 9:
        play(
          stage, by: u,
          .mount(
            MountCall(
              target: .path(random.one(in: 2) ? stage.path : aside),
              flags: mountFlags(chance: 0.5).union([.remount, .bind]))))
      case 10:
        if mount(stage, by: u, on: aside) {
          play(stage, by: u, .moveMount(from: .path(aside), to: .path(place), .beneath))
        }
      case 11: play(stage, by: u, .change(stage.path, to: .shared))
      case 12: play(stage, by: u, .move(place, to: aside))
      default:
        if let slot = actors.freeSlot(of: u),
          play(stage, by: u, .openTree(.path(stage.path), [.clone, .recursive], slot))
        {
          play(stage, by: u, .moveMount(from: .descriptor(slot), to: .path(aside), []))
        }
      }
    }
    if random.one(in: 3), let v = receiver(stage, of: u, keeping: [a, u], user: random.one(in: 2)) {
      leave(stage, by: v, place)
      mkdir(stage, by: v, aside + "/new")
      mount(stage, by: v, on: stage("e"))
    }
    detach(stage, by: a, random.one(in: 2) ? place : stage.path)
    for held in holds { release(stage, held) }
    leave(stage, by: u, aside)
    strike(stage, cast: [u])
  }

  /// Trees in no namespace: peers of what they were cloned from, dropped or attached after the world has
  /// changed (E54 to E56, E80; 4.3 about anonymous namespaces).
  mutating func detachedTrees() {
    guard let stage = makeStage(.detachedTrees, directories: ["d", "e", "d/x"]) else { return }
    let a = stage.actor
    let aside = stage.other("t")
    mkdir(stage, by: a, aside)
    if random.one(in: 2) { mount(stage, by: a, on: stage("d"), directories: "x") }
    let cast = random.chance(0.6) ? receivers(stage, most: 2) : []
    var trees: [(actor: NamespaceNumber, slot: DescriptorSlot)] = []
    for _ in 0..<1 + random.next(below: 2) {
      let actor = random.element(of: [a, a] + cast) ?? a
      guard let slot = actors.freeSlot(of: actor) else { continue }
      let made: Bool
      if random.one(in: 4) {
        made = play(
          stage, by: actor, .fsmount(type: "tmpfs", source: newSource(), slot))
      } else {
        let source = random.one(in: 3) ? stage("d") : stage.path
        made = play(
          stage, by: actor,
          .openTree(.path(source), random.one(in: 2) ? [.clone, .recursive] : .clone, slot))
      }
      if made { trees.append((actor, slot)) }
    }
    for _ in 0..<1 + random.next(below: 4) {
      let actor = random.element(of: [a, a] + cast) ?? a
      switch random.next(below: 5) {
      case 0: play(stage, by: actor, .change(stage.path, to: propagationType()))
      case 1: mount(stage, by: actor, on: stage("e"))
      case 2: leave(stage, by: actor, stage("d"))
      case 3: detach(stage, by: actor, stage.path)
      default: mount(stage, by: actor, on: stage("d"), directories: "x")
      }
    }
    for tree in trees {
      guard actors.treeSlots(of: tree.actor).contains(tree.slot) else { continue }
      if random.one(in: 3) {
        play(stage, by: tree.actor, .close(tree.slot))
        continue
      }
      let target = random.element(of: [aside, stage("d"), stage("e")]) ?? aside
      let beneath: MoveMountFlags = random.one(in: 6) ? .beneath : []
      play(
        stage, by: tree.actor, .moveMount(from: .descriptor(tree.slot), to: .path(target), beneath))
      if random.one(in: 2) { mount(stage, by: a, on: stage("e")) }
      if random.one(in: 2) { leave(stage, by: tree.actor, target) }
      if random.one(in: 2), actors.openSlots(of: tree.actor).contains(tree.slot) {
        play(stage, by: tree.actor, .close(tree.slot))
      }
    }
    leave(stage, by: a, stage("e"))
    strike(stage, cast: cast, places: [aside])
  }

  /// A mountpoint removed from a namespace in which nothing is mounted there: all mounts on it go
  /// (E34, E35); and mounts whose own root was removed.
  mutating func removedMountpoints() {
    guard
      let stage = makeStage(
        .removedMountpoints, directories: ["a", "b", "a/in"], shared: random.one(in: 3))
    else { return }
    let a = stage.actor
    guard let b = receiver(stage, of: a, keeping: [a]) else { return strike(stage) }
    let place = stage("a")
    var held: Hold?
    if random.chance(0.7) {
      if mount(stage, by: b, on: place, directories: "x"), random.one(in: 2) {
        mount(stage, by: b, on: place + "/x")
      }
      if random.one(in: 2) { held = hold(stage, by: b, random.one(in: 2) ? place : place + "/x") }
      play(stage, .rmdir(.path(stage("a/in"))))
    } else {
      // A bind of the directory: its root is removed under it.
      play(stage, by: b, .bind(stage("a/in"), to: stage("b")))
      if random.one(in: 2) { held = hold(stage, by: b, stage("b")) }
      play(stage, .rmdir(.path(stage("a/in"))))
      mount(stage, by: b, on: stage("b"))
      play(stage, by: b, .bind(stage("b"), to: place))
      play(stage, by: b, .mkdir(.path(stage("b/x"))))
      leave(stage, by: b, stage("b"))
    }
    play(stage, .rmdir(.path(place)))
    if random.one(in: 2) { play(stage, by: b, .rmdir(.path(place))) }
    leave(stage, by: b, place)
    release(stage, held)
    play(stage, .mkdir(.path(place)))
    strike(stage, cast: [b])
  }

  /// A new root, the old one's departure, and a process that loses its root (E62 to E64, E86).
  mutating func pivots() {
    guard let stage = makeStage(.pivots, directories: ["d"], shared: false) else { return }
    let a = stage.actor
    guard let b = receiver(stage, of: a, keeping: [a]) else { return strike(stage) }
    // A shared root or parent refuses the pivot.
    if random.chance(0.8) {
      play(stage, by: b, .change("/", to: .private, recursive: random.one(in: 2)))
    }
    guard mount(stage, by: b, on: stage("d"), directories: "old", "sub") else {
      return strike(stage, cast: [b])
    }
    let newRoot = stage("d")
    if random.one(in: 4) { play(stage, by: b, .chdir(.path(newRoot))) }
    let child = random.one(in: 2) ? receiver(stage, of: b, keeping: [a, b]) : nil
    let putOld =
      random.element(of: [newRoot + "/old", newRoot + "/old", newRoot, stage.path]) ?? newRoot
    let pivoted = play(stage, by: b, .pivotRoot(newRoot: .path(newRoot), putOld: .path(putOld)))
    if pivoted {
      if random.one(in: 2) { play(stage, by: b, .chdir("/")) }
      mount(stage, by: b, on: "/sub", directories: "x")
      if random.one(in: 3) { play(stage, by: b, .change("/", to: .shared, recursive: true)) }
      leave(stage, by: b, putOld == newRoot ? "/" : "/old")
      leave(stage, by: b, "/old")
      switch random.next(below: 5) {
      case 0: play(stage, by: b, .umount2("/", .detach))
      case 1:
        // The root is a tmpfs of this shape: a synchronous umount makes it read-only.
        if table(of: b).entries.first.map({ $0.source != "root" }) == true {
          play(stage, by: b, .umount2("/", []))
          play(stage, by: b, .mkdir("/late"))
        }
      case 2: play(stage, by: b, .rmdir("/old"))
      default: mount(stage, by: b, on: "/sub/x")
      }
      play(stage, by: b, .mkdir("/a"))
    }
    if let child { leave(stage, by: child, newRoot) }
    strike(stage, cast: [b] + (child.map { [$0] } ?? []))
  }
}
