public import StormEngine

/// One field of ``KernelRules``: what it says, and a small scenario whose answers show its value.
public struct RuleSwitch: Sendable, Identifiable {
  /// The field's name.
  public let id: String
  /// The field.
  public let field: any WritableKeyPath<KernelRules, Bool> & Sendable
  /// What is so when the field is true, as a sentence.
  public let meaning: String
  /// The section of `spec/kernel-mounts.md` and the kernel function.
  public let source: String
  /// A scenario that answers differently for true and false; nil where no call of a privileged process shows it.
  public let example: String?
  /// Rules that must hold for the example to show anything, such as the existence of a call.
  public let needs: [any WritableKeyPath<KernelRules, Bool> & Sendable]

  init(
    _ id: String, _ field: any WritableKeyPath<KernelRules, Bool> & Sendable, _ meaning: String,
    _ source: String, needs: [any WritableKeyPath<KernelRules, Bool> & Sendable] = [],
    _ example: String?
  ) {
    self.id = id
    self.field = field
    self.meaning = meaning
    self.source = source
    self.example = example
    self.needs = needs
  }

  /// The example as a scenario; nil where there is none.
  public func scenario() throws -> Scenario? {
    guard let example else { return nil }
    var scenario = try ScenarioParser(file: id).parse(line: example)
    scenario.name = id
    scenario.title = meaning
    return scenario
  }

  /// What the example shows under some rules with this field set.
  public func transcript(_ rules: KernelRules, value: Bool) throws -> [String]? {
    guard let scenario = try scenario() else { return nil }
    var rules = rules
    rules[keyPath: field] = value
    for need in needs { rules[keyPath: need] = true }
    var run = ScenarioRun(
      world: EngineWorld(rules: rules, inheritsFiles: false), showsPlaces: false)
    return Array(try run.run(scenario).lines.dropFirst())
  }
}

extension RuleSwitch {
  /// All fields, in the order of their declaration.
  public static let all: [RuleSwitch] =
    umount + propagation + moving + users + rest + namespaceFiles + newerCalls + automounts

  private static let umount: [RuleSwitch] = [
    RuleSwitch(
      "umountsLargestSet", \.umountsLargestSet,
      "umount propagation takes the largest set of copies; a mount over the root of an inner copy keeps the outer ones",
      "5.4 propagate_umount",
      """
      -mkdir /s; -tmpfs s /s d; -chg shared /s; -ns B; -tmpfs t /s/d x; -tmpfs tx /s/d/x; -@B chg private /s/d/x;
      -@B tmpfs extra /s/d/x; umount /s/d l; dump
      """),
    RuleSwitch(
      "umountListsLastFirst", \.umountListsLastFirst,
      "what covered the copies of several mounts of a tree slides down in the order of the tree",
      "5.5 umount_tree",
      """
      -mkdir /s; -tmpfs s /s d; -chg shared /s; -ns B; -tmpfs t /s/d x y; -tmpfs tx /s/d/x; -tmpfs ty /s/d/y;
      -@B chg private /s/d/x; -@B tmpfs over-x /s/d/x; -@B chg private /s/d/y; -@B tmpfs over-y /s/d/y; umount /s/d l;
      -@B ns C; dump C
      """),
    RuleSwitch(
      "handsOverInBulk", \.handsOverInBulk,
      "the slaves of mounts that go together are handed over at once, so the last one's slaves come first",
      "5.7 bulk_make_private",
      """
      -mkdir /p /x /s1 /s2; -tmpfs p /p a b; -tmpfs t /p/a d; -chg shared /p/a; -bind /p/a /s1; -chg slave /s1;
      -bind /p/a /x; -bind /p/a /p/b; -bind /p/a /s2; -chg slave /s2; umount /p l; -tmpfs n /x/d; dump
      """),
    RuleSwitch(
      "busyWalksChains", \.busyWalksChains,
      "a busy copy in the middle of a chain of copies makes a synchronous umount fail",
      "5.2 chain_busy",
      needs: [\.hasSetGroup],
      """
      -mkdir /s /p; -tmpfs s /s d; -bind /s /p; -tmpfs v /p/d; -bind /s /s/d; -bind /s /s/d/d; -chg shared /s;
      -mm /s /s/d group; -mm /s /s/d/d group; -mm /s /p group; -open 1 /s/d; umount /p/d
      """),
    RuleSwitch(
      "leavesCovers", \.leavesCovers,
      "below a detached parent an empty directory stands where a connected mount was",
      "5.8 umount_tree",
      """
      -mkdir /m; -tmpfs m /m a; -ns B; -@B tmpfs k /m/a x; -@B tmpfs kx /m/a/x; -@B open 1 /m/a; -@B mkdir /m/a/x/y; rmdir /m/a; @B stat 1 x/y
      """),
    RuleSwitch(
      "umountAsksAgainUnderLock", \.umountAsksAgainUnderLock,
      "a umount that finds its mount gone when it gets the lock answers EINVAL", "5.1 do_umount",
      nil),
    RuleSwitch(
      "forceNeedsInitialUsers", \.forceNeedsInitialUsers,
      "MNT_FORCE needs a capability over the initial user namespace", "2.3 can_umount",
      "-mkdir /m; -nsuser U; -@U tmpfs m /m; @U umount /m f"),
  ]

