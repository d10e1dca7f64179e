import ArgumentParser
import Dispatch
import Foundation
import StormTrace
import StormVerdict
import StormVocabulary
import Synchronization

/// `nsstorm check`: traces against the reference engine, without root.
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Check recorded traces against the reference engine; needs no root.",
    discussion: """
      Each step's answer and each table is predicted by the rules of the kernel that the trace names, and compared. \
      One line for each trace, then every divergence with its difference: `-` is what was predicted, `+` what was \
      observed.

      Exit codes: 0 all agree (known kernel issues are named and count as agreement, unless --strict); 1 kernel and \
      engine disagree; 3 something was never released; 4 no step was checked; 64 usage; 65 a file is damaged, foreign or missing, whatever the others \
      say (they are checked all the same).

      Examples:
        nsstorm check Tests/Traces/*.jsonl
        nsstorm check run.jsonl --strict --order
        nsstorm check run.jsonl --rules 6.12.107 --json
        nsstorm check --strace program.strace --table before.table
      """)

  @Argument(help: "Traces, as `nsstorm run --record` and the samples have them.")
  var files: [String]

  @Flag(help: "Print one JSON document (docs/check-json.md) instead of text.")
  var json = false

  @Flag(help: "Known issues, and known issues that should show and do not, are failures too.")
  var strict = false

  @Flag(help: "Compare the order of the mounts in each table as well.")
  var order = false

  @Option(
    help: ArgumentHelp(
      "Predict for this kernel instead of the one that the trace names, such as 6.12.107.",
      valueName: "release"))
  var rules: String?

  @Option(
    help:
      "Hold releases against this design instead of the trace's own (nsstorm explore lists them).")
  var design: String?

  @Option(help: "Traces that are checked at the same time (1 to 64; default: the processors).")
  var jobs: Int?

  @Flag(
    help: "The files are the output of `strace -f`, of any program (docs/record.md).")
  var strace = false

  @Option(
    help: ArgumentHelp(
      "With --strace: the mounts before the first call, as /proc/PID/mountinfo has them.",
      valueName: "file"))
  var table: String?

  @Option(help: ArgumentHelp("With --strace: where the program began.", valueName: "directory"))
  var cwd: String?

  @Flag(help: "With --strace: list every call that was not judged.")
  var all = false

  func validate() throws {
    guard strace || table == nil && cwd == nil && !all else {
      throw ValidationError("--table, --cwd and --all belong to --strace.")
    }
    if let cwd, !cwd.hasPrefix("/") {
      throw ValidationError("The value '\(cwd)' is invalid for '--cwd': it must begin with '/'.")
    }
    guard !files.isEmpty else { throw ValidationError("Missing expected argument '<files> ...'") }
    if let jobs, !(1...64).contains(jobs) {
      throw ValidationError("The value '\(jobs)' is invalid for '--jobs': 1 to 64 are allowed.")
    }
    if let rules, KernelRelease(release: rules) == nil {
      throw ValidationError(
        "The value '\(rules)' is invalid for '--rules': it must begin with MAJOR.MINOR.")
    }
  }

  func run() throws {
    if strace {
      try StraceCheck(
        files: files, table: table, workingDirectory: cwd, rules: rules, json: json, strict: strict,
        all: all
      ).run()
      return
    }
    var options = TraceCheck.Options()
    options.comparesOrder = order
    options.contract = try design.map {
      ReleaseContract(design: try DesignOptions.design(named: $0))
    }
    options.release = rules.flatMap { KernelRelease(release: $0) }
    let verdicts = check(options)
    let summary = CheckSummary(verdicts, isStrict: strict)
    if json {
      print(try CheckDocument(verdicts, summary).text)
      for case let failure? in verdicts.map(\.failure) {
        FileHandle.standardError.write(Data("nsstorm: \(failure)\n".utf8))
      }
    } else {
      print(CheckText(verdicts, summary).text)
    }
    if summary.status != .agreed { throw summary.status.exitCode }
  }

  /// Checks the files in parallel; the verdicts stand in the order of the files.
  private func check(_ options: TraceCheck.Options) -> [TraceVerdict] {
    let next = Atomic<Int>(0)
    let results = Mutex<[TraceVerdict?]>(Array(repeating: nil, count: files.count))
    let workers = min(files.count, jobs ?? ProcessInfo.processInfo.activeProcessorCount)
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      while case let index = next.add(1, ordering: .relaxed).oldValue, index < files.count {
        let verdict = TraceCheck(path: files[index], options: options).run()
        results.withLock { $0[index] = verdict }
      }
    }
    return results.withLock { $0.compactMap(\.self) }
  }
}

/// What a trace comes to, in the word that its line begins with.
enum CheckOutcome: String, Codable {
  case agrees, known, diverges, unreleased, damaged, unchecked

  init(_ verdict: TraceVerdict) {
    if verdict.failure != nil {
      self = .damaged
    } else if !verdict.unexplainedDivergences.isEmpty || verdict.releases?.diverges ?? false {
      self = .diverges
    } else if !(verdict.releases?.findings.isEmpty ?? true) {
      self = .unreleased
    } else if verdict.checks.errnos + (verdict.races?.explained ?? 0)
      + (verdict.releases?.rounds ?? 0) == 0
      || (verdict.races?.unknown ?? 0) > 0
    {
      // What nobody could judge is no agreement.
      self = .unchecked
    } else if !verdict.divergences.isEmpty || !verdict.absentIssues.isEmpty {
      self = .known
    } else {
      self = .agrees
    }
  }
}

/// All traces together.
struct CheckSummary {
  var steps = 0
  var uncheckedSteps = 0
  var checks = StepCheck.Tally()
  var explainedWindows = 0
  var unknownWindows = 0
  var releaseRounds = 0
  var outcomes: [CheckOutcome: Int] = [:]
  var status = ExitStatus.agreed

  init(_ verdicts: [TraceVerdict], isStrict: Bool) {
    for verdict in verdicts {
      steps += verdict.steps
      uncheckedSteps += verdict.uncheckedSteps
      checks += verdict.checks
      explainedWindows += verdict.races?.explained ?? 0
      unknownWindows += verdict.races?.unknown ?? 0
      releaseRounds += verdict.releases?.rounds ?? 0
      outcomes[CheckOutcome(verdict), default: 0] += 1
    }
    if outcomes[.damaged] != nil {
      status = .badInput
    } else if outcomes[.diverges] != nil || isStrict && outcomes[.known] != nil {
      status = .diverged
    } else if outcomes[.unreleased] != nil {
      status = .neverReleased
    } else if checks.errnos + explainedWindows + releaseRounds == 0 || unknownWindows > 0 {
      status = .nothingChecked
    }
  }
}
