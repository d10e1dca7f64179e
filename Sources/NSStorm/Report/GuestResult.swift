public import Foundation
public import StormKernel
import StormRun
import StormVocabulary

/// What is left of a run in a guest whose kernel broke: nobody could judge it there, but the console was seen from outside.
public struct GuestResult: Sendable {
  /// `uname -r` and `uname -v`, as far as the guest came to say them.
  public var kernel: RunningKernel
  public var profile: String
  /// Hex.
  public var seed: String
  public var finishedAt: Date
  public var seconds: Double
  /// How it ended, in words, such as `kernel fault: panic`.
  public var outcome: String
  /// What sort of report the console has, such as `panic`; nil where it has none.
  public var report: String?
  /// The console from the first sign of trouble on, or its end.
  public var lines: [String]
  /// The command that leads there again, without `--seed`.
  public var command: String

  public init(
    kernel: RunningKernel, profile: String, seed: String, finishedAt: Date, seconds: Double,
    outcome: String, report: String?, lines: [String], command: String
  ) {
    self.kernel = kernel
    self.profile = profile
    self.seed = seed
    self.finishedAt = finishedAt
    self.seconds = seconds
    self.outcome = outcome
    self.report = report
    self.lines = lines
    self.command = command
  }

  /// The run as reports need it: begun, broken, never ended.
  public var record: RunRecord {
    let time = UInt64(max(0, seconds) * 1e9)
    let phase = PhaseEvent(index: 0, name: "guest", kind: "sequential")
    let began = BeganEvent(
      tool: "nsstorm", run: identifier,
      startedAt: RunIdentifier.timestamp(finishedAt.addingTimeInterval(-seconds)), kernel: kernel,
      configuration: KernelConfiguration(options: [], source: nil, bootParameters: []),
      machine: MachineDescription(
        name: "guest", identity: "0000000000000000", architecture: "x86_64", processors: 1,
        memoryBytes: 0, processorModel: "virtual"),
      rules: kernel.version?.description ?? kernel.release, profile: profile, seed: seed,
      stepLimit: nil, isStrict: false, command: command, phases: [phase],
      cases: CaseList.planned(profile: profile, phases: [phase]))
    var record = RunRecord(began)
    record.elapsedNanoseconds = time
    record.phases = [.init(phase: phase, atNanoseconds: 0)]
    let fault = FaultEvent(
      phase: 0, kind: .log, text: ([outcome] + lines.prefix(1)).joined(separator: ": "),
      report: report, lines: lines)
    record.faults = [.init(atNanoseconds: time, event: fault)]
    return record
  }

  /// The same for the same folder, so that a history takes it once.
  private var identifier: RunIdentifier {
    var hash: UInt32 = 0x811C_9DC5
    let text = "\(kernel.release)|\(kernel.build)|\(profile)|\(seed)|\(lines.joined())"
    for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    let stamp = RunIdentifier.timestamp(finishedAt).filter { $0 != "-" && $0 != ":" }
    let digits = String(hash, radix: 16)
    let padded = String(repeating: "0", count: 8 - digits.count) + digits
    // The characters are those of names that were given out.
    return RunIdentifier("\(stamp)-\(padded)") ?? RunIdentifier(startedAt: finishedAt)
  }
}
