/// How fast and how compactly the explorer works on this machine, for `nsstorm bench`.
public struct ExplorerBenchmark: Sendable, Hashable, Codable {
  /// The design and the scenario that were explored, without reductions.
  public var design: String
  public var scenario: String
  public var stateCount: Int
  public var transitionCount: Int
  public var seconds: Double
  public var storedBytes: Int
  /// False when a limit ended the search before every state was seen.
  public var complete: Bool

  public var statesPerSecond: Double { Double(stateCount) / seconds }
  public var bytesPerState: Double { Double(storedBytes) / Double(stateCount) }

  /// What is measured unless something else is asked for: a lazy umount and two walkers on each of two
  /// mounts, with store buffers: 10,369,719 states.
  public static let standardDesign = "D0b"
  public static let standardScenario = "L,2W,L@1,2W@1"

  /// Four actors on two mounts.
  public static let fourActorScenarios = ["U,2W,L@1", "L,F,W@1,L@1", "L,W,L@1,W@1"]

  /// Explores a scenario fully, without symmetry and partial-order reduction, on one core.
  ///
  /// - Throws: `CompositionError` for a design or scenario that cannot be read.
  public static func measure(
    design name: String = standardDesign, scenario text: String = standardScenario,
    maximumBytes: Int = 8 << 30
  ) throws -> ExplorerBenchmark {
    guard let design = Design.named(name) else {
      throw CompositionError(what: "design", value: name, allowed: Design.catalogue.map(\.name))
    }
    var options = ExplorationOptions()
    options.symmetry = false
    options.maximumBytes = maximumBytes
    let scenario = try Scenario(parsing: text)
    let system = ReleaseSystem(design: design, scenario: scenario)
    let result = Explorer(system, options: options).explore()
    let (seconds, attoseconds) = result.duration.components
    return ExplorerBenchmark(
      design: design.name, scenario: text, stateCount: result.stateCount,
      transitionCount: result.transitionCount,
      seconds: Double(seconds) + Double(attoseconds) / 1e18, storedBytes: result.storedBytes,
      complete: result.stopped == nil)
  }
}
