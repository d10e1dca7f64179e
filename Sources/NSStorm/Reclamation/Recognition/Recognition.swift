/// Which release designs an observation allows, and which it excludes by what.
public struct Recognition: Sendable {
  public struct Row: Sendable {
    public var design: Design
    /// The observations that the design cannot have made; empty for a consistent one.
    public var exclusions: [String]
    /// What would tell the design from the others but was not, or cannot be, observed.
    public var reservations: [String]
  }

  public var observation: ReleaseObservation
  public var rows: [Row]

  public var consistent: [Row] { rows.filter { $0.exclusions.isEmpty } }
  public var excluded: [Row] { rows.filter { !$0.exclusions.isEmpty } }

  /// A kernel that fits no design is the interesting case: a deviation.
  public var isDeviation: Bool { consistent.isEmpty }

  /// Whether everything that is consistent releases as mainline does since 6.15: every umount waits for a grace period, and
  /// walkers leave the final put to synchronous ones.
  public var isMainlineWaiting: Bool {
    consistent.contains { $0.design.name == Design.mainline.name }
      && consistent.allSatisfy { row in
        let design = row.design
        return [design.waitSync, design.waitLazy].allSatisfy { $0 == .wait || $0 == .polled }
          && design.waitAsync == nil && design.legit == .lockedFlag && design.barrier
          && design.tail != .wqNoWait && design.tail != .wqWait
      }
  }

  public init(_ observation: ReleaseObservation, among designs: [Design] = Design.catalogue) {
    self.observation = observation
    rows = designs.map { design in
      let judgement = DesignJudgement(design, observation)
      return Row(
        design: design, exclusions: judgement.exclusions, reservations: judgement.reservations)
    }
  }
}
