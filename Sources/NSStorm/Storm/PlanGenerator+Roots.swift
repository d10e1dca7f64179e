import StormEngine
import StormVocabulary

// Roots of processes: chroot, setns, pivot_root (kernel-mounts 1.8, 3.8 and 3.14).

extension PlanGenerator {
  /// A call that gives a process another root. Namespace 0's process keeps its own: everything later is forked from it.
  mutating func rooting(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    guard actor != 0 else { return nil }
    switch kind {
    case .chroot:
      if actors[actor]?.isChrooted == true { return homecoming(of: actor) }
      let place = random.chance(0.6) ? mountpoint(of: actor) : directory(of: actor)
      return place.flatMap { $0 == "/" ? nil : .chroot(.path($0)) }
    case .setns:
      if actors[actor]?.isChrooted == true, random.chance(0.7) { return .setns(actor) }
      return random.element(of: enterable(by: actor)).map { .setns($0) }
    default:
      guard let newRoot = movable(of: actor) else { return nil }
      let inside = model.directories(seenBy: actor, limit: Self.placeLimit)
        .filter { $0.hasPrefix(newRoot + "/") }
      let putOld = random.element(of: inside) ?? newRoot
      return .pivotRoot(newRoot: .path(newRoot), putOld: .path(putOld))
    }
  }

  /// What brings a process with a changed root back; nil where nothing can.
  mutating func homecoming(of actor: NamespaceNumber) -> Operation? {
    // A directory that was opened before is outside of the new root.
    if let slot = random.element(of: actors.openSlots(of: actor)), random.one(in: 3) {
      return .chroot(.descriptor(slot))
    }
    return model.absoluteRootIsBare(inNamespaceOf: actor) ? nil : .setns(actor)
  }

  mutating func wrongRooting(_ kind: OperationKind, by actor: NamespaceNumber) -> Operation? {
    switch kind {
    case .chroot:
      return random.one(in: 2)
        ? .chroot(.path(missing(of: actor))) : file(of: actor).map { .chroot(.path($0)) }
    case .setns:
      // From within a user namespace into one that its ancestors own.
      guard actors[actor]?.isInUserNamespace == true else { return nil }
      return .setns(0)
    default:
      let newRoot = random.one(in: 2) ? directory(of: actor) : "/"
      let putOld = random.one(in: 3) ? missing(of: actor) : directory(of: actor)
      // Namespace 0 keeps its root, whatever a wrong call turns out to be.
      guard actor != 0 || newRoot == "/" else { return nil }
      return .pivotRoot(newRoot: .path(newRoot), putOld: .path(putOld))
    }
  }

  /// The processes into whose namespaces another one may go. Where the absolute root is bare, it is the machine's own
  /// rootfs that would be stood on.
  private func enterable(by actor: NamespaceNumber) -> [NamespaceNumber] {
    model.livingProcesses.filter { !model.absoluteRootIsBare(inNamespaceOf: $0) }
  }
}
