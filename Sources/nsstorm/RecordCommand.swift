import ArgumentParser
import Foundation
import Glibc
import StormKernel
import StormRecorder
import StormTrace
import StormVocabulary

/// `nsstorm record`: a program in a private sandbox, its mount calls checked.
struct RecordCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record",
    abstract: "Run a program in a private sandbox and check its mount calls; needs root.",
    discussion: """
      The program runs in namespaces of its own, on an overlay over the machine's files: it sees them, and what it writes \
      is gone afterwards. It stops at each call that concerns mounts; the call, its answer and the mount tables behind it \
      are recorded and compared with the engine (docs/record.md).

      Exit codes: 0 agreed; 1 kernel and engine disagree; 4 no mount call could be judged; 64 usage; 70 the harness itself \
      failed; 77 not permitted; 130 interrupted. The program's own status is in the report.

      Examples:
        nsstorm record -- sh -c 'mount -t tmpfs none /mnt && umount /mnt'
        nsstorm record --trace run.strace -- bwrap --ro-bind / / --tmpfs /tmp true
        nsstorm check --strace run.strace
      """)

  @Argument(parsing: .postTerminator, help: "The program and its arguments, after --.")
  var command: [String] = []

  @Option(help: ArgumentHelp("Keep the trace; `check --strace` reads it.", valueName: "file"))
  var trace: String?

  @Option(help: "Predict for this kernel release instead of the running one.")
  var rules: KernelRelease?

  @Option(
    help: ArgumentHelp("End the program after so many seconds (1 to 86400).", valueName: "seconds"))
  var limit = 600

  @Flag(help: "Print one JSON document instead of text.")
  var json = false

  @Flag(help: "Known issues are failures too.")
  var strict = false

  @Flag(help: "List every call that was not judged.")
  var all = false

  func validate() throws {
    guard !command.isEmpty else {
      throw ValidationError("The program to record is missing: nsstorm record -- COMMAND…")
    }
    guard (1...86_400).contains(limit) else {
      throw ValidationError(
        "The value '\(limit)' is invalid for '--limit': 1 to 86400 are allowed.")
    }
  }

  func run() throws {
    guard geteuid() == 0 else {
      throw CommandFailure(
        status: .notPermitted,
        message:
          "record makes namespaces and an overlay and needs root. Type: sudo nsstorm record -- …")
    }
    let kernel = RunningKernel.ofThisMachine()
    let release = try rules ?? PredictedKernel.release()
    _ = try PredictedKernel.rules(for: release)
    let (output, path) = try traceFile()
    defer { close(output) }
    var options = Recorder.Options(
      arguments: command, directory: FileManager.default.currentDirectoryPath)
    options.timeLimit = .seconds(limit)
    var recorder = Recorder(options, output: output)
    let outcome: Recorder.Outcome
    do throws(RecorderError) {
      outcome = try recorder.run(kernel: kernel.release, build: kernel.build)
    } catch {
      throw CommandFailure(status: Self.status(of: error), message: "\(error)")
    }
    let report = try check(path, release, outcome)
    print(json ? try report.json : report.text)
    if outcome.ending == .interrupted { throw ExitStatus.interrupted.exitCode }
    if report.status != .agreed { throw report.status.exitCode }
  }

  private func traceFile() throws -> (descriptor: Int32, path: String) {
    if let trace {
      let descriptor = creat(trace, 0o644)
      guard descriptor >= 0 else {
        throw CommandFailure(
          status: .badInput,
          message: "\(trace): cannot be written: \(String(cString: strerror(errno)))")
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      return (descriptor, trace)
    }
    // A file without a name: nothing is left of it, however this ends.
    var name = Array("/tmp/nsstorm-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    guard descriptor >= 0 else {
      throw CommandFailure(
        status: .harnessFailed,
        message: "/tmp has no room for the trace; --trace FILE names another place")
    }
    unlink(&name)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return (descriptor, "/proc/self/fd/\(descriptor)")
  }

  private func check(
    _ path: String, _ release: KernelRelease, _ outcome: Recorder.Outcome
  ) throws -> ImportReport {
    let history: StraceHistory
    do throws(TraceError) {
      history = try StraceReader.read(path)
    } catch {
      throw CommandFailure(
        status: .harnessFailed, message: "what was recorded cannot be read back: \(error)")
    }
    guard let table = history.initialTable else {
      throw CommandFailure(
        status: .harnessFailed,
        message: "the sandbox showed no mount table before the program began")
    }
    var options = ImportCheck.Options(
      release: release, initialTable: table, initialTableOrigin: "that of the sandbox",
      workingDirectory: "/")
    options.hasOutsiders = false
    var verdict = ImportCheck(history, options).run()
    verdict.file = trace ?? "trace"
    verdict.warnings += outcome.warnings
    for refusal in outcome.refusals {
      verdict.warnings.append(
        "the sandbox refused \(refusal.call)\(refusal.count > 1 ? " (\(refusal.count) times)" : ""): \(refusal.reason)"
      )
    }
    if outcome.leftRunning > 0 {
      verdict.warnings.append(
        "\(outcome.leftRunning) processes still ran when the program ended, and were ended")
    }
    return ImportReport(
      verdict: verdict, isStrict: strict, listsAll: all, program: Self.words(outcome.ending))
  }

  private static func words(_ ending: Recorder.Outcome.Ending) -> String {
    switch ending {
    case .exited(let status): "ended with status \(status)"
    case .killed(let signal): "was killed by signal \(signal)"
    case .timeLimit: "was ended by --limit"
    case .interrupted: "was interrupted"
    case .traceTooLong: "was ended because its trace grew too long"
    }
  }

  private static func status(of error: RecorderError) -> ExitStatus {
    switch error {
    case .noProgram: .usage
    case .programNotStarted: .badInput
    case .sandbox(_, let errno):
      errno == .notPermitted || errno == .unknownDevice ? .notPermitted : .harnessFailed
    }
  }
}
