import ArgumentParser
import Foundation
import StormFleet
import StormKernel
import StormPlanning

/// `nsstorm soak`: storms for hours, with everything on disk.
struct SoakCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "soak",
    abstract: "Run profile after profile with ever new seeds, for hours, and keep what fails.",
    discussion: """
      Seeds that failed are kept and made again first. The state is on disk before and after each round: the same command \
      goes on after a restart or a reboot, and begins the next session when the last one was over. `summary.txt` in \
      --output is always there. Each round is a process of its own (with --kernel, a guest of its own). Nothing checked is \
      no success. Between rounds the mount cache, namespaces, kernel memory and loop devices are measured; what grows \
      beyond chance is a finding in a guest or with --leaks fail, else only shown.

      Examples:
        nsstorm soak --duration 8h --profile first-storm --profile propagation
        nsstorm soak --duration 30m --shard auto/16 --history runs.db
        nsstorm soak --duration 2h --kernel debian:7.3.4
      """)

  @Option(help: "How long, such as 90s, 30m, 8h.")
  var duration: String

  @Option(
    help: "A profile, by name or path; several are run in turn (default: first-storm, propagation)."
  )
  var profile: [String] = []

  @Option(help: "The seed from which all others come, hex or decimal.")
  var seed = Seed(rawValue: 1)

  @Option(help: "The folder for state, summary and failures; with --shard, shard-I below it.")
  var output = "nsstorm-soak"

  @Option(help: "Only these seeds: I/N (from 0), or auto/N, auto in a job array.")
  var shard: String?

  @Option(help: "How long one round may take.")
  var roundLimit = "15m"

  @Option(help: "How much --output may take, such as 2g.")
  var mostDisk = "2g"

  @Option(help: "How much of its file system is left to others.")
  var keepFree = "1g"

  @Option(
    help: "Run each round in a guest with this kernel, which is restarted whatever happens to it.")
  var kernel: String?

  @Option(help: "Save every run in this history (nsstorm history); not with --kernel.")
  var history: String?

  @Option(help: "Whether growth from round to round is a finding (fail) or only shown (show).")
  var leaks: Leaks?

  @Option(help: "Write the outcome as JUnit XML, at the end.")
  var junit: String?

  enum Leaks: String, CaseIterable, ExpressibleByArgument { case fail, show }

  func validate() throws {
    _ = try seconds(duration, "--duration")
    _ = try seconds(roundLimit, "--round-limit")
    _ = try bytes(mostDisk, "--most-disk")
    _ = try bytes(keepFree, "--keep-free")
    if kernel != nil, history != nil {
      throw ValidationError("--history is not there with --kernel: add the results afterwards")
    }
  }

  func run() throws {
    var control = InterruptWatch()
    let names = profile.isEmpty ? ["first-storm", "propagation"] : profile
    for name in names { _ = try ProfileLibrary.ofThisProcess.profile(name) }
    do {
      let part =
        try shard.map { text throws(FleetError) in
          try Shard(text, environment: ProcessInfo.processInfo.environment)
        } ?? .whole
      let folder = try SoakFolder(
        path: shard == nil ? output : "\(output)/shard-\(part.index)",
        mostBytes: bytes(mostDisk, "--most-disk"), keptFreeBytes: bytes(keepFree, "--keep-free"))
      let isGuest = ProcessInfo.processInfo.environment["NSSTORM_GUEST"] == "1"
      var soak = try Soak(
        profiles: names, base: seed.rawValue, shard: part,
        durationSeconds: seconds(duration, "--duration"), folder: folder,
        leaksAreFindings: leaks.map { $0 == .fail } ?? isGuest, boot: Self.bootIdentifier,
        measure: MachineMeasurement.take,
        now: { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 })
      var maker = SoakRounds(
        program: try Self.program(), kernel: kernel, history: history,
        limitSeconds: Int(try seconds(roundLimit, "--round-limit")))
      func say(_ line: String) {
        print(line)
        fflush(nil)
      }
      let outcome = try soak.run(by: &maker, wantsEnd: { control.wantsEnd() }, say: say)
      print(soak.summary(isRunning: false), terminator: "")
      if let junit { try write(SoakJUnit(soak.state).text, to: junit) }
      let status = Self.status(of: outcome)
      if status != .agreed { throw status.exitCode }
    } catch let error as FleetError {
      throw CommandFailure(status: error.status, message: error.description)
    }
  }

  private func seconds(_ text: String, _ option: String) throws -> Double {
    guard let duration = Quantity.duration(text), duration >= .seconds(1) else {
      throw ValidationError("\(option) is '\(text)'; allowed: 90s, 30m, 8h, 2d")
    }
    return Double(duration.components.seconds)
  }

  private func bytes(_ text: String, _ option: String) throws -> Int {
    guard let bytes = Quantity.bytes(text), bytes >= 1 else {
      throw ValidationError("\(option) is '\(text)'; allowed: 512m, 2g")
    }
    return bytes
  }

  private static func program() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }

  private static var bootIdentifier: String {
    let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
  }

  private static func status(of outcome: Soak.Outcome) -> ExitStatus {
    switch outcome {
    case .kernelFault: .kernelFault
    case .diverged: .diverged
    case .neverReleased: .neverReleased
    case .harnessFailed: .harnessFailed
    case .interrupted: .interrupted
    case .nothingChecked: .nothingChecked
    case .agreed: .agreed
    }
  }
}

