import ArgumentParser
import Foundation
import StormReclamation

/// `nsstorm explore`: the release designs over all interleavings.
struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore",
    abstract: "Explore the designs for releasing detached mounts over all interleavings.",
    discussion: """
      Without arguments: the matrix of all designs and properties. With a property: the shortest \
      trace that violates it. Exit code 0 when the exploration is complete (violations of a design \
      are its result, not a failure), 4 when a limit left something unknown.

      Examples:
        nsstorm explore
        nsstorm explore D4 --scenario U,W --property P7 --svg D4.svg
        nsstorm explore D0 --set legit=noFlag --scenario U,2W
        nsstorm explore --claims
      """)

  @OptionGroup var composition: DesignOptions

  @Option(help: "Print the shortest trace against this property (P1 to P12, P8w).")
  var property: String?

  @Option(help: "Write the trace as an SVG sequence diagram to this file.")
  var svg: String?

  @Flag(help: "The claims of the discussion, each with its verdict and the command that shows it.")
  var claims = false

  @Flag(help: "flush_filesystem: does it end, with and without new mounts and pins.")
  var flush = false

  @Flag(help: "D14, MNT_EXPIRE: what the mark saves, and under which rules it fails.")
  var expiry = false

  @Flag(help: "Machine-readable output.")
  var json = false

  @Flag(inversion: .prefixedNo, help: "Merge states that differ by the names of alike actors.")
  var symmetry = true

  @Flag(
    inversion: .prefixedNo,
    help: "Partial-order reduction. Fewer states, but traces may be longer than the shortest.")
  var reduction = false

  @Option(help: "Megabytes that the stored states of a search may take.")
  var memory: Int = 4096

  @Option(help: "Seconds that a search may take.")
  var seconds: Int = 600

  private var options: ExplorationOptions {
    var options = ExplorationOptions()
    options.symmetry = symmetry
    options.partialOrderReduction = reduction
    options.maximumBytes = memory << 20
    options.timeLimit = .seconds(seconds)
    return options
  }

  func validate() throws {
    guard (1...1_048_576).contains(memory) else {
      throw ValidationError("--memory \(memory) is out of range; allowed: 1 to 1048576")
    }
    guard (1...1_000_000).contains(seconds) else {
      throw ValidationError("--seconds \(seconds) is out of range; allowed: 1 to 1000000")
    }
  }

  func run() throws {
    if claims { return try printClaims() }
    if flush { return try printFlush() }
    if expiry { return try printExpiry() }
    let composed = try composition.compose()
    if let property { return try printTraces(property, composed) }
    if let scenario = composed.scenario { return try printScenario(scenario, composed.designs) }
    let reports = composed.designs.map { design in
      ExploreReport.Row(
        DesignVerdict(
          of: design, experiments: Experiment.all(for: design, cpus: composed.cpus),
          options: options))
    }
    if json {
      try printJSON(reports)
    } else {
      print(ExploreReport.matrix(reports))
    }
    if reports.contains(where: { $0.cells.contains { $0.verdict == .unknown } }) {
      throw ExitStatus.nothingChecked.exitCode
    }
  }

  /// One scenario under each design: all findings with their lengths.
  private func printScenario(_ scenario: Scenario, _ designs: [Design]) throws {
    let reports = designs.map { design in
      let experiment = Experiment.release(design, scenario)
      return ExploreReport.ScenarioRow(design, experiment, experiment.explore(options))
    }
    if json { try printJSON(reports) } else { print(reports.map(\.text).joined(separator: "\n")) }
    if reports.contains(where: { $0.stopped != nil }) { throw ExitStatus.nothingChecked.exitCode }
  }

  private func printTraces(_ name: String, _ composed: DesignOptions.Composition) throws {
    guard
      let property = Property.allCases.first(where: {
        $0.rawValue.lowercased() == name.lowercased()
      })
    else {
      throw CommandFailure(
        status: .usage,
        message: CompositionError(
          what: "property", value: name, allowed: Property.allCases.map(\.rawValue)
        ).description)
    }
    guard svg == nil || composed.designs.count == 1 else {
      throw CommandFailure(
        status: .usage, message: "--svg draws one trace; name one design, as in explore D4 --svg f")
    }
    let cells = composed.designs.compactMap { design in
      let experiments =
        composed.scenario.map { [Experiment.release(design, $0)] }
        ?? Experiment.all(for: design, cpus: composed.cpus)
      return DesignVerdict(of: design, experiments: experiments, options: options)[property]
        .map { (design, $0) }
    }
    let reports = try cells.map { try ExploreReport.TraceReport($0, $1) }
    if json { try printJSON(reports) } else { print(reports.map(\.text).joined(separator: "\n")) }
    if let svg { try draw(cells, to: svg) }
    if reports.contains(where: { $0.verdict == .unknown }) {
      throw ExitStatus.nothingChecked.exitCode
    }
  }

  private func draw(_ cells: [(Design, DesignVerdict.Cell)], to path: String) throws {
    guard let (design, cell) = cells.first, let evidence = cell.evidence.first else {
      throw CommandFailure(
        status: .nothingChecked,
        message: "there is no trace to draw for \(path): no violation was found")
    }
    let title =
      "\(design.name) \(evidence.experiment.name): \(cell.property.rawValue) "
      + "\(evidence.example.finding.tag) in \(evidence.example.length) steps"
    let trace = try evidence.experiment.trace(evidence.example)
    try write(trace.sequenceDiagram(title: title), to: path)
  }

  private func printClaims() throws {
    var verdicts: [String: DesignVerdict] = [:]
    let rows = try Claim.all.map {
      try ExploreReport.ClaimRow($0, verdicts: &verdicts, options: options)
    }
    if json {
      try printJSON(rows)
    } else {
      print(rows.map(\.text).joined(separator: "\n"))
      let decided = rows.count { $0.supported != nil }
      print("\n\(rows.count) claims, \(decided) decided by exploration just now.")
    }
    if rows.contains(where: { $0.supported == false }) { throw ExitStatus.diverged.exitCode }
  }

  private func printExpiry() throws {
    let rows = ExpiryVerdict.all.map(ExploreReport.ExpiryRow.init)
    if json { try printJSON(rows) } else { print(rows.map(\.text).joined(separator: "\n")) }
  }

  private func printFlush() throws {
    let rows = FlushVerdict.all.map(ExploreReport.FlushRow.init)
    if json { try printJSON(rows) } else { print(rows.map(\.text).joined(separator: "\n")) }
  }
}

/// Prints a value as JSON with sorted keys.
func printJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
