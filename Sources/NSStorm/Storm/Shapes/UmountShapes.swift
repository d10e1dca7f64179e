import StormEngine
import StormVocabulary

// Shapes in which umount propagation and its busy check have something to decide (kernel-mounts 5.2 to 5.6).

extension PlanGenerator {
  /// A chain of propagated mounts d, d/x, d/x/x…; a receiver cuts one of them off, holds one, or puts a mount of
  /// its own inside; then the sender umounts from the top or from the leaf (E19 to E26).
  mutating func privateMiddle() {
    guard let stage = makeStage(.privateMiddle, directories: ["d"]) else { return }
    let a = stage.actor
    let cast = receivers(stage, most: 2)
    guard let b = random.element(of: cast) else { return strike(stage) }
    let chain = makeChain(stage, length: 2 + random.next(below: 3))
    guard chain.count > 1 else { return strike(stage, cast: cast) }
    let holder = random.element(of: [b, b, a]) ?? b
    var held: Hold?
    for _ in 0..<1 + random.next(below: 3) {
      let level = random.next(below: chain.count)
      switch random.next(below: 4) {
      case 0: play(stage, by: b, .change(chain[level], to: cuttingType()))
      case 1:
        play(stage, by: b, .change(chain[level], to: cuttingType()))
        mount(stage, by: b, on: chain[level] + "/y")
      case 2:
        play(stage, by: b, .change(chain[level], to: cuttingType()))
        mount(stage, by: b, on: chain[level], directories: "x", "y")
      default: if held == nil { held = hold(stage, by: holder, chain[level]) }
      }
    }
    umount(stage, chain)
    if random.chance(0.7) { release(stage, held) }
    umount(stage, chain)
    strike(stage, cast: cast)
  }

  /// Extra mounts that cover inner candidates (E23, E74, E77): the old algorithm ignores them, the new one
  /// slides them to the place of the lowest mount that goes.
  mutating func toppers() {
    guard let stage = makeStage(.toppers, directories: ["d"]) else { return }
    let cast = receivers(stage, most: 2)
    guard let b = random.element(of: cast) else { return strike(stage) }
    let chain = makeChain(stage, length: 1 + random.next(below: 3))
    guard let inner = chain.last else { return strike(stage, cast: cast) }
    var held: Hold?
    if random.one(in: 3) { held = hold(stage, by: b, random.element(of: chain) ?? inner) }
    // From the inside out: a cover hides what is below it from paths.
    for place in chain.reversed() where place == inner || random.one(in: 3) {
      play(stage, by: b, .change(place, to: cuttingType()))
      for _ in 0..<1 + random.next(below: 2) {
        mount(stage, by: b, on: place, directories: "x")
        if random.one(in: 4) { play(stage, by: b, .change(place, to: .shared)) }
      }
      if random.one(in: 4) { mount(stage, by: b, on: place + "/x") }
    }
    umount(stage, chain)
    if random.chance(0.8) { release(stage, held) }
    umount(stage, chain)
    for _ in 0..<2 { leave(stage, by: b, stage("d")) }
    strike(stage, cast: cast)
  }

  /// The mount stands at several places inside itself, in one peer group: receivers are mounted inside each
  /// other, and the copies at d, d/d, d/d/d form a chain of candidates (E88, E90).
  mutating func nestedReceivers() {
    guard let stage = makeStage(.nestedReceivers, directories: ["d", "e"], shared: false) else {
      return
    }
    let a = stage.actor
    let outside = stage.other("p")
    guard mkdir(stage, by: a, outside), play(stage, .bind(stage.path, to: outside)) else {
      return strike(stage)
    }
    let mountFirst = random.one(in: 2)
    if mountFirst { mount(stage, by: a, on: outside + "/d", directories: "x") }
    var places: [String] = []
    var place = stage("d")
    for _ in 0..<1 + random.next(below: 3) {
      guard play(stage, .bind(stage.path, to: place)) else { break }
      places.append(place)
      place += "/d"
    }
    play(stage, .change(stage.path, to: .shared))
    var joining = places + [outside]
    if random.one(in: 3) { joining.shuffle(using: &random) }
    for place in joining where random.chance(0.9) {
      play(stage, .moveMount(from: .path(stage.path), to: .path(place), .setGroup))
    }
    if random.one(in: 4), let slave = random.element(of: places) {
      play(stage, .change(slave, to: .slave))
    }
    let cast = random.one(in: 3) ? receivers(stage, most: 1) : []
    let victim = random.one(in: 3) ? "/e" : "/d"
    if !mountFirst || victim == "/e" {
      mount(stage, by: a, on: outside + victim, directories: "x")
    }
    if random.one(in: 3), let inner = random.element(of: places) {
      play(stage, .change(inner, to: .private))
      mount(stage, by: a, on: inner + victim + "/x")
    }
    var held: Hold?
    if random.chance(0.6), let place = random.element(of: places) {
      held = hold(stage, by: random.element(of: [a] + cast) ?? a, place)
    }
    leave(stage, by: a, outside + victim)
    leave(stage, by: random.element(of: [a] + cast) ?? a, stage(String(victim.dropFirst())))
    release(stage, held)
    leave(stage, by: a, outside + victim)
    strike(stage, cast: cast, places: [outside])
  }

