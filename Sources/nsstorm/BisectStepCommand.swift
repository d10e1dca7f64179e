import ArgumentParser
import Foundation
import StormFleet

/// `nsstorm bisect step`: one kernel, with the exit codes of `git bisect run`.
struct BisectStepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Judge one kernel, for `git bisect run`.",
    discussion: """
      Builds nothing. Exit status: 0 good, 1 bad, 125 this kernel cannot be judged (git skips it), 128 and more when the \
      machine or the harness is ill or the command line is wrong, which ends the bisection instead of misleading it. \
      ci/bisect-kernel shows a whole one.

      Examples:
        nsstorm bisect step --kernel arch/x86/boot/bzImage --symptom 'unshare: wrong unbindable' small.jsonl
      """)

  @Option(help: "A bzImage or vmlinux that was just built, or debian:VERSION.")
  var kernel: String

  @OptionGroup var bisect: BisectOptions

  @Option(help: "Runs without the symptom after which the kernel is good.")
  var runs: Int?

  @Option(
    help: ArgumentHelp(
      "How often the bad end showed it, such as 7/10: the runs then follow from --confidence.",
      valueName: "shows/runs"))
  var rate: String?

  @Option(help: "Steps that the whole bisection takes, at most; they share the error.")
  var bisectSteps = 16

  @OptionGroup var options: VMOptions

  func validate() throws {
    if let runs, !(1...10_000).contains(runs) {
      throw ValidationError("--runs is \(runs); allowed: 1 to 10000")
    }
    guard (1...64).contains(bisectSteps) else {
      throw ValidationError("--bisect-steps is \(bisectSteps); allowed: 1 to 64")
    }
    _ = try runsForGood()
  }

  func run() throws {
    do {
      var fleet = try bisect.fleet(options, results: nil)
      let needed = try runsForGood()
      var absent = 0
      var unclear = 0
      while absent < needed {
        let sighting = try fleet.run(kernel: kernel, number: absent + unclear)
        VMOptions.say("\(kernel): \(sighting)")
        switch sighting {
        case .present: throw ExitCode(BisectStepStatus.bad)
        case .absent: absent += 1
        case .cannotShow: throw ExitCode(BisectStepStatus.skip)
        case .unclear:
          unclear += 1
          if unclear >= Bisection.mostUnclear { throw ExitCode(BisectStepStatus.skip) }
        case .ill(let why): throw CommandFailure(status: .harnessFailed, message: why)
        }
      }
    } catch let error as FleetError {
      throw CommandFailure(status: error.status, message: error.description)
    }
  }

  private func runsForGood() throws -> Int {
    guard let rate else { return runs ?? 1 }
    guard runs == nil else { throw ValidationError("--runs and --rate exclude each other") }
    let numbers = rate.split(separator: "/").compactMap { Int($0) }
    guard numbers.count == 2, numbers[0] >= 1, numbers[1] >= numbers[0], numbers[1] <= 100_000
    else { throw ValidationError("--rate is '\(rate)'; allowed: SHOWS/RUNS such as 7/10") }
    let repeats = Repeats(runs: numbers[1], shows: numbers[0])
    let error = (1 - bisect.confidence / 100) / Double(bisectSteps)
    guard let needed = repeats.needed(error: error, most: 10_000) else {
      throw ValidationError("--rate \(rate): no number of runs reaches --confidence")
    }
    return needed
  }
}

/// What `git bisect run` makes of exit codes: 125 skips, 1 to 124 are bad, 128 and more end the bisection.
enum BisectStepStatus {
  static let bad: Int32 = 1
  static let skip: Int32 = 125

  /// Whether these arguments are a step, however wrong the rest of them is.
  static func applies(to arguments: some Sequence<String>) -> Bool {
    Array(arguments.prefix(2)) == ["bisect", "step"]
  }

  /// Codes that git would take for a verdict are moved out of its way.
  static func status(_ code: Int32) -> Int32 {
    [0, bad, skip].contains(code) || code >= 128 ? code : 128 + code
  }
}
