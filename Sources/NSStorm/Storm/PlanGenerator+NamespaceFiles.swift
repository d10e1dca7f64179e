import StormEngine
import StormVocabulary

// Namespace files, mappings of ids, namespaces made of trees, and what keeps files beside descriptors (kernel-mounts 3.3,
// 3.11 to 3.14 and 6.5).

extension PlanGenerator {
  /// A call on the files of namespaces; nil where nothing fits.
  mutating func namespaceFiles(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .namespaceFile:
      guard let slot = actors.freeSlot(of: actor),
        let other = random.element(of: model.livingProcesses)
      else { return nil }
      return .openNamespaceFile(random.one(in: 3) ? .user : .mount, of: other, slot)
    case .bindNamespaceFile:
      let slots =
        actors.namespaceFileSlots(of: actor, .mount) + actors.namespaceFileSlots(of: actor, .user)
      guard let slot = random.element(of: slots) else { return nil }
      // Only a regular file can be its mountpoint.
      guard let target = file(of: actor) else { return naming(.touch, by: actor) }
      return .bind(.descriptor(slot), to: target, recursive: random.one(in: 4))
    default:
      return random.element(
        of: actors.namespaceFileSlots(of: actor, .mount).filter { mayEnter($0, by: actor) }
      ).map { .setnsDescriptor($0) }
    }
  }

  /// Whether a process may go where the file in a slot leads: namespace 0's process stays, and nobody stands on the
  /// machine's own rootfs.
  func mayEnter(_ slot: DescriptorSlot, by actor: NamespaceNumber) -> Bool {
    actor != 0 && !model.absoluteRootIsBare(inNamespaceOfFileIn: slot, of: actor)
  }

  mutating func wrongNamespaceFiles(
    _ kind: OperationKind, by actor: NamespaceNumber
  ) -> Operation? {
    switch kind {
    case .namespaceFile:
      // Of a process of other users.
      guard actors[actor]?.isInUserNamespace == true, let slot = actors.freeSlot(of: actor) else {
        return nil
      }
      return .openNamespaceFile(random.one(in: 2) ? .user : .mount, of: 0, slot)
    case .bindNamespaceFile:
      guard let slot = random.element(of: actors.namespaceFileSlots(of: actor, .mount)) else {
        return nil
      }
      let target = random.one(in: 2) ? missing(of: actor) : directory(of: actor)
      return .bind(.descriptor(slot), to: target)
    default:
      if random.one(in: 4) { return actors.freeSlot(of: actor).map { .setnsDescriptor($0) } }
      let others = actors.namespaceFileSlots(of: actor, .mount)
      return random.element(of: actors.openSlots(of: actor).filter { !others.contains($0) })
        .map { .setnsDescriptor($0) }
    }
  }

  // MARK: mappings and trees that become namespaces

  /// A change of attributes for `mount_setattr` and `open_tree_attr`; nil where the draw changes nothing.
  mutating func attributeChange() -> AttributeChange? {
    let change: AttributeChange =
      switch random.next(below: 4) {
      case 0: .set(attributes(chance: 0.4))
      case 1: .clear(attributes(chance: 0.6))
      default: .propagation(propagationType())
      }
    return change == .set([]) || change == .clear([]) ? nil : change
  }

  /// A tree with other ids or attributes, or as a namespace of its own; nil where nothing fits.
  mutating func newTrees(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .idmap:
      guard let users = random.element(of: actors.namespaceFileSlots(of: actor, .user)) else {
        return openUsers(by: actor)
      }
      return random.element(of: actors.treeSlots(of: actor)).map {
        .mountSetattr(.descriptor($0), recursive: isRecursive(), .idmap(users))
      }
    case .openTreeAttr:
      let place = random.chance(0.7) ? mountpoint(of: actor) : directory(of: actor)
      guard let slot = actors.freeSlot(of: actor), let place else { return nil }
      var change = attributeChange()
      if let users = random.element(of: actors.namespaceFileSlots(of: actor, .user)),
        random.one(in: 2)
      {
        change = random.one(in: 4) ? .clear(.idmapped) : .idmap(users)
      }
      return change.map {
        .openTreeAttr(.path(place), isRecursive() ? [.clone, .recursive] : .clone, $0, slot)
      }
    case .namespaceTree:
      let place = random.chance(0.7) ? mountpoint(of: actor) : directory(of: actor)
      guard let slot = actors.freeSlot(of: actor), let place else { return nil }
      return .openTree(
        .path(place), isRecursive() ? [.namespace, .recursive] : .namespace, slot)
    case .fsmountNamespace:
      return actors.freeSlot(of: actor).map {
        .fsmountNamespace(type: "tmpfs", source: newSource(), $0)
      }
    default:
      guard !isFull() else { return nil }
      return .unshareEmpty(namespace: freeNamespace(), newUser: random.one(in: 4))
    }
  }

  /// Opens the file of a user namespace that is not the initial one, for a mapping to come.
  private mutating func openUsers(by actor: NamespaceNumber) -> Operation? {
    let others = model.livingProcesses.filter { actors[$0]?.isInUserNamespace == true }
    guard let other = random.element(of: others), let slot = actors.freeSlot(of: actor) else {
      return nil
    }
    return .openNamespaceFile(.user, of: other, slot)
  }

  mutating func wrongNewTrees(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    let users = random.element(of: actors.namespaceFileSlots(of: actor, .user))
    let open = random.element(of: actors.openSlots(of: actor))
    let tree = random.element(of: actors.treeSlots(of: actor))
    switch kind {
    case .idmap:
      switch random.next(below: 4) {
      case 0:
        return mountpoint(of: actor).flatMap { place in
          users.map { .mountSetattr(.path(place), recursive: false, .idmap($0)) }
        }
      case 1:
        return (tree ?? open).map {
          .mountSetattr(.descriptor($0), recursive: isRecursive(), .clear(.idmapped))
        }
      case 2:
        return mountpoint(of: actor).map {
          .mountSetattr(.path($0), recursive: false, .set([.idmapped, .noSetuid]))
        }
      default:
        guard let tree, let slot = open ?? actors.freeSlot(of: actor) else { return nil }
        return .mountSetattr(.descriptor(tree), recursive: false, .idmap(slot))
      }
    case .openTreeAttr:
      guard let slot = actors.freeSlot(of: actor) else { return nil }
      let change = AttributeChange.set(.noSetuid)
      switch random.next(below: 3) {
      case 0: return .openTreeAttr(.path(directory(of: actor)), .recursive, change, slot)
      case 1: return .openTreeAttr(.path(missing(of: actor)), .clone, change, slot)
      // Without a clone the mount itself is changed, if the path is its root.
      default: return .openTreeAttr(.path(directory(of: actor)), [], change, slot)
      }
    case .namespaceTree:
      guard let slot = actors.freeSlot(of: actor) else { return nil }
      switch random.next(below: 3) {
      case 0: return .openTree(.path(directory(of: actor)), [.clone, .namespace], slot)
      case 1: return .openTree(.path(missing(of: actor)), .namespace, slot)
      default: return file(of: actor).map { .openTree(.path($0), .namespace, slot) }
      }
    default: return nil
    }
  }

  // MARK: holds

  mutating func holding(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    guard kind == .hold else {
      return random.element(of: actors.holds(of: actor)).map { .letGo($0) }
    }
    guard let number = actors.freeHold(of: actor),
      let slot = random.element(of: actors.openSlots(of: actor))
    else { return nil }
    return .hold(slot, random.one(in: 3) ? .mapping : .message, number)
  }

  mutating func wrongHolding(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    guard let number = actors.freeHold(of: actor) else { return nil }
    guard kind == .hold else { return .letGo(number) }
    return actors.freeSlot(of: actor).map {
      .hold($0, random.one(in: 2) ? .mapping : .message, number)
    }
  }
}

extension Operation {
  static func bind(_ source: PathArgument, to target: String, recursive: Bool = false) -> Operation
  {
    .mount(
      MountCall(
        source: source, target: .path(target), flags: recursive ? [.bind, .recursive] : .bind))
  }
}
