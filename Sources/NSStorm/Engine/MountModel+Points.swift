public import StormVocabulary

// A call is not one moment. It resolves each path argument, asks some things without a lock, commits under the
// namespace lock (rmdir, unlink, rename and exit more than once), and drops its references afterwards, which other
// calls' busy checks see until then (kernel-mounts 2.3, 5.1, 6.3; architecture, "How concurrency is judged").
//
// `commit` runs the same code as `perform`: the places that were found before are handed to `resolve` in their order.

/// What one path argument of a call in flight was found to be.
enum FoundArgument: Hashable, Sendable {
  case place(Location)
  case parent(Location, LastComponent)
  case failure(Errno)
}

/// What the code of a call knows of the points before it.
struct RunningCall {
  /// The call was resolved before, so its arguments are taken from ``found``.
  var isPointwise = false
  var found: ArraySlice<FoundArgument> = []
  /// `can_umount` has been asked at a point of its own.
  var wasChecked = false
  /// The call's own reference, which its busy check does not count.
  var ownReference = Mount.none
  /// The busy check misses references, as a sum over CPUs does that is torn by one that moves.
  var missesReferences = false
  /// References that the commit takes and that outlive it.
  var taken: [Location] = []
  /// The dentry whose mounts go in a second commit.
  var removed = Dentry.none
  /// A walk whose result is kept: its reference is put later, and the expiry mark goes only then.
  var isResolving = false
  /// Where the rest of a walk in parts starts.
  var start: Location?
  var recordsPassing = false
  var passed: [Mount] = []
}

/// A system call between its start and its end.
public struct CallInFlight: Sendable {
  public let operation: Operation
  public let process: Int
  /// The answer; nil until the last commit.
  public internal(set) var answer: Errno?
  var found: [FoundArgument] = []
  /// References that the call holds now, oldest first.
  var references: [Location] = []
  /// How far a walk in parts has come.
  var partialWalk: PartialWalk?
  var wasChecked = false
  /// A removed dentry whose mounts are still to go.
  var removed = Dentry.none
  /// How many commits were made.
  var commitCount: UInt8 = 0
  /// The part of a walk that was made last.
  var lastWalk: WalkedPart?

  /// From where to where a part of a walk led.
  struct WalkedPart: Sendable {
    /// Nil: from the beginning of the argument.
    var start: Location?
    var argument: PathArgument
    var flags: LookupFlags
    var wantsParent: Bool
    var result: FoundArgument
  }

  struct PartialWalk: Hashable, Sendable {
    var location: Location
    var rest: String
  }

  public init(_ operation: Operation, by process: Int) {
    self.operation = operation
    self.process = process
  }

  /// Whether any reference is still held.
  public var holdsReferences: Bool { !references.isEmpty }
}

/// What a call in flight does next.
public enum CallPoint: Hashable, Sendable {
  /// One path argument, counted from 0 in the order of the kernel's lookups.
  case resolve(argument: Int)
  /// `can_umount` and the expiry mark, outside the lock.
  case check
  case commit
  /// Only references are left to drop.
  case answered
}

extension MountModel {
  /// What the call does next.
  public func nextPoint(of call: CallInFlight) -> CallPoint {
    if call.answer != nil { return .answered }
    if case .failure? = call.found.last { return .commit }
    if call.found.count < pathArguments(of: call.operation).count {
      return .resolve(argument: call.found.count)
    }
    if needsCheck(call) { return .check }
    return .commit
  }

  /// Whether the time between the check and the commit can be seen: up to 6.16, where the check is not repeated
  /// under the lock, and with MNT_EXPIRE, whose mark is set by it.
  public func checksApart(_ call: CallInFlight) -> Bool {
    guard case .umount2(_, let flags) = call.operation else { return false }
    return flags.contains(.expire) || !rules.umountAsksAgainUnderLock
  }

  private func needsCheck(_ call: CallInFlight) -> Bool {
    guard case .umount2(_, let flags) = call.operation, !call.wasChecked else { return false }
    return UmountFlags.allKnown.isSuperset(of: flags)
  }

