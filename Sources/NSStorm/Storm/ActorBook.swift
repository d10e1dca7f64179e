import StormVocabulary

/// What the generator remembers of each process beside its mounts.
struct ActorBook {
  enum Descriptor: Hashable {
    /// Something opened by its path, where that is known.
    case place(String?)
    /// A detached tree, which `move_mount` can attach.
    case tree
    /// The file of a namespace.
    case namespaceFile(NamespaceFileKind)
  }

  struct Actor {
    var descriptors: [Descriptor?]
    /// Where MNT_EXPIRE was tried last: a second try may succeed.
    var expiring: String?
    /// Whether it stands in a user namespace of its own.
    var isInUserNamespace = false
    /// The path given to the last chdir; nil where it is not known any more.
    var workingDirectory: String? = "/"
    /// Whether its root is another one than that of its namespace.
    var isChrooted = false
    /// The numbers under which mappings and messages keep files.
    var holds: Set<HoldNumber> = []
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

  /// The slots that hold the file of a namespace of this kind.
  func namespaceFileSlots(
    of actor: NamespaceNumber, _ kind: NamespaceFileKind
  ) -> [DescriptorSlot] {
    guard let slots = actors[actor]?.descriptors else { return [] }
    return slots.indices.filter { slots[$0] == .namespaceFile(kind) }
  }

  /// The lowest number that no mapping or message has; nil where the process has enough of them.
  func freeHold(of actor: NamespaceNumber) -> HoldNumber? {
    guard let holds = actors[actor]?.holds else { return nil }
    return (0..<Self.mostHolds).first { !holds.contains($0) }
  }

  /// The mappings and messages of a process, ascending.
  func holds(of actor: NamespaceNumber) -> [HoldNumber] { actors[actor]?.holds.sorted() ?? [] }

  /// How many mappings and messages a process has at most.
  static let mostHolds = 4

  /// The slots that were opened by an absolute path, with it.
  func places(of actor: NamespaceNumber) -> [(slot: DescriptorSlot, path: String)] {
    guard let slots = actors[actor]?.descriptors else { return [] }
    return slots.indices.compactMap { slot in
      if case .place(let path?) = slots[slot] { (slot, path) } else { nil }
    }
  }

  /// Keeps up with a call that succeeded.
  mutating func note(_ operation: Operation, by actor: NamespaceNumber, descriptors: Int) {
    switch operation {
    case .open(let path, _, let slot): set(slot, of: actor, to: .place(absolute(path)))
    case .openTree(let path, let flags, let slot), .openTreeAttr(let path, let flags, _, let slot):
      let opened: Descriptor =
        flags.contains(.clone)
        ? .tree : flags.contains(.namespace) ? .namespaceFile(.mount) : .place(absolute(path))
      set(slot, of: actor, to: opened)
    case .fsmount(_, _, let slot): set(slot, of: actor, to: .tree)
    case .openNamespaceFile(let kind, _, let slot):
      set(slot, of: actor, to: .namespaceFile(kind))
    case .fsmountNamespace(_, _, let slot): set(slot, of: actor, to: .namespaceFile(.mount))
    case .hold(_, _, let number): actors[actor]?.holds.insert(number)
    case .letGo(let number): actors[actor]?.holds.remove(number)
    case .moveMount(.descriptor(let slot), let to, _):
      set(slot, of: actor, to: .place(absolute(to)))
    case .close(let slot): set(slot, of: actor, to: nil)
    case .unshare(let new, let newUser):
      begin(new, from: actor, newUser: newUser, descriptors: descriptors)
      let parent = actors[actor]
      actors[new]?.workingDirectory = parent?.workingDirectory
      actors[new]?.isChrooted = parent?.isChrooted == true
    case .unshareEmpty(let new, let newUser):
      begin(new, from: actor, newUser: newUser, descriptors: descriptors)
    case .exit: actors[actor] = nil
    case .chdir(let path):
      let place = absolute(path)
      actors[actor]?.workingDirectory = place
    case .chroot: actors[actor]?.isChrooted = true
    case .setns, .setnsDescriptor:
      actors[actor]?.workingDirectory = "/"
      actors[actor]?.isChrooted = false
    case .pivotRoot: actors[actor]?.workingDirectory = nil
    default: break
    }
  }

  private mutating func begin(
    _ new: NamespaceNumber, from actor: NamespaceNumber, newUser: Bool, descriptors: Int
  ) {
    start(new, descriptors: descriptors)
    let isBelowOthers = actors[actor]?.isInUserNamespace == true
    actors[new]?.isInUserNamespace = newUser || isBelowOthers
  }

  private func absolute(_ path: PathArgument) -> String? {
    if case .path(let text) = path, text.hasPrefix("/") { text } else { nil }
  }

  private mutating func set(
    _ slot: DescriptorSlot, of actor: NamespaceNumber, to value: Descriptor?
  ) {
    guard let count = actors[actor]?.descriptors.count, slot < count else { return }
    actors[actor]?.descriptors[slot] = value
  }
}
