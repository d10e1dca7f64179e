public import StormVocabulary

/// How a kernel behaves, as named rules. Nothing but `init(release:)` asks for a version (kernel-mounts section 7).
public struct KernelRules: Hashable, Sendable {
  // MARK: umount

  /// Umount propagation takes the largest set of candidates (6.17+, `propagate_umount` rewritten); before, candidates
  /// were marked one by one and what covers a root was never an obstacle (5.4, 5.5).
  public var umountsLargestSet = true
  /// The mounts of a tree that goes are listed last first, so that their copies are found in pre-order (before 6.8, whose
  /// `umount_tree` puts each before the others; 5.5).
  public var umountListsLastFirst = false
  /// Slaves of mounts that go are handed over all at once (6.17+, `bulk_make_private`; 5.7).
  public var handsOverInBulk = true
  /// The busy check judges chains of candidates mounted inside each other as a whole (`chain_busy`; 5.2). Intended
  /// everywhere, done since 7.2.
  public var busyWalksChains = true
  /// Locked or connected members of a detached tree are replaced by an empty directory (7.3, covers; 5.8).
  public var leavesCovers = true
  /// umount2 asks under the lock again whether the mount is still the caller's (6.17+; before, a mount that somebody
  /// else had taken meanwhile answered 0; 5.1).
  public var umountAsksAgainUnderLock = true
  /// MNT_FORCE asks for a capability over the initial user namespace (5.10; later the superblock's; 2.3).
  public var forceNeedsInitialUsers = false

  // MARK: propagation

  /// A copy keeps "unbindable" (`clone_mnt`, 3.3.1). Intended everywhere, not done from 6.17 to 7.1.
  public var copiesKeepUnbindable = true
  /// What a receiver had at the place goes on top of the copy's own stack (6.17+, `attach_recursive_mnt`; 4.1).
  public var tucksOntoTopOfCopy = true
  /// The walk over receivers visits slaves of mounts in detached trees (6.15+, `propagation_next`; 4.3).
  public var walksAnonymousMounts = true
  /// A leaving member is replaced by the next peer with the same root (up to 6.16, `do_make_slave`; 1.4).
  public var prefersPeerWithSameRoot = false
  /// Slaves are handed over at the tail of the new master's list (up to 6.16, `do_make_slave`; 1.4).
  public var handsSlavesOverAtTail = false
  /// A type change needs a mounted mount and a capability over its namespace (3.5). Intended everywhere, done since
  /// 6.16 and in stable updates.
  public var changeTypeNeedsMounted = true

  // MARK: attaching and moving

  /// A target that is mounted nowhere is ENOENT when it is locked (6.5+); before, EINVAL came from later checks (2.4).
  public var lockTargetRefusesUnmounted = true
  /// move checks that the source is a mount root, and the kinds, before anything is locked (6.18+; 3.4).
  public var moveChecksSourceRootFirst = true
  /// Beneath a path that is no mount root is EINVAL before the target is locked (6.17+; 3.4).
  public var beneathChecksRootBeforeLock = true
  /// move_mount looks its target up before its source (6.13+; 3.4).
  public var moveMountLooksUpTargetFirst = true
  /// move_mount accepts a target in a detached tree (6.15+; 3.4).
  public var movesIntoDetachedTrees = true
  /// bind and open_tree accept a source in a detached tree of the caller's namespace (6.15+; 3.3).
  public var copiesDetachedTrees = true
  /// MOVE_MOUNT_BENEATH exists (6.5+).
  public var hasMoveBeneath = true
  /// A locked mount may be slipped under, and its lock moves to what is below (7.1+; 3.9).
  public var movesBeneathLocked = true
  /// The root may be slipped under (7.1+; 3.9).
  public var movesBeneathRoot = true
  /// MOVE_MOUNT_SET_GROUP exists (5.15+, 5.10.241+; 3.10).
  public var hasSetGroup = true
  /// set_group refuses an unbindable target (7.3, 7.2.11+; 3.10).
  public var setGroupRefusesUnbindable = true
  /// mount_setattr exists (5.12+; 3.11).
  public var hasMountSetattr = true
  /// open_tree_attr exists, and a new tree's mapping may be replaced by it (6.15+; 3.12).
  public var hasOpenTreeAttr = true
  /// tmpfs allows idmapped mounts (6.3+, FS_ALLOW_IDMAP; 3.11).
  public var idmapsTmpfs = true
  /// OPEN_TREE_NAMESPACE exists (7.0+; 3.13).
  public var hasNamespaceTrees = true
  /// FSMOUNT_NAMESPACE exists (7.1+; 3.13).
  public var hasFsmountNamespace = true
  /// UNSHARE_EMPTY_MNTNS exists (7.1+; 3.13).
  public var hasEmptyNamespaces = true
  /// The root mount of every namespace is a copy of an empty, immutable nullfs (7.0+; 3.13).
  public var rootIsNullfs = true
  /// A recursive bind is refused when its copy would hold the file of an older mount namespace (3.3). Intended
  /// everywhere, done since 7.3 and in stable updates.
  public var bindChecksTreeForLoops = true
  /// The tree below a namespace file's mount that is mounted nowhere cannot be copied recursively (3.3). Intended
  /// everywhere, done since 7.2 and in stable updates.
  public var treeCopyNeedsMounted = true
  /// The copy of a detached mount of a namespace file counts as detached itself: a bug (known-kernel-bugs 6).
  public var copiesInheritUmounted = false
  /// A mount-namespace file cannot be slipped under a locked mount, because copies leave it out (7.2.11+; 3.9).
  public var lockNeedsRealMount = true
  /// A locked automount is not shrunk (5.9). Intended everywhere, done since 7.2 and in stable updates.
  public var shrinkKeepsLocked = true
  /// An automount is asked whether it is busy right before it is shrunk (5.9). Intended everywhere, done since 7.2
  /// and in stable updates; before, all were asked first.
  public var shrinksRightAfterCheck = true
  /// An automount is not locked because the mount above it is (5.9). Intended everywhere, done since 6.16.
  public var automountsStartUnlocked = true
  /// tracefs appears for processes of other user namespaces as well (5.9). Intended everywhere, not done from 6.10 to
  /// 6.15.
  public var automountsForAllUsers = true
  /// What a receiver had at the place goes to where the top of the source is, although the copy has no such mount,
  /// because namespace files were left out: a bug from 6.17 to 7.1 (4.1).
  public var tucksWhereSourceEnds = false
  /// A bind onto a mount of another namespace answers 0 and does nothing: a bug of 6.17 (3.3).
  public var bindOntoForeignMountSucceeds = false