  /// The path arguments in the order in which the kernel looks them up.
  private func pathArguments(of operation: Operation) -> [PathLookup] {
    switch operation {
    case .mkdir(let path), .touch(let path), .symlink(_, let path), .rmdir(let path),
      .unlink(let path):
      return [PathLookup(argument: path, wantsParent: true)]
    case .rename(let from, let to):
      return [
        PathLookup(argument: from, wantsParent: true), PathLookup(argument: to, wantsParent: true),
      ]
    case .mount(let call):
      let target = PathLookup(argument: call.target)
      let flags = call.flags
      let takesSource =
        !flags.contains(.remount) && !flags.contains(.noUser)
        && (flags.contains(.bind)
          || flags.contains(.move) && flags.isDisjoint(with: .propagationTypes))
      if takesSource, !call.source.isEmpty {
        return [
          target,
          PathLookup(
            argument: call.source,
            flags: flags.contains(.bind) ? .intoAutomounts : .followFinalLink),
        ]
      }
      return [target]
    case .umount2(let path, let flags):
      return [
        PathLookup(
          argument: path,
          flags: flags.contains(.noFollow) ? .toTopmost : [.toTopmost, .followFinalLink])
      ]
    case .stat(let path): return [PathLookup(argument: path)]
    case .open(let path, let flags, _):
      let isBarePath = flags.contains(.path) && !flags.contains(.directory)
      return [PathLookup(argument: path, flags: isBarePath ? .followFinalLink : .intoAutomounts)]
    case .chdir(let path), .chroot(let path), .openTree(let path, _, _),
      .openTreeAttr(let path, _, _, _):
      return [PathLookup(argument: path, flags: .intoAutomounts)]
    case .mountSetattr(let path, _, let change):
      switch change {
      case .set([]), .clear([]): return []
      default: return [PathLookup(argument: path, flags: .intoAutomounts)]
      }
    case .pivotRoot(let new, let old):
      return [new, old].map { PathLookup(argument: $0, flags: .intoAutomounts) }
    case .moveMount(let from, let to, _):
      let source = PathLookup(argument: from, flags: [])
      let target = PathLookup(argument: to, flags: [])
      return rules.moveMountLooksUpTargetFirst ? [target, source] : [source, target]
    case .unshare, .unshareEmpty, .exit, .setns, .setnsDescriptor, .openNamespaceFile, .close,
      .fsmount, .fsmountNamespace, .hold, .letGo:
      return []
    }
  }

  private struct PathLookup {
    var argument: PathArgument
    var flags: LookupFlags = .followFinalLink
    var wantsParent = false
  }

  // MARK: the points

  /// Walks one path argument now and takes a reference on what it finds. A failure is kept as well: the code of
  /// the call decides whether an earlier check answers before it.
  public mutating func resolvePoint(_ call: inout CallInFlight) {
    let lookups = pathArguments(of: call.operation)
    guard call.answer == nil, call.found.count < lookups.count, isAlive(call.process) else {
      return
    }
    let lookup = lookups[call.found.count]
    var argument = lookup.argument
    if let partial = call.partialWalk { argument = .path(partial.rest) }
    let part = CallInFlight.WalkedPart(
      start: call.partialWalk?.location, argument: argument, flags: lookup.flags,
      wantsParent: lookup.wantsParent, result: .failure(.none))
    let result = walk(part, by: Process(number: call.process))
    switch result {
    case .place(let location), .parent(let location, _): take(location, for: &call)
    case .failure: break
    }
    call.found.append(result)
    call.lastWalk = part
    call.lastWalk?.result = result
    endPartialWalk(&call)
  }

  /// Where a walk leads now; takes no reference and clears no mark.
  private mutating func walk(
    _ part: CallInFlight.WalkedPart, by process: Process
  ) -> FoundArgument {
    running.start = part.start
    running.isResolving = true
    defer {
      running.start = nil
      running.isResolving = false
    }
    if part.wantsParent {
      switch resolveParent(part.argument, by: process) {
      case .failure(let errno): return .failure(errno)
      case .success(let found): return .parent(found.parent, found.last)
      }
    }
    switch resolve(part.argument, by: process, part.flags) {
    case .failure(let errno): return .failure(errno)
    case .success(let location): return .place(location)
    }
  }

  /// Whether the part of a walk that the call has made last would lead to the same place now. Then it could as well be
  /// made now, and an order that makes it later says the same.
  public mutating func wouldWalkAlike(_ call: CallInFlight) -> Bool {
    guard let part = call.lastWalk, isAlive(call.process) else { return true }
    let now = walk(part, by: Process(number: call.process))
    if now == part.result { return true }
    // The commit goes on from a target to the top of what stands there (`do_lock_mount`, 2.4).
    guard call.partialWalk == nil, isTarget(argument: call.found.count - 1, of: call.operation),
      case .place(let then) = part.result, case .place(let here) = now
    else { return false }
    return traversed(then) == traversed(here)
  }

  /// Whether something is mounted on this path argument, counted in the order of the lookups.
  private func isTarget(argument: Int, of operation: Operation) -> Bool {
    switch operation {
    case .mount(let call):
      let changesOnly =
        call.flags.contains(.remount) || call.flags.contains(.noUser)
        || !call.flags.isDisjoint(with: .propagationTypes) && !call.flags.contains(.bind)
      return argument == 0 && !changesOnly
    case .moveMount(_, _, let flags):
      return !flags.contains(.beneath) && argument == (rules.moveMountLooksUpTargetFirst ? 0 : 1)
    default: return false
    }
  }

