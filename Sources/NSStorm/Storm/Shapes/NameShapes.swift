import StormEngine
import StormVocabulary

// Shapes around names: what is renamed, linked, or not a directory (kernel-mounts 2.1 to 2.4).

extension PlanGenerator {
  /// One namespace renames and replaces directories on which another one has mounts: those on the renamed directory stay on
  /// it, those on the replaced one go.
  mutating func renamedMountpoints() {
    guard
      let stage = makeStage(
        .renamedMountpoints, directories: ["a", "b", "c"], shared: random.one(in: 3))
    else { return }
    let a = stage.actor
    let cast = receivers(stage, most: 2)
    guard let b = random.element(of: cast) else { return strike(stage) }
    if random.chance(0.7) { play(stage, by: b, .change(stage.path, to: .private)) }
    let places = [stage("a"), stage("b"), stage("c")]
    var held: Hold?
    for place in places where random.chance(0.6) {
      guard mount(stage, by: b, on: place, directories: "x") else { continue }
      if random.one(in: 3) { mount(stage, by: b, on: place + "/x") }
      if held == nil, random.one(in: 3) {
        held = hold(stage, by: b, random.one(in: 2) ? place : place + "/x")
      }
    }
    for _ in 0..<2 + random.next(below: 4) {
      let from = random.element(of: places) ?? places[0]
      let to = random.element(of: places + [stage("new"), stage("a/in")]) ?? places[1]
      let actor = random.element(of: [a, a, a, b]) ?? a
      switch random.next(below: 6) {
      case 0: play(stage, by: actor, .rmdir(.path(from)))
      case 1: play(stage, by: b, .umount2(.path(from), random.one(in: 2) ? .detach : []))
      case 2: play(stage, by: actor, .mkdir(.path(from)))
      default: play(stage, by: actor, .rename(from: .path(from), to: .path(to)))
      }
    }
    release(stage, held)
    for place in places + [stage("new")] where random.one(in: 2) { leave(stage, by: b, place) }
    strike(stage, cast: cast)
  }

  /// Links into mounts, out of them, to each other, in a loop, and on a mount that does not follow its links.
  mutating func linkedPaths() {
    guard let stage = makeStage(.linkedPaths, directories: ["d", "e"], shared: random.one(in: 2))
    else { return }
    let a = stage.actor
    let cast = random.one(in: 2) ? receivers(stage, most: 1) : []
    mount(stage, by: a, on: stage("d"), directories: "x", "y")
    // Kept short: every further link multiplies the ways.
    let links: [(at: String, contents: String)] = [
      ("l", stage("d")), ("m", "l/x"), ("d/up", ".."), ("d/x/top", "/"), ("e/over", "../d/y"),
      ("loop", "loop"), ("ping", "pong"), ("pong", "ping"), ("file", stage("none")),
    ]
    for link in links where random.chance(0.75) {
      play(stage, by: a, .symlink(contents: link.contents, at: .path(stage(link.at))))
    }
    // Forty links may follow each other, one more may not.
    if random.one(in: 12) {
      for number in 0..<42 {
        let next = number == 0 ? "d" : "n\(number - 1)"
        play(stage, by: a, .symlink(contents: next, at: .path(stage("n\(number)"))))
      }
      for number in [38, 39, 40, 41] { play(stage, by: a, .stat(.path(stage("n\(number)")))) }
      for number in 0..<42 { play(stage, by: a, .unlink(.path(stage("n\(number)")))) }
    }
    if random.one(in: 4) {
      play(
        stage,
        .mount(MountCall(target: .path(stage.path), flags: [.remount, .bind, .noSymlinkFollow])))
    }
    let ways = [
      "l", "m", "l/x", "d/up/d/y", "d/x/top", "e/over", "loop", "ping", "l/up/l/up/e", "file",
    ]
    for _ in 0..<4 + random.next(below: 6) {
      let actor = random.element(of: [a, a] + cast) ?? a
      let place = stage(random.element(of: ways) ?? "l")
      switch random.next(below: 10) {
      case 0, 1: play(stage, by: actor, .tmpfs(newSource(), on: place))
      case 2: play(stage, by: actor, .bind(place, to: stage("e")))
      case 3: play(stage, by: actor, .bind(stage("e"), to: place))
      case 4: play(stage, by: actor, .umount2(.path(place), .noFollow))
      case 5, 6: leave(stage, by: actor, place)
      case 7: play(stage, by: actor, .mkdir(.path(place + "/new")))
      case 8: play(stage, by: actor, .moveMount(from: .path(place), to: .path(stage("e")), []))
      default: play(stage, by: actor, .stat(.path(place)))
      }
    }
    if random.one(in: 3) {
      play(stage, by: a, .rename(from: .path(stage("l")), to: .path(stage("m"))))
      play(stage, by: a, .stat(.path(stage("m"))))
    }
    strike(stage, cast: cast)
  }

  /// Files bound onto files, among peers; their mountpoints removed from another namespace; a directory where a file is due.
  mutating func fileMounts() {
    guard let stage = makeStage(.fileMounts, directories: ["d"]) else { return }
    let a = stage.actor
    let files = [stage("f"), stage("g"), stage("d/h")]
    for file in files { play(stage, by: a, .touch(.path(file))) }
    let cast = receivers(stage, most: 2)
    let everyone = [a] + cast
    var held: (actor: NamespaceNumber, slot: DescriptorSlot)?
    for _ in 0..<4 + random.next(below: 6) {
      let actor = random.element(of: everyone) ?? a
      let file = random.element(of: files) ?? files[0]
      switch random.next(below: 12) {
      case 0...3:
        play(stage, by: actor, .bind(random.element(of: files) ?? file, to: file))
      case 4: play(stage, by: actor, .change(file, to: propagationType()))
      case 5: play(stage, by: actor, .change(stage.path, to: cuttingType()))
      case 6: play(stage, by: actor, .unlink(.path(file)))
      case 7:
        play(
          stage, by: actor, .rename(from: .path(file), to: .path(random.element(of: files) ?? file))
        )
      case 8:
        if held == nil, let slot = actors.freeSlot(of: actor),
          play(stage, by: actor, .open(.path(file), random.one(in: 2) ? .path : [], slot))
        {
          held = (actor, slot)
        }
      case 9: play(stage, by: actor, .bind(stage("d"), to: file))
      default: leave(stage, by: actor, file)
      }
    }
    if let held, actors.openSlots(of: held.actor).contains(held.slot) {
      play(stage, by: held.actor, .close(held.slot))
    }
    for file in files { leave(stage, by: random.element(of: everyone) ?? a, file) }
    strike(stage, cast: cast)
  }
}
