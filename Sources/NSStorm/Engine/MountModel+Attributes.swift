import StormVocabulary

// mount_setattr(2) and what open_tree_attr(2) shares with it, kernel-mounts 3.11.

extension MountModel {
  mutating func mountSetattr(
    _ path: PathArgument, recursive: Bool, _ change: AttributeChange, by process: Process
  ) -> Errno {
    guard rules.hasMountSetattr else { return refuse(.callMissing, .notImplemented) }
    if let errno = refuseChange(change, isNew: false, by: process) { return errno }
    let location: Location
    switch resolve(path, by: process, .intoAutomounts) {
    case .failure(let errno): return errno
    case .success(let found): location = found
    }
    return applyChange(to: location, recursive: recursive, change, by: process)
  }

  /// `wants_mount_setattr` and `do_mount_setattr` for a place that is known.
  ///
  /// - Parameter isNew: nobody has seen the tree yet, so that its mapping may change or go.
  mutating func changeAttributes(
    of place: Location, recursive: Bool, _ change: AttributeChange, isNew: Bool, by process: Process
  ) -> Errno {
    if let errno = refuseChange(change, isNew: isNew, by: process) { return errno }
    return applyChange(to: place, recursive: recursive, change, isNew: isNew, by: process)
  }

  /// `wants_mount_setattr`: what is checked before any path is looked up; `.some(.none)` where nothing is to be done.
  private mutating func refuseChange(
    _ change: AttributeChange, isNew: Bool, by process: Process
  ) -> Errno? {
    if !mayMount(process) { return refuse(.noMountCapability, .notPermitted) }
    switch change {
    case .set([]), .clear([]): return Errno.none
    case .set(let attributes) where attributes.contains(.idmapped):
      return refuse(.idmapDescriptor, .invalidArgument)
    case .clear(let attributes):
      if attributes.contains(.idmapped), !isNew {
        return refuse(.idmapCannotBeRemoved, .invalidArgument)
      }
      return nil
    case .idmap(let slot): return refuseMapping(of: slot, by: process)
    case .set, .propagation: return nil
    }
  }

  /// `build_mount_idmapped`.
  private mutating func refuseMapping(of slot: DescriptorSlot, by process: Process) -> Errno? {
    let file = openFile(slot, of: process)
    if file == .none { return refuse(.descriptorClosed, .badFileDescriptor) }
    if files[file.index].isPathOnly { return refuse(.pathDescriptorUnusable, .badFileDescriptor) }
    guard let users = users(ofFileIn: slot, process) else {
      return refuse(.idmapDescriptor, .invalidArgument)
    }
    if users == state.initialUserNamespace {
      return refuse(.idmapOfInitialUsers, .notPermitted)
    }
    if !hasCapability(process, over: users) { return refuse(.idmapCapability, .notPermitted) }
    return nil
  }

  private func users(ofFileIn slot: DescriptorSlot, _ process: Process) -> UserNamespace? {
    let file = openFile(slot, of: process)
    guard file != .none else { return nil }
    let dentry = dentries[files[file.index].location.dentry.index]
    return dentry.kind == .userNamespaceFile ? UserNamespace(index: dentry.contents) : nil
  }

  /// `do_mount_setattr`.
  private mutating func applyChange(
    to location: Location, recursive: Bool, _ change: AttributeChange, isNew: Bool = false,
    by process: Process
  ) -> Errno {
    let mount = location.mount
    if location.dentry != mounts[mount.index].root {
      return refuse(.setattrNotMountRoot, .invalidArgument)
    }
    var mapping = UserNamespace.none
    var changesMapping = false
    if case .idmap(let slot) = change {
      changesMapping = true
      mapping = users(ofFileIn: slot, process) ?? .none
      // `alloc_mnt_idmap`: a namespace without a map stands for no mapping.
      if !userNamespaces[mapping.index].mapsRoot {
        return refuse(.idmapDescriptor, .invalidArgument)
      }
    } else if case .clear(let attributes) = change {
      changesMapping = attributes.contains(.idmapped)
    }
    if !isOurs(mount, process) {
      let namespace = mounts[mount.index].namespace
      let isDetachedRoot =
        namespace != .none && namespaces[namespace.index].isAnonymous
        && mounts[mount.index].parent == .none
      if !isDetachedRoot { return refuse(.setattrForeign, .invalidArgument) }
    }
    let members = recursive ? tree(of: mount) : [mount]
    if case .propagation(let type) = change {
      for member in members { changePropagation(of: member, to: type) }
      return .none
    }
    func wanted(_ mount: Mount) -> MountAttributes {
      let now = mounts[mount.index].attributes
      switch change {
      case .set(let attributes): return now.union(attributes)
      case .clear(let attributes): return now.subtracting(attributes)
      case .idmap: return now.union(.idmapped)
      case .propagation: return now
      }
    }
    for member in members {
      if !mayReplaceAttributes(of: member, with: wanted(member)) {
        return refuse(.attributeLocked, .notPermitted)
      }
      if changesMapping,
        let errno = refuseMapping(mapping, of: member, isNew: isNew, by: process)
      {
        return errno
      }
    }
    for member in members {
      let attributes = wanted(member)
      switch change {
      case .idmap: note(.idmapSet, member)
      case .clear(let cleared) where cleared.contains(.idmapped): note(.idmapRemoved, member)
      default: note(.setattrChangesAttributes, member)
      }
      mounts[member.index].attributes = attributes
      changeTable(of: mounts[member.index].namespace)
    }
    return .none
  }

  /// `can_idmap_mount`.
  private mutating func refuseMapping(
    _ mapping: UserNamespace, of mount: Mount, isNew: Bool, by process: Process
  ) -> Errno? {
    let superblock = mounts[mount.index].superblock
    let owner = superblocks[superblock.index].userNamespace
    if mapping == owner { return refuse(.idmapOfFileSystemUsers, .invalidArgument) }
    if !isNew, mounts[mount.index].attributes.contains(.idmapped) {
      return refuse(.idmapAlready, .notPermitted)
    }
    if !allowsIdmap(superblock) { return refuse(.idmapUnsupported, .invalidArgument) }
    if !hasCapability(process, over: owner) {
      return refuse(.idmapSuperblockCapability, .notPermitted)
    }
    let namespace = mounts[mount.index].namespace
    if namespace == .none || !namespaces[namespace.index].isAnonymous {
      return refuse(.idmapVisibleMount, .invalidArgument)
    }
    return nil
  }
}