  // MARK: user namespaces and locks

  /// What is tucked on top of a copy that enters another user namespace is locked with it: a bug of 5.10 (3.14).
  public var locksAfterTucking = false
  /// The lock of a mount that is slipped under moves to the new mount (7.1+; 4.1).
  public var lockMovesToWhatIsTucked = true
  /// A locked mount that a propagated copy is slipped under loses its lock: a bug of 7.1 (known-kernel-bugs 4d).
  public var tuckingUnlocksCover = false
  /// Locking compares with the owner of the destination, not of the caller's namespace (7.3; 4.1).
  public var locksRelativeToDestination = true
  /// The top of a tree that is copied for other users is locked as well (before 7.3, `lock_mnt_tree`; 3.14).
  public var lockTreeIncludesTop = false

  // MARK: the rest

  /// pivot_root asks for the capability before it looks the paths up (up to 6.12; 3.8).
  public var pivotChecksCapabilityFirst = false
  /// pivot_root attaches the old root before the new one (up to 6.16; 3.8).
  public var pivotAttachesOldFirst = false
  /// mountinfo lists mounts in the order of their creation (6.8+); before, in the order of their commits (1.6).
  public var tableIsInCreationOrder = true

  /// The rules of the newest kernel that is known.
  public static let newest = KernelRules()

  private init() {}

  /// The oldest and the newest kernel whose behaviour is known.
  public static let knownReleases = KernelRelease(5, 10)...KernelRelease(7, 3, .max)

  /// These rules with the behaviour of some known issues.
  public func applying(_ issues: [KnownIssue]) -> KernelRules {
    var rules = self
    for issue in issues { issue.apply(&rules) }
    return rules
  }

  /// What a kernel of this release does, its known issues included; nil for kernels older than 5.10.
  public static func actual(release: KernelRelease) -> KernelRules? {
    KernelRules(release: release)?.applying(KnownIssue.affecting(release))
  }

  /// The intended behaviour of a release; nil for kernels older than 5.10. Newer ones than all known get the newest rules.
  public init?(release: KernelRelease) {
    guard release >= Self.knownReleases.lowerBound else { return nil }
    func since(_ major: Int, _ minor: Int) -> Bool { release >= KernelRelease(major, minor) }
    /// Mainline since a version, and stable updates of older lines since theirs.
    func since(_ major: Int, _ minor: Int, stable: [KernelRelease]) -> Bool {
      since(major, minor)
        || stable.contains {
          ($0.major, $0.minor) == (release.major, release.minor) && release >= $0
        }
    }
    self.init()
    umountsLargestSet = since(6, 17)
    umountListsLastFirst = !since(6, 8)
    handsOverInBulk = since(6, 17)
    umountAsksAgainUnderLock = since(6, 17)
    leavesCovers = since(7, 3)
    forceNeedsInitialUsers = !since(
      6, 15,
      stable: [KernelRelease(6, 12, 24), KernelRelease(6, 1, 135), KernelRelease(5, 10, 237)])
    tucksOntoTopOfCopy = since(6, 17)
    walksAnonymousMounts = since(6, 15)
    prefersPeerWithSameRoot = !since(6, 17)
    handsSlavesOverAtTail = !since(6, 17)
    lockTargetRefusesUnmounted = since(6, 5)
    moveChecksSourceRootFirst = since(6, 18)
    beneathChecksRootBeforeLock = since(6, 17)
    moveMountLooksUpTargetFirst = since(6, 13)
    movesIntoDetachedTrees = since(6, 15)
    copiesDetachedTrees = since(6, 15)
    hasMoveBeneath = since(6, 5)
    movesBeneathLocked = since(7, 1)
    movesBeneathRoot = since(7, 1)
    hasSetGroup = since(5, 15, stable: [KernelRelease(5, 10, 241)])
    setGroupRefusesUnbindable = since(7, 3, stable: [KernelRelease(7, 2, 11)])
    hasMountSetattr = since(5, 12)
    hasOpenTreeAttr = since(6, 15)
    idmapsTmpfs = since(6, 3)
    hasNamespaceTrees = since(7, 0)
    hasFsmountNamespace = since(7, 1)
    hasEmptyNamespaces = since(7, 1)
    rootIsNullfs = since(7, 0)
    lockNeedsRealMount = release >= KernelRelease(7, 2, 11)
    lockMovesToWhatIsTucked = since(7, 1)
    locksRelativeToDestination = since(7, 3)
    lockTreeIncludesTop = !since(7, 3)
    pivotChecksCapabilityFirst = !since(6, 17)
    pivotAttachesOldFirst = !since(6, 17)
    tableIsInCreationOrder = since(6, 8)
  }
}