  /// Whether the call has resolved something that is mounted nowhere any more, so that it can never succeed.
  public func canNoLongerSucceed(_ call: CallInFlight) -> Bool {
    switch call.operation {
    case .mount(let arguments):
      guard arguments.flags.isDisjoint(with: .propagationTypes) else { return false }
    case .umount2: guard rules.umountAsksAgainUnderLock else { return false }
    default: return false
    }
    return call.found.contains {
      if case .place(let location) = $0 {
        mounts[location.mount.index].namespace == .none
      } else {
        false
      }
    }
  }

  /// Walks one component further and holds the place that was reached (ref-walk); false where the walk has no
  /// further part, so that ``resolvePoint(_:)`` is its last one.
  public mutating func walkPoint(_ call: inout CallInFlight) -> Bool {
    let lookups = pathArguments(of: call.operation)
    guard call.answer == nil, call.found.count < lookups.count, isAlive(call.process) else {
      return false
    }
    var start = call.partialWalk?.location
    let text: String
    switch lookups[call.found.count].argument {
    case .null, .descriptor: return false
    case .path(let path): text = call.partialWalk?.rest ?? path
    case .relative(let slot, let path):
      text = call.partialWalk?.rest ?? path
      if start == nil {
        let file = openFile(slot, of: Process(number: call.process))
        guard file != .none else { return false }
        start = files[file.index].location
      }
    }
    guard let (head, rest) = Self.splitFirstComponent(of: text) else { return false }
    var part = CallInFlight.WalkedPart(
      start: start, argument: .path(head), flags: .followFinalLink, wantsParent: false,
      result: .failure(.none))
    part.result = walk(part, by: Process(number: call.process))
    call.lastWalk = part
    switch part.result {
    case .failure(let errno):
      endPartialWalk(&call)
      call.found.append(.failure(errno))
    case .place(let location), .parent(let location, _):
      hold(location)
      endPartialWalk(&call)
      call.partialWalk = CallInFlight.PartialWalk(location: location, rest: rest)
    }
    return true
  }

  private static func splitFirstComponent(of text: String) -> (head: String, rest: String)? {
    let bytes = text.utf8
    guard let first = bytes.firstIndex(where: { $0 != UInt8(ascii: "/") }),
      let slash = bytes[first...].firstIndex(of: UInt8(ascii: "/")),
      let next = bytes[slash...].firstIndex(where: { $0 != UInt8(ascii: "/") })
    else { return nil }
    return (String(text[..<slash]), String(text[next...]))
  }

  /// The reference of a walk on its way is put, which does not end on that mount and clears no mark.
  private mutating func endPartialWalk(_ call: inout CallInFlight) {
    guard let partial = call.partialWalk else { return }
    call.partialWalk = nil
    drop(partial.location, clearsMark: false)
  }

  private mutating func take(_ location: Location, for call: inout CallInFlight) {
    hold(location)
    call.references.append(location)
  }

  /// `can_umount` and the expiry mark at a moment of their own.
  public mutating func checkPoint(_ call: inout CallInFlight) {
    call.wasChecked = true
    guard case .umount2(_, let flags) = call.operation, case .place(let location)? = call.found.last
    else { return }
    running.ownReference = location.mount
    call.answer = refuseUmount(of: location, flags, by: Process(number: call.process))
    running.ownReference = .none
  }

  /// Does what the call does under the lock.
  ///
  /// - Returns: the answer; nil when another commit follows (rmdir, unlink and rename over a mountpoint of another
  ///   namespace, exit).
  ///
  /// - Parameter missesReferences: a busy check takes every mount for unreferenced (a known issue of kernels).
  public mutating func commitPoint(
    _ call: inout CallInFlight, missesReferences: Bool = false
  ) -> Errno? {
    if let answer = call.answer { return answer }
    call.commitCount += 1
    if call.removed != .none {
      detachMounts(on: call.removed)
      unpin(call.removed)
      call.removed = .none
      call.answer = Errno.none
      return call.answer
    }
    if case .exit = call.operation, isAlive(call.process) {
      call.answer = exitPart(Process(number: call.process), part: call.commitCount)
      return call.answer
    }
    running.isPointwise = true
    running.found = call.found[...]
    running.wasChecked = call.wasChecked
    running.missesReferences = missesReferences
    if case .umount2 = call.operation, case .place(let location)? = call.found.last {
      running.ownReference = location.mount
    }
    let errno = perform(call.operation, by: call.process)
    call.references += running.taken
    call.removed = running.removed
    running = RunningCall()
    if call.removed == .none { call.answer = errno }
    return call.answer
  }

