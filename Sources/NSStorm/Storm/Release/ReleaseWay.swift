/// A way in which a mount can go, and with it its file system.
public enum ReleaseWay: String, CaseIterable, Hashable, Sendable, Codable {
  /// `umount2(0)` of an idle mount.
  case sync
  /// `umount2(MNT_DETACH)` of an idle mount.
  case detach
  /// Another process holds it: `umount2(0)` is refused, `MNT_DETACH` succeeds, then the holder lets go.
  case detachDescriptor = "detach-fd"
  case detachDirectory = "detach-cwd"
  case detachMap = "detach-map"
  case detachMessage = "detach-message"
  case detachRing = "detach-io-uring"
  case detachRequest = "detach-aio"
  case detachProgram = "detach-exec"
  /// `MNT_DETACH` while another process holds it, which then exits.
  case exitDescriptor = "exit-fd"
  case exitDirectory = "exit-cwd"
  case exitMap = "exit-map"
  /// The holder, which also writes, is killed and waited for; then `umount2(0)` at once.
  case killDescriptor = "kill-fd"
  case killMap = "kill-map"
  case killMessage = "kill-message"
  case killRing = "kill-io-uring"
  case killRequest = "kill-aio"
  /// The same with `MNT_DETACH`.
  case killRingDetach = "kill-io-uring-detach"
  /// The last process of a namespace with a private mount exits.
  case namespaceDeath = "namespace-death"
  /// The same while another process holds a descriptor of the namespace; then that is closed.
  case namespaceDescriptor = "namespace-fd"
  /// `open_tree(OPEN_TREE_CLONE)` keeps a copy over the umount; then the descriptor is closed.
  case treeClose = "tree-close"

  public var holder: ReleaseHolder? {
    switch self {
    case .sync, .detach, .namespaceDeath, .namespaceDescriptor, .treeClose: nil
    case .detachDescriptor, .exitDescriptor, .killDescriptor: .descriptor
    case .detachDirectory, .exitDirectory: .directory
    case .detachMap, .exitMap, .killMap: .map
    case .detachMessage, .killMessage: .message
    case .detachRing, .killRing, .killRingDetach: .ring
    case .detachRequest, .killRequest: .request
    case .detachProgram: .program
    }
  }

  /// What the other process of a round does in the end; nil where there is none.
  public var ending: Ending? {
    switch self {
    case .sync, .detach, .treeClose: nil
    case .detachDescriptor, .detachDirectory, .detachMap, .detachMessage, .detachRing,
      .detachRequest, .detachProgram:
      .letsGo
    case .exitDescriptor, .exitDirectory, .exitMap: .exits
    case .killDescriptor, .killMap, .killMessage, .killRing, .killRequest, .killRingDetach: .killed
    case .namespaceDeath, .namespaceDescriptor: .exits
    }
  }

  public enum Ending: Hashable, Sendable { case letsGo, exits, killed }

  /// Whether the other process has a mount namespace of its own, and the mount is there alone.
  public var isInOwnNamespace: Bool { self == .namespaceDeath || self == .namespaceDescriptor }

  /// Whether it can be done with such a file system.
  public func isPossible(on kind: FileSystemKind) -> Bool {
    holder.map(kind.allows) ?? true
  }

  /// One line for lists.
  public var explanation: String {
    switch self {
    case .sync: "umount of an idle mount"
    case .detach: "umount -l of an idle mount"
    case .namespaceDeath: "the last process of the mount's namespace exits"
    case .namespaceDescriptor: "the same, a descriptor of the namespace is closed later"
    case .treeClose: "a detached copy (open_tree) outlives the umount and is closed"
    default:
      switch (ending, self) {
      case (.letsGo, _): "umount -l while held by \(heldBy), which then lets go"
      case (.exits, _): "umount -l while held by \(heldBy), whose process exits"
      case (_, .killRingDetach): "the owner of \(heldBy) is killed, then umount -l at once"
      default: "the owner of \(heldBy) is killed, then umount at once"
      }
    }
  }

  private var heldBy: String {
    switch holder {
    case .descriptor: "a descriptor"
    case .directory: "a working directory"
    case .map: "a mapping"
    case .message: "a message in flight"
    case .ring: "an io_uring's fixed file"
    case .request: "an AIO request"
    case .program: "a running program"
    case nil: "nothing"
    }
  }
}
