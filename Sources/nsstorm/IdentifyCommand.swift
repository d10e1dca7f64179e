import ArgumentParser
import Foundation
import StormCalibration
import StormReclamation

/// `nsstorm identify`: which release designs the running kernel can have.
struct IdentifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identify",
    abstract: "Say which designs for releasing detached mounts the running kernel can have.",
    discussion: """
      Umounts idle mounts and mounts under walkers in private namespaces and watches when their \
      superblocks die. Touches none of the machine's settings. Exit code 1 when the kernel fits no \
      known design.

      Examples:
        nsstorm identify
        nsstorm identify --simulated D2 --json
      """)

  @Option(help: "Judge a recorded observation (JSON) instead of the running kernel.")
  var observation: String?

  @Option(help: "Judge what this design would show, by simulation.")
  var simulated: String?

  @Flag(help: "Machine-readable output, with the observation.")
  var json = false

  func run() throws {
    let recognition = Recognition(try observed())
    let report = RecognitionReport(recognition)
    if json { try printJSON(report) } else { print(report.text) }
    if recognition.isDeviation { throw ExitStatus.diverged.exitCode }
  }

  private func observed() throws -> ReleaseObservation {
    do {
      if let simulated {
        return try ReleaseObservation(simulating: try DesignOptions.design(named: simulated))
      }
      guard let observation else {
        return try ReleaseObservation.ofRunningKernel(kernelRelease())
      }
      let data = try Data(contentsOf: URL(fileURLWithPath: observation))
      return try JSONDecoder().decode(ReleaseObservation.self, from: data)
    } catch let error as ProbeError {
      throw CommandFailure(status: .notPermitted, message: error.description)
    } catch let error as CompositionError {
      throw CommandFailure(status: .usage, message: error.description)
    } catch {
      throw CommandFailure(
        status: .badInput, message: "cannot read the observation \(observation ?? ""): \(error)")
    }
  }
}

/// What `nsstorm identify` prints.
struct RecognitionReport: Encodable {
  struct Row: Encodable {
    var design: String
    var summary: String
    var exclusions: [String]
    var reservations: [String]

    init(_ row: Recognition.Row) {
      design = row.design.name
      summary = row.design.summary
      exclusions = row.exclusions
      reservations = row.reservations
    }
  }

  var observation: ReleaseObservation
  var consistent: [Row]
  var excluded: [Row]

  init(_ recognition: Recognition) {
    observation = recognition.observation
    consistent = recognition.consistent.map(Row.init)
    excluded = recognition.excluded.map(Row.init)
  }

  var text: String {
    func idle(_ name: String, _ idle: ReleaseObservation.Idle) -> String {
      "  \(ExploreReport.pad(name, 10)) median \(BacklogPlot.duration(idle.latencyNanoseconds)), "
        + "own work \(BacklogPlot.duration(observation.ownWorkNanoseconds)); superblock dead at "
        + "return \(idle.releasedAtReturn) of \(idle.calls)"
    }
    var lines = [
      observation.origin, idle("umount", observation.sync), idle("umount -l", observation.lazy),
    ]
    if let walkers = observation.walkers {
      lines.append(
        "  under walkers: \(walkers.succeeded) umounts returned 0, \(walkers.aliveAtReturn) of them "
          + "with the superblock alive")
    }
    if observation.neverReleased > 0 {
      lines.append("  never released: \(observation.neverReleased)")
    }
    lines.append(consistent.isEmpty ? "fits no known design: a deviation" : "consistent:")
    for row in consistent {
      lines.append("  \(ExploreReport.pad(row.design, 12)) \(row.summary)")
      lines += row.reservations.map { "               \($0)" }
    }
    if !excluded.isEmpty { lines.append("excluded:") }
    for row in excluded {
      lines.append(
        "  \(ExploreReport.pad(row.design, 12)) \(row.exclusions.joined(separator: "; "))")
    }
    return lines.joined(separator: "\n")
  }
}
