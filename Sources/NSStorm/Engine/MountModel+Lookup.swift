import StormVocabulary

// Path resolution, kernel-mounts section 2 (`fs/namei.c`).

/// How the last component of a path is treated.
struct LookupFlags: OptionSet {
  var rawValue: UInt8
  /// LOOKUP_FOLLOW
  static let followFinalLink = LookupFlags(rawValue: 1)
  /// LOOKUP_MOUNTPOINT: one more step to the top of the stack at the very end (umount).
  static let toTopmost = LookupFlags(rawValue: 2)
  /// LOOKUP_AUTOMOUNT, LOOKUP_OPEN or LOOKUP_DIRECTORY: an automount point at the very end is triggered.
  static let triggersAutomount = LookupFlags(rawValue: 4)
  /// How most calls look at a path that they open, enter or copy.
  static let intoAutomounts: LookupFlags = [.followFinalLink, .triggersAutomount]
}

/// The last component of a path whose parent was looked up.
enum LastComponent: Hashable {
  case name(NameTable.Index)
  case root
  case dot
  case dotDot
}

extension MountModel {
  /// The mount on a place, or none (`__lookup_mnt`).
  @inline(__always)
  func child(of mount: Mount, at dentry: Dentry) -> Mount {
    Mount(index: childTable[mount.index, dentry.index])
  }

  /// The mount that covers this one's root, or none.
  @inline(__always)
  func overmount(of mount: Mount) -> Mount {
    child(of: mount, at: mounts[mount.index].root)
  }

  /// The top of the stack that begins with this mount (`topmost_overmount`).
  func topmost(of mount: Mount) -> Mount {
    var top = mount
    while true {
      let next = overmount(of: top)
      if next == .none { return top }
      top = next
    }
  }

  /// Goes to the topmost mount on a place (`traverse_mounts`, 2.1).
  func traversed(_ location: Location) -> Location {
    var location = location
    while true {
      let mounted = child(of: location.mount, at: location.dentry)
      if mounted == .none { return location }
      location = Location(mount: mounted, dentry: mounts[mounted.index].root)
    }
  }

  /// `..` (`follow_dotdot`, `choose_mountpoint`, 2.2).
  func parentDirectory(of location: Location, root: Location) -> Location {
    var here = location
    if here == root { return traversed(here) }
    while here.dentry == mounts[here.mount.index].root {
      let above = mounts[here.mount.index].parent
      // Without a parent, or at the process's root: `..` stays where it began.
      if above == .none { return traversed(location) }
      here = Location(mount: above, dentry: mounts[here.mount.index].mountpoint)
      if here == root { return traversed(location) }
    }
    return traversed(Location(mount: here.mount, dentry: dentries[here.dentry.index].parent))
  }

  /// Resolves a path argument to the mount and dentry it names.
  mutating func resolve(
    _ argument: PathArgument, by process: Process, _ flags: LookupFlags = .followFinalLink
  ) -> Result<Location, Errno> {
    if let known = takeFoundPlace() { return known }
    var found: Location
    switch argument {
    case .null:
      return .failure(refuse(.pathNull, .badAddress))
    case .descriptor(let slot):
      let file = openFile(slot, of: process)
      guard file != .none else { return .failure(refuse(.descriptorClosed, .badFileDescriptor)) }
      found = files[file.index].location
      note(.magicLinkNamesExactMount)
    case .path(let text):
      switch walk(text, from: running.start, by: process, flags: flags) {
      case .failure(let errno): return .failure(errno)
      case .success(let location): found = location
      }
    case .relative(let slot, let text):
      let file = openFile(slot, of: process)
      guard file != .none else { return .failure(refuse(.descriptorClosed, .badFileDescriptor)) }
      switch walk(text, from: files[file.index].location, by: process, flags: flags) {
      case .failure(let errno): return .failure(errno)
      case .success(let location): found = location
      }
    }
    if flags.contains(.toTopmost) {
      let top = traversed(found)
      if top != found { note(.umountPathGoesToTop) }
      found = top
    } else if !running.isResolving {
      // umount's own reference is put without clearing the mark (`mntput_no_expire`, 5.1).
      clearExpiryMark(found.mount)
    }
    return .success(found)
  }

  private mutating func walk(
    _ text: String, from start: Location?, by process: Process, flags: LookupFlags
  ) -> Result<Location, Errno> {
    var budget = 40
    return walk(
      text, from: start, by: process, flags: flags, parentOnly: false, linkBudget: &budget
    )
    .map(\.location)
  }

  /// Resolves everything but the last component (`filename_parentat`).
  mutating func resolveParent(
    _ argument: PathArgument, by process: Process
  ) -> Result<(parent: Location, last: LastComponent), Errno> {
    if let known = takeFoundParent() { return known }
    var start = running.start
    let text: String
    switch argument {
    case .null: return .failure(refuse(.pathNull, .badAddress))
    case .descriptor: return .failure(refuse(.pathExists, .fileExists))
    case .path(let path): text = path
    case .relative(let slot, let path):
      let file = openFile(slot, of: process)
      guard file != .none else { return .failure(refuse(.descriptorClosed, .badFileDescriptor)) }
      start = files[file.index].location
      text = path
    }
    var budget = 40
    let walked = walk(
      text, from: start, by: process, flags: [], parentOnly: true, linkBudget: &budget)
    switch walked {
    case .failure(let errno): return .failure(errno)
    case .success(let walk):
      if !running.isResolving { clearExpiryMark(walk.location.mount) }
      return .success((walk.location, walk.last))
    }
  }

  private struct Walk {
    var location: Location
    var last: LastComponent
  }

