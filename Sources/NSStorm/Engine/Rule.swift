public import StormVocabulary

/// Every decision that the engine makes, named. Coverage counts them, `explain` prints them.
public enum Rule: UInt16, CaseIterable, Sendable {
  // Path resolution
  case pathNull
  case pathEmpty
  case nameTooLong
  case descriptorClosed
  case componentNotDirectory
  case nameNotFound
  case tooManyLinks
  case linkNotFollowed
  case rootPathStaysCovered
  case magicLinkNamesExactMount
  case umountPathGoesToTop
  case targetIsTopOfStack
  case targetRemoved
  case targetUnmounted
  // Names
  case pathExists
  case createInRemovedDirectory
  case writeToReadOnly
  case ownerNotMapped
  case coverIsImmutable
  case removeRoot
  case removeDot
  case removeDotDot
  case removeWrongKind
  case removeLocalMountpoint
  case removeNotEmpty
  case removalDetachesMountsElsewhere
  case renameAcrossMounts
  case renameIntoItself
  // Calls
  case callMissing
  case noMountCapability
  case mountForbiddenFlag
  case newWithoutType
  case unknownFileSystem
  case targetForeign
  case sameSuperblockOnItself
  case kindsDiffer
  case newMountIsPrivate
  case bindWithoutSource
  case copyOfUnbindable
  case bindOfForeignMount
  case bindRevealsLocked
  case bindCopiesOneMount
  case bindCopiesTree
  case copyLosesUnbindable
  case copyIsPeer
  case copyIsSlave
  case copySharesMaster
  case copySkipsUnbindable
  case copyMeetsLockedUnbindable
  case changeTypeNotMountRoot
  case changeTypeFlags
  case changeTypeUnmounted
  case changeTypeCapability
  case remountForeign
  case remountNotMountRoot
  case attributeLocked
  case remountReplacesAttributes
  case setattrNotMountRoot
  case setattrForeign
  case setattrChangesAttributes
  // Propagation types
  case becomesShared
  case becomesSlave
  case becomesPrivate
  case becomesUnbindable
  case slaveOfNothingIsPrivate
  case leavesPeerGroup
  case lastPeerLeaves
  case slavesHandedOver
  case slavesLoseMaster
  // Moving
  case moveMountFlags
  case moveNotMountRoot
  case moveWithoutParent
  case moveLocked
  case moveFromSharedParent
  case moveOfForeignMount
  case moveWithinDetachedTree
  case moveUnbindableOntoShared
  case moveIntoItself
  case moveReattaches
  case beneathNotMountRoot
  case beneathWithoutParent
  case beneathLocked
  case beneathSourceCovered
  case beneathRoot
  case beneathAncestor
  case beneathPropagatesToTop
  case beneathPropagatesToSource
  case movedBeneath
  case lockMovesBeneath
  case setGroupNotMountRoot
  case setGroupOtherSuperblock
  case setGroupRootOutside
  case setGroupTargetNotPrivate
  case setGroupSourcePrivate
  case setGroupJoins
  // Attaching
  case sourceRootRemoved
  case namespaceIsFull
  case attachOnSharedMakesShared
  case anonymousTreeAttached
  case propagatesToPeer
  case propagatesToSlave
  case placeNotVisibleInReceiver
  case anonymousReceivesNothing
  case groupWithoutCopyIsSkipped
  case tucksBeneath
  case treeLockedForOtherUsers
  // Umount
  case umountUnknownFlag
  case umountNotMountRoot
  case umountForeignMount
  case umountLocked
  case umountForceCapability
  case umountAbsoluteRoot
  case umountRootCapability
  case umountRootRemovedHeld
  case umountRootRemountsReadOnly
  case expireWithOtherFlags
  case expireInUse
  case expireMarks
  case expiryMarkCleared
  case umountLazy
  case umountSynchronous
  case umountBusy
  case busyOwnChild
  case busyHeld
  case busyReceiverCopyHeld
  case busyToppedReceiverCopyHeld
  case busyChainMemberHeld
  case receiverCopyWithChildDoesNotCount
  case receiverCopyUnlocked
  case umountCandidate
  case candidateKeptByInnerMount
  case candidateKeptByLock
  case survivorSlidesDown
  case survivorsShareAPlace
  case staysConnected
  case coverLeft
  case detachedTreeDissolves
  // Namespaces and roots
  case namespaceCopied
  case namespaceForOtherUsers
  case namespaceDies
  case newUsersWhileChrooted
  case newUsersUnmapped
  case setnsCapability
  case setnsLandsOnTopmost
  case openTreeFlags
  case pivotShared
  case pivotForeign
  case pivotLocked
  case pivotOnRoot
  case pivotRootNotMountRoot
  case pivotRootWithoutParent
  case pivotNewNotMountRoot
  case pivotNewWithoutParent
  case pivotOldUnreachable
  case pivotNewUnreachable
  case pivotSwapsRoots
  case pivotMovesLock
  // Namespace files, mappings, holds and automounts
  case namespaceFileDenied
  case descriptorIsNoNamespace
  case pathDescriptorUnusable
  case bindOfOlderNamespaceFile
  case copyOfNamespaceFile
  case copySkipsNamespaceFile
  case treeHasOlderNamespaceFile
  case namespaceKeptByFile
  case beneathLockedNamespaceFile
  case copyOfUnmountedTree
  case internalFileSystem
  case idmapDescriptor
  case idmapOfInitialUsers
  case idmapCapability
  case idmapOfFileSystemUsers
  case idmapAlready
  case idmapUnsupported
  case idmapSuperblockCapability
  case idmapVisibleMount
  case idmapSet
  case idmapRemoved
  case idmapCannotBeRemoved
  case namespaceTreeNotDirectory
  case namespaceTreeRevealsCovered
  case namespaceTreeMade
  case namespaceTreeLocked
  case namespaceEmpty
  case holdNotMappable
  case holdKeepsFile
  case automountTriggers
  case shrinksSubmount
  case shrinkSkipsLocked
  case automountNeverAppears