/// Rounds as processes of this program.
struct SoakRounds: RoundMaker {
  var program: String
  var kernel: String?
  var history: String?
  var limitSeconds: Int

  var usesGuests: Bool { kernel != nil }

  mutating func make(
    _ round: SoakRound, folder: String, keepsTrace: Bool, wantsEnd: () -> Bool
  ) throws(FleetError) -> RoundOutcome? {
    let job = ProcessPool.Job(
      path: program, arguments: arguments(round, folder, keepsTrace), log: "\(folder)/log.txt",
      limitSeconds: limitSeconds)
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    var outcome: RoundOutcome?
    try ProcessPool(width: 1, environment: environment.sorted()).run([job], wantsEnd: wantsEnd) {
      (_, end) throws(FleetError) in
      switch end {
      case .exit(ExitStatus.interrupted.rawValue): outcome = nil
      case .exit(let code): outcome = RoundOutcome(exitCode: code)
      case .signal, .timeLimit: outcome = .harnessFailed
      }
      return true
    }
    return outcome
  }

  private func arguments(_ round: SoakRound, _ folder: String, _ keepsTrace: Bool) -> [String] {
    if let kernel {
      return [
        "vm", "run", round.profile, "--kernel", kernel, "--seed", round.seedText, "--keep-going",
        "--output", folder,
      ] + (keepsTrace ? [] : ["--no-trace"])
    }
    var words = [
      "run", round.profile, "--seed", round.seedText, "--keep-going", "--json",
      "\(folder)/result.json",
    ]
    if keepsTrace { words += ["--record", "\(folder)/trace.jsonl", "--announce"] }
    if let history { words += ["--history", history] }
    return words
  }
}

/// The outcome of a soak as CI systems read it: a test case for each profile and for each seed that fails.
struct SoakJUnit {
  let text: String

  init(_ state: SoakState) {
    var cases: [String] = []
    var failures = 0
    for (profile, tally) in state.tallies.sorted(by: { $0.key < $1.key }) {
      let name = Self.escaped(profile)
      let good = tally.rounds[RoundOutcome.agreed.rawValue] ?? 0
      let words = tally.rounds.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      cases.append(
        "<testcase classname=\"nsstorm.soak\" name=\"\(name)\">"
          + (good > 0 ? "" : "<skipped message=\"no round agreed\"/>")
          + "<system-out>\(Self.escaped(words.joined(separator: ", ")))</system-out></testcase>")
    }
    for seed in state.failing {
      failures += 1
      let text = Self.escaped(seed.finding ?? seed.outcome.rawValue)
      cases.append(
        "<testcase classname=\"nsstorm.soak\" name=\"\(Self.escaped(seed.profile)) seed 0x"
          + "\(String(seed.seed, radix: 16))\"><failure type=\"\(seed.outcome.rawValue)\" "
          + "message=\"\(text)\"/></testcase>")
    }
    text =
      """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites>
        <testsuite name="nsstorm.soak" tests="\(cases.count)" failures="\(failures)" time="\(Int(state.elapsedSeconds))">
      \(cases.map { "    \($0)" }.joined(separator: "\n"))
        </testsuite>
      </testsuites>

      """
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;").replacing("\n", with: " ")
  }
}
