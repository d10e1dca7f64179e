public import StormVocabulary

// What programs bring along that the engine does not know by itself: other file systems, and names that were there
// before anybody looked.

/// What is known of a file system that a call is about to mount.
public struct ForeignFileSystem: Hashable, Sendable {
  /// Types that the caller vouches for; other unknown types are ENODEV.
  public var type: String?
  /// Mounts with an equal key share one superblock (one device, one network namespace's sysfs); nil makes a new one.
  public var sharingKey: String?
  /// Take this description even for a type that the engine knows.
  public var isForced = false
  /// The superblock is read-only whatever the call asks for.
  public var isReadOnly = false

  public init() {}
}

/// What is learned about the last component of a path.
public enum LearnedKind: Hashable, Sendable {
  case directory
  case regular
  case symbolicLink(String)
  /// It exists; what it is was not said. A directory until something else shows.
  case unknown
  /// It exists and is used as files are. A file until something else shows.
  case probablyRegular
}

/// How a name that somebody saw fits what the engine knows.
public enum Learning: Hashable, Sendable {
  case known
  /// It was missing in a file system whose contents nobody saw being made, and is there now.
  case learned
  /// The engine knows that it cannot be: the answer of the lookup.
  case impossible(Errno)
}

extension MountModel {
  /// Describes the file system of the next mount of an unknown type.
  public mutating func expect(_ fileSystem: ForeignFileSystem) {
    foreign = fileSystem
  }

  /// The superblock of the next mount is read-only (`fsconfig` with the flag `ro`).
  public mutating func expectReadOnly() { foreign.isReadOnly = true }

  func superblock(sharing key: NameTable.Index) -> Superblock? {
    for index in 1..<superblocks.slotCount
    where superblocks[index].sharingKey == key && superblocks[index].mountCount > 0 {
      return Superblock(index: index)
    }
    return nil
  }

  mutating func foreignFileSystem(
    _ type: String, owner: UserNamespace, readOnly: Bool
  ) -> Superblock? {
    guard foreign.type == type else { return nil }
    let key = foreign.sharingKey.map { names.intern($0) } ?? 0
    if key != 0, let known = superblock(sharing: key) { return known }
    let superblock = makeSuperblock(type: names.intern(type), owner: owner)
    superblocks[superblock.index].isReadOnly = readOnly || foreign.isReadOnly
    superblocks[superblock.index].sharingKey = key
    superblocks[superblock.index].isUnseen = true
    superblocks[superblock.index].isSingleton = key != 0
    return superblock
  }

  /// Says that nobody saw the contents of the file systems that stand now being made.
  public mutating func treatContentsAsUnseen() {
    for index in 1..<superblocks.slotCount where superblocks[index].mountCount > 0 {
      superblocks[index].isUnseen = true
    }
  }

  /// Gives the file system that a path is on a key, so that later mounts with the same key share it.
  public mutating func share(fileSystemAt path: PathArgument, by process: Int, as key: String) {
    guard isAlive(process),
      case .success(let place) = resolve(path, by: Process(number: process))
    else { return }
    let superblock = mounts[place.mount.index].superblock
    superblocks[superblock.index].sharingKey = names.intern(key)
    superblocks[superblock.index].isSingleton = true
  }

  /// The type of the file system that a path leads to; nil where it leads nowhere.
  public mutating func fileSystem(
    at path: PathArgument, by process: Int
  ) -> (type: String, isRoot: Bool, isUnseen: Bool)? {
    guard isAlive(process) else { return nil }
    let wasExplaining = isExplaining
    isExplaining = false
    defer { isExplaining = wasExplaining }
    guard case .success(let place) = resolve(path, by: Process(number: process)) else { return nil }
    let superblock = superblocks[mounts[place.mount.index].superblock.index]
    return (names[superblock.type], place.dentry == superblock.root, superblock.isUnseen)
  }

  /// Takes over that a path exists, because a kernel answered so.
  ///
  /// - Parameters:
  ///   - isFinalLinkFollowed: false for calls that name a symbolic link itself.
  ///   - opening: a name may be missing in a file system whose contents were all seen being made: then they were not.
  public mutating func learn(
    _ path: PathArgument, as kind: LearnedKind, by process: Int, isFinalLinkFollowed: Bool = true,
    opening: Bool = false
  ) -> Learning {
    guard isAlive(process) else { return .impossible(.noSuchProcess) }
    let caller = Process(number: process)
    let start: Location
    let text: String
    switch path {
    case .null: return .impossible(.badAddress)
    case .descriptor(let slot):
      let file = openFile(slot, of: caller)
      guard file != .none else { return .impossible(.badFileDescriptor) }
      let place = files[file.index].location
      guard superblocks[mounts[place.mount.index].superblock.index].isUnseen else { return .known }
      return settle(kind, of: place.dentry) ? .learned : .known
    case .path(let path):
      (start, text) = (processes[caller.index].workingDirectory, path)
    case .relative(let slot, let path):
      let file = openFile(slot, of: caller)
      guard file != .none else { return .impossible(.badFileDescriptor) }
      (start, text) = (files[file.index].location, path)
    }
    var budget = 40
    var learning = Learning.known
    _ = learn(
      text, from: start, as: kind, followsFinalLink: isFinalLinkFollowed, opening: opening,
      by: caller, budget: &budget, &learning)
    return learning
  }