  private static let propagation: [RuleSwitch] = [
    RuleSwitch(
      "copiesKeepUnbindable", \.copiesKeepUnbindable,
      "a new mount namespace keeps mounts unbindable",
      "3.3.1 clone_mnt", "-mkdir /src; -tmpfs src /src a; -chg unbindable /src; -ns B; dump B"),
    RuleSwitch(
      "tucksOntoTopOfCopy", \.tucksOntoTopOfCopy,
      "what a receiver had at the place goes on top of the copy's own stack",
      "4.1 attach_recursive_mnt",
      """
      -mkdir /s /q; -tmpfs s /s d; -chg shared /s; -ns B; -@B chg slave /s; -@B tmpfs own /s/d; -tmpfs q1 /q; -open 1 /q;
      -tmpfs q2 /q; rbind %1 /s/d; dump B
      """),
    RuleSwitch(
      "walksAnonymousMounts", \.walksAnonymousMounts,
      "propagation visits the slaves of mounts that stand in detached trees",
      "4.3 propagation_next",
      """
      -mkdir /s /t; -tmpfs s /s d; -chg shared /s; -otree 1 /s; -bind /s /t; -chg slave /t; tmpfs x /s/d; dump
      """),
    RuleSwitch(
      "prefersPeerWithSameRoot", \.prefersPeerWithSameRoot,
      "a member that becomes slave gets a peer with the same root as its master",
      "1.4 do_make_slave",
      """
      -mkdir /s /t /u /v; -tmpfs t /t a b; -mkdir /t/a/d; -chg shared /t; -bind /t /v; -chg slave /v; -bind /t /s;
      -bind /s/a /u; -chg slave /s; tmpfs n /t/a/d; dump
      """),
    RuleSwitch(
      "handsSlavesOverAtTail", \.handsSlavesOverAtTail,
      "the slaves of a member that leaves come last in the list of their new master",
      "1.4 do_make_slave",
      """
      -mkdir /x /y /a /b; -tmpfs x /x d; -chg shared /x; -bind /x /a; -chg slave /a; -bind /x /y; -bind /x /b; -chg slave /b;
      -chg private /x; tmpfs n /y/d; dump
      """),
    RuleSwitch(
      "changeTypeNeedsMounted", \.changeTypeNeedsMounted,
      "the propagation type of a mount that is mounted nowhere cannot be changed",
      "3.5 may_change_propagation",
      "-mkdir /m; -tmpfs m /m; -open 1 /m; -umount /m l; rawmount - %1 - 0x40000"),
  ]

