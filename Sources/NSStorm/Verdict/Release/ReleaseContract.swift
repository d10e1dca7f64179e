public import StormPlanning
public import StormReclamation
public import StormVocabulary

/// What a design promises about the release of a file system, for each way in which its last mount can go.
///
/// kernel-mounts 6.2 to 6.5, reclamation-designs 3.2, 3.10 and 6.2; `docs/release.md` has the table.
public struct ReleaseContract: Hashable, Sendable {
  public var design: Design

  public init(design: Design = .mainline) {
    self.design = design
  }

  /// The promises of a design of the catalogue; nil where it has none of that name.
  public init?(designNamed name: String) {
    guard let design = Design.named(name) else { return nil }
    self.init(design: design)
  }

  /// The names that ``init(designNamed:)`` knows.
  public static var designNames: [String] { Design.catalogue.map(\.name) }

  /// What must be true at a point.
  public enum Standing: Hashable, Sendable {
    /// The superblock has been shut down.
    case dead
    /// It has not.
    case alive
    /// Both are allowed; it dies within the bound.
    case open
  }

  /// Whether path walks are under way to the mount while it goes.
  public enum Company: Hashable, Sendable { case none, walkers }

  /// How the superblock stands at a point of a round.
  public func standing(
    _ way: ReleaseWay, at point: ReleaseRound.Point, company: Company = .none
  ) -> Standing {
    switch (way, point) {
    case (.sync, _):
      // A walker that comes late drops its reference silently, so only the umounter can be last (6.3).
      return putsInCaller(design.waitSync) && !losesWalks
        ? .dead : company == .none ? idle(design.waitSync) : .open
    case (.detach, _): return company == .none ? idle(design.waitLazy) : .open
    case (.treeClose, .departure), (.namespaceDescriptor, .departure): return .alive
    case (.treeClose, .letGo), (.namespaceDescriptor, .letGo):
      return company == .none ? idle(design.waitLazy) : .open
    case (.namespaceDeath, _): return idle(design.waitLazy)
    case (.killRing, .departure), (.killRequest, .departure):
      // umount was repeated until it succeeded, and then nobody else held it.
      return company == .none ? idle(design.waitSync) : .open
    case (.killRingDetach, .departure): return .open
    case (.killDescriptor, .departure), (.killMap, .departure), (.killMessage, .departure):
      return company == .none ? idle(design.waitSync) : .open
    case (_, .departure): return .alive
    case (_, .letGo):
      if way.holder?.isAsynchronous ?? false { return .open }
      guard company == .none else { return .open }
      return lastPutIsInCaller ? .dead : .open
    }
  }

  /// What the call may answer with which the mount goes; `attempts` counts an umount that was repeated while busy.
  public func answers(_ way: ReleaseWay, company: Company = .none) -> Set<Errno> {
    switch way {
    case .sync, .treeClose: company == .none ? [.none] : [.none, .busy]
    default: [.none]
    }
  }

  /// Whether the first umount after the end of the owner may be refused (`EBUSY_DEAD_OWNER`).
  public func mayBeBusyAtFirst(_ way: ReleaseWay, company: Company = .none) -> Bool {
    if company == .walkers { return true }
    if way.holder?.isAsynchronous ?? false { return true }
    return design.fileClose == .kthreadDelayed
  }

  private func putsInCaller(_ release: Design.Release) -> Bool {
    switch release {
    case .wait, .none, .polled: design.tail != .wqNoWait
    case .callRcu, .rcuWork, .globalList: false
    }
  }

  /// A mount that nobody else refers to.
  private func idle(_ release: Design.Release) -> Standing {
    putsInCaller(release) ? .dead : .open
  }

  private var losesWalks: Bool { design.waitSync == .none || design.legit == .noFlag }

  /// The last reference is put by a user task, which cleans up before it returns.
  private var lastPutIsInCaller: Bool {
    design.tail != .wqNoWait && design.fileClose != .kthreadDelayed
  }
}
