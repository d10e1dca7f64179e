import Glibc
import StormEngine
import StormKernel
import StormReproduction
import StormRun
import StormVocabulary
import Testing

/// Tests that mount need root. Without it they fail, because a suite that skipped them would look green.
func requireRoot(_ location: SourceLocation = #_sourceLocation) throws {
  guard geteuid() != 0 else { return }
  Issue.record(
    "this test makes mount namespaces and needs root: run `sudo -E swift test`",
    sourceLocation: location)
  throw SandboxError.notPermitted(attempt: "run this test", errno: .notPermitted)
}

func runningRelease() throws -> KernelRelease {
  try #require(RunningKernel.ofThisMachine().version)
}

func settings(_ release: KernelRelease) throws -> SequenceRun.Settings {
  SequenceRun.Settings(release: release, rules: try #require(KernelRules(release: release)))
}
