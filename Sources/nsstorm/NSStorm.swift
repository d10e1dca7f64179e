import ArgumentParser
import Foundation
import StormFleet

/// The root command. Each subcommand has a file of its own.
struct NSStorm: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nsstorm",
    abstract:
      "Storms of mounts and umounts on the running kernel, checked against a reference engine.",
    discussion: """
      Examples:
        nsstorm doctor
        nsstorm run
        nsstorm explain 'tmpfs s /s; shared /s; ns B; tmpfs t /s/d; @B umount /s/d'

      Exit codes: 0 agreed; 1 kernel and engine disagree; 2 kernel fault; 3 never released; 4 nothing checked; 64 usage; \
      65 damaged input; 70 the harness failed; 77 not permitted; 130 interrupted.
      """,
    version: "nsstorm 0.1.0",
    subcommands: [
      BenchCommand.self,
      BisectCommand.self,
      ReportCommand.self,
      RunCommand.self,
      CalibrateCommand.self,
      CheckCommand.self,
      DoctorCommand.self,
      ExplainCommand.self,
      ExploreCommand.self,
      HistoryCommand.self,
      IdentifyCommand.self,
      PredictCommand.self,
      ProbeCommand.self,
      ProfilesCommand.self,
      RecordCommand.self,
      ReplayCommand.self,
      ReproCommand.self,
      RulesCommand.self,
      ScenarioCommand.self,
      ShrinkCommand.self,
      SimulateCommand.self,
      SoakCommand.self, VMCommand.self,
    ])

  /// Parses the command line, runs the subcommand and ends the process with a documented exit code.
  static func launch() -> Never {
    if GuestAgent.isDue { GuestAgent.run() }
    do {
      var command = try parseAsRoot()
      try command.run()
      exit(withError: ExitStatus.agreed.exitCode)
    } catch  where BisectStepStatus.applies(to: CommandLine.arguments.dropFirst()) {
      endBisectStep(error)
    } catch let failure as CommandFailure {
      FileHandle.standardError.write(Data("nsstorm: \(failure.message)\n".utf8))
      exit(withError: failure.status.exitCode)
    } catch  where exitCode(for: error) == .failure && !(error is ExitCode) {
      FileHandle.standardError.write(Data("nsstorm: the harness itself failed: \(error)\n".utf8))
      exit(withError: ExitStatus.harnessFailed.exitCode)
    } catch {
      exit(withError: error)
    }
  }

  /// Ends a step of `git bisect run`, to which most exit codes would be a verdict.
  private static func endBisectStep(_ error: any Error) -> Never {
    let failure = error as? CommandFailure
    let code = failure?.status.rawValue ?? exitCode(for: error).rawValue
    let message = failure?.message ?? fullMessage(for: error)
    if !message.isEmpty {
      let stream = code == 0 ? FileHandle.standardOutput : FileHandle.standardError
      stream.write(Data("\(message)\n".utf8))
    }
    // An error that says nothing of itself is the harness's.
    let isUnknown = failure == nil && !(error is ExitCode) && exitCode(for: error) == .failure
    Foundation.exit(
      BisectStepStatus.status(isUnknown ? ExitStatus.harnessFailed.rawValue : code))
  }
}
