public import StormVocabulary

/// A kernel bug that is understood: which releases have it, and the rule that reproduces it.
///
/// Predictions use the intended behaviour of a kernel line. An entry explains a difference only on a release that it
/// affects, and only when its switch reproduces what was seen completely.
public struct KnownIssue: Sendable, Identifiable {
  /// A short name for reports and options: `unbindable-lost-in-namespace-copy`.
  public let id: String
  /// What is wrong, as a sentence.
  public let title: String
  /// The subject of the commit that mended it.
  public let fixSubject: String
  /// The first release that has it.
  public let introduced: KernelRelease
  /// The first release of the newest line that had it without it.
  public let fixed: KernelRelease
  /// The first releases of stable lines without it.
  public let fixedInStable: [KernelRelease]
  /// What user space sees.
  public let appearance: String
  /// Where the facts come from: sections of the specification, entries of the list of known bugs.
  public let source: String
  /// Turns intended rules into those of a kernel with the bug.
  public let apply: @Sendable (inout KernelRules) -> Void
  /// It shows in races only and no rule reproduces it: the judge of racing calls may take a success that it otherwise
  /// would not (`Latitude.tornSum`).
  public var missesReferences = false

  /// Whether a release has the bug.
  public func affects(_ release: KernelRelease) -> Bool {
    guard release >= introduced, release < fixed else { return false }
    return !fixedInStable.contains {
      ($0.major, $0.minor) == (release.major, release.minor) && release >= $0
    }
  }

  /// The entries that affect a release, in catalogue order.
  public static func affecting(_ release: KernelRelease) -> [KnownIssue] {
    catalogue.filter { $0.affects(release) && !$0.missesReferences }
  }

  /// The entries that affect a release and show in races only.
  public static func missingReferences(on release: KernelRelease) -> [KnownIssue] {
    catalogue.filter { $0.affects(release) && $0.missesReferences }
  }

