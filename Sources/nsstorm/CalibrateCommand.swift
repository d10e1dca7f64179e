import ArgumentParser
import Foundation
import StormCalibration
import StormReclamation

/// `nsstorm calibrate`: the simulator's constants, measured on this machine.
struct CalibrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate",
    abstract: "Measure the simulator's constants on the running kernel.",
    discussion: """
      Every experiment runs in a child with a private mount namespace; nothing of the machine's \
      settings is touched. Writes a file for `nsstorm simulate --calibration`.

      Examples:
        nsstorm calibrate --output here.json
        nsstorm calibrate --compare
      """)

  @Option(help: "Write the calibration to this file instead of standard output.")
  var output: String?

  @Flag(help: "Hold the simulator's predictions beside measurements of three loads.")
  var compare = false

  @Option(help: "The design that the running kernel is taken to have, for --compare.")
  var design: String = "D0"

  @Flag(help: "Machine-readable output of --compare.")
  var json = false

  func run() throws {
    do {
      let calibration = try CalibrationMeasurement.measure(kernel: kernelRelease())
      if let output {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try write(String(decoding: try encoder.encode(calibration), as: UTF8.self), to: output)
      } else if !compare {
        try printJSON(calibration)
      }
      if compare { try printComparison(calibration) }
    } catch let error as ProbeError {
      throw CommandFailure(status: .notPermitted, message: error.description)
    } catch let error as CompositionError {
      throw CommandFailure(status: .usage, message: error.description)
    }
  }

  private func printComparison(_ calibration: Calibration) throws {
    let chosen = try DesignOptions.design(named: design)
    let rows = try CalibrationComparison.all(design: chosen, calibration: calibration)
    if json { return try printJSON(rows) }
    print("load                  size    measured    predicted   ratio")
    for row in rows {
      let ratio = (row.ratio * 100).rounded() / 100
      print(
        ExploreReport.pad(row.load, 22) + ExploreReport.pad("\(row.size)", 8)
          + ExploreReport.pad(BacklogPlot.duration(row.measuredNanoseconds), 12)
          + ExploreReport.pad(BacklogPlot.duration(row.predictedNanoseconds), 12)
          + "\(ratio)\(row.isClose ? "" : "  off by more than 25%")")
    }
  }
}

/// The release of the running kernel.
func kernelRelease() -> String {
  let text = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)) ?? ""
  let release = text.trimmingCharacters(in: .whitespacesAndNewlines)
  return release.isEmpty ? "an unknown kernel" : "Linux \(release)"
}
