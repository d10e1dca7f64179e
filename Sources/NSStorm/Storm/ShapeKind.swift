/// Rare constellations that random calls hardly ever reach (kernel-mounts 9.1); each is a short scripted
/// fragment with random parameters that a profile mixes in by weight.
public enum ShapeKind: String, CaseIterable, Hashable, Sendable {
  /// A private, held or extended mount in the middle of a propagated tree (E19 to E26).
  case privateMiddle = "private-middle"
  /// Receivers mounted inside each other through `MOVE_MOUNT_SET_GROUP`, busy chains included (E88, E90).
  case nestedReceivers = "nested-receivers"
  /// Extra mounts that cover inner candidates, with and without a holder (E23, E74, E77).
  case toppers
  /// A copy slid beneath what already stands at the receiver's place (E16 to E18, E87).
  case tucking
  /// `MOVE_MOUNT_BENEATH` with stacks above and copies elsewhere (E57, E58).
  case beneathStack = "beneath-stack"
  /// Locked mounts of user namespaces and what propagates into them (E28 to E31, E92, E93).
  case lockedChain = "locked-chain"
  /// Slaves that get a new master because theirs goes away (E41 to E46, E67).
  case inheritedSlaves = "inherited-slaves"
  /// Peers whose roots are subdirectories, groups without a copy in between (E04 to E07, E76).
  case subdirectoryPeers = "subdirectory-peers"
  /// Trees that stand in no namespace: clones, their release, their arrival (E54 to E56, E80).
  case detachedTrees = "detached-trees"
  /// A mount bound into itself, alone and among peers (E49 to E52, E83).
  case selfBinds = "self-binds"
  /// The expiry mark, set, cleared and honoured (E32, E98).
  case expiry
  /// A mountpoint removed from another namespace (E34, E35) and mounts whose root was removed.
  case removedMountpoints = "removed-mountpoints"
  /// `pivot_root`, the old root's departure and a root that loses its namespace (E62 to E64, E86).
  case pivots
  /// Holders of many kinds under synchronous umounts of every peer (E21, E78, E84).
  case heldCopies = "held-copies"
  /// Mountpoints renamed or replaced where another namespace does not see the mounts (2.4).
  case renamedMountpoints = "renamed-mountpoints"
  /// Symbolic links into, out of and beside mounts, chains and loops of them (2.1, 2.3).
  case linkedPaths = "linked-paths"
  /// chroot: what a smaller root shows, what it hides from `..`, and what it forbids (1.6, 1.7, 2.2).
  case changedRoots = "changed-roots"
  /// Several processes in one namespace by setns, and who ends it (3.14, 6.4).
  case visitors
  /// Files as mountpoints and as roots of mounts.
  case fileMounts = "file-mounts"
  /// Descriptors into trees that were detached or never attached, and paths that start there (5.8).
  case heldTrees = "held-trees"
  /// Files of namespaces bound, copied, moved and entered (3.3, 3.3.1, 3.14).
  case boundNamespaces = "bound-namespaces"
  /// Mappings and messages that keep mounts, trees and namespaces (6.5).
  case keptFiles = "kept-files"
  /// Detached trees that get mappings of ids (3.11, 3.12).
  case idmappedTrees = "idmapped-trees"
  /// Namespaces made of trees and fresh file systems, and empty ones (3.13).
  case madeNamespaces = "made-namespaces"
  /// Checks that need a world of their own to answer (3.3 to 3.10, 5.1).
  case rareRefusals = "rare-refusals"

  /// One line for `nsstorm profiles show`.
  public var explanation: String {
    switch self {
    case .privateMiddle: "a private or held mount in the middle of a propagated tree"
    case .nestedReceivers: "receivers mounted inside each other (set_group), busy chains"
    case .toppers: "mounts that cover inner candidates of a umount"
    case .tucking: "copies that slide beneath what already stands there"
    case .beneathStack: "move_mount beneath a stack, with peers"
    case .lockedChain: "locked mounts of user namespaces under propagation"
    case .inheritedSlaves: "slaves whose master goes away"
    case .subdirectoryPeers: "peers of subdirectories, groups without a copy between"
    case .detachedTrees: "detached trees: cloned, dropped, attached"
    case .selfBinds: "mounts bound into themselves, among peers"
    case .expiry: "the expiry mark of umount"
    case .removedMountpoints: "mountpoints removed from another namespace"
    case .pivots: "pivot_root and processes that lose their root"
    case .heldCopies: "copies kept busy by open files and working directories"
    case .renamedMountpoints: "mountpoints renamed and replaced from another namespace"
    case .linkedPaths: "symbolic links through mounts, chains and loops"
    case .changedRoots: "processes with a root of their own (chroot)"
    case .visitors: "several processes in one namespace (setns)"
    case .fileMounts: "files as mountpoints and roots of mounts"
    case .heldTrees: "paths that start at descriptors of detached trees"
    case .boundNamespaces: "namespace files bound, copied, moved and entered"
    case .keptFiles: "files kept by mappings and unreceived messages"
    case .idmappedTrees: "detached trees with mappings of ids"
    case .madeNamespaces: "namespaces made of trees, and empty ones"
    case .rareRefusals: "checks that random calls hardly ever meet"
    }
  }
}