  /// Whether the lookup of a path meets a name that is not known in a file system whose contents were not seen.
  public func meetsUnseenNames(_ path: PathArgument, by process: Int) -> Bool {
    guard isAlive(process) else { return false }
    let caller = Process(number: process)
    var here = processes[caller.index].workingDirectory
    let text: String
    switch path {
    case .null, .descriptor: return false
    case .path(let path): text = path
    case .relative(let slot, let path):
      let file = openFile(slot, of: caller)
      guard file != .none else { return false }
      (here, text) = (files[file.index].location, path)
    }
    var budget = 40
    return meetsUnseen(text, from: &here, by: caller, budget: &budget)
  }

  private func meetsUnseen(
    _ text: String, from here: inout Location, by process: Process, budget: inout Int
  ) -> Bool {
    let root = processes[process.index].root
    if text.hasPrefix("/") { here = root }
    for component in text.split(separator: "/") where component != "." {
      if component == ".." {
        here = parentDirectory(of: here, root: root)
        continue
      }
      var text = component
      let name = text.withUTF8 { names.find($0[...]) }
      let found = name == 0 ? Dentry.none : lookup(name, in: here.dentry)
      guard found != .none else {
        return superblocks[mounts[here.mount.index].superblock.index].isUnseen
      }
      if dentries[found.index].kind == .symbolicLink, child(of: here.mount, at: found) == .none {
        budget -= 1
        guard budget >= 0 else { return false }
        if meetsUnseen(
          names[dentries[found.index].contents], from: &here, by: process, budget: &budget)
        {
          return true
        }
      } else {
        here = traversed(Location(mount: here.mount, dentry: found))
      }
    }
    return false
  }

  /// Walks and makes what is missing; nil where that cannot be.
  private mutating func learn(
    _ text: String, from start: Location, as kind: LearnedKind, followsFinalLink: Bool,
    opening: Bool, by process: Process, budget: inout Int, _ learning: inout Learning
  ) -> Location? {
    let root = processes[process.index].root
    var here = text.hasPrefix("/") ? root : start
    let components = text.split(separator: "/").filter { $0 != "." }
    for (number, component) in components.enumerated() {
      let isLast = number == components.count - 1
      let superblock = mounts[here.mount.index].superblock
      let isUnseen = superblocks[superblock.index].isUnseen
      if dentries[here.dentry.index].kind != .directory {
        guard isUnseen else {
          learning = .impossible(.notDirectory)
          return nil
        }
        dentries[here.dentry.index].kind = .directory
        learning = .learned
      }
      if component == ".." {
        here = parentDirectory(of: here, root: root)
        continue
      }
      let name = names.intern(String(component))
      var found = lookup(name, in: here.dentry)
      if found == .none {
        guard isUnseen || opening else {
          learning = .impossible(.noSuchEntry)
          return nil
        }
        superblocks[superblock.index].isUnseen = true
        found = makeDentry(name, in: here.dentry, kind: .directory)
        if isLast {
          settle(kind == .probablyRegular ? .regular : kind, of: found)
        }
        learning = .learned
      } else if isLast, isUnseen, child(of: here.mount, at: found) == .none {
        if settle(kind, of: found) { learning = .learned }
      }
      let isLink =
        dentries[found.index].kind == .symbolicLink && child(of: here.mount, at: found) == .none
      if isLink, !isLast || followsFinalLink {
        budget -= 1
        guard budget >= 0 else {
          learning = .impossible(.tooManySymbolicLinks)
          return nil
        }
        let contents = names[dentries[found.index].contents]
        guard
          let target = learn(
            contents, from: here, as: isLast ? kind : .directory, followsFinalLink: true,
            opening: opening, by: process, budget: &budget, &learning)
        else { return nil }
        here = target
      } else {
        here = traversed(Location(mount: here.mount, dentry: found))
      }
    }
    return here
  }

  /// Gives a dentry the kind that was seen; whether that is news.
  @discardableResult
  private mutating func settle(_ kind: LearnedKind, of dentry: Dentry) -> Bool {
    let old = dentries[dentry.index].kind
    switch kind {
    case .unknown, .probablyRegular: return false
    case .directory: dentries[dentry.index].kind = old == .symbolicLink ? old : .directory
    case .regular:
      guard dentries[dentry.index].firstChild == .none else { return false }
      dentries[dentry.index].kind = old == .symbolicLink ? old : .regular
    case .symbolicLink(let contents):
      guard dentries[dentry.index].firstChild == .none, dentries[dentry.index].pins == 0 else {
        return false
      }
      dentries[dentry.index].kind = .symbolicLink
      dentries[dentry.index].contents = names.intern(contents)
    }
    return dentries[dentry.index].kind != old
  }
}

extension MountModel {
  /// Whether an umount of the path would take mounts of other namespaces along.
  public mutating func umountReachesOthers(_ path: PathArgument, by process: Int) -> Bool {
    guard isAlive(process),
      case .success(let place) = resolve(
        path, by: Process(number: process), [.followFinalLink, .toTopmost])
    else { return false }
    let parent = mounts[place.mount.index].parent
    guard parent != .none else { return false }
    let own = mounts[place.mount.index].namespace
    var receiver = propagationNext(parent, origin: parent)
    while receiver != .none {
      if mounts[receiver.index].namespace != own { return true }
      receiver = propagationNext(receiver, origin: parent)
    }
    return false
  }
}