  /// Drops what the call still holds. umount puts its reference without clearing the expiry mark.
  public mutating func releasePoint(_ call: inout CallInFlight) {
    for location in call.references { drop(location, clearsMark: call.clearsMarks) }
    call.references.removeAll()
    endPartialWalk(&call)
    putReleasedNamespaces()
  }

  /// Drops only the references on some mounts, named by their ids.
  ///
  /// - Returns: whether there were any.
  public mutating func releasePoint(_ call: inout CallInFlight, on mountIDs: [UInt64]) -> Bool {
    guard call.references.contains(where: { mountIDs.contains(mounts[$0.mount.index].uniqueID) })
    else { return false }
    var kept: [Location] = []
    for location in call.references {
      if mountIDs.contains(mounts[location.mount.index].uniqueID) {
        drop(location, clearsMark: call.clearsMarks)
      } else {
        kept.append(location)
      }
    }
    call.references = kept
    putReleasedNamespaces()
    return true
  }

  private mutating func drop(_ location: Location, clearsMark: Bool) {
    if clearsMark { clearExpiryMark(location.mount) }
    unpin(location.dentry)
    mounts[location.mount.index].holds -= 1
    putIfUnused(location.mount)
  }

  /// exit in its parts: descriptors, then working directory and root, then the namespace (6.4).
  private mutating func exitPart(_ process: Process, part: UInt8) -> Errno? {
    defer { putReleasedNamespaces() }
    switch part {
    case 1:
      while processes[process.index].firstFile != .none {
        let file = processes[process.index].firstFile
        processes[process.index].firstFile = files[file.index].next
        put(file)
      }
      return nil
    case 2:
      // A dead process would be named by nobody: its places go now, its namespace with the last part.
      let record = processes[process.index]
      let root = namespaces[record.namespace.index].root
      let nowhere = Location(mount: root, dentry: mounts[root.index].root)
      hold(nowhere)
      hold(nowhere)
      processes[process.index].workingDirectory = nowhere
      processes[process.index].root = nowhere
      release(record.workingDirectory)
      release(record.root)
      return nil
    default:
      return exit(process)
    }
  }

  /// Settles the answer of a call from outside: what it met is not part of the model (a reader's reference).
  public func settle(_ call: inout CallInFlight, answer: Errno) {
    call.answer = answer
  }

  /// Ends what ``beginExplaining()`` began.
  public mutating func stopExplaining() {
    isExplaining = false
    reasons.removeAll(keepingCapacity: true)
  }

  // MARK: what the code of a call asks

  @inline(__always)
  mutating func takeFoundPlace() -> Result<Location, Errno>? {
    guard running.isPointwise, let found = running.found.popFirst() else { return nil }
    switch found {
    case .place(let location): return .success(location)
    case .parent(let location, _): return .success(location)
    case .failure(let errno): return .failure(errno)
    }
  }

  @inline(__always)
  mutating func takeFoundParent() -> Result<(parent: Location, last: LastComponent), Errno>? {
    guard running.isPointwise, let found = running.found.popFirst() else { return nil }
    switch found {
    case .place(let location): return .success((location, .dot))
    case .parent(let location, let last): return .success((location, last))
    case .failure(let errno): return .failure(errno)
    }
  }

  /// The references on a mount without the running umount's own.
  @inline(__always)
  func holdsOfOthers(_ mount: Mount) -> UInt32 {
    if running.missesReferences { return 0 }
    return mounts[mount.index].holds - (running.ownReference == mount ? 1 : 0)
  }

  /// `do_lock_mount` holds the mount that covers the target until after the commit.
  @inline(__always)
  mutating func keepReference(to top: Location, besides target: Location) {
    guard running.isPointwise, top.mount != target.mount else { return }
    hold(top)
    running.taken.append(top)
  }

  /// Lazily removes the mounts on a dentry that goes; point by point, in a commit of its own.
  mutating func detachMountsOfRemoved(_ dentry: Dentry) {
    guard running.isPointwise, dentries[dentry.index].firstMountOn != .none else {
      return detachMounts(on: dentry)
    }
    pin(dentry)
    running.removed = dentry
  }

  mutating func notePassing(_ place: Location) {
    var mount = place.mount
    running.passed.append(mount)
    // Every mount of a stack is held for a moment while the walk goes to its top.
    while mounts[mount.index].parent != .none,
      mounts[mount.index].mountpoint == mounts[mounts[mount.index].parent.index].root
    {
      mount = mounts[mount.index].parent
      running.passed.append(mount)
    }
  }
}

extension CallInFlight {
  var clearsMarks: Bool {
    if case .umount2 = operation { false } else { true }
  }
}

extension UmountFlags {
  static let allKnown: UmountFlags = [.force, .detach, .expire, .noFollow]
}
