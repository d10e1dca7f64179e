import ArgumentParser
import Foundation
import StormEngine
import StormFleet
import StormKernel
import StormPlanning
import StormReport
import StormRun
import StormVocabulary

/// `nsstorm run`: a storm on the running kernel.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a profile on this kernel and check every answer and table.",
    discussion: """
      Needs root. Everything happens in private namespaces; nothing is left behind. Ctrl-C once ends the run \
      with its report, twice ends it at once.

      Examples:
        nsstorm run
        nsstorm run mass-detach --seed 7 --json result.json
        nsstorm run profiles/propagation.yaml --steps 100000 --record run.jsonl
        nsstorm run first-storm --rules 6.12.107 --keep-going
      """)

  @Argument(help: "The name of a profile, or the path of its file.")
  var profile = "first-storm"

  @Option(help: "The seed, hex or decimal; the profile's own by default.")
  var seed: Seed?

  @Option(help: "Run so many steps: a part of the profile, or its last sequential phase longer.")
  var steps: Int?

  @Option(help: "Predict for this kernel release instead of the running one.")
  var rules: KernelRelease?

  @Option(
    help:
      "Plan under the rules of this release instead of the profile's own or the running kernel's."
  )
  var planRules: KernelRelease?

  @Option(help: "Write the calls, answers and tables to this file, in the trace format.")
  var record: String?

  @Flag(help: "Record each call before it is made: a kernel that it stops leaves its name.")
  var announce = false

  @Option(help: "Write the result to this file, as JSON.")
  var json: String?

  @Option(
    help: ArgumentHelp(
      "Write every event to this file as JSON lines (docs/events.md); - is standard output.",
      valueName: "file"))
  var events: String?

  @Option(
    help: ArgumentHelp(
      "Keep events, trace, log and result in a new folder below this one, named after the run.",
      valueName: "folder"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Save the run in this history (nsstorm history); made where it is missing.",
      valueName: "file"))
  var history: String?

  @Option(
    help:
      "Draw the first racing window without an explanation (or else the last one) to this .svg or .html file."
  )
  var picture: String?

  @Flag(help: "Go on after a divergence where the engine can still follow the kernel.")
  var keepGoing = false

  @Flag(help: "Count known issues of this kernel as divergences.")
  var strict = false

  @Flag(
    help: "Print how often each rule of the engine was exercised; with --json into the result too.")
  var coverage = false

  @Flag(
    help: "Let profiles change settings of this machine for a while; a guard puts them back.")
  var touchMachine = false

  @Option(help: "Hold releases against this design (nsstorm explore lists them).")
  var design: String?

  @Option(help: ArgumentHelp("Break a rule of the engine on purpose.", visibility: .hidden))
  var breakRule: String?

  func validate() throws {
    if announce, record == nil, output == nil {
      throw ValidationError("--announce needs --record FILE")
    }
    if let steps, steps < 1 { throw ValidationError("--steps is \(steps); allowed: 1 and more") }
    if output != nil, record != nil {
      throw ValidationError("--output keeps the trace already; leave out --record")
    }
    if let picture { _ = try PictureFile(path: picture) }
  }

  func run() throws {
    let loaded = try ProfileLibrary.ofThisProcess.profile(profile)
    var options = RunOptions()
    options.seed = seed
    options.steps = steps
    options.release = rules
    options.planRelease = planRules
    options.announces = announce
    options.keepsGoing = keepGoing
    options.isStrict = strict
    options.brokenRule = try Mutation.ofOption(breakRule)
    options.touchesMachine = touchMachine || GuestAgent.isInGuest
    if let design { options.design = try DesignOptions.design(named: design) }
    let outputs = try RunOutputs(
      events: events, folder: output, json: json, history: history)
    options.recordPath = record ?? outputs.folder?.path(of: .trace)
    let terminal = TerminalRenderer(sharesOutput: events == "-")
    let context = EventStream.Context(
      tool: NSStorm.configuration.version, run: outputs.run, startedAt: outputs.startedAt,
      isStrict: strict, command: replayCommand, shrinkCommand: shrinkCommand,
      withCoverage: coverage)
    let stream = EventStream(context, sinks: [terminal] + outputs.sinks) {
      Self.status(of: $0).rawValue
    }
    var control = InterruptWatch { terminal.showStatus() }
    let summary: RunSummary
    var pictureFile = try picture.map { try PictureFile(path: $0) }
    try dropUnneededCapabilities()
    do {
      summary = try StormRunner.run(loaded, options: options, control: &control) {
        stream.take($0)
        pictureFile?.take($0)
      }
    } catch {
      throw CommandFailure(status: Self.status(of: error), message: error.description)
    }
    if coverage, events != "-" {
      print(
        RuleCoverageReport(summary.coverage, on: KernelRules.actual(release: summary.rules)).text)
    }
    try pictureFile?.writeWhole()
    let status = Self.status(of: summary.outcome(strict: strict))
    // What was found outweighs that it could not be kept.
    do { try outputs.finish() } catch  where status == .agreed { throw error } catch {
      FileHandle.standardError.write(Data("nsstorm: \(error)\n".utf8))
    }
    if status != .agreed { throw status.exitCode }
  }

  /// This command line without `--seed`, `--steps` and the files.
  private var replayCommand: String {
    var words = ["nsstorm", "run", quoted(profile)]
    if let rules { words += ["--rules", "\(rules)"] }
    if let planRules { words += ["--plan-rules", "\(planRules)"] }
    if keepGoing { words.append("--keep-going") }
    if strict { words.append("--strict") }
    if touchMachine { words.append("--touch-machine") }
    if let design { words += ["--design", design] }
    if let breakRule { words += ["--break-rule", breakRule] }
    return words.joined(separator: " ")
  }

  /// The command that finds the fewest calls for a divergence of this run.
  private var shrinkCommand: String {
    var words = ["nsstorm", "shrink", quoted(profile)]
    if let rules { words += ["--rules", "\(rules)"] }
    if let breakRule { words += ["--break-rule", breakRule] }
    return words.joined(separator: " ")
  }

  private func quoted(_ word: String) -> String {
    let plain = word.allSatisfy { $0.isLetter || $0.isNumber || "/._-".contains($0) }
    return plain ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }

  private static func status(of outcome: RunSummary.Outcome) -> ExitStatus {
    switch outcome {
    case .kernelFault: .kernelFault
    case .diverged: .diverged
    case .neverReleased: .neverReleased
    case .interrupted: .interrupted
    case .nothingChecked: .nothingChecked
    case .agreed: .agreed
    }
  }

  private static func status(of error: RunError) -> ExitStatus {
    switch error {
    case .sandbox(.notPermitted): .notPermitted
    case .unknownRules, .plan: .badInput
    case .unknownKernel, .sandbox, .recording: .harnessFailed
    }
  }
}