  /// Every known issue that the engine can reproduce.
  public static let catalogue: [KnownIssue] = [
    KnownIssue(
      id: "unbindable-lost-in-namespace-copy",
      title: "a new mount namespace forgets that mounts are unbindable",
      fixSubject: "mount: keep a copied mount unbindable",
      introduced: KernelRelease(6, 17), fixed: KernelRelease(7, 2, 11), fixedInStable: [],
      appearance:
        "mountinfo of the new namespace shows no `unbindable`, and binding the mount there succeeds",
      source:
        "kernel-mounts 3.3.1 and E09; known-kernel-bugs 20; probed on 7.2.6, 7.2.9 (there) and 7.2.11 (gone)",
      apply: { $0.copiesKeepUnbindable = false }),
    KnownIssue(
      id: "busy-chain-torn-out",
      title: "a synchronous umount takes a busy copy that stands in a chain of copies",
      fixSubject: "fs: don't silently unmount busy mounts",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(7, 2, 11),
      fixedInStable: [KernelRelease(6, 12, 117)],
      appearance:
        "umount2 answers 0 where EBUSY is due, and a mount that somebody holds disappears",
      source: "kernel-mounts 5.2 and E90; known-kernel-bugs 1",
      apply: { $0.busyWalksChains = false }),
    KnownIssue(
      id: "bind-onto-foreign-mount-succeeds",
      title: "a bind onto a mount of another namespace answers 0 and does nothing",
      fixSubject: "do_lock_mount(): a missing error code (6.17 only; subject not known)",
      introduced: KernelRelease(6, 17), fixed: KernelRelease(6, 18), fixedInStable: [],
      appearance:
        "mount(MS_BIND) onto a descriptor of another namespace's mount answers 0 instead of EINVAL",
      source: "kernel-mounts 3.3 and E89",
      apply: { $0.bindOntoForeignMountSucceeds = true }),
    KnownIssue(
      id: "propagation-change-unchecked",
      title:
        "the propagation type of mounts that are mounted nowhere or belong to others can be changed",
      fixSubject: "do_change_type(): refuse to operate on unmounted/not ours mounts",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(6, 16),
      fixedInStable: [
        KernelRelease(6, 15, 3), KernelRelease(6, 12, 34), KernelRelease(6, 6, 94),
        KernelRelease(6, 1, 142), KernelRelease(5, 10, 239),
      ],
      appearance: "MS_SHARED and its kin on a lazily detached mount answer 0 instead of EINVAL",
      source: "kernel-mounts 3.5 and E27; known-kernel-bugs 11",
      apply: { $0.changeTypeNeedsMounted = false }),
    KnownIssue(
      id: "tucked-cover-locked",
      title:
        "what stood at the place of a copy that enters another user namespace is locked with it",
      fixSubject:
        "attach_recursive_mnt(): do not lock the covering tree when sliding something under it",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(6, 16),
      fixedInStable: [
        KernelRelease(6, 12, 36), KernelRelease(6, 1, 143), KernelRelease(5, 10, 240),
      ],
      appearance:
        "umount of one's own mount answers EINVAL for ever after something was mounted beneath it",
      source: "kernel-mounts 3.14 and E30; known-kernel-bugs 15",
      apply: { $0.locksAfterTucking = true }),
    KnownIssue(
      id: "tucked-cover-unlocked",
      title: "a locked mount loses its lock when a copy is propagated beneath it",
      fixSubject:
        "namespace: keep the cover of a propagated copy locked (7.1 only; subject not known)",
      introduced: KernelRelease(7, 1), fixed: KernelRelease(7, 2, 11), fixedInStable: [],
      appearance: "umount inside a user namespace answers 0 for a mount that was locked",
      source: "known-kernel-bugs 4d: locked_mount.propagated_copy_keeps_the_cover_locked",
      apply: { $0.tuckingUnlocksCover = true }),
    KnownIssue(
      id: "namespace-file-loop-by-recursive-bind",
      title: "a recursive bind brings the file of the caller's own mount namespace along",
      fixSubject: "namespace: check a recursive bind mount for mount namespace loops",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(7, 2, 11),
      fixedInStable: [KernelRelease(6, 12, 117)],
      appearance:
        "mount(MS_BIND|MS_REC) answers 0 where EINVAL is due; the namespace keeps itself for ever",
      source: "kernel-mounts 3.3; known-kernel-bugs 7",
      apply: { $0.bindChecksTreeForLoops = false }),
    KnownIssue(
      id: "unmounted-tree-copied",
      title: "the tree of a namespace file's mount that is mounted nowhere can be copied",
      fixSubject: "namespace: don't copy an unmounted mount tree",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(7, 2, 11),
      fixedInStable: [KernelRelease(6, 12, 113), KernelRelease(6, 1, 191)],
      appearance: "a recursive bind from a lazily detached mount answers 0 where EINVAL is due",
      source: "kernel-mounts 3.3; known-kernel-bugs 8",
      apply: { $0.treeCopyNeedsMounted = false }),
    KnownIssue(
      id: "copy-counts-as-detached",
      title: "the copy of a lazily detached mount of a namespace file counts as detached itself",
      fixSubject: "namespace: don't inherit MNT_UMOUNT in clone_mnt()",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(7, 2, 11),
      fixedInStable: [KernelRelease(6, 12, 114), KernelRelease(6, 1, 191)],
      appearance:
        "when its mountpoint is removed elsewhere the copy leaves the tree but stays counted; a umount that should take it "
        + "leaves it where it is, outside its group",
      source:
        "known-kernel-bugs 6; probed on 5.10 to 7.2.9 and 6.18.44 (there) and 7.2.13 (gone)",
      apply: { $0.copiesInheritUmounted = true }),
    KnownIssue(
      id: "mount-lost-below-namespace-file",
      title:
        "a mount of a receiver disappears when a tree with a namespace file is moved to its place",
      fixSubject: "namespace: keep what a namespace file covered (6.17 to 7.1; subject not known)",
      introduced: KernelRelease(6, 17), fixed: KernelRelease(7, 2, 11), fixedInStable: [],
      appearance:
        "the mount that stood at the place of the copy is in no table and on no path any more",
      source: "known-kernel-bugs 21 and 4d: overmount_ns_file",
      apply: { $0.tucksWhereSourceEnds = true }),
    KnownIssue(
      id: "locked-automount-shrunk",
      title: "a synchronous umount removes an automount that hides something from other users",
      fixSubject: "namespace: never expire a locked mount",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(7, 2, 11),
      fixedInStable: [KernelRelease(6, 12, 117)],
      appearance: "umount2 reveals, inside a user namespace, what a locked mount covered",
      source: "kernel-mounts 5.9; known-kernel-bugs 4",
      apply: { $0.shrinkKeepsLocked = false }),
    KnownIssue(
      id: "busy-automount-shrunk",
      title: "a synchronous umount removes an automount that became busy while others were removed",
      fixSubject: "namespace: check a submount for references right before unmounting it",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(7, 2, 11),
      fixedInStable: [KernelRelease(6, 12, 113), KernelRelease(6, 1, 191)],
      appearance: "a mount that is somebody's working directory disappears",
      source: "kernel-mounts 5.9; known-kernel-bugs 2",
      apply: { $0.shrinksRightAfterCheck = false }),
    KnownIssue(
      id: "automount-locked-with-its-parent",
      title: "an automount below a locked mount is locked, and nobody can remove it",
      fixSubject: "finish_automount(): don't leak MNT_LOCKED from parent to child",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(6, 16), fixedInStable: [],
      appearance:
        "umount2 in a user namespace answers EINVAL for an automount that appeared there",
      source: "kernel-mounts 5.9; seen on 5.10.223 and 6.1.192, not on 6.16.12; read in 6.12.117",
      apply: { $0.automountsStartUnlocked = false }),
    KnownIssue(
      id: "tracefs-not-for-other-users",
      title: "a walk into debugfs's tracing fails for processes of other user namespaces",
      fixSubject: "not known; between 6.12 and 6.16.12",
      introduced: KernelRelease(6, 10), fixed: KernelRelease(6, 16), fixedInStable: [],
      appearance: "any walk through the directory answers ELOOP",
      source:
        "kernel-mounts 5.9; seen on 6.12.107, not on 6.1.192 and 6.16.12; the first release is from memory",
      apply: { $0.automountsForAllUsers = false }),
    KnownIssue(
      id: "torn-reference-sums",
      title: "a busy check misses a reference that moves from one CPU to another meanwhile",
      fixSubject: "none known",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(6, 19), fixedInStable: [],
      appearance:
        "umount2 answers 0 for a mount that was held all the time, while other references on it came and went",
      source: "architecture, \"How concurrency is judged\"; needs three CPUs to show",
      apply: { _ in }, missesReferences: true),
    KnownIssue(
      id: "missing-barrier-before-busy-check",
      title: "a busy check does not see a reference that a walk has just taken",
      fixSubject: "do_umount(): add missing barrier before refcount checks in sync case",
      introduced: KernelRelease(5, 10), fixed: KernelRelease(6, 15),
      fixedInStable: [KernelRelease(6, 12, 29), KernelRelease(6, 1, 139)],
      appearance: "umount2 answers 0 and acts like MNT_DETACH: a walk goes on in what was umounted",
      source: "known-kernel-bugs 9",
      apply: { _ in }, missesReferences: true),
  ]
}
