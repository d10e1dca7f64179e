import ArgumentParser
import Foundation
import StormFleet
import StormKernel
import StormPlanning
import StormVocabulary

/// `nsstorm bisect`: the first kernel that shows a symptom.
struct BisectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bisect",
    abstract: "Find the first kernel with a symptom, or the first without it.",
    discussion: """
      Without a subcommand it is `list`: kernels that are built already. `step` is made for `git bisect run`.

      Examples:
        nsstorm bisect --good 6.16.12 --bad 6.18.15 --kernels 6.16.12,6.17.8,6.17.13,6.18.15 \
      --symptom known:unbindable-lost-in-namespace-copy propagation
        nsstorm bisect step --kernel arch/x86/boot/bzImage --symptom fault:oops storm.jsonl
      """,
    subcommands: [BisectListCommand.self, BisectStepCommand.self],
    defaultSubcommand: BisectListCommand.self)
}

/// What is run on each kernel, and what is looked for.
struct BisectOptions: ParsableArguments {
  @Argument(help: "A profile (name or file), a trace (.jsonl), or a scenario (.scenario).")
  var target: String

  @Option(
    help: ArgumentHelp(
      "known:ISSUE; divergence (any that nothing explains); a signature such as 'unshare: wrong unbindable', with [RULE] behind it or not; fault; fault:KIND; latency:FIELD>NUMBER of the JSON result."
    ))
  var symptom: String

  @Option(help: "The seed of a profile, hex or decimal; the profile's own by default.")
  var seed: Seed?

  @Option(help: "End a profile after so many steps.")
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Plan a profile whose rules are `running` under those of this release, so that all kernels get the same calls."
    ))
  var planRules = KernelRelease(6, 18)

  @Option(help: "The probability that all verdicts together are right, such as 95 (percent).")
  var confidence = 95.0

  func validate() throws {
    guard confidence >= 50, confidence < 100 else {
      throw ValidationError("--confidence is \(confidence); allowed: 50 to 99.999")
    }
  }

  var stormArguments: [String] {
    let profile = try? ProfileLibrary.ofThisProcess.profile(target)
    let rules = profile?.followsKernel == true ? ["--plan-rules", "\(planRules)"] : []
    return (seed.map { ["--seed", "\($0)"] } ?? [])
      + (steps.map { ["--steps", "\($0)"] } ?? []) + rules
  }

  /// The guests, whose results are kept below a folder.
  func fleet(
    _ options: VMOptions, results: String?
  ) throws(FleetError) -> GuestFleet<BisectGuests> {
    var fleet = try GuestFleet(
      try BisectionTarget(target), symptom: symptom,
      house: BisectGuests(target: target, options: options, results: results))
    fleet.stormArguments = stormArguments
    return fleet
  }
}

/// The guests of a bisection.
struct BisectGuests: GuestHouse {
  var target: String
  var options: VMOptions
  /// The folder below which results are kept, if any.
  var results: String?

  func boot(
    kernel: String, arguments: [String], files: [(path: String, content: [UInt8])]
  ) throws(FleetError) -> VMReport {
    let library = ProfileLibrary.ofThisProcess
    let name = ((target as NSString).lastPathComponent as NSString).deletingPathExtension
    let profiles =
      target.hasSuffix(".yaml")
      ? try GuestProfiles.all(library, and: target, as: name)
      : GuestImage.profiles(in: library.folders)
    return try options.boot(
      try options.kernel(VMOptions.choice(kernel)),
      arguments: arguments, profiles: profiles, files: files
    ) { event in if case .sign = event { VMRendering.show(event) } }
  }

  func keep(_ report: VMReport, kernel: String, number: Int) throws(FleetError) {
    guard let results else { return }
    let name = kernel.map { "/: ".contains($0) ? "-" : "\($0)" }.joined()
    try VMResultFolder(path: "\(results)/run-\(number)-\(name)").write(
      report, kernel: BootableKernel(label: kernel, image: kernel), profile: target)
  }
}

/// `nsstorm bisect list`, the default.
struct BisectListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Bisect a list of kernels that are built already.",
    discussion: """
      Both ends are confirmed first; the rate at which the bad end shows the symptom decides how often a kernel must be run \
      without it to be good. When --bad stands before --good in the list, the fix is looked for. A kernel that does not \
      boot, lacks the call or always ends another way is skipped. The state stands in --output: the same command goes on.

      Exit status: 0 found; 4 nothing follows, or kernels in between could not be judged; 70 the machine or the harness is ill.

      Examples:
        nsstorm bisect --good 7.2.13 --bad 7.1.13 --kernels 7.1.13,7.2.6,7.2.9,7.2.11,7.2.13 --symptom known:busy-chain-torn-out small.jsonl
      """)

  @Option(help: "A kernel of the list without the symptom.")
  var good: String

  @Option(help: "A kernel of the list with it.")
  var bad: String

  @Option(help: "Kernels in their order, with commas between them, or a file with one a line.")
  var kernels: String

  @OptionGroup var bisect: BisectOptions

  @Option(help: "Runs of the bad end from which the rate is measured.")
  var confirmations = 3

  @Option(help: "Runs of one kernel, at most.")
  var mostRepeats = 30

  @Option(help: "The folder for state, log and the results of all runs.")
  var output = "nsstorm-bisect"

  @Flag(help: "Begin anew, whatever stands there.")
  var fresh = false

  @OptionGroup var options: VMOptions

  func validate() throws {
    guard (1...1000).contains(confirmations), (confirmations...10_000).contains(mostRepeats) else {
      throw ValidationError("--confirmations is 1 to 1000, --most-repeats at least that")
    }
  }

  func run() throws {
    do {
      let (range, seeksFix) = try BisectionPlan.range(of: names(), good: good, bad: bad)
      for kernel in range { _ = try VMOptions.choice(kernel) }
      let target = try BisectionTarget(bisect.target)
      let plan = BisectionPlan(
        kernels: range, symptom: bisect.symptom,
        target: ([bisect.target] + bisect.stormArguments + [target.digest])
          .joined(separator: " "),
        confidence: bisect.confidence / 100, confirmations: confirmations,
        mostRepeats: mostRepeats, seeksFix: seeksFix)
      var fleet = try bisect.fleet(options, results: output)
      var bisection = try BisectionRun(plan, folder: output, isFresh: fresh)
      let conclusion = try bisection.run(on: &fleet) {
        print($0)
        fflush(nil)
      }
      let status = Self.status(of: conclusion)
      if status != .agreed { throw status.exitCode }
    } catch let error as FleetError {
      throw CommandFailure(status: error.status, message: error.description)
    }
  }

  private func names() throws(FleetError) -> [String] {
    var text = kernels
    if let data = FileManager.default.contents(atPath: kernels), !kernels.contains(",") {
      text = String(decoding: data, as: UTF8.self)
    }
    let names = text.split { $0 == "," || $0 == "\n" }
      .map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    guard Set(names).count == names.count else {
      throw .badKernel(kernels, reason: "a kernel stands twice in the list")
    }
    return names
  }

  private static func status(of conclusion: Bisection.Conclusion) -> ExitStatus {
    switch conclusion {
    case .first: .agreed
    case .oneOf, .badIsGood, .goodIsBad, .endUnusable, .tooRare: .nothingChecked
    case .ill: .harnessFailed
    }
  }
}