  private mutating func walk(
    _ text: String, from start: Location?, by process: Process, flags: LookupFlags,
    parentOnly: Bool, linkBudget: inout Int
  ) -> Result<Walk, Errno> {
    var text = text
    var components: [Range<Int>] = []
    var isAbsolute = false
    var endsInSlash = false
    var tooLong = false
    text.withUTF8 { bytes in
      isAbsolute = bytes.first == UInt8(ascii: "/")
      endsInSlash = bytes.last == UInt8(ascii: "/")
      tooLong = bytes.count >= 4096
      var position = 0
      while position < bytes.count {
        if bytes[position] == UInt8(ascii: "/") {
          position += 1
          continue
        }
        var end = position
        while end < bytes.count && bytes[end] != UInt8(ascii: "/") { end += 1 }
        components.append(position..<end)
        position = end
      }
    }
    if text.isEmpty { return .failure(refuse(.pathEmpty, .noSuchEntry)) }
    if tooLong { return .failure(refuse(.nameTooLong, .nameTooLong)) }
    let record = processes[process.index]
    var here = isAbsolute ? record.root : start ?? record.workingDirectory
    guard !components.isEmpty else {
      note(.rootPathStaysCovered)
      return .success(Walk(location: here, last: .root))
    }
    for (number, component) in components.enumerated() {
      if running.recordsPassing { notePassing(here) }
      let isLast = number == components.count - 1
      guard dentries[here.dentry.index].kind == .directory else {
        return .failure(refuse(.componentNotDirectory, .notDirectory))
      }
      let kind = text.withUTF8 { classify($0[component]) }
      if case .tooLong = kind { return .failure(refuse(.nameTooLong, .nameTooLong)) }
      if isLast && parentOnly {
        switch kind {
        case .dot: return .success(Walk(location: here, last: .dot))
        case .dotDot: return .success(Walk(location: here, last: .dotDot))
        default:
          let name = text.withUTF8 { names.intern($0[component]) }
          return .success(Walk(location: here, last: .name(name)))
        }
      }
      switch kind {
      case .dot: continue
      case .dotDot:
        here = parentDirectory(of: here, root: record.root)
        continue
      default: break
      }
      let name = text.withUTF8 { names.find($0[component]) }
      let found = name == 0 ? Dentry.none : lookup(name, in: here.dentry)
      guard found != .none else {
        clearExpiryMark(here.mount)
        return .failure(refuse(.nameNotFound, .noSuchEntry))
      }
      if dentries[found.index].kind == .symbolicLink,
        !isLast || flags.contains(.followFinalLink) || endsInSlash,
        child(of: here.mount, at: found) == .none
      {
        if mounts[here.mount.index].attributes.contains(.noSymlinkFollow) {
          return .failure(refuse(.linkNotFollowed, .tooManySymbolicLinks))
        }
        linkBudget -= 1
        guard linkBudget >= 0 else { return .failure(refuse(.tooManyLinks, .tooManySymbolicLinks)) }
        let contents = names[dentries[found.index].contents]
        let target = walk(
          contents, from: here, by: process,
          flags: isLast ? flags.union(.followFinalLink) : .intoAutomounts,
          parentOnly: false, linkBudget: &linkBudget)
        switch target {
        case .failure(let errno): return .failure(errno)
        case .success(let walk): here = walk.location
        }
      } else {
        here = traversed(Location(mount: here.mount, dentry: found))
        if dentries[here.dentry.index].isAutomountPoint,
          !isLast || endsInSlash || flags.contains(.triggersAutomount)
        {
          let errno = automount(at: here, by: process)
          if errno != .none { return .failure(errno) }
          here = traversed(here)
        }
      }
    }
    if running.recordsPassing { notePassing(here) }
    if endsInSlash, dentries[here.dentry.index].kind != .directory {
      return .failure(refuse(.componentNotDirectory, .notDirectory))
    }
    return .success(Walk(location: here, last: .dot))
  }

  private enum Component {
    case dot, dotDot, name, tooLong
  }

  private func classify(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Component {
    let dot = UInt8(ascii: ".")
    if bytes.count == 1, bytes.first == dot { return .dot }
    if bytes.count == 2, bytes.first == dot, bytes.last == dot { return .dotDot }
    return bytes.count > 255 ? .tooLong : .name
  }

  /// The entry with this name, or none.
  func lookup(_ name: NameTable.Index, in directory: Dentry) -> Dentry {
    Dentry(index: dentryTable[directory.index, name])
  }

  /// The expiry mark goes when a reference to the mount is put (`mntput`, 5.1).
  @inline(__always)
  mutating func clearExpiryMark(_ mount: Mount) {
    if mounts[mount.index].state.contains(.expiryMark) {
      note(.expiryMarkCleared, mount)
      mounts[mount.index].state.remove(.expiryMark)
    }
  }

  /// Whether `dentry` is `ancestor` or below it (`is_subdir`).
  @inline(__always)
  func isAtOrBelow(_ dentry: Dentry, _ ancestor: Dentry) -> Bool {
    var here = dentry
    while here != .none {
      if here == ancestor { return true }
      here = dentries[here.index].parent
    }
    return false
  }

  /// Whether a place can be reached from a root by going down (`is_path_reachable`, 1.7).
  func isReachable(_ place: Location, from root: Location) -> Bool {
    var here = place
    while here.mount != root.mount, mounts[here.mount.index].parent != .none {
      here = Location(
        mount: mounts[here.mount.index].parent, dentry: mounts[here.mount.index].mountpoint)
    }
    return here.mount == root.mount && isAtOrBelow(here.dentry, root.dentry)
  }
}
