import ArgumentParser
import Foundation
import StormFleet

/// How a guest and its end are shown on a terminal.
enum VMRendering {
  private static let linesShown = 60

  static func show(_ event: VMEvent) {
    switch event {
    case .booted(let release, let seconds):
      VMOptions.say("\(release) is up after \(format(seconds)) s")
    case .output(let bytes): FileHandle.standardOutput.write(Data(bytes))
    case .errors(let bytes): FileHandle.standardError.write(Data(bytes))
    case .problem(let text): VMOptions.say("in the guest: \(text)")
    case .sign(let sign): VMOptions.say("on the console: \(sign.line)")
    case .trace: break
    }
  }

  /// Says how it ended, with what is needed to understand it, and ends the command with the documented status.
  static func finish(_ report: VMReport, showsConsole: Bool) throws {
    var lines = [
      "\(report.outcome) (\(report.accelerator.rawValue), \(format(report.totalSeconds)) s)"
    ]
    switch report.outcome {
    case .finished, .killed: break
    default:
      if !report.machineMessages.isEmpty { lines.append("QEMU said: \(report.machineMessages)") }
      let sign = report.console.signs.first { $0.kind == report.outcome.faultKind }
      lines += report.console.excerpt(lines: linesShown, since: sign).map { "  | \($0)" }
    }
    if showsConsole { lines += report.console.lines.map { "  | \($0)" } }
    for line in lines { VMOptions.say(line) }
    let status = status(of: report.outcome)
    if status != ExitStatus.agreed.rawValue { throw ExitCode(status) }
  }

  /// The exit status for an outcome; a finished command's own is passed on.
  static func status(of outcome: VMOutcome) -> Int32 {
    switch outcome {
    case .finished(let status): status
    case .bootFailed, .tooSlow: ExitStatus.nothingChecked.rawValue
    case .kernelFault, .silent: ExitStatus.kernelFault.rawValue
    case .killed, .lost: ExitStatus.harnessFailed.rawValue
    }
  }

  static func format(_ seconds: Double) -> String { String(format: "%.1f", seconds) }
}
