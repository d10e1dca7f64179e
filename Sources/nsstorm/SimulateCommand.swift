import ArgumentParser
import Foundation
import StormReclamation

/// `nsstorm simulate`: the release designs under mass umounts.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Simulate mass umounts under a design: latency, time to death, backlog.",
    discussion: """
      Each namespace is torn down by one call; the callers share the calls. The same seed gives the \
      same numbers on every machine. The constants come from --calibration or are those of a small \
      virtual machine; trust ratios between designs more than absolute times.

      Examples:
        nsstorm simulate --design D2 --namespaces 10000 --mounts 100 --callers 64 --rt
        nsstorm simulate --compare D0,D2,D2par,D3
      """)

  @Option(help: "The design, such as D2.")
  var design: String?

  @Option(help: "Designs side by side, such as D0,D2,D2par,D3.")
  var compare: String?

  @Option(name: .customLong("set"), help: "Vary a choice of every design, such as poolSize=2.")
  var changes: [String] = []

  @Option(help: "Namespaces, one call each.")
  var namespaces: Int = 1_600

  @Option(help: "Mounts of a namespace.")
  var mounts: Int = 1

  @Option(help: "Namespaces that receive a copy of every mount.")
  var peers: Int = 0

  @Option(help: "Tasks that call at the same time.")
  var callers: Int = 8

  @Option(help: "CPUs that the callers compete for; 0 for one each.")
  var cpus: Int = 0

  @Option(help: "What the calls are: sync, lazy or async.")
  var call: String = SimulationParameters.Call.lazy.rawValue

  @Option(help: "File system: tmpfs, ext4, xfs or fuse.")
  var filesystem: String = "tmpfs"

  @Option(help: "Microseconds that a caller spends between two calls.")
  var think: Double = 0

  @Flag(help: "PREEMPT_RT or rcu_normal: every grace period is a normal one.")
  var rt = false

  @Flag(help: "Let deferred work wait for expedited grace periods.")
  var expeditedDeferral = false

  @Option(help: "Workers that run items at once.")
  var workers: Int = 8

  @Option(help: "Part of the mounts that a user holds when they are detached (0 to 1).")
  var pinned: Double = 0

  @Option(help: "Milliseconds that such a user holds on, on average.")
  var pinMilliseconds: Double = 1_000

  @Option(help: "The seed.")
  var seed: UInt64 = 1

  @Option(help: "A calibration file (JSON), as `nsstorm simulate --print-calibration` writes it.")
  var calibration: String?

  @Option(help: "Write the backlog curves to this file, as SVG or, if it ends in .html, as HTML.")
  var plot: String?

  @Flag(help: "Machine-readable output, with the backlog curves.")
  var json = false

  @Flag(help: "Reproduce the published figures in shape.")
  var published = false

  @Flag(help: "Print the calibration in use as a file for --calibration.")
  var printCalibration = false

  func run() throws {
    do {
      if printCalibration { return try printJSON(try readCalibration()) }
      if published { return try printPublished() }
      let results = try parameters().map { try SimulationResult(simulating: $0) }
      let rows = results.map(SimulationReport.Row.init)
      if json {
        try printJSON(rows)
      } else {
        print(SimulationReport.table(rows))
      }
      if let plot { try writePlot(results, rows, to: plot) }
    } catch let error as CompositionError {
      throw CommandFailure(status: .usage, message: error.description)
    }
  }

  private func parameters() throws -> [SimulationParameters] {
    let names = (compare ?? design ?? "D0").split(separator: ",").map(String.init)
    guard let kind = SimulationParameters.Call(rawValue: call) else {
      throw CompositionError(
        what: "call", value: call, allowed: SimulationParameters.Call.allCases.map(\.rawValue))
    }
    let calibration = try readCalibration()
    return try names.map { name in
      var chosen = try DesignOptions.design(named: name)
      for change in changes {
        let parts = change.split(separator: "=", maxSplits: 1).map(String.init)
        try chosen.set(parts[0], to: parts.count == 2 ? parts[1] : "")
      }
      var parameters = SimulationParameters(design: chosen)
      parameters.calibration = calibration
      parameters.namespaces = namespaces
      parameters.mounts = mounts
      parameters.peers = peers
      parameters.callers = callers
      parameters.cpus = cpus
      parameters.call = kind
      parameters.fileSystem = filesystem
      parameters.thinkNanoseconds = think * 1e3
      parameters.normalGracePeriodsOnly = rt
      parameters.expeditedDeferral = expeditedDeferral
      parameters.workers = workers
      parameters.pinProbability = pinned
      parameters.pinNanoseconds = pinMilliseconds * 1e6
      parameters.seed = seed
      try parameters.check()
      return parameters
    }
  }

  private func readCalibration() throws -> Calibration {
    guard let calibration else { return .standard }
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: calibration))
      return try JSONDecoder().decode(Calibration.self, from: data)
    } catch {
      throw CommandFailure(
        status: .badInput,
        message: "cannot read the calibration \(calibration): \(error); "
          + "`nsstorm simulate --print-calibration` shows the form")
    }
  }

  private func printPublished() throws {
    let rows = try PublishedFigure.all(seed: seed).map(SimulationReport.PublishedRow.init)
    if json { try printJSON(rows) } else { print(rows.map(\.text).joined(separator: "\n")) }
  }

  private func writePlot(
    _ results: [SimulationResult], _ rows: [SimulationReport.Row], to path: String
  ) throws {
    let svg = BacklogPlot.svg(of: results)
    guard path.hasSuffix(".html") else { return try write(svg, to: path) }
    let page = """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>nsstorm simulate</title></head>
      <body><h1>nsstorm simulate</h1>
      \(svg)<pre>\(SimulationReport.table(rows))</pre></body></html>

      """
    try write(page, to: path)
  }
}
