/// Which release designs an observation allows, and which it excludes by what.
public struct Recognition: Sendable {
  public struct Row: Sendable {
    public var design: Design
    /// The observations that the design cannot have made; empty for a consistent one.
    public var exclusions: [String]
    /// What would tell the design from the others but cannot be observed at will.
    public var reservations: [String]
  }

  public var observation: ReleaseObservation
  public var rows: [Row]

  public var consistent: [Row] { rows.filter { $0.exclusions.isEmpty } }
  public var excluded: [Row] { rows.filter { !$0.exclusions.isEmpty } }

  /// A kernel that fits no design is the interesting case: a deviation.
  public var isDeviation: Bool { consistent.isEmpty }

  public init(_ observation: ReleaseObservation, among designs: [Design] = Design.catalogue) {
    self.observation = observation
    rows = designs.map { Self.judge($0, observation) }
  }

  private static func judge(_ design: Design, _ seen: ReleaseObservation) -> Row {
    var row = Row(design: design, exclusions: [], reservations: [])
    let kinds: [(String, Design.Release, ReleaseObservation.Idle)] = [
      ("umount", design.waitSync, seen.sync), ("umount -l", design.waitLazy, seen.lazy),
    ]
    for (name, release, idle) in kinds {
      judgeWait(name, release, idle, seen, &row)
      judgeRelease(name, release, idle, design, seen, &row)
    }
    if seen.neverReleased > 0, design.waitSync != .none, design.waitLazy != .none,
      !(design.waitLazy == .globalList && design.discipline != .flag)
    {
      row.exclusions.append("\(seen.neverReleased) superblocks were never released")
    }
    judgeWalkers(design, seen, &row)
    return row
  }

  private static func judgeWait(
    _ name: String, _ release: Design.Release, _ idle: ReleaseObservation.Idle,
    _ seen: ReleaseObservation, _ row: inout Row
  ) {
    guard let waits = seen.waits(idle) else {
      row.reservations.append("\(name): too close to tell whether it waits")
      return
    }
    let expected = release == .wait || release == .polled
    guard waits != expected else { return }
    let excess = (idle.latencyNanoseconds - seen.ownWorkNanoseconds) / 1_000
    row.exclusions.append(
      "an idle \(name) takes \((excess * 10).rounded() / 10) us more than its own work: it "
        + (waits ? "waits for a grace period" : "does not wait for a grace period"))
  }

  private static func judgeRelease(
    _ name: String, _ release: Design.Release, _ idle: ReleaseObservation.Idle, _ design: Design,
    _ seen: ReleaseObservation, _ row: inout Row
  ) {
    guard let releases = seen.releases(idle) else {
      row.reservations.append("\(name): released at return only sometimes")
      return
    }
    let inCaller: Bool =
      switch release {
      case .wait, .none, .polled: design.tail != .wqNoWait
      case .callRcu, .rcuWork, .globalList: false
      }
    guard releases != inCaller else { return }
    row.exclusions.append(
      "\(idle.releasedAtReturn) of \(idle.calls) idle \(name) calls returned with the superblock dead"
    )
  }

  /// Races cannot be made to happen: their absence excludes nothing, their presence does.
  private static func judgeWalkers(
    _ design: Design, _ seen: ReleaseObservation, _ row: inout Row
  ) {
    guard let walkers = seen.walkers, walkers.succeeded > 0 else { return }
    let losesRaces =
      design.legit != .lockedFlag || !design.barrier || design.waitSync == .none
      || design.counts == .single
    if walkers.aliveAtReturn > 0, !losesRaces {
      row.exclusions.append(
        "\(walkers.aliveAtReturn) of \(walkers.succeeded) umounts under walkers returned 0 with the "
          + "superblock alive")
    }
    if walkers.aliveAtReturn == 0, losesRaces {
      row.reservations.append(
        "differs only in a race that was not seen in \(walkers.succeeded) umounts under walkers")
    }
  }
}
