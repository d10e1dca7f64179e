import CMount
public import StormVocabulary

extension Sandbox {
  /// The mount table that an actor sees, read by an observer process.
  public func table(of actor: Int) throws(SandboxError) -> Observation<MountTable> {
    switch try tables(of: [actor]) {
    case .seen(let tables): .seen(tables[0])
    case .hang(let report): .hang(report)
    }
  }

  /// The mount tables of several actors, in their order. Each is a snapshot only while nothing changes: one read of
  /// mountinfo gives about 4 KB, and the kernel drops the lock in between.
  public func tables(of actors: [Int]) throws(SandboxError) -> Observation<[MountTable]> {
    switch try look(tables: actors, members: []) {
    case .seen(let seen): .seen(seen.tables)
    case .hang(let report): .hang(report)
    }
  }

  /// The mount tables of several actors as `listmount` and `statmount` show them from where each stands.
  public func statmountTables(
    of actors: [Int]
  ) throws(SandboxError) -> Observation<[StatmountTable]> {
    var tables: [StatmountTable?] = Array(repeating: nil, count: actors.count)
    let hang = try observe(UInt32(NSS_OBSERVE_STATMOUNT), actors) {
      (index, answer, bytes) throws(SandboxError) in
      guard answer.error == 0 else {
        throw .unreadable(
          what: "mounts (listmount, statmount)", actor: actors[index],
          errno: Errno(rawValue: answer.error))
      }
      tables[index] = StatmountTable(answers: bytes)
    }
    return hang.map { .hang($0) } ?? .seen(tables.compactMap { $0 })
  }

  /// The mount tables of several actors through one observer; see ``TableObserver``.
  public func tables(
    of actors: [Int], through observer: TableObserver
  ) throws(SandboxError) -> Observation<[MountTable]> {
    switch observer {
    case .mountinfo: return try tables(of: actors)
    case .statmount:
      switch try statmountTables(of: actors) {
      case .seen(let tables): return .seen(tables.map(\.table))
      case .hang(let report): return .hang(report)
      }
    }
  }

  /// Whether statmount tells as much as mountinfo (6.13 and later: the source as well).
  public static var statmountIsComplete: Bool { nss_probe(Int32(NSS_FEATURE_STATMOUNT_TABLE)) == 1 }

  /// The tables of some actors and the member lists of others (the same ones may be among them), asked for together.
  public func look(
    tables tableActors: [Int], members memberActors: [Int]
  ) throws(SandboxError) -> Observation<(tables: [MountTable], members: [[UInt64]?])> {
    var tables = [MountTable?](repeating: nil, count: tableActors.count)
    var members = [[UInt64]?](repeating: nil, count: memberActors.count)
    let questions =
      tableActors.map { (code: UInt32(NSS_OBSERVE_TABLES), actor: $0) }
      + memberActors.map { (code: UInt32(NSS_OBSERVE_MEMBERS), actor: $0) }
    let hang = try observe(questions) { (index, answer, bytes) throws(SandboxError) in
      if index < tableActors.count {
        tables[index] = try table(of: tableActors[index], answer, bytes)
      } else {
        let place = index - tableActors.count
        members[place] = try self.members(of: memberActors[place], answer, bytes)
      }
    }
    return hang.map { .hang($0) } ?? .seen((tables.map { $0 ?? MountTable() }, members))
  }

  private func table(
    of actor: Int, _ answer: nss_answer, _ bytes: UnsafeRawBufferPointer
  ) throws(SandboxError) -> MountTable {
    guard answer.error == 0 else {
      throw .unreadable(what: "mount table", actor: actor, errno: Errno(rawValue: answer.error))
    }
    do throws(MountinfoError) {
      return try MountTable(mountinfo: bytes)
    } catch {
      throw .unparsableTable(actor: actor, error)
    }
  }

  private func members(
    of actor: Int, _ answer: nss_answer, _ bytes: UnsafeRawBufferPointer
  ) throws(SandboxError) -> [UInt64]? {
    let errno = Errno(rawValue: answer.error)
    switch errno {
    case .none: return Array(bytes.bindMemory(to: UInt64.self))
    case .noSuchEntry, .notSupported, .notImplemented: return nil
    default: throw .unreadable(what: "member list", actor: actor, errno: errno)
    }
  }

  /// Whether this kernel lists the mounts of a namespace (listmount with a namespace id, 6.11 and later).
  public var listsMembers: Bool {
    livingActors.first.flatMap { workers[$0] }.map { slot(at: $0).pointee.namespace_id != 0 }
      ?? false
  }

  /// The unique ids of the mounts in the actors' namespaces, ascending. Nil for an actor whose namespace has no mount
  /// left that is reachable from its root, and where the kernel has no listmount (see ``listsMembers``).
  public func members(of actors: [Int]) throws(SandboxError) -> Observation<[[UInt64]?]> {
    switch try look(tables: [], members: actors) {
    case .seen(let seen): .seen(seen.members)
    case .hang(let report): .hang(report)
    }
  }
}
