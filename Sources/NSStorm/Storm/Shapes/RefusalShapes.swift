import StormEngine
import StormVocabulary

// Refusals that need a world of their own: random calls hardly ever stand in it (kernel-mounts 3.3 to 3.10, 3.14, 5.1).

extension PlanGenerator {
  /// Each fragment brings one or two checks to answer, in a stage that is cleared for the next one.
  mutating func rareRefusals() {
    guard
      let stage = makeStage(
        .rareRefusals, directories: ["a", "b", "d", "d/x"], shared: random.one(in: 2))
    else { return }
    let aside = stage.other("t")
    let second = stage.other("u")
    mkdir(stage, by: stage.actor, aside, second)
    refuseBeneath(stage, aside)
    refuseGroups(stage, aside, second)
    refuseUnbindable(stage, aside)
    refuseWords(stage, aside)
    let cast = refuseForeign(stage, aside)
    refuseRoots(stage, cast)
    refuseUsers(stage)
    strike(stage, cast: cast, places: [aside, second])
  }

  /// Beneath what has no place to give, and where a copy would land on the target or on the source (3.9).
  private mutating func refuseBeneath(_ stage: Stage, _ aside: String) {
    guard model.rules.hasMoveBeneath else { return }
    let a = stage.actor
    if let first = actors.freeSlot(of: a),
      play(stage, .fsmount(type: "tmpfs", source: newSource(), first)),
      let other = actors.freeSlot(of: a),
      play(stage, .fsmount(type: "tmpfs", source: newSource(), other))
    {
      play(stage, .moveMount(from: .descriptor(first), to: .descriptor(other), .beneath))
      play(stage, .moveMount(from: .descriptor(first), to: "/", .beneath))
      for slot in [first, other] where actors.openSlots(of: a).contains(slot) {
        play(stage, .close(slot))
      }
    }
    // The target shows the place itself, as a peer of its parent.
    play(stage, .change(stage.path, to: .shared))
    play(stage, .bind(stage("d"), to: stage("d")))
    if mount(stage, by: a, on: aside, directories: "x") {
      play(stage, .moveMount(from: .path(aside), to: .path(stage("d")), .beneath))
      mount(stage, by: a, on: aside)
      play(stage, .moveMount(from: .path(aside), to: .path(stage("d")), .beneath))
      // The lower one, which the upper one covers.
      if let slot = actors.freeSlot(of: a) {
        detach(stage, by: a, aside)
        if play(stage, .open(.path(aside), .path, slot)) {
          mount(stage, by: a, on: aside)
          play(stage, .moveMount(from: .descriptor(slot), to: .path(stage("d")), .beneath))
          play(stage, .close(slot))
        }
      }
    }
    detach(stage, by: a, aside)
    detach(stage, by: a, aside)
    detach(stage, by: a, stage("d"))
    // The source shows it.
    play(stage, .bind(stage("d"), to: aside))
    mount(stage, by: a, on: stage("d"))
    play(stage, .moveMount(from: .path(aside), to: .path(stage("d")), .beneath))
    detach(stage, by: a, stage("d"))
    detach(stage, by: a, aside)
  }

  /// Groups that cannot be joined (3.10).
  private mutating func refuseGroups(_ stage: Stage, _ aside: String, _ second: String) {
    guard model.rules.hasSetGroup else { return }
    let a = stage.actor
    play(stage, .bind(stage("a"), to: aside))
    play(stage, .change(aside, to: .private))
    play(stage, .bind(stage("b"), to: second))
    play(stage, .change(second, to: .private))
    play(stage, .moveMount(from: .path(aside), to: .path(second), .setGroup))
    play(stage, .bind(stage.path, to: stage("b")))
    play(stage, .change(stage("b"), to: .private))
    play(stage, .moveMount(from: .path(stage("b")), to: .path(aside), .setGroup))
    play(stage, .change(aside, to: .shared))
    play(stage, .moveMount(from: .path(aside), to: .path(second), .setGroup))
    play(stage, .moveMount(from: .path(aside), to: .path(second), [.setGroup, .beneath]))
    for place in [stage("b"), aside, second] { detach(stage, by: a, place) }
  }

