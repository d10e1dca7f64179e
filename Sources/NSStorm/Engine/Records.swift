import StormVocabulary

/// `struct mount` as far as the semantics need it (kernel-mounts 1.1). Links are intrusive.
struct MountRecord: BitwiseCopyable {
  /// First word: the arena keeps its free list here.
  var root = Dentry.none
  var superblock = Superblock.none
  /// None for the root of a tree; the kernel points such a mount at itself.
  var parent = Mount.none
  var mountpoint = Dentry.none
  var firstChild = Mount.none
  var lastChild = Mount.none
  var nextSibling = Mount.none
  var previousSibling = Mount.none
  /// None while mounted nowhere.
  var namespace = Namespace.none
  /// The peer group; 0 for a mount that is not shared.
  var group: UInt32 = 0
  /// The peer ring (`mnt_share`): a mount without peers points at itself.
  var nextPeer = Mount.none
  var previousPeer = Mount.none
  var master = Mount.none
  var firstSlave = Mount.none
  var lastSlave = Mount.none
  var nextSlave = Mount.none
  var previousSlave = Mount.none
  /// All mounts on one dentry, whatever their parent (`mp->m_list`).
  var nextOnDentry = Mount.none
  var previousOnDentry = Mount.none
  /// The mounts of one namespace in the order of their commits.
  var nextInNamespace = Mount.none
  var previousInNamespace = Mount.none
  var deviceName: NameTable.Index = 0
  /// References beyond the one of the namespace: open files, working directories, roots (kernel-mounts 1.8).
  var holds: UInt32 = 0
  var attributes: MountAttributes = []
  var state: MountState = []
  /// Creation order; never used again (`mnt_id_unique`).
  var uniqueID: UInt64 = 0
}

/// The yes-or-no parts of a mount's state (kernel-mounts 1.5).
struct MountState: OptionSet, BitwiseCopyable {
  var rawValue: UInt16
  static let unbindable = MountState(rawValue: 1)
  /// MNT_LOCKED
  static let locked = MountState(rawValue: 2)
  static let lockedReadOnly = MountState(rawValue: 4)
  static let lockedNoDevices = MountState(rawValue: 8)
  static let lockedNoSetuid = MountState(rawValue: 16)
  static let lockedNoExecute = MountState(rawValue: 32)
  static let lockedAccessTime = MountState(rawValue: 64)
  /// MNT_UMOUNT: on its way out, or held by references only.
  static let umounted = MountState(rawValue: 128)
  static let expiryMark = MountState(rawValue: 256)
  /// Stands in for a mount that 7.3 took away below a detached parent (a "cover", kernel-mounts 5.8).
  static let cover = MountState(rawValue: 512)
  /// A mount of the kernel's own, in no namespace: the one of nsfs (MNT_INTERNAL).
  static let isInternal = MountState(rawValue: 1024)
  /// MNT_SHRINKABLE: made by an automount.
  static let shrinkable = MountState(rawValue: 2048)
  /// Left with the mark of a candidate by an earlier umount, because it was taken for one on its way out
  /// (T_UMOUNT_CANDIDATE; only where `copiesInheritUmounted`).
  static let leftAsCandidate = MountState(rawValue: 4096)

  static let lockedAttributes: MountState = [
    .lockedReadOnly, .lockedNoDevices, .lockedNoSetuid, .lockedNoExecute, .lockedAccessTime,
  ]
}

/// A dentry with its inode.
struct DentryRecord: BitwiseCopyable {
  var superblock = Superblock.none
  var parent = Dentry.none
  var name: NameTable.Index = 0
  var firstChild = Dentry.none
  var nextSibling = Dentry.none
  var previousSibling = Dentry.none
  var firstMountOn = Mount.none
  /// Mount roots, working directories, process roots and open files that stand on it.
  var pins: UInt32 = 0
  var kind = FileKind.directory
  /// Removed from its directory; nothing can be mounted on it any more (`cant_mount`).
  var isUnlinked = false
  /// What a symbolic link holds; of a namespace file the namespace, of an automount point the type that appears.
  var contents: UInt32 = 0
  /// A walk through it makes a file system appear (DCACHE_NEED_AUTOMOUNT).
  var isAutomountPoint = false
}

/// What a name stands for.
public enum FileKind: UInt8, BitwiseCopyable, Sendable {
  case directory, regular, symbolicLink, mountNamespaceFile, userNamespaceFile
}

/// A superblock.
struct SuperblockRecord: BitwiseCopyable {
  var root = Dentry.none
  var type: NameTable.Index = 0
  /// The name of its first mount.
  var deviceName: NameTable.Index = 0
  var userNamespace = UserNamespace.none
  /// Mounts of it, attached or held.
  var mountCount: UInt32 = 0
  /// Removed directories that are still held (`s_remove_count`): they forbid a read-only remount.
  var removedHeldCount: UInt32 = 0
  var isReadOnly = false
  /// Shared by all mounts of its type (sysfs, mqueue), so that stacking it is EBUSY.
  var isSingleton = false
  /// SB_NOUSER: nothing of it can be bound or mounted by a caller.
  var isForKernelOnly = false
  /// Nobody saw its contents being made: names that are not known here may exist.
  var isUnseen = false
  /// Mounts that ask for a file system with this key get this superblock; 0 for none.
  var sharingKey: NameTable.Index = 0
}

/// A mount namespace.
struct NamespaceRecord: BitwiseCopyable {
  var root = Mount.none
  var owner = UserNamespace.none
  var firstMount = Mount.none
  var lastMount = Mount.none
  var mountCount: UInt32 = 0
  /// Counted by an attach that is not committed yet.
  var pendingCount: UInt32 = 0
  /// Tasks, and the file of the namespace while anything refers to that.
  var users: UInt32 = 0
  /// Its file in nsfs, while anything refers to that.
  var file = Dentry.none
  var isAnonymous = false
  /// Changes whenever a table of it may have changed.
  var version: UInt32 = 0
  /// Creation order of namespaces (`seq`); of an anonymous one, that of the namespace it was copied from, 0 for a new
  /// file system (`seq_origin`).
  var sequence: UInt64 = 0
}

struct UserNamespaceRecord: BitwiseCopyable {
  var parent = UserNamespace.none
  /// Whether the ids of root are mapped in it.
  var mapsRoot = false
  var users: UInt32 = 0
  /// Its file in nsfs, while anything refers to that.
  var file = Dentry.none
}

struct ProcessRecord: BitwiseCopyable {
  var namespace = Namespace.none
  var userNamespace = UserNamespace.none
  var root = Location.none
  var workingDirectory = Location.none
  var firstFile = OpenFile.none
  /// The process whose open files this one uses too (CLONE_FILES); none where it has its own.
  var filesOwner = Process.none
  /// It has not CAP_SYS_ADMIN in its own user namespace.
  var lacksMountCapability = false
  var isAlive = false
}

struct OpenFileRecord: BitwiseCopyable {
  var next = OpenFile.none
  var location = Location.none
  var slot: Int32 = 0
  /// FMODE_NEED_UNMOUNT: closing it dissolves the anonymous namespace whose root it names.
  var needsUmount = false
  /// Descriptors that were inherited share one open file.
  var description: UInt32 = 0
  /// O_PATH: names a place and nothing more.
  var isPathOnly = false
  /// Not a descriptor: a mapping or an unreceived message (kernel-mounts 6.5).
  var hold: HoldKind?
}