  /// Copies of a mount kept busy in several namespaces while each of them umounts (E21, E78, E84).
  mutating func heldCopies() {
    guard let stage = makeStage(.heldCopies, directories: ["d", "e"]) else { return }
    let cast = receivers(stage, most: 3)
    let everyone = [stage.actor] + cast
    let place = stage(random.one(in: 4) ? "e" : "d")
    guard mount(stage, by: random.element(of: everyone) ?? stage.actor, on: place, directories: "x")
    else { return strike(stage, cast: cast) }
    var holds: [Hold?] = []
    for actor in everyone where random.chance(0.5) {
      holds.append(hold(stage, by: actor, random.one(in: 3) ? place + "/x" : place))
      if random.one(in: 3) {
        play(stage, by: actor, .change(place, to: cuttingType()))
        mount(stage, by: actor, on: random.one(in: 2) ? place : place + "/x")
      }
    }
    for actor in everyone where random.chance(0.7) { leave(stage, by: actor, place) }
    for held in holds {
      release(stage, held)
      leave(stage, by: random.element(of: everyone) ?? stage.actor, place)
    }
    strike(stage, cast: cast)
  }

  /// A mount bound into itself, alone, with peers, and once more from a peer (E49 to E52, E83, E88).
  mutating func selfBinds() {
    guard
      let stage = makeStage(.selfBinds, directories: ["d", "e", "d/f"], shared: random.chance(0.8))
    else { return }
    let a = stage.actor
    let peer = stage.other("b")
    let hasPeer = random.one(in: 2) && mkdir(stage, by: a, peer)
    if hasPeer { play(stage, .bind(stage.path, to: peer)) }
    if hasPeer, random.one(in: 3) { play(stage, .change(peer, to: .slave)) }
    let cast = random.one(in: 2) ? receivers(stage, most: 1) : []
    for _ in 0..<1 + random.next(below: 3) {
      let source = hasPeer && random.one(in: 2) ? peer : stage.path
      play(stage, .bind(source, to: stage("d"), recursive: random.one(in: 2)))
    }
    mount(stage, by: a, on: random.one(in: 2) ? stage("d/e") : stage("e"), directories: "x")
    let held =
      random.one(in: 3) ? hold(stage, by: a, random.one(in: 2) ? stage.path : stage("d")) : nil
    for place in [stage("d/e"), stage("e"), stage("d"), peer + "/e", stage("d")]
    where random.chance(0.7) {
      leave(stage, by: random.element(of: [a] + cast) ?? a, place)
    }
    release(stage, held)
    leave(stage, by: a, stage("d"))
    strike(stage, cast: cast, places: hasPeer ? [peer] : [])
  }

  /// The expiry mark: set by the first try, cleared by any use, honoured by the second (E32, E98).
  mutating func expiry() {
    guard let stage = makeStage(.expiry, directories: ["d"], shared: random.chance(0.7)) else {
      return
    }
    let cast = random.one(in: 2) ? receivers(stage, most: 1) : []
    let place = stage("d")
    let everyone = [stage.actor] + cast
    mount(stage, by: stage.actor, on: place, directories: "x")
    for _ in 0..<3 + random.next(below: 4) {
      let actor = random.element(of: everyone) ?? stage.actor
      switch random.next(below: 6) {
      case 0:
        let held = hold(stage, by: actor, random.one(in: 2) ? place : place + "/x")
        play(stage, by: actor, .umount2(.path(place), .expire))
        release(stage, held)
      case 1: play(stage, by: actor, .umount2(.path(place), [.expire, .detach]))
      case 2: play(stage, by: actor, .mkdir(.path(place + "/x")))
      default: play(stage, by: actor, .umount2(.path(place), .expire))
      }
    }
    strike(stage, cast: cast)
  }

  // MARK: common parts

  /// Mounts at d, d/x, d/x/x…, each with directories x and y; the places, from the top.
  private mutating func makeChain(_ stage: Stage, length: Int) -> [String] {
    var places: [String] = []
    var place = stage("d")
    for _ in 0..<length {
      guard mount(stage, by: stage.actor, on: place, directories: "x", "y") else { break }
      places.append(place)
      place += "/x"
    }
    return places
  }

  /// The sender goes for the chain: the whole at once, or from the leaf, or just one of them.
  private mutating func umount(_ stage: Stage, _ chain: [String]) {
    switch random.next(below: 3) {
    case 0: detach(stage, by: stage.actor, chain[0])
    case 1: for place in chain.reversed() { leave(stage, by: stage.actor, place) }
    default: leave(stage, by: stage.actor, random.element(of: chain) ?? chain[0])
    }
  }
}
