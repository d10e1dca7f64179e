import StormEngine

/// The kinds of calls that a profile gives weights to, named as profiles name them.
public enum OperationKind: String, CaseIterable, Hashable, Sendable {
  case mkdir
  case rmdir
  /// Makes a regular file, which can be a mountpoint and the root of a bind too.
  case touch
  case unlink
  case symlink
  case rename
  /// Resolves a path and does nothing else.
  case stat
  /// `mount -t tmpfs`: a new superblock each time.
  case tmpfs
  case bind
  case rbind
  case move
  /// `mount --make-{,r}{shared,slave,private,unbindable}`, drawn from the phase's propagation mix.
  case propagation
  /// `MS_REMOUNT|MS_BIND` with replaced flags.
  case remount
  case umount
  case umountDetach = "umount-detach"
  case umountExpire = "umount-expire"
  case umountForce = "umount-force"
  /// Opens a directory, which then keeps its mount busy.
  case open
  case close
  case chdir
  /// A new mount namespace.
  case unshare
  /// A new mount namespace owned by a new user namespace.
  case unshareUser = "unshare-user"
  case exit
  case pivotRoot = "pivot-root"
  case chroot
  /// Into the mount namespace of another process; both then share it.
  case setns
  case openTree = "open-tree"
  case fsmount
  /// `move_mount` from the descriptor of a detached tree.
  case attach
  /// `move_mount` between paths.
  case moveMount = "move-mount"
  /// `move_mount` with `MOVE_MOUNT_BENEATH`.
  case beneath
  /// `move_mount` with `MOVE_MOUNT_SET_GROUP`.
  case setGroup = "set-group"
  case setattr
  /// Opens the file of a mount or user namespace.
  case namespaceFile = "namespace-file"
  /// Binds such a file onto a regular file.
  case bindNamespaceFile = "bind-namespace-file"
  /// `setns` by an open namespace file.
  case setnsFile = "setns-file"
  /// `mount_setattr` with MOUNT_ATTR_IDMAP.
  case idmap
  /// `open_tree_attr`: attributes, propagation or a mapping for a tree that nobody has seen.
  case openTreeAttr = "open-tree-attr"
  /// `open_tree` with OPEN_TREE_NAMESPACE.
  case namespaceTree = "namespace-tree"
  /// `fsmount` with FSMOUNT_NAMESPACE.
  case fsmountNamespace = "fsmount-namespace"
  /// `unshare` with UNSHARE_EMPTY_MNTNS.
  case unshareEmpty = "unshare-empty"
  /// Keeps an open file by a mapping or by a message that nobody receives.
  case hold
  case letGo = "let-go"

  /// One line for `nsstorm profiles show`.
  public var explanation: String {
    switch self {
    case .mkdir: "make a directory"
    case .rmdir: "remove a directory, also one that is a mountpoint elsewhere"
    case .touch: "make a file"
    case .unlink: "remove a file or a symbolic link"
    case .symlink: "make a symbolic link, also one that dangles or loops"
    case .rename: "rename, also what is a mountpoint elsewhere"
    case .stat: "resolve a path"
    case .tmpfs: "mount a new tmpfs"
    case .bind: "mount --bind"
    case .rbind: "mount --rbind"
    case .move: "mount --move"
    case .propagation: "change a propagation type, with and without children"
    case .remount: "replace a mount's flags (MS_REMOUNT|MS_BIND)"
    case .umount: "synchronous umount"
    case .umountDetach: "umount with MNT_DETACH"
    case .umountExpire: "umount with MNT_EXPIRE"
    case .umountForce: "umount with MNT_FORCE"
    case .open: "open a directory and keep it open"
    case .close: "close a descriptor"
    case .chdir: "change the working directory"
    case .unshare: "a new mount namespace"
    case .unshareUser: "a new mount namespace in a new user namespace"
    case .exit: "end a process and with it its namespace"
    case .pivotRoot: "pivot_root"
    case .chroot: "change the root directory, and come back"
    case .setns: "enter the mount namespace of another process"
    case .openTree: "open_tree with and without a clone"
    case .fsmount: "a new detached tmpfs (fsopen, fsmount)"
    case .attach: "attach a detached tree (move_mount)"
    case .moveMount: "move_mount between paths"
    case .beneath: "move_mount beneath a mount"
    case .setGroup: "move_mount with set_group: join a peer group"
    case .setattr: "mount_setattr"
    case .namespaceFile: "open the file of a mount or user namespace"
    case .bindNamespaceFile: "bind the file of a namespace"
    case .setnsFile: "enter a namespace by its file"
    case .idmap: "give a detached tree a mapping of ids"
    case .openTreeAttr: "open_tree_attr: a copy with other attributes or ids"
    case .namespaceTree: "a copy of a tree as a namespace of its own (open_tree)"
    case .fsmountNamespace: "a new tmpfs as a namespace of its own (fsmount)"
    case .unshareEmpty: "a new namespace that holds the root mount alone"
    case .hold: "keep a file by a mapping or an unreceived message"
    case .letGo: "end such a mapping or message"
    }
  }
}

extension OperationKind {
  /// Whether a kernel of these rules has the call; a plan leaves out the others.
  func exists(under rules: KernelRules) -> Bool {
    switch self {
    case .beneath: rules.hasMoveBeneath
    case .setGroup: rules.hasSetGroup
    case .setattr: rules.hasMountSetattr
    case .idmap: rules.hasMountSetattr && rules.idmapsTmpfs
    case .openTreeAttr: rules.hasOpenTreeAttr
    case .namespaceTree: rules.hasNamespaceTrees
    case .fsmountNamespace: rules.hasFsmountNamespace
    case .unshareEmpty: rules.hasEmptyNamespaces
    default: true
    }
  }
}
