import StormEngine
import StormVocabulary

// Shapes around what processes stand on: roots of their own, namespaces of others, trees that only a descriptor holds
// (kernel-mounts 1.6 to 1.8, 3.14, 5.8, 6.4).

extension PlanGenerator {
  /// A process gets a smaller root: it keeps mounts busy, sees fewer of them, cannot be given a user namespace, and comes back.
  mutating func changedRoots() {
    guard let stage = makeStage(.changedRoots, directories: ["d", "e"], shared: random.one(in: 2))
    else { return }
    let a = stage.actor
    guard let b = receiver(stage, of: a, keeping: [a], user: random.one(in: 5)) else {
      return strike(stage)
    }
    mount(stage, by: a, on: stage("d"), directories: "x", "y")
    if random.one(in: 2) { mount(stage, by: a, on: stage("d/x"), directories: "z") }
    // A way out, opened before.
    let out = actors.freeSlot(of: b)
    if let out { play(stage, by: b, .open("/", random.one(in: 2) ? .path : .directory, out)) }
    if random.one(in: 3) { play(stage, by: b, .chdir(.path(stage.path))) }
    let root = random.element(of: [stage.path, stage("d"), stage("d/x"), stage("e"), stage("d/y")])
    guard let root, play(stage, by: b, .chroot(.path(root))) else {
      return strike(stage, cast: [b])
    }
    for _ in 0..<3 + random.next(below: 6) {
      switch random.next(below: 12) {
      case 0: play(stage, by: b, .tmpfs(newSource(), on: random.one(in: 2) ? "/x" : "/d"))
      case 1: play(stage, by: b, .bind("/", to: random.one(in: 2) ? "/x" : "/e"))
      case 2: play(stage, by: b, .stat(random.one(in: 2) ? "../.." : "../../d/y"))
      case 3: play(stage, by: b, .umount2("/", random.one(in: 2) ? .detach : .expire))
      case 4: play(stage, by: b, .umount2("/", []))
      case 5: play(stage, by: b, .pivotRoot(newRoot: "/x", putOld: "/x"))
      case 6: play(stage, by: b, .change("/", to: propagationType()))
      case 7: leave(stage, by: a, root)
      case 8: leave(stage, by: b, random.one(in: 2) ? "/x" : "/d")
      case 9: mount(stage, by: a, on: stage("d/y"), directories: "x")
      case 10:
        if let child = receiver(stage, of: b, keeping: [a, b], user: random.one(in: 2)) {
          play(stage, by: child, .mkdir("/new"))
          if random.one(in: 2) { play(stage, by: child, .tmpfs(newSource(), on: "/new")) }
          act(child, .exit, .shape(stage.kind))
        }
      default: play(stage, by: b, .mkdir("/x"))
      }
    }
    if let out, random.one(in: 2), actors.openSlots(of: b).contains(out) {
      play(stage, by: b, .chroot(.descriptor(out)))
      play(stage, by: b, .stat(.path(stage("d/x"))))
    } else if model.isAlive(b), !model.absoluteRootIsBare(inNamespaceOf: b) {
      play(stage, by: b, .setns(b))
    }
    leave(stage, by: a, stage("d"))
    strike(stage, cast: [b])
  }

  /// Processes visit each other's namespaces: they see the same mounts, hold them busy with their roots, and the namespace
  /// lives until the last of them has left.
  mutating func visitors() {
    guard let stage = makeStage(.visitors, directories: ["d", "e"], shared: random.chance(0.7))
    else { return }
    let a = stage.actor
    guard let b = receiver(stage, of: a, keeping: [a], user: random.one(in: 6)),
      let c = receiver(stage, of: random.one(in: 2) ? a : b, keeping: [a, b])
    else { return strike(stage) }
    if random.one(in: 3) { play(stage, by: b, .change(stage.path, to: .slave)) }
    mount(stage, by: b, on: stage("d"), directories: "x")
    var held: Hold?
    for _ in 0..<4 + random.next(below: 6) {
      let guest = random.element(of: [b, c, c]) ?? c
      switch random.next(below: 10) {
      case 0...2:
        let host = random.element(of: [a, b, c]) ?? b
        if model.isAlive(host), !model.absoluteRootIsBare(inNamespaceOf: host) {
          play(stage, by: guest, .setns(host))
        }
      case 3: mount(stage, by: guest, on: stage("e"), directories: "x")
      case 4: leave(stage, by: guest, stage("d"))
      case 5: if held == nil { held = hold(stage, by: guest, stage("d")) }
      case 6:
        // The host goes, its namespace stays with the guest.
        if b != 0, random.one(in: 2), model.isAlive(b) { act(b, .exit, .shape(stage.kind)) }
      case 7: play(stage, by: guest, .umount2(.path(stage("d")), .detach))
      case 8: play(stage, by: guest, .bind(stage.path, to: stage("e"), recursive: true))
      default: mount(stage, by: a, on: stage("d"), directories: "x")
      }
    }
    release(stage, held)
    leave(stage, by: c, stage("e"))
    strike(stage, cast: [b, c])
  }

