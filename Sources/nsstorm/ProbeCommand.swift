import ArgumentParser
import Glibc
import StormKernel
import StormScenario
import StormVocabulary

/// `nsstorm probe`: which rules the running kernel shows.
struct ProbeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe",
    abstract:
      "Run a small scenario for each rule on the running kernel and print which value it shows.",
    discussion: """
      Needs root. Ends with 1 when the kernel shows a rule that its release should not have.

      Examples:
        nsstorm probe
        nsstorm probe --rules 6.12.107
      """)

  @Option(help: "Compare with this release instead of the running kernel's.")
  var rules: KernelRelease?

  func run() throws {
    let release = try rules ?? PredictedKernel.release()
    _ = try PredictedKernel.rules(for: release)
    guard let probe = RuleProbe(release: release) else { return }
    try dropUnneededCapabilities()
    var findings = 0
    var seen = 0
    for rule in RuleSwitch.all {
      let result: ProbeResult
      do { result = try probe.probe(rule) } catch let error as SandboxError { throw failure(error) }
      let value = result.seen.map { $0 ? "yes" : "no" } ?? "-"
      print(
        column(result.rule, 30) + column(value, 5) + column(result.finding.rawValue, 13)
          + result.meaning
          + (result.note.isEmpty ? "" : " [\(result.note)]"))
      if result.seen != nil { seen += 1 }
      if result.finding == .different || result.finding == .neither { findings += 1 }
    }
    print(
      "\(seen) of \(RuleSwitch.all.count) rules seen, \(findings) not as \(release) should have them"
    )
    if seen == 0 { throw ExitStatus.nothingChecked.exitCode }
    if findings > 0 { throw ExitStatus.diverged.exitCode }
  }
}

/// Text padded to a column's width.
func column(_ text: String, _ width: Int) -> String {
  text + String(repeating: " ", count: max(1, width - text.count))
}

/// A command that storms keeps only the capabilities that it uses. Called before any thread is made; a caller that has
/// none to drop is told by the sandbox what is missing.
func dropUnneededCapabilities() throws {
  guard geteuid() == 0 else { return }
  do { try PrivilegeReduction.drop() } catch { throw failure(error) }
}

/// What a sandbox could not do, as an exit status and a message.
func failure(_ error: SandboxError) -> CommandFailure {
  CommandFailure(status: error.isPermission ? .notPermitted : .harnessFailed, message: "\(error)")
}
