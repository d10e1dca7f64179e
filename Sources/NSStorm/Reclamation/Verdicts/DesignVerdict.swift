/// What is known about one property of a design.
public enum CellVerdict: Sendable, Hashable {
  /// Every experiment was searched in full and none violates it.
  case holds
  /// Violated; the shortest trace has that many steps.
  case violated(steps: Int)
  /// No violation seen, but a search ended early.
  case unknown(reason: String)
}

/// The verdicts on one design: a row of the matrix.
public struct DesignVerdict: Sendable {
  /// One property of the row.
  public struct Cell: Sendable {
    public var property: Property
    public var verdict: CellVerdict
    /// Every finding behind a violation with its shortest trace and the experiment that shows it.
    public var evidence: [Evidence]
  }

  public struct Evidence: Sendable {
    public var experiment: Experiment
    public var example: Counterexample
  }

  public var design: Design
  public var cells: [Cell]
  public var stateCount: Int

  /// Explores all experiments of a design.
  public init(
    of design: Design, experiments: [Experiment]? = nil,
    options: ExplorationOptions = ExplorationOptions()
  ) {
    let experiments = experiments ?? Experiment.all(for: design)
    var evidence: [Property: [Finding: Evidence]] = [:]
    var incomplete: String?
    var states = 0
    for experiment in experiments {
      let result = experiment.explore(options)
      states += result.stateCount
      if let stopped = result.stopped { incomplete = "\(experiment.name): \(stopped)" }
      for finding in Finding.allCases {
        guard let example = result.counterexamples[finding],
          let property = experiment.property(violatedBy: finding)
        else { continue }
        let known = evidence[property]?[finding]
        if known.map({ $0.example.length > example.length }) ?? true {
          evidence[property, default: [:]][finding] = Evidence(
            experiment: experiment, example: example)
        }
        // A walker may pass by an idle umount as well: what breaks P8 breaks P8w.
        if property == .p8 {
          let sooner = evidence[.p8w]?[finding].map { $0.example.length > example.length } ?? true
          if sooner {
            evidence[.p8w, default: [:]][finding] = Evidence(
              experiment: experiment, example: example)
          }
        }
      }
    }
    self.design = design
    stateCount = states
    cells = Property.allCases.map { property in
      let found = Finding.allCases.compactMap { evidence[property]?[$0] }
        .sorted { $0.example.length < $1.example.length }
      let verdict: CellVerdict =
        if let first = found.first {
          .violated(steps: first.example.length)
        } else if let incomplete {
          .unknown(reason: incomplete)
        } else {
          .holds
        }
      return Cell(property: property, verdict: verdict, evidence: found)
    }
  }

  public subscript(property: Property) -> Cell? { cells.first { $0.property == property } }
}