  /// Descriptors into a tree that is then detached, or never was attached: what they still reach, what stays connected,
  /// what is busy no more, and what may be mounted there.
  mutating func heldTrees() {
    guard let stage = makeStage(.heldTrees, directories: ["d", "e"], shared: random.one(in: 2))
    else { return }
    let a = stage.actor
    let place = stage("d")
    let cast = random.one(in: 2) ? receivers(stage, most: 1) : []
    mount(stage, by: a, on: place, directories: "x", "y")
    mount(stage, by: a, on: place + "/x", directories: "z")
    if random.one(in: 3) { mount(stage, by: a, on: place + "/x/z") }
    var slots: [DescriptorSlot] = []
    for path in [place, place + "/x", place + "/x/z"] where random.chance(0.7) {
      guard let slot = actors.freeSlot(of: a) else { break }
      let opens: Operation =
        switch random.next(below: 3) {
        case 0: .openTree(.path(path), [.clone, .recursive], slot)
        case 1: .openTree(.path(path), [], slot)
        default: .open(.path(path), .path, slot)
        }
      if play(stage, by: a, opens) { slots.append(slot) }
    }
    if random.chance(0.8) { detach(stage, by: random.element(of: [a] + cast) ?? a, place) }
    for _ in 0..<4 + random.next(below: 7) {
      guard let slot = random.element(of: slots) else { break }
      let name = random.element(of: ["x", "y", "x/z", ".", "..", "z", "x/.."]) ?? "x"
      let inside = PathArgument.relative(slot, name)
      switch random.next(below: 12) {
      case 0: play(stage, by: a, .stat(inside))
      case 1: play(stage, by: a, .mkdir(.relative(slot, random.one(in: 2) ? "x/new" : "new")))
      case 2: play(stage, by: a, .rmdir(inside))
      case 3:
        play(
          stage, by: a, .mount(MountCall(type: "tmpfs", source: .path(newSource()), target: inside))
        )
      case 4: play(stage, by: a, .umount2(inside, random.one(in: 2) ? .detach : []))
      case 5:
        play(
          stage, by: a,
          .mount(MountCall(source: inside, target: .path(stage("e")), flags: [.bind, .recursive])))
      case 6:
        play(
          stage, by: a, .mount(MountCall(source: .path(stage("e")), target: inside, flags: .bind)))
      case 7: play(stage, by: a, .moveMount(from: .descriptor(slot), to: .path(stage("e")), []))
      case 8:
        let other = random.element(of: slots) ?? slot
        play(stage, by: a, .moveMount(from: .descriptor(other), to: inside, []))
      case 9:
        if let free = actors.freeSlot(of: a),
          play(stage, by: a, .openTree(inside, random.one(in: 2) ? .clone : [], free))
        {
          slots.append(free)
        }
      case 10:
        play(stage, by: a, .mountSetattr(inside, recursive: true, .propagation(propagationType())))
      default: play(stage, by: a, .chdir(inside))
      }
      if a == 0 || random.one(in: 3) { play(stage, by: a, .chdir("/")) }
    }
    for slot in slots where actors.openSlots(of: a).contains(slot) && random.chance(0.8) {
      play(stage, by: a, .close(slot))
    }
    play(stage, by: a, .chdir("/"))
    leave(stage, by: a, stage("e"))
    strike(stage, cast: cast)
  }
}
