import StormVocabulary

/// What the generator remembers of each process beside its mounts.
struct ActorBook {
  enum Descriptor {
    case directory
    /// A detached tree, which `move_mount` can attach.
    case tree
  }

  struct Actor {
    var descriptors: [Descriptor?]
    /// Where MNT_EXPIRE was tried last: a second try may succeed.
    var expiring: String?
    /// Whether it stands in a user namespace of its own.
    var isInUserNamespace = false
  }

  private var actors: [NamespaceNumber: Actor] = [:]

  subscript(actor: NamespaceNumber) -> Actor? { actors[actor] }

  mutating func start(_ actor: NamespaceNumber, descriptors: Int) {
    actors[actor] = Actor(descriptors: Array(repeating: nil, count: descriptors))
  }

  mutating func expire(_ path: String, by actor: NamespaceNumber) {
    actors[actor]?.expiring = path
  }

  /// The lowest slot that nothing is open in.
  func freeSlot(of actor: NamespaceNumber) -> DescriptorSlot? {
    actors[actor]?.descriptors.firstIndex { $0 == nil }
  }

  func openSlots(of actor: NamespaceNumber) -> [DescriptorSlot] {
    guard let slots = actors[actor]?.descriptors else { return [] }
    return slots.indices.filter { slots[$0] != nil }
  }

  func treeSlots(of actor: NamespaceNumber) -> [DescriptorSlot] {
    guard let slots = actors[actor]?.descriptors else { return [] }
    return slots.indices.filter { slots[$0] == .tree }
  }

  /// Keeps up with a call that succeeded.
  mutating func note(_ operation: Operation, by actor: NamespaceNumber, descriptors: Int) {
    switch operation {
    case .open(_, _, let slot): set(slot, of: actor, to: .directory)
    case .openTree(_, let flags, let slot):
      set(slot, of: actor, to: flags.contains(.clone) ? .tree : .directory)
    case .fsmount(_, _, let slot): set(slot, of: actor, to: .tree)
    case .moveMount(.descriptor(let slot), _, _): set(slot, of: actor, to: .directory)
    case .close(let slot): set(slot, of: actor, to: nil)
    case .unshare(let new, let newUser):
      start(new, descriptors: descriptors)
      let parentIsIn = actors[actor]?.isInUserNamespace == true
      actors[new]?.isInUserNamespace = newUser || parentIsIn
    case .exit: actors[actor] = nil
    default: break
    }
  }

  private mutating func set(
    _ slot: DescriptorSlot, of actor: NamespaceNumber, to value: Descriptor?
  ) {
    guard let count = actors[actor]?.descriptors.count, slot < count else { return }
    actors[actor]?.descriptors[slot] = value
  }
}