  /// The name as it stands in reports and coverage tables.
  public var name: String { String(describing: self) }

  /// Where the rule comes from and what it says.
  public var explanation: Explanation { ruleExplanations[Int(rawValue)] }

  /// A rule's source in the specification and in the kernel.
  public struct Explanation: Sendable {
    /// The section of `spec/kernel-mounts.md`.
    public let section: String
    /// The kernel function that decides.
    public let function: String
    /// What it says, as part of a sentence.
    public let sentence: String
  }
}

/// One step of the chain of rules that led to an answer.
public struct Reason: Hashable, Sendable {
  public let rule: Rule
  /// What the rule made the call answer; `.none` where it decided something else.
  public let errno: StormVocabulary.Errno
  /// The mount that it is about.
  public let mountID: UInt64?
}

private let ruleExplanations: [Rule.Explanation] = [
  .init(
    section: "3.1", function: "user_path_at",
    sentence: "the path is a NULL pointer"),
  .init(
    section: "2", function: "getname_flags",
    sentence: "the path is an empty string"),
  .init(
    section: "2", function: "getname_flags",
    sentence: "a name is longer than a file system or a page allows"),
  .init(
    section: "1.8", function: "fdget",
    sentence: "no file is open in that slot"),
  .init(
    section: "2", function: "link_path_walk",
    sentence: "something on the path is not a directory"),
  .init(
    section: "2", function: "walk_component",
    sentence: "a name on the path does not exist"),
  .init(
    section: "2", function: "pick_link",
    sentence: "more than 40 symbolic links were followed"),
  .init(
    section: "2.1", function: "pick_link",
    sentence: "the mount is nosymfollow: its symbolic links are not followed"),
  .init(
    section: "2.1", function: "path_init",
    sentence:
      "a path without components names the process's root itself, even if something covers it"),
  .init(
    section: "2.1", function: "nd_jump_link",
    sentence: "a magic link names exactly the mount that the descriptor holds, covered or not"),
  .init(
    section: "2.3", function: "path_lookupat",
    sentence: "umount goes on to the topmost mount of the stack at the end of its path"),
  .init(
    section: "2.4", function: "do_lock_mount",
    sentence: "mounting on any mount of a stack means mounting on its top"),
  .init(
    section: "2.4", function: "get_mountpoint",
    sentence: "the target directory was removed"),
  .init(
    section: "2.4", function: "do_lock_mount",
    sentence: "the target is on a mount that is mounted nowhere any more"),
  .init(
    section: "2.4", function: "filename_create",
    sentence: "the name exists"),
  .init(
    section: "2.4", function: "may_create",
    sentence: "the directory was removed"),
  .init(
    section: "2.4", function: "mnt_want_write",
    sentence: "the mount or its superblock is read-only"),
  .init(
    section: "3.14", function: "may_create",
    sentence: "the caller's ids are not mapped in the superblock's user namespace"),
  .init(
    section: "5.8", function: "empty_dir_lookup",
    sentence: "the empty root of nullfs takes no names"),
  .init(
    section: "2.4", function: "filename_parentat",
    sentence: "the path names the root directory"),
  .init(
    section: "2.4", function: "do_rmdir",
    sentence: "the path ends in a dot"),
  .init(
    section: "2.4", function: "do_rmdir",
    sentence: "the path ends in two dots"),
  .init(
    section: "2.4", function: "may_delete",
    sentence: "a directory where a file is needed, or the reverse"),
  .init(
    section: "2.4", function: "is_local_mountpoint",
    sentence: "something is mounted there in the caller's namespace"),
  .init(
    section: "2.4", function: "simple_rmdir",
    sentence: "the directory is not empty"),
  .init(
    section: "2.4", function: "__detach_mounts",
    sentence: "a removed directory loses its mounts in all namespaces, lazily"),
  .init(
    section: "2.4", function: "do_renameat2",
    sentence: "source and target are on different mounts"),
  .init(
    section: "2.4", function: "lock_rename",
    sentence: "a directory cannot become its own descendant"),
  .init(
    section: "7", function: "sys_ni_syscall",
    sentence: "this kernel does not have the call"),
  .init(
    section: "3", function: "may_mount",
    sentence: "CAP_SYS_ADMIN over the owner of the caller's mount namespace is missing"),
  .init(
    section: "3.1", function: "path_mount",
    sentence: "MS_NOUSER is not for users"),
  .init(
    section: "3.2", function: "do_new_mount",
    sentence: "a new mount needs a file system type"),
  .init(
    section: "3.2", function: "get_fs_type",
    sentence: "no such file system type"),
  .init(
    section: "3.2", function: "check_mnt",
    sentence: "the target mount is not in the caller's namespace"),
  .init(
    section: "3.2", function: "do_add_mount",
    sentence: "the same superblock is already mounted with its root there"),
  .init(
    section: "3.2", function: "graft_tree",
    sentence: "one side is a directory and the other is not"),
  .init(
    section: "3.2", function: "vfs_create_mount",
    sentence: "a new mount is private, without master and not unbindable"),
  .init(
    section: "3.3", function: "do_loopback",
    sentence: "the source is NULL or empty"),
  .init(
    section: "3.3", function: "__do_loopback",
    sentence: "the source mount is unbindable"),
  .init(
    section: "3.3", function: "may_copy_tree",
    sentence: "the source mount is not in the caller's namespace"),
  .init(
    section: "3.3", function: "has_locked_children",
    sentence: "without its locked child the copy would show what that covers"),
  .init(
    section: "3.3", function: "clone_mnt",
    sentence: "a bind copies the one mount, its flags included"),
  .init(
    section: "3.3.1", function: "copy_tree",
    sentence: "a recursive bind copies the mounts at or below the source directory"),
  .init(
    section: "3.3.1", function: "clone_mnt",
    sentence: "this kernel's copies are never unbindable"),
  .init(
    section: "3.3.1", function: "clone_mnt",
    sentence: "the copy of a shared mount is its peer, next in the ring"),
  .init(
    section: "3.3.1", function: "clone_mnt",
    sentence: "the copy is a slave of its shared original, first in its list"),
  .init(
    section: "3.3.1", function: "clone_mnt",
    sentence: "the copy of a slave has the same master, directly behind the original"),
  .init(
    section: "3.3.1", function: "copy_tree",
    sentence: "an unbindable subtree is left out of the copy"),
  .init(
    section: "3.3.1", function: "copy_tree",
    sentence: "a locked unbindable mount cannot be left out"),
  .init(
    section: "3.5", function: "do_change_type",
    sentence: "the path is not the root of a mount"),
  .init(
    section: "3.5", function: "flags_to_propagation_type",
    sentence: "not exactly one propagation type, or another flag with it"),
  .init(
    section: "3.5", function: "may_change_propagation",
    sentence: "the mount is mounted nowhere"),
  .init(
    section: "3.5", function: "may_change_propagation",
    sentence: "CAP_SYS_ADMIN over the owner of that mount's namespace is missing"),
  .init(
    section: "3.6", function: "do_reconfigure_mnt",
    sentence: "the mount is not in the caller's namespace"),
  .init(
    section: "3.6", function: "do_reconfigure_mnt",
    sentence: "the path is not the root of a mount"),
  .init(
    section: "1.5", function: "can_change_locked_flags",
    sentence: "a locked attribute may not be cleared, nor the access-time mode changed"),
  .init(
    section: "3.6", function: "do_reconfigure_mnt",
    sentence: "all settable attributes of the one mount are replaced"),
  .init(
    section: "3.11", function: "do_mount_setattr",
    sentence: "the path is not the root of a mount"),
  .init(
    section: "3.11", function: "do_mount_setattr",
    sentence: "the mount is neither in the caller's namespace nor the root of a detached tree"),
  .init(
    section: "3.11", function: "mount_setattr_commit",
    sentence: "attributes are added or taken away"),
  .init(
    section: "1.4", function: "set_mnt_shared",
    sentence: "the mount joins or founds a peer group and is no longer unbindable"),
  .init(
    section: "1.4", function: "change_mnt_propagation",
    sentence: "the mount becomes the first slave of the next peer, or keeps its old master"),
  .init(
    section: "1.4", function: "change_mnt_propagation",
    sentence: "the mount leaves group and master and is no longer unbindable"),
  .init(
    section: "1.4", function: "change_mnt_propagation",
    sentence: "the mount leaves group and master and becomes unbindable"),
  .init(
    section: "1.4", function: "change_mnt_propagation",
    sentence: "without peers and master there is nobody to be a slave of"),
  .init(
    section: "1.4", function: "change_mnt_propagation",
    sentence: "the others of the group go on without it"),
  .init(
    section: "1.4", function: "change_mnt_propagation",
    sentence: "the group ends with its last member"),
  .init(
    section: "1.4", function: "transfer_propagation",
    sentence: "the slaves get another master, their order kept"),
  .init(
    section: "1.4", function: "transfer_propagation",
    sentence: "nobody is left to be master of the slaves"),
  .init(
    section: "3.4", function: "do_move_mount",
    sentence: "an unknown flag, or two that exclude each other"),
  .init(
    section: "3.4", function: "do_move_mount",
    sentence: "the source is not the root of its mount"),
  .init(
    section: "3.4", function: "do_move_mount",
    sentence: "the source has no parent to be taken from"),
  .init(
    section: "3.4", function: "do_move_mount",
    sentence: "the source is locked to its parent"),
  .init(
    section: "3.4", function: "do_move_mount",
    sentence: "the source's parent is shared"),
  .init(
    section: "3.4", function: "do_move_mount",
    sentence: "the source is neither in the caller's namespace nor the root of a detached tree"),
  .init(
    section: "3.4", function: "do_move_mount",
    sentence: "source and target are in one detached tree"),
  .init(
    section: "3.4", function: "tree_contains_unbindable",
    sentence: "an unbindable mount cannot go onto a shared one"),
  .init(
    section: "3.4", function: "mount_is_ancestor",
    sentence: "the target is the source or lies below it"),
  .init(
    section: "3.4", function: "attach_recursive_mnt",
    sentence:
      "the moved mount keeps its group, master and children; leaving the old place is not propagated"
  ),
  .init(
    section: "3.9", function: "do_lock_mount",
    sentence: "beneath needs the root of a mount as its target"),
  .init(
    section: "3.9", function: "can_move_mount_beneath",
    sentence: "the target has no parent"),
  .init(
    section: "3.9", function: "can_move_mount_beneath",
    sentence: "the target is locked to its parent"),
  .init(
    section: "3.9", function: "can_move_mount_beneath",
    sentence: "something is mounted on the source's root"),
  .init(
    section: "3.9", function: "can_move_mount_beneath",
    sentence: "nothing can be slipped under the root"),
  .init(
    section: "3.9", function: "can_move_mount_beneath",
    sentence: "the target is the source or an ancestor of it"),
  .init(
    section: "3.9", function: "propagation_would_overmount",
    sentence: "a copy would land on the target itself"),
  .init(
    section: "3.9", function: "propagation_would_overmount",
    sentence: "a copy would land on the source itself"),
  .init(
    section: "3.9", function: "attach_recursive_mnt",
    sentence: "the mount that stood there goes on top of what was slipped under it"),
  .init(
    section: "4.1", function: "attach_recursive_mnt",
    sentence: "the lock moves to the mount below"),
  .init(
    section: "3.10", function: "do_set_group",
    sentence: "both paths must be roots of mounts"),
  .init(
    section: "3.10", function: "do_set_group",
    sentence: "both mounts must be of one superblock"),
  .init(
    section: "3.10", function: "do_set_group",
    sentence: "the target's root must be visible in the source"),
  .init(
    section: "3.10", function: "do_set_group",
    sentence: "the target must be private"),
  .init(
    section: "3.10", function: "do_set_group",
    sentence: "the source must be shared or a slave"),
  .init(
    section: "3.10", function: "do_set_group",
    sentence: "the target joins the source's group and master"),
  .init(
    section: "4.1", function: "attach_recursive_mnt",
    sentence: "the root of what is attached was removed"),
  .init(
    section: "4.4", function: "count_mounts",
    sentence: "a receiving namespace would pass fs.mount-max"),
  .init(
    section: "4.1", function: "attach_recursive_mnt",
    sentence: "what is attached to a shared mount becomes shared"),
  .init(
    section: "4.1", function: "attach_recursive_mnt",
    sentence: "a detached tree joins the namespace and its own namespace ends"),
  .init(
    section: "4.2", function: "propagate_one",
    sentence: "a peer receives a copy that is a peer of the previous one"),
  .init(
    section: "4.2", function: "propagate_one",
    sentence: "the first copy in a slave group is a slave of the copy above it"),
  .init(
    section: "4.2", function: "propagate_one",
    sentence: "the place is outside what the receiver shows"),
  .init(
    section: "4.2", function: "need_secondary",
    sentence: "nothing propagates into a detached tree"),
  .init(
    section: "4.2", function: "find_master",
    sentence: "a group without a copy is passed over on the way to the master"),
  .init(
    section: "4.1", function: "attach_recursive_mnt",
    sentence: "what a receiver had at the place goes on top of the copy"),
  .init(
    section: "3.14", function: "lock_mnt_tree",
    sentence: "a tree that enters a namespace with another owner is locked together"),
  .init(
    section: "2.3", function: "ksys_umount",
    sentence: "an undefined flag"),
  .init(
    section: "2.3", function: "can_umount",
    sentence: "the path is not a mount point"),
  .init(
    section: "2.3", function: "can_umount",
    sentence: "the mount is not in the caller's namespace"),
  .init(
    section: "2.3", function: "can_umount",
    sentence: "the mount is locked to its parent"),
  .init(
    section: "2.3", function: "can_umount",
    sentence: "forcing needs a capability over the superblock's user namespace"),
  .init(
    section: "5.1", function: "do_umount",
    sentence: "the namespace's absolute root cannot be unmounted"),
  .init(
    section: "5.1", function: "do_umount_root",
    sentence: "the superblock belongs to other users"),
  .init(
    section: "5.1", function: "sb_prepare_remount_readonly",
    sentence: "a removed directory is still in use"),
  .init(
    section: "5.1", function: "do_umount_root",
    sentence: "umount of the caller's root makes its superblock read-only instead"),
  .init(
    section: "5.1", function: "do_umount",
    sentence: "MNT_EXPIRE with force or detach, or on the caller's root"),
  .init(
    section: "5.1", function: "do_umount",
    sentence: "a mount with children or references does not expire"),
  .init(
    section: "5.1", function: "do_umount",
    sentence: "the first call marks the mount"),
  .init(
    section: "5.1", function: "mntput_no_expire",
    sentence: "a reference to the mount was put, which clears its expiry mark"),
  .init(
    section: "5.1", function: "do_umount",
    sentence: "MNT_DETACH takes the whole tree, busy or not"),
  .init(
    section: "5.1", function: "do_umount",
    sentence: "nothing that would go is in use"),
  .init(
    section: "5.1", function: "do_umount",
    sentence: "something that would go is in use"),
  .init(
    section: "5.2", function: "propagate_mount_busy",
    sentence: "the mount has mounts on it"),
  .init(
    section: "5.2", function: "propagate_mount_busy",
    sentence: "an open file, working directory or root is on the mount"),
  .init(
    section: "5.2", function: "propagate_mount_busy",
    sentence: "a copy that would go with it is held"),
  .init(
    section: "5.2", function: "find_topper",
    sentence: "a copy covered by one mount would go with it and is held"),
  .init(
    section: "5.2", function: "chain_busy",
    sentence: "a copy in a chain of copies mounted inside each other is held and would go"),
  .init(
    section: "5.2", function: "propagate_mount_busy",
    sentence: "a copy with a mount inside stays, so it does not count"),
  .init(
    section: "5.3", function: "propagate_mount_unlock",
    sentence: "the copies of what is unmounted lose their lock"),
  .init(
    section: "5.4", function: "gather_candidates",
    sentence: "what a receiver has at the place may go too"),
  .init(
    section: "5.4", function: "trim_one",
    sentence: "a living mount strictly inside keeps a copy"),
  .init(
    section: "5.4", function: "handle_locked",
    sentence: "a locked copy stays, because what it covers would be revealed"),
  .init(
    section: "5.4", function: "reparent",
    sentence: "a living mount on the root of one that goes slides down to its place"),
  .init(
    section: "5.5", function: "restore_mounts",
    sentence: "two survivors were put back onto one place"),
  .init(
    section: "5.8", function: "disconnect_mount",
    sentence: "a locked mount, or one of a removed directory, stays with its detached parent"),
  .init(
    section: "5.8", function: "umount_tree",
    sentence: "below a detached parent an empty directory stands in for what was there"),
  .init(
    section: "3.12", function: "dissolve_on_fput",
    sentence: "the last descriptor of a detached tree is closed"),
  .init(
    section: "3.14", function: "copy_mnt_ns",
    sentence: "a new namespace holds copies of all mounts"),
  .init(
    section: "3.14", function: "copy_mnt_ns",
    sentence: "a new namespace of other users holds slave copies, locked together"),
  .init(
    section: "3.14", function: "put_mnt_ns",
    sentence: "the last user of a namespace is gone; its mounts go without propagation"),
  .init(
    section: "3.14", function: "create_user_ns",
    sentence: "the caller's root is not the topmost mount of its namespace's root"),
  .init(
    section: "3.14", function: "create_user_ns",
    sentence: "the caller's ids are not mapped in its user namespace"),
  .init(
    section: "3.14", function: "mntns_install",
    sentence: "CAP_SYS_ADMIN over the owner of the other namespace is missing"),
  .init(
    section: "3.14", function: "mntns_install",
    sentence: "root and working directory go to the topmost mount of the namespace's root"),
  .init(
    section: "3.12", function: "vfs_open_tree",
    sentence: "a flag that does not go with the others or that this engine does not know"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the mount of put_old, or the parent of the new or old root, is shared"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the new or old root is not in the caller's namespace"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the new root is locked to its parent"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the new root or put_old is on the current root mount"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the caller's root is not the root of a mount"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the current root mount has no parent"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the new root is not the root of a mount"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the new root mount has no parent"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "put_old cannot be reached from the new root"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the new root cannot be reached from the current one"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the new mount takes the root's place and the old root goes to put_old"),
  .init(
    section: "3.8", function: "pivot_root",
    sentence: "the lock of the old root moves to the new one"),
  .init(
    section: "3.14", function: "proc_ns_get_link",
    sentence:
      "the caller has no capability over the process whose namespace file it opens"),
  .init(
    section: "3.14", function: "setns",
    sentence:
      "the descriptor is no file of a mount namespace"),
  .init(
    section: "1.8", function: "fdget",
    sentence:
      "the descriptor was opened with O_PATH, which this call does not take"),
  .init(
    section: "3.3", function: "mnt_ns_loop",
    sentence:
      "the file is that of a mount namespace no newer than the caller's: binding it could close a loop"
  ),
  .init(
    section: "3.3.1", function: "copy_tree",
    sentence:
      "the file of a mount namespace is not copied to receivers"),
  .init(
    section: "3.3.1", function: "copy_tree",
    sentence:
      "a mount of a mount-namespace file is left out of the copy, with what is on it"),
  .init(
    section: "3.4", function: "check_for_nsfs_mounts",
    sentence:
      "the tree holds the file of a mount namespace that is not newer than the caller's"),
  .init(
    section: "3.14", function: "nsfs_evict",
    sentence:
      "the last reference to the file of a namespace goes"),
  .init(
    section: "3.9", function: "can_move_mount_beneath",
    sentence:
      "a mount-namespace file cannot take over a lock"),
  .init(
    section: "3.3", function: "__do_loopback",
    sentence:
      "a tree that is mounted nowhere cannot be copied"),
  .init(
    section: "3.3", function: "graft_tree",
    sentence:
      "the file system is not for users"),
  .init(
    section: "3.11", function: "build_mount_idmapped",
    sentence:
      "the descriptor is no file of a user namespace"),
  .init(
    section: "3.11", function: "build_mount_idmapped",
    sentence:
      "the initial user namespace stands for no mapping"),
  .init(
    section: "3.11", function: "build_mount_idmapped",
    sentence:
      "the caller has no capability over the user namespace of the mapping"),
  .init(
    section: "3.11", function: "can_idmap_mount",
    sentence:
      "the mapping is the file system's own"),
  .init(
    section: "3.11", function: "can_idmap_mount",
    sentence:
      "the mount has a mapping, which stays for ever"),
  .init(
    section: "3.11", function: "can_idmap_mount",
    sentence:
      "the file system allows no idmapped mounts"),
  .init(
    section: "3.11", function: "can_idmap_mount",
    sentence:
      "the caller has no capability over the superblock's user namespace"),
  .init(
    section: "3.11", function: "can_idmap_mount",
    sentence:
      "the mount is visible in a namespace, so that its mapping cannot change"),
  .init(
    section: "3.11", function: "do_idmap_mount",
    sentence:
      "the mount gets its mapping, which copies inherit"),
  .init(
    section: "3.12", function: "build_mount_idmapped",
    sentence:
      "a new tree loses the mapping before anybody sees it"),
  .init(
    section: "3.11", function: "build_mount_idmapped",
    sentence:
      "a mapping is removed from no mount but a new tree"),
  .init(
    section: "3.13", function: "create_new_namespace",
    sentence:
      "a namespace needs a directory as its root"),
  .init(
    section: "3.13", function: "create_new_namespace",
    sentence:
      "a caller of other users cannot leave out what is mounted below"),
  .init(
    section: "3.13", function: "create_new_namespace",
    sentence:
      "the copy becomes a mount namespace of its own, on a copy of the caller's root mount"),
  .init(
    section: "3.13", function: "create_new_namespace",
    sentence:
      "something in the stack at the root is locked, so that the copy is locked as well"),
  .init(
    section: "3.13", function: "copy_mnt_ns",
    sentence:
      "the new namespace holds the root mount alone, and the caller stands on it"),
  .init(
    section: "6.5", function: "mmap",
    sentence:
      "what is open has no pages to map"),
  .init(
    section: "6.5", function: "get_file",
    sentence:
      "something besides a descriptor keeps the open file"),
  .init(
    section: "5.9", function: "follow_automount",
    sentence:
      "a walk through the directory makes its file system appear, as a shrinkable mount"),
  .init(
    section: "5.9", function: "shrink_submounts",
    sentence:
      "an automount below that nothing uses goes before the busy check"),
  .init(
    section: "5.9", function: "shrink_submount",
    sentence:
      "a locked automount is not removed"),
  .init(
    section: "5.9", function: "trace_automount",
    sentence:
      "the file system cannot be made for these users, and the walk tries until it has tried too often"
  ),
]
