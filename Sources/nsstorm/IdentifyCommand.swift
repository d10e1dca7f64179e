import ArgumentParser
import Foundation
import StormCalibration
import StormFleet
import StormKernel
import StormReclamation

/// `nsstorm identify`: which release designs the running kernel can have.
struct IdentifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "identify",
    abstract: "Say which designs for releasing detached mounts the running kernel can have.",
    discussion: """
      Umounts idle mounts and mounts under walkers in private namespaces and watches when their \
      superblocks die; reads what the kernel's type information names, and which work items it runs. \
      Exit code 1 when the kernel fits no known design.

      Examples:
        nsstorm identify
        nsstorm identify --touch-machine
        nsstorm identify --simulated D2 --json
      """)

  @Option(help: "Judge a recorded observation (JSON) instead of the running kernel.")
  var observation: String?

  @Option(help: "Judge what this design would show, by simulation.")
  var simulated: String?

  @Flag(help: "Set rcu_normal for some seconds, for umounts under normal grace periods.")
  var touchMachine = false

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
        return try ReleaseObservation.ofRunningKernel(
          .ofThisMachine(), touchesMachine: touchMachine || GuestAgent.isInGuest)
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

  var verdict: String
  var observation: ReleaseObservation
  var consistent: [Row]
  var excluded: [Row]

  init(_ recognition: Recognition) {
    verdict =
      recognition.isDeviation
      ? "fits no known design: a deviation"
      : recognition.isMainlineWaiting
        ? "mainline waiting (D0): every umount waits for a grace period, walkers leave the final put to it"
        : "one of: \(recognition.consistent.map(\.design.name).joined(separator: ", "))"
    observation = recognition.observation
    consistent = recognition.consistent.map(Row.init)
    excluded = recognition.excluded.map(Row.init)
  }

  /// What was seen, a line each.
  private var seen: [String] {
    func idle(_ name: String, _ idle: ReleaseObservation.Idle) -> String {
      "\(ExploreReport.pad(name, 10)) median \(BacklogPlot.duration(idle.latencyNanoseconds)), "
        + "own work \(BacklogPlot.duration(observation.ownWorkNanoseconds)); superblock dead at "
        + "return \(idle.releasedAtReturn) of \(idle.calls)"
    }
    var lines = [idle("umount", observation.sync), idle("umount -l", observation.lazy)]
    if let normal = observation.normalGracePeriods {
      lines.append(
        "normal grace periods of \(BacklogPlot.duration(normal.gracePeriodNanoseconds)): umount "
          + "\(BacklogPlot.duration(normal.syncNanoseconds)), umount -l "
          + "\(BacklogPlot.duration(normal.lazyNanoseconds)), umount -l of a tree of \(normal.treeMounts) "
          + BacklogPlot.duration(normal.treeNanoseconds))
    }
    if let walkers = observation.walkers {
      lines.append(
        "under walkers: \(walkers.succeeded) umounts returned 0, \(walkers.aliveAtReturn) of them with the "
          + "superblock alive; \(walkers.refused) were refused with EBUSY")
    }
    if observation.neverReleased > 0 {
      lines.append("never released: \(observation.neverReleased)")
    }
    if let items = observation.workItems {
      func list(_ names: [String]) -> String {
        names.isEmpty ? "none" : names.joined(separator: ", ")
      }
      lines.append(
        "work items of \(items.calls) idle calls each: umount \(list(items.sync)), umount -l "
          + list(items.lazy))
    }
    for holders in observation.killedHolders ?? [] {
      lines.append(
        "killed with a file held by \(holders.holder): umount refused \(holders.refused) of \(holders.rounds) times"
          + (holders.refused > 0
            ? ", for \(BacklogPlot.duration(holders.waitNanoseconds)) (median)" : ""))
    }
    if let hasFurtherFlag = observation.hasFurtherFlag {
      let answer = hasFurtherFlag ? "takes" : "refuses"
      lines.append("umount2 \(answer) flags beyond the four known ones")
    }
    if let names = observation.names {
      let list = names.map(\.rawValue).sorted().joined(separator: ", ")
      lines.append("type information names \(list)")
    }
    return lines + (observation.skipped ?? []).map { "skipped: \($0)" }
  }

  var text: String {
    var lines = ["\(observation.origin): \(verdict)"] + seen.map { "  \($0)" }
    if !consistent.isEmpty { lines.append("consistent:") }
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
