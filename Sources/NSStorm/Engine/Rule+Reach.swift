extension Rule {
  /// Whether a kernel of these rules can come to the decision at all: some decisions go with calls or behaviour that only some
  /// kernels have. Whatever call leads there is the business of who looks for it.
  public func exists(under rules: KernelRules) -> Bool {
    switch self {
    case .callMissing:
      !rules.hasMountSetattr || !rules.hasOpenTreeAttr || !rules.hasEmptyNamespaces
    case .copyLosesUnbindable: !rules.copiesKeepUnbindable
    case .coverIsImmutable: rules.rootIsNullfs
    case .changeTypeUnmounted, .changeTypeCapability: rules.changeTypeNeedsMounted
    case .setattrNotMountRoot, .setattrForeign, .setattrChangesAttributes, .idmapDescriptor,
      .idmapOfInitialUsers, .idmapCapability, .idmapOfFileSystemUsers, .idmapUnsupported,
      .idmapCannotBeRemoved:
      rules.hasMountSetattr
    case .idmapAlready, .idmapSuperblockCapability, .idmapVisibleMount, .idmapSet:
      rules.hasMountSetattr && rules.idmapsTmpfs
    case .idmapRemoved: rules.hasOpenTreeAttr && rules.idmapsTmpfs
    case .setGroupNotMountRoot, .setGroupOtherSuperblock, .setGroupRootOutside,
      .setGroupTargetNotPrivate, .setGroupSourcePrivate, .setGroupJoins:
      rules.hasSetGroup
    case .beneathNotMountRoot, .beneathSourceCovered, .beneathAncestor, .beneathPropagatesToTop,
      .beneathPropagatesToSource, .movedBeneath, .beneathWithoutParent:
      rules.hasMoveBeneath
    case .beneathLocked: rules.hasMoveBeneath && !rules.movesBeneathLocked
    case .beneathRoot: rules.hasMoveBeneath && !rules.movesBeneathRoot
    case .beneathLockedNamespaceFile: rules.movesBeneathLocked && rules.lockNeedsRealMount
    case .lockMovesBeneath: rules.lockMovesToWhatIsTucked
    case .targetUnmounted: rules.lockTargetRefusesUnmounted
    case .busyChainMemberHeld: rules.busyWalksChains
    case .survivorsShareAPlace: !rules.umountsLargestSet
    case .coverLeft: rules.leavesCovers
    case .staysConnected: !rules.leavesCovers
    case .copyOfUnmountedTree: rules.treeCopyNeedsMounted
    case .namespaceTreeNotDirectory, .namespaceTreeRevealsCovered, .namespaceTreeMade,
      .namespaceTreeLocked:
      rules.hasNamespaceTrees
    case .namespaceEmpty: rules.hasEmptyNamespaces
    case .shrinkSkipsLocked: rules.shrinkKeepsLocked
    default: true
    }
  }
}
