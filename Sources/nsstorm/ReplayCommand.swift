import ArgumentParser
import StormKernel
import StormReport
import StormReproduction
import StormTrace
import StormVerdict
import StormVocabulary

/// `nsstorm replay`: the calls of a recording, made again on the running kernel.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Make the calls of a recorded trace again on this kernel and check them.",
    discussion: """
      Needs root. Each run has a sandbox of its own. With --times, says how often the recording's symptom showed and \
      with which confidence.

      Exit codes: 0 kernel and engine agree (known issues count as agreement, unless --strict); 1 they disagree, or the \
      symptom that --symptom or --known names showed; 2 the kernel shows a fault; 3 something was never released; 4 nothing was checked; 65 the trace is damaged.

      Examples:
        nsstorm run propagation --record storm.jsonl
        nsstorm replay storm.jsonl --times 20
      """)

  @Argument(help: "A trace, as `nsstorm run --record` writes it.")
  var trace: String

  @Option(help: "How often the calls are made (1 to 100,000).")
  var times = 1

  @Option(help: "Nanoseconds, at most, that are added to the waits between racing calls.")
  var jitter: UInt32 = 2_000

  @Option(help: "Decides the jitter; each further run counts on from it.")
  var seed: UInt64 = 1

  @OptionGroup var options: SymptomOptions

  @Flag(help: "Print one JSON document (docs/reproduce.md) instead of text.")
  var json = false

  @Flag(help: "Count known issues of this kernel as divergences.")
  var strict = false

  func validate() throws {
    guard (1...100_000).contains(times) else {
      throw ValidationError("--times is \(times); allowed: 1 to 100000")
    }
  }

  func run() throws {
    let sequence = try readSequence(trace)
    let symptom = try options.symptom(of: trace)
    var settings = try options.settings()
    settings.jitterNanoseconds = jitter
    settings.seed = seed
    settings.releaseCheck = ReleaseCheck(contract: sequence.contract)
    try dropUnneededCapabilities()
    var control = InterruptWatch()
    if !json {
      print("trace        \(trace): \(sequence.summary)")
      print("symptom      \(symptom.map(String.init) ?? "none recorded")")
    }
    let result: Replay.Result
    do throws(SandboxError) {
      result = try Replay(sequence, settings: settings).run(symptom: symptom, times: times) { _ in
        !control.wantsEnd()
      }
    } catch {
      throw failure(error)
    }
    let status = status(of: result)
    if json {
      print(
        try JSONDocument.text(
          ReplayDocument(
            result, trace: trace, header: sequence.header, rules: settings.release, status: status))
      )
    } else {
      for line in ReplayText(result, isStrict: strict).lines { print(line) }
    }
    if status != .agreed { throw status.exitCode }
  }

  private func status(of result: Replay.Result) -> ExitStatus {
    if result.outcomes.contains(where: { !$0.faults.isEmpty }) { return .kernelFault }
    let isWanted = options.symptom != nil || options.known != nil
    let isRed = result.outcomes.contains {
      !$0.unexplained.isEmpty || strict && !$0.divergences.isEmpty
        || $0.releaseFindings.contains { $0.finding.kind != .neverReleased }
    }
    if isRed || isWanted && result.rate.successes > 0 { return .diverged }
    if result.outcomes.contains(where: { !$0.releaseFindings.isEmpty }) { return .neverReleased }
    if result.wasInterrupted { return .interrupted }
    return result.outcomes.contains { $0.succeededCalls > 0 } ? .agreed : .nothingChecked
  }
}