  /// Unbindable mounts left out of copies, met where they are locked, and taken onto shared mounts (3.3.1, 3.4).
  private mutating func refuseUnbindable(_ stage: Stage, _ aside: String) {
    let a = stage.actor
    mount(stage, by: a, on: stage("a"))
    play(stage, .change(stage("a"), to: .unbindable))
    play(stage, .bind(stage.path, to: aside, recursive: true))
    detach(stage, by: a, aside)
    if let u = receiver(stage, of: a, keeping: [a], user: true) {
      play(stage, by: u, .bind(stage.path, to: aside, recursive: true))
      if model.isAlive(u) { act(u, .exit, .shape(stage.kind)) }
    }
    play(stage, .change(stage.path, to: .shared))
    if mount(stage, by: a, on: aside) {
      play(stage, .change(aside, to: .unbindable))
      play(stage, .moveMount(from: .path(aside), to: .path(stage("b")), []))
      detach(stage, by: a, aside)
    }
    detach(stage, by: a, stage("a"))
  }

  /// Words that no call takes, and a mount that is mounted nowhere.
  private mutating func refuseWords(_ stage: Stage, _ aside: String) {
    play(stage, .stat(""))
    play(
      stage,
      .mount(
        MountCall(
          type: "tmpfs", source: .path(newSource()), target: .path(aside), flags: .noUser)))
    guard mount(stage, by: stage.actor, on: aside, directories: "x"),
      let slot = actors.freeSlot(of: stage.actor),
      play(stage, .open(.path(aside), .path, slot))
    else { return }
    detach(stage, by: stage.actor, aside)
    for flags in [MountFlags.private, [.remount, .bind]] {
      play(stage, .mount(MountCall(target: .descriptor(slot), flags: flags)))
    }
    play(
      stage,
      .mount(MountCall(type: "tmpfs", source: .path(newSource()), target: .descriptor(slot))))
    play(stage, .close(slot))
  }

  /// Mounts of a namespace that the process has left: as targets, and as roots.
  private mutating func refuseForeign(_ stage: Stage, _ aside: String) -> [NamespaceNumber] {
    let a = stage.actor
    guard let b = receiver(stage, of: a, keeping: [a]),
      let c = receiver(stage, of: a, keeping: [a, b])
    else { return [] }
    play(stage, by: c, .change("/", to: .private, recursive: true))
    guard let slot = actors.freeSlot(of: c),
      play(stage, by: c, .open(.path(stage.path), .path, slot)),
      !model.absoluteRootIsBare(inNamespaceOf: b), play(stage, by: c, .setns(b))
    else { return [b, c] }
    let left = PathArgument.descriptor(slot)
    play(stage, by: c, .mount(MountCall(target: left, flags: [.remount, .bind, .noExecute])))
    play(stage, by: c, .mount(MountCall(source: left, target: .path(aside), flags: .bind)))
    play(stage, by: c, .mount(MountCall(type: "tmpfs", source: "t", target: left)))
    play(stage, by: c, .mountSetattr(left, recursive: false, .set(.noSetuid)))
    play(stage, by: c, .umount2(left, .detach))
    play(stage, by: c, .pivotRoot(newRoot: left, putOld: left))
    if actors.openSlots(of: c).contains(slot) { play(stage, by: c, .close(slot)) }
    moveNamespaceFileIn(stage, by: c, of: b)
    return [b, c]
  }

