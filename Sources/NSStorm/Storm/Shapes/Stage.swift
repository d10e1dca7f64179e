import StormEngine
import StormVocabulary

/// The place where a shape plays: a mount of its own below the root of one process, with directories in it.
struct Stage {
  let actor: NamespaceNumber
  /// Where the mount stands; ``other`` names a directory beside it for shapes that need two places.
  let path: String
  let kind: ShapeKind

  /// A path below the stage.
  func callAsFunction(_ below: String) -> String { "\(path)/\(below)" }

  /// A second place beside the stage: a directory in the actor's root.
  func other(_ suffix: String) -> String { path + suffix }
}

/// What keeps a mount busy, and how it lets go.
enum Hold {
  case descriptor(NamespaceNumber, DescriptorSlot)
  case workingDirectory(NamespaceNumber)
  /// A mapping or a message.
  case kept(NamespaceNumber, HoldNumber)
}

extension PlanGenerator {
  mutating func perform(_ shape: ShapeKind) {
    guard shapeDepth == 0 else { return }
    shapeDepth += 1
    defer { shapeDepth -= 1 }
    switch shape {
    case .privateMiddle: privateMiddle()
    case .nestedReceivers: nestedReceivers()
    case .toppers: toppers()
    case .tucking: tucking()
    case .beneathStack: beneathStack()
    case .lockedChain: lockedChain()
    case .inheritedSlaves: inheritedSlaves()
    case .subdirectoryPeers: subdirectoryPeers()
    case .detachedTrees: detachedTrees()
    case .selfBinds: selfBinds()
    case .expiry: expiry()
    case .removedMountpoints: removedMountpoints()
    case .pivots: pivots()
    case .heldCopies: heldCopies()
    case .renamedMountpoints: renamedMountpoints()
    case .linkedPaths: linkedPaths()
    case .changedRoots: changedRoots()
    case .visitors: visitors()
    case .fileMounts: fileMounts()
    case .heldTrees: heldTrees()
    case .boundNamespaces: boundNamespaces()
    case .keptFiles: keptFiles()
    case .idmappedTrees: idmappedTrees()
    case .madeNamespaces: madeNamespaces()
    case .rareRefusals: rareRefusals()
    }
  }

  // MARK: stages

  /// Directory, tmpfs on it, directories in it; nil where the actor cannot make them.
  mutating func makeStage(
    _ kind: ShapeKind, directories: [String], shared: Bool = true, mount: Bool = true
  ) -> Stage? {
    let able = model.livingProcesses.filter { actor in
      guard let root = table(of: actor).entries.first else { return false }
      return !root.attributes.contains(.readOnly) && actors[actor]?.isInUserNamespace == false
    }
    guard let actor = random.element(of: able) else { return nil }
    // Few names: shapes of different times meet in the same places.
    let stage = Stage(actor: actor, path: "/s\(nextStage % 8)", kind: kind)
    nextStage += 1
    let made = act(actor, .mkdir(.path(stage.path)), .shape(kind))
    guard made == .none || made == .fileExists else { return nil }
    if mount {
      guard
        actWithinLimits(actor, .tmpfs(newSource(), on: stage.path), .shape(kind)) == Errno.none
      else { return nil }
    }
    for directory in directories { act(actor, .mkdir(.path(stage(directory))), .shape(kind)) }
    if shared, mount { act(actor, .change(stage.path, to: .shared), .shape(kind)) }
    return stage
  }

  /// One step of a shape by its first actor. False where it failed or would pass a limit.
  @discardableResult
  mutating func play(_ stage: Stage, _ operation: Operation) -> Bool {
    play(stage, by: stage.actor, operation)
  }

  /// One step of a shape; now and then something else happens in between.
  @discardableResult
  mutating func play(_ stage: Stage, by actor: NamespaceNumber, _ operation: Operation) -> Bool {
    guard model.isAlive(actor) else { return false }
    if let body, shapeDepth == 1, random.chance(0.04) {
      shapeDepth += 1
      single(body)
      shapeDepth -= 1
      guard model.isAlive(actor) else { return false }
    }
    return actWithinLimits(actor, operation, .shape(stage.kind)) == Errno.none
  }

  @discardableResult
  mutating func mkdir(_ stage: Stage, by actor: NamespaceNumber, _ paths: String...) -> Bool {
    var all = true
    for path in paths {
      let answer =
        model.isAlive(actor)
        ? act(actor, .mkdir(.path(path)), .shape(stage.kind)) : Errno.noSuchProcess
      all = all && (answer == .none || answer == .fileExists)
    }
    return all
  }

