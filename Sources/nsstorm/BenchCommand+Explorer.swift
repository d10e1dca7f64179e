import Foundation
import StormReclamation

extension BenchCommand {
  func explorer() throws {
    try explore(ExplorerBenchmark.standardDesign, ExplorerBenchmark.standardScenario, isAim: true)
    for scenario in ExplorerBenchmark.fourActorScenarios {
      try explore(ExplorerBenchmark.standardDesign, scenario, isAim: false)
    }
    try besideSpin()
  }

  private func explore(_ design: String, _ scenario: String, isAim: Bool) throws {
    let measured = try ExplorerBenchmark.measure(design: design, scenario: scenario)
    print(
      "explorer: \(measured.stateCount) states of \(measured.design) with \(measured.scenario), no reduction, in "
        + "\(fixed(measured.seconds)) s"
        + (isAim
          ? ": \(whole(measured.statesPerSecond)) states/s (aim: at least 1,000,000), "
            + "\(fixed(measured.bytesPerState)) bytes a state (aim: under 100)" : "")
        + (measured.complete ? "" : "; stopped by a limit"))
  }

  /// The same steps and properties in Promela, searched without reductions on one core.
  private func besideSpin() throws {
    let model = URL(fileURLWithPath: spinModel)
    let missing = [("spin", "spin"), ("gcc", "gcc")].first { Self.program($0.0) == nil }
    if let missing {
      print(
        "explorer beside spin: skipped: \(missing.0) is not installed (apt-get install \(missing.1))"
      )
      return
    }
    guard FileManager.default.isReadableFile(atPath: model.path) else {
      print(
        "explorer beside spin: skipped: no model \(spinModel); run in nsstorm's source folder, or name it with "
          + "--spin-model")
      return
    }
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-spin-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let steps: [(String, [String])] = [
      ("spin", ["-a", model.path]),
      ("gcc", ["-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-o", "pan", "pan.c"]),
      ("./pan", ["-m100000", "-w26", "-n", "-Q\(Self.spinMinutes)"]),
    ]
    var text = ""
    for (name, arguments) in steps {
      text = try Self.run(name, arguments, in: folder)
    }
    guard let spin = SpinResult(pan: text) else {
      print(
        "explorer beside spin: skipped: what pan printed could not be read: \(text.prefix(200))")
      return
    }
    let ours = try ExplorerBenchmark.measure(
      design: "D0", scenario: ExplorerBenchmark.standardScenario)
    print(
      "explorer beside spin, D0 with \(ours.scenario): nsstorm \(ours.stateCount) states in \(fixed(ours.seconds)) s, "
        + "\(whole(ours.statesPerSecond)) states/s, \(fixed(ours.bytesPerState)) bytes a state; spin "
        + "\(whole(spin.states)) states in \(fixed(spin.seconds)) s, \(whole(spin.statesPerSecond)) states/s, "
        + "\(fixed(spin.bytesPerState)) bytes a state"
        + (spin.isComplete ? "" : " (stopped after \(Self.spinMinutes) minutes)")
        + ", \(spin.errors) errors; ratio \(fixed(ours.statesPerSecond / spin.statesPerSecond)) states/s, "
        + "\(fixed(spin.seconds / ours.seconds)) in time")
  }

  /// What spin may take.
  private static let spinMinutes = 5

  private static func program(_ name: String) -> String? {
    let folders = ["/usr/bin", "/usr/local/bin", "/bin"]
    return folders.map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func run(_ name: String, _ arguments: [String], in folder: URL) throws -> String {
    let output = Pipe()
    let process = Process()
    process.executableURL =
      program(name).map { URL(fileURLWithPath: $0) } ?? folder.appendingPathComponent(name)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text
  }
}

/// What spin's verifier says of its search.
struct SpinResult: Equatable {
  var states: Double
  var seconds: Double
  var bytesPerState: Double
  var errors: Int
  /// False when it stopped before it had seen everything.
  var isComplete: Bool

  var statesPerSecond: Double { states / seconds }

  /// Reads the verifier's closing lines; nil where they are not all there.
  init?(pan text: String) {
    func number(before words: String) -> Double? {
      text.split(separator: "\n").first { $0.contains(words) }
        .flatMap { $0.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }.first }
    }
    guard let states = number(before: "states, stored"),
      let seconds = number(before: "elapsed time"),
      let megabytes = number(before: "total actual memory usage"), states > 0, seconds > 0,
      let line = text.split(separator: "\n").first(where: { $0.contains("errors: ") }),
      let errors = line.components(separatedBy: "errors: ").last.flatMap({ Int($0) })
    else { return nil }
    self.states = states
    self.seconds = seconds
    bytesPerState = megabytes * 1_048_576 / states
    self.errors = errors
    isComplete = !text.contains("Search not completed")
  }
}
