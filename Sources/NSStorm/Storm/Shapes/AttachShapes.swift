import StormEngine
import StormVocabulary

// Shapes in which attaching and mount propagation have something to decide (kernel-mounts 3.9, 4.1, 4.2).

extension PlanGenerator {
  /// The receiver has mounts of its own at the place: copies slide beneath them, onto the top of what the
  /// copied tree itself has on its root (E16 to E18, E87).
  mutating func tucking() {
    guard let stage = makeStage(.tucking, directories: ["d"]) else { return }
    let a = stage.actor
    let place = stage("d")
    let cast = receivers(stage, most: 2)
    for actor in cast {
      if random.chance(0.7) { play(stage, by: actor, .change(stage.path, to: .slave)) }
      for _ in 0..<random.next(below: 3) { mount(stage, by: actor, on: place, directories: "x") }
    }
    let stacked = stage.other("q")
    var hasStack = false
    if random.one(in: 2), mkdir(stage, by: a, stacked) {
      // A tree with covers on its own root.
      hasStack = mount(stage, by: a, on: stacked, directories: "x")
      for _ in 0..<1 + random.next(below: 2) { mount(stage, by: a, on: stacked, directories: "x") }
    }
    var held: Hold?
    for _ in 0..<1 + random.next(below: 3) {
      if hasStack, random.one(in: 2) {
        // The path names the top of the stack; the parent of all is reached through the root's bind.
        play(stage, .bind(stacked, to: place, recursive: true))
      } else {
        mount(stage, by: a, on: place, directories: "x")
      }
      if held == nil, random.one(in: 4) {
        held = hold(stage, by: random.element(of: [a] + cast) ?? a, place)
      }
    }
    for _ in 0..<3 { leave(stage, by: random.element(of: [a, a] + cast) ?? a, place) }
    release(stage, held)
    for _ in 0..<2 { leave(stage, by: a, place) }
    strike(stage, cast: cast, places: hasStack ? [stacked, stacked] : [])
  }

  /// A mount slipped beneath others, with peers that receive it beneath theirs (E57, E58, E94).
  mutating func beneathStack() {
    guard
      let stage = makeStage(
        .beneathStack, directories: ["d", "n", "e"], shared: random.chance(0.6))
    else { return }
    let a = stage.actor
    let place = stage("d")
    let source = stage.other("n")
    guard mkdir(stage, by: a, source) else { return strike(stage) }
    for _ in 0..<1 + random.next(below: 2) { mount(stage, by: a, on: place, directories: "x") }
    let cast = receivers(stage, most: 2)
    if random.one(in: 2), let b = random.element(of: cast) {
      play(stage, by: b, .change(place, to: cuttingType()))
      mount(stage, by: b, on: place)
    }
    for _ in 0..<1 + random.next(below: 2) {
      mount(stage, by: a, on: source, directories: "x")
      if random.one(in: 3) { mount(stage, by: a, on: source + "/x") }
      // A source with something on its own root is refused.
      if random.one(in: 6) { mount(stage, by: a, on: source) }
      let target = random.one(in: 6) ? stage("e") : random.one(in: 8) ? stage.path : place
      play(stage, .moveMount(from: .path(source), to: .path(target), .beneath))
    }
    if random.one(in: 3) {
      play(stage, .moveMount(from: .path(place), to: .path(place), .beneath))
    }
    let held = random.one(in: 3) ? hold(stage, by: a, place) : nil
    for _ in 0..<4 { leave(stage, by: random.element(of: [a, a] + cast) ?? a, place) }
    release(stage, held)
    strike(stage, cast: cast, places: [source])
  }

  /// Peers whose roots are subdirectories see only part of what is mounted; a group without a copy lies between
  /// master and slave (E04 to E07, E76).
  mutating func subdirectoryPeers() {
    guard let stage = makeStage(.subdirectoryPeers, directories: ["a", "b", "a/in", "a/in/x"])
    else {
      return
    }
    let a = stage.actor
    let sources = [stage.path, stage("a"), stage("a/in"), stage("b")]
    var peers: [String] = []
    for suffix in ["y", "z", "w"] {
      let place = stage.other(suffix)
      guard mkdir(stage, by: a, place) else { break }
      let made = peers.map { $0 }
      let source = random.element(of: sources + made) ?? stage.path
      guard play(stage, .bind(source, to: place)) else { continue }
      peers.append(place)
      switch random.next(below: 4) {
      case 0: play(stage, .change(place, to: .slave))
      case 1:
        play(stage, .change(place, to: .slave))
        play(stage, .change(place, to: .shared))
      default: break
      }
    }
    let cast = random.one(in: 2) ? receivers(stage, most: 1) : []
    // A group in the middle loses the member that could have shown the place.
    if random.one(in: 2), let gone = random.element(of: peers) { leave(stage, by: a, gone) }
    var places = [stage("a"), stage("a/in"), stage("a/in/x"), stage("b")]
    for peer in peers { places += [peer, peer + "/in", peer + "/in/x"] }
    for _ in 0..<2 + random.next(below: 3) {
      guard let place = random.element(of: places) else { break }
      let made = play(
        stage, by: random.element(of: [a] + cast) ?? a, .tmpfs(newSource(), on: place))
      if made, random.one(in: 2) { leave(stage, by: a, random.element(of: places) ?? place) }
    }
    for place in places where random.one(in: 2) {
      leave(stage, by: random.element(of: [a] + cast) ?? a, place)
    }
    strike(stage, cast: cast, places: peers)
  }

  /// Slaves that get a new master, or none, because theirs changes its type, is umounted, or dies with its
  /// namespace; later mounts show who inherited them (E41 to E48, E67).
  mutating func inheritedSlaves() {
    guard let stage = makeStage(.inheritedSlaves, directories: ["d", "e"]) else { return }
    let a = stage.actor
    var places = [stage.path]
    for suffix in ["a", "b", "c", "e"] {
      let place = stage.other(suffix)
      guard mkdir(stage, by: a, place), let source = random.element(of: places),
        play(stage, .bind(source, to: place))
      else { break }
      places.append(place)
      if random.chance(0.6) { play(stage, .change(place, to: .slave)) }
      if random.chance(0.4) { play(stage, .change(place, to: .shared)) }
    }
    let cast = receivers(stage, most: 2)
    for _ in 0..<2 + random.next(below: 4) {
      guard let place = random.element(of: places) else { break }
      let actor = random.element(of: [a, a] + cast) ?? a
      switch random.next(below: 5) {
      case 0: leave(stage, by: actor, place)
      case 1:
        if actor != a, actor != 0, model.isAlive(actor) {
          act(actor, .exit, .shape(stage.kind))
        } else {
          play(stage, .change(place, to: .private))
        }
      case 2: play(stage, by: actor, .change(place, to: .slave))
      case 3: play(stage, by: actor, .change(place, to: random.one(in: 2) ? .private : .unbindable))
      default: mount(stage, by: actor, on: place + "/d")
      }
    }
    for place in places where random.one(in: 2) { mount(stage, by: a, on: place + "/e") }
    for place in places where random.one(in: 2) {
      leave(stage, by: a, place + (random.one(in: 2) ? "/e" : "/d"))
    }
    strike(stage, cast: cast, places: Array(places.dropFirst()))
  }
}