  /// A new tmpfs with directories in it.
  @discardableResult
  mutating func mount(
    _ stage: Stage, by actor: NamespaceNumber, on path: String, directories: String...
  ) -> Bool {
    guard play(stage, by: actor, .tmpfs(newSource(), on: path)) else { return false }
    for directory in directories {
      act(actor, .mkdir(.path(join(path, directory))), .shape(stage.kind))
    }
    return true
  }

  // MARK: cast

  /// A new namespace forked from `parent`; where there are too many, another one ends first.
  mutating func receiver(
    _ stage: Stage, of parent: NamespaceNumber, keeping cast: [NamespaceNumber], user: Bool = false
  ) -> NamespaceNumber? {
    if isFull() {
      let others = model.livingProcesses.filter { $0 != 0 && $0 != parent && !cast.contains($0) }
      guard let victim = random.element(of: others) else { return nil }
      act(victim, .exit, .shape(stage.kind))
    }
    guard !isFull(), model.isAlive(parent) else { return nil }
    // Not through `play`: what happens in between could take the number.
    let number = freeNamespace()
    let operation = Operation.unshare(namespace: number, newUser: user)
    return actWithinLimits(parent, operation, .shape(stage.kind)) == Errno.none ? number : nil
  }

  /// One to `most` receivers of the stage's mount: peers, slaves, slaves that are shared again.
  mutating func receivers(_ stage: Stage, most: Int) -> [NamespaceNumber] {
    var cast: [NamespaceNumber] = [stage.actor]
    for _ in 0..<1 + random.next(below: most) {
      let parent = random.one(in: 3) ? cast[random.next(below: cast.count)] : stage.actor
      guard let actor = receiver(stage, of: parent, keeping: cast) else { break }
      cast.append(actor)
      switch random.next(below: 4) {
      case 0: play(stage, by: actor, .change(stage.path, to: .slave))
      case 1:
        play(stage, by: actor, .change(stage.path, to: .slave))
        play(stage, by: actor, .change(stage.path, to: .shared))
      default: break
      }
    }
    return Array(cast.dropFirst())
  }

  // MARK: holding and leaving

  /// Keeps the mount at `path` busy in one of several ways.
  mutating func hold(_ stage: Stage, by actor: NamespaceNumber, _ path: String) -> Hold? {
    if random.one(in: 3) || actors.freeSlot(of: actor) == nil {
      return play(stage, by: actor, .chdir(.path(path))) ? .workingDirectory(actor) : nil
    }
    guard let slot = actors.freeSlot(of: actor) else { return nil }
    let flags: OpenFlags = random.one(in: 2) ? .path : .directory
    return play(stage, by: actor, .open(.path(path), flags, slot))
      ? .descriptor(actor, slot) : nil
  }

  mutating func release(_ stage: Stage, _ hold: Hold?) {
    switch hold {
    case .descriptor(let actor, let slot)?:
      if actors.openSlots(of: actor).contains(slot) { play(stage, by: actor, .close(slot)) }
    case .workingDirectory(let actor)?: play(stage, by: actor, .chdir("/"))
    case .kept(let actor, let number)?:
      if actors.holds(of: actor).contains(number) { play(stage, by: actor, .letGo(number)) }
    case nil: break
    }
  }

  /// A umount of a random kind, synchronous more often than not.
  @discardableResult
  mutating func leave(_ stage: Stage, by actor: NamespaceNumber, _ path: String) -> Bool {
    let flags: UmountFlags =
      switch random.next(below: 8) {
      case 0, 1, 2: .detach
      case 3: .force
      default: []
      }
    return play(stage, by: actor, .umount2(.path(path), flags))
  }

  @discardableResult
  mutating func detach(_ stage: Stage, by actor: NamespaceNumber, _ path: String) -> Bool {
    play(stage, by: actor, .umount2(.path(path), .detach))
  }

  /// Most of the time the stage is cleared, some of the cast leave; what stays is for the others to meet.
  mutating func strike(_ stage: Stage, cast: [NamespaceNumber] = [], places: [String] = []) {
    if random.chance(0.75) {
      for place in places + [stage.path] { detach(stage, by: stage.actor, place) }
      for actor in cast where random.chance(0.5) { detach(stage, by: actor, stage.path) }
    }
    for actor in cast where random.chance(0.6) && model.isAlive(actor) && actor != 0 {
      act(actor, .exit, .shape(stage.kind))
    }
  }

  /// One of the types that cut a mount off from its group.
  mutating func cuttingType() -> PropagationType {
    random.element(of: [.private, .private, .slave, .unbindable]) ?? .private
  }
}
