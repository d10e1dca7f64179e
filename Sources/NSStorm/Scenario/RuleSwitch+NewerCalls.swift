import StormEngine

// Namespace files, what kernels since 5.12 added, and automounts.

extension RuleSwitch {
  static let namespaceFiles: [RuleSwitch] = [
    RuleSwitch(
      "bindChecksTreeForLoops", \.bindChecksTreeForLoops,
      "a recursive bind is refused when it would bring the file of an older mount namespace along",
      "3.3 check_for_nsfs_mounts",
      """
      -touch /f /g; -userfile 1 A; -bind %1 /f; -opath 2 /f; -ns B; -@B setns A; -ns C; -nsfile 3 C; -bind %3 /f; -setns C; rbind %2 /g
      """),
    RuleSwitch(
      "treeCopyNeedsMounted", \.treeCopyNeedsMounted,
      "the tree of a mount that is mounted nowhere cannot be copied", "3.3 __do_loopback",
      """
      -mkdir /s; -tmpfs s /s; -touch /s/f /g; -ns B; -nsfile 1 B; -bind %1 /s/f; -opath 2 /s/f; -umount /s/f l; rbind %2 /g
      """),
    RuleSwitch(
      "copiesInheritUmounted", \.copiesInheritUmounted,
      "the copy of a detached bind of a namespace file counts as detached itself (a bug)",
      "3.3.1 clone_mnt",
      """
      -mkdir /s /t /o; -tmpfs s /s; -chg shared /s; -tmpfs t /t; -touch /t/f /o/g; -ns B; -chg slave /s; -nsfile 1 B;
      -bind %1 /t/f; -opath 2 /t/f; -close 1; -umount /t/f l; -bind %2 /o/g; -close 2; -@B exit; -ns C; -@C unlink /o/g; dump A
      """),
    RuleSwitch(
      "tucksWhereSourceEnds", \.tucksWhereSourceEnds,
      "what a receiver had at the place disappears below a copy from which a namespace file was left out (a bug)",
      "4.1 attach_recursive_mnt",
      needs: [\.tucksOntoTopOfCopy],
      """
      -mkdir /a /b; -tmpfs a /a; -touch /a/f /q /x /y; -chg shared /a; -bind /a /b; -chg slave /b; -bind /q /b/f;
      -bind /x /y; -opath 1 /y; -ns C; -nsfile 2 C; -bind %2 /y; mmfd 1 /a/f; umount /b/f; umount /b/f; umount /b/f
      """),
    RuleSwitch(
      "lockNeedsRealMount", \.lockNeedsRealMount,
      "a namespace file cannot be slipped under a locked mount", "3.9 can_move_mount_beneath",
      needs: [\.hasMoveBeneath, \.movesBeneathLocked],
      """
      -touch /c /s; -bind /c /s; -nsuser U; -@U ns V; -@U nsfile 1 V; -@U otree 2 %1; @U mmfd 2 /s beneath
      """),
  ]

  static let newerCalls: [RuleSwitch] = [
    RuleSwitch(
      "hasOpenTreeAttr", \.hasOpenTreeAttr, "open_tree_attr exists", "3.12 open_tree_attr",
      "-mkdir /s; -tmpfs s /s; otreeattr 1 /s - ro"),
    RuleSwitch(
      "idmapsTmpfs", \.idmapsTmpfs, "tmpfs allows idmapped mounts", "3.11 can_idmap_mount",
      needs: [\.hasMountSetattr],
      "-mkdir /s; -tmpfs s /s; -nsuser U; -userfile 1 U; -otree 2 /s; sattrfd 2 - idmap 1"),
    RuleSwitch(
      "hasNamespaceTrees", \.hasNamespaceTrees, "OPEN_TREE_NAMESPACE exists",
      "3.13 create_new_namespace", "-mkdir /s; -tmpfs s /s; otreens 1 /s"),
    RuleSwitch(
      "hasFsmountNamespace", \.hasFsmountNamespace, "FSMOUNT_NAMESPACE exists", "3.13 fsmount",
      "fsmountns 1 t"),
    RuleSwitch(
      "hasEmptyNamespaces", \.hasEmptyNamespaces, "UNSHARE_EMPTY_MNTNS exists",
      "3.13 copy_mnt_ns", "emptyns E"),
    RuleSwitch(
      "rootIsNullfs", \.rootIsNullfs,
      "the root mount of every namespace is a copy of an empty nullfs", "3.13 init_mount_tree",
      needs: [\.hasEmptyNamespaces], "-emptyns E; dumpall E"),
  ]

  static let automounts: [RuleSwitch] = [
    RuleSwitch(
      "shrinkKeepsLocked", \.shrinkKeepsLocked,
      "an automount that hides something from other users is not shrunk", "5.9 shrink_submount",
      needs: [\.hasMoveBeneath, \.movesBeneathLocked, \.lockMovesToWhatIsTucked],
      """
      -mkdir /d /srv /shr /x /c; -mountfs debugfs d /d; -bind /d/tracing/ /shr; -tmpfs srv /srv h; -mkdir /srv/h/secret;
      -tmpfs cover /srv/h; -nsuser U; -@U rbind /srv /x; -@U bind /shr /c; -@U mm /c /x/h beneath; -@U umount /x/h;
      -@U chdir /x; @U umount /x; @U stat - /x/h/secret
      """),
    RuleSwitch(
      "shrinksRightAfterCheck", \.shrinksRightAfterCheck,
      "an automount that is busy when its turn to be shrunk comes stays", "5.9 shrink_submounts",
      """
      -mkdir /d /p /p1 /p2; -mountfs debugfs d /d; -bind /d/tracing/ /p; -chg shared /p; -bind /p /p1; -chg slave /p1;
      -chg shared /p1; -bind /p1 /p2; -bind /d/tracing /p/options; -chg private /p2/options; -tmpfs r /p2/options;
      -chdir /p2/options; -move /p /p1/instances; umount /p1; dump A
      """),
    RuleSwitch(
      "automountsStartUnlocked", \.automountsStartUnlocked,
      "an automount below a locked mount can be umounted", "5.9 finish_automount",
      "-mkdir /d; -mountfs debugfs d /d; -nsuser U; -@U stat - /d/tracing/.; @U umount /d/tracing"),
    RuleSwitch(
      "automountsForAllUsers", \.automountsForAllUsers,
      "an automount appears for processes of other user namespaces as well", "5.9 trace_automount",
      "-mkdir /d; -mountfs debugfs d /d; -nsuser U; @U stat - /d/tracing/."),
  ]
}