  private static let moving: [RuleSwitch] = [
    RuleSwitch(
      "lockTargetRefusesUnmounted", \.lockTargetRefusesUnmounted,
      "mounting on a mount that is mounted nowhere is ENOENT", "2.4 do_lock_mount",
      "-mkdir /m; -tmpfs m /m; -open 1 /m; -umount /m l; rawmount - %1 tmpfs 0"),
    RuleSwitch(
      "moveChecksSourceRootFirst", \.moveChecksSourceRootFirst,
      "move checks that its source is the root of a mount before the target", "3.4 do_move_mount",
      needs: [\.lockTargetRefusesUnmounted],
      "-mkdir /m /q; -tmpfs m /m; -open 1 /m; -umount /m l; move /q %1"),
    RuleSwitch(
      "beneathChecksRootBeforeLock", \.beneathChecksRootBeforeLock,
      "beneath a directory that is no mount root is EINVAL even on a detached mount",
      "3.4 do_lock_mount",
      needs: [\.hasMoveBeneath, \.lockTargetRefusesUnmounted],
      "-mkdir /m /n; -tmpfs m /m a; -open 1 /m/a; -umount /m l; -tmpfs n /n; mm /n %1 beneath"),
    RuleSwitch(
      "moveMountLooksUpTargetFirst", \.moveMountLooksUpTargetFirst,
      "move_mount looks its target up before its source", "3.4 move_mount",
      "-touch /f; mm /nothere /f/x"),
    RuleSwitch(
      "movesIntoDetachedTrees", \.movesIntoDetachedTrees,
      "move_mount accepts a target in a detached tree",
      "3.4 do_move_mount", "-mkdir /s; -tmpfs s /s d; -otree 1 /s; -fsmount 2 fm; mmfdat 2 1 d"),
    RuleSwitch(
      "copiesDetachedTrees", \.copiesDetachedTrees, "a detached tree can be bound",
      "3.3 may_copy_tree",
      "-mkdir /s /t; -tmpfs s /s d; -otree 1 /s; bind %1 /t"),
    RuleSwitch(
      "hasMoveBeneath", \.hasMoveBeneath, "MOVE_MOUNT_BENEATH exists", "3.9 can_move_mount_beneath",
      "-mkdir /m /n; -tmpfs top /m; -tmpfs n /n; mm /n /m beneath"),
    RuleSwitch(
      "movesBeneathLocked", \.movesBeneathLocked, "a locked mount can be slipped under",
      "3.9 can_move_mount_beneath", needs: [\.hasMoveBeneath],
      "-mkdir /s /t; -tmpfs s /s d; -tmpfs c /s/d; -nsuser U; -@U tmpfs n /t; @U mm /t /s/d beneath"
    ),
    RuleSwitch(
      "movesBeneathRoot", \.movesBeneathRoot, "the root can be slipped under",
      "3.9 can_move_mount_beneath",
      needs: [\.hasMoveBeneath], "-fsmount 1 fm; mmfd 1 =/ beneath"),
    RuleSwitch(
      "hasSetGroup", \.hasSetGroup, "MOVE_MOUNT_SET_GROUP exists", "3.10 do_set_group",
      "-mkdir /s /n; -tmpfs s /s; -bind /s /n; -chg shared /s; mm /s /n group"),
    RuleSwitch(
      "setGroupRefusesUnbindable", \.setGroupRefusesUnbindable,
      "MOVE_MOUNT_SET_GROUP refuses an unbindable target", "3.10 do_set_group",
      needs: [\.hasSetGroup],
      "-mkdir /s /n; -tmpfs s /s; -bind /s /n; -chg unbindable /n; -chg shared /s; mm /s /n group"),
    RuleSwitch(
      "hasMountSetattr", \.hasMountSetattr, "mount_setattr exists", "3.11 do_mount_setattr",
      "-mkdir /s; -tmpfs s /s; sattr /s - ro"),
    RuleSwitch(
      "bindOntoForeignMountSucceeds", \.bindOntoForeignMountSucceeds,
      "a bind onto another namespace's mount answers 0 and does nothing (a bug)", "3.3 do_loopback",
      "-mkdir /s /w; -tmpfs s /s d; -ns B; -ns C; -@C setns A; -@C open 1 /s; -@C setns B; @C bind /w %1"
    ),
  ]

  private static let users: [RuleSwitch] = [
    RuleSwitch(
      "locksAfterTucking", \.locksAfterTucking,
      "what stood at the place of a copy that enters another user namespace is locked with it (a bug)",
      "3.14 attach_recursive_mnt",
      """
      -mkdir /s; -tmpfs s /s d; -chg shared /s; -nsuser U; -@U tmpfs own /s/d; -tmpfs n /s/d; @U umount /s/d
      """),
    RuleSwitch(
      "lockMovesToWhatIsTucked", \.lockMovesToWhatIsTucked,
      "the lock of a mount that is slipped under moves to the mount below",
      "4.1 attach_recursive_mnt",
      needs: [\.hasMoveBeneath, \.movesBeneathLocked],
      """
      -mkdir /s /t; -tmpfs s /s d; -tmpfs c /s/d; -nsuser U; -@U tmpfs n /t; @U mm /t /s/d beneath; @U umount /s/d;
      @U umount /s/d
      """),
    RuleSwitch(
      "tuckingUnlocksCover", \.tuckingUnlocksCover,
      "a locked mount loses its lock when a copy is propagated beneath it (a bug)",
      "4.1 attach_recursive_mnt",
      needs: [\.hasMoveBeneath, \.lockMovesToWhatIsTucked],
      """
      -mkdir /s /n; -tmpfs s /s d; -chg shared /s; -tmpfs c /s/d; -nsuser U; -tmpfs n /n; mm /n /s/d beneath; @U umount /s/d
      """),
    RuleSwitch(
      "locksRelativeToDestination", \.locksRelativeToDestination,
      "locking compares with the owner of the destination's namespace, not of the caller's",
      "4.1 attach_recursive_mnt", nil),
    RuleSwitch(
      "lockTreeIncludesTop", \.lockTreeIncludesTop,
      "the top of a tree that is copied for other users is locked as well", "3.14 lock_mnt_tree",
      nil),
  ]

  private static let rest: [RuleSwitch] = [
    RuleSwitch(
      "pivotChecksCapabilityFirst", \.pivotChecksCapabilityFirst,
      "pivot_root asks for the capability before it looks the paths up", "3.8 pivot_root", nil),
    RuleSwitch(
      "pivotAttachesOldFirst", \.pivotAttachesOldFirst,
      "pivot_root attaches the old root before the new one", "3.8 pivot_root", nil),
    RuleSwitch(
      "tableIsInCreationOrder", \.tableIsInCreationOrder,
      "mountinfo lists mounts in the order of their creation", "1.6 show_mountinfo",
      """
      -mkdir /p1 /p2 /p3; -tmpfs p /p1 d; -chg shared /p1; -bind /p1 /p2; -bind /p1 /p3; tmpfs t /p1/d; dump
      """),
  ]
}