  /// A tree with the file of a namespace is attached in that namespace.
  private mutating func moveNamespaceFileIn(
    _ stage: Stage, by guest: NamespaceNumber, of host: NamespaceNumber
  ) {
    let a = stage.actor
    let file = stage("f")
    play(stage, .change(stage.path, to: .private))
    play(stage, .touch(.path(file)))
    guard model.isAlive(host), let own = actors.freeSlot(of: a),
      play(stage, .openNamespaceFile(.mount, of: host, own))
    else { return }
    play(stage, .bind(.descriptor(own), to: file))
    play(stage, .close(own))
    if guest != 0, model.isAlive(guest), !model.absoluteRootIsBare(inNamespaceOf: a),
      !model.absoluteRootIsBare(inNamespaceOf: host), play(stage, by: guest, .setns(a)),
      let tree = actors.freeSlot(of: guest),
      play(stage, by: guest, .openTree(.path(stage.path), [.clone, .recursive], tree)),
      play(stage, by: guest, .setns(host))
    {
      play(stage, by: guest, .moveMount(from: .descriptor(tree), to: .path(stage.other("t")), []))
      if actors.openSlots(of: guest).contains(tree) { play(stage, by: guest, .close(tree)) }
    }
    detach(stage, by: a, file)
  }

  /// Roots that cannot be left or taken (3.8, 5.1).
  private mutating func refuseRoots(_ stage: Stage, _ cast: [NamespaceNumber]) {
    let a = stage.actor
    guard let b = receiver(stage, of: a, keeping: [a] + cast) else { return }
    play(stage, by: b, .change("/", to: .private, recursive: true))
    guard mount(stage, by: b, on: stage("d"), directories: "x", "y"),
      mount(stage, by: b, on: stage("d/x"), directories: "z"),
      let out = actors.freeSlot(of: b), play(stage, by: b, .open("/", .path, out))
    else { return }
    let newRoot = stage("d")
    play(stage, by: b, .pivotRoot(newRoot: .path(newRoot + "/y"), putOld: .path(newRoot + "/y")))
    // From a root that is no mount's, and to what cannot be reached from it.
    play(stage, by: b, .chroot(.path(newRoot + "/y")))
    play(
      stage, by: b,
      .pivotRoot(
        newRoot: .relative(out, String(stage("d/x").dropFirst())),
        putOld: .relative(out, String(stage("d/x/z").dropFirst()))))
    play(stage, by: b, .chroot(.descriptor(out)))
    play(stage, by: b, .chroot(.path(newRoot + "/x")))
    play(
      stage, by: b,
      .pivotRoot(
        newRoot: .relative(out, String(newRoot.dropFirst())),
        putOld: .relative(out, String((newRoot + "/y").dropFirst()))))
    play(stage, by: b, .chroot(.descriptor(out)))
    // The root's file system stays writable while a removed directory is in use.
    if play(
      stage, by: b, .pivotRoot(newRoot: .path(newRoot), putOld: .path(newRoot + "/y"))),
      table(of: b).entries.first.map({ $0.source != "root" }) == true
    {
      play(stage, by: b, .mkdir("/w"))
      play(stage, by: b, .chdir("/w"))
      play(stage, by: b, .rmdir("/w"))
      play(stage, by: b, .umount2("/", []))
      play(stage, by: b, .chdir("/"))
      play(stage, by: b, .umount2("/", []))
    }
    if model.isAlive(b) { act(b, .exit, .shape(stage.kind)) }
  }

  /// Users without rights: over the root's file system, and over ids that nobody knows.
  private mutating func refuseUsers(_ stage: Stage) {
    let a = stage.actor
    guard let u = receiver(stage, of: a, keeping: [a], user: true) else { return }
    play(stage, by: u, .umount2("/", []))
    if let v = receiver(stage, of: u, keeping: [a, u], user: true) {
      if !isFull() {
        act(v, .unshare(namespace: freeNamespace(), newUser: true), .shape(stage.kind))
      }
      if model.isAlive(v) { act(v, .exit, .shape(stage.kind)) }
    }
    if model.isAlive(u) { act(u, .exit, .shape(stage.kind)) }
  }
}
