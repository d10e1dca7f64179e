import Glibc
import StormKernel
import StormVocabulary
import Testing

/// Tests that mount need root. Without it they fail, because a suite that skipped them would look green; with
/// NSSTORM_ALLOW_SKIP=1 they are cancelled by name.
func requireRoot(_ location: SourceLocation = #_sourceLocation) throws {
  guard geteuid() != 0 else { return }
  if let allowed = getenv("NSSTORM_ALLOW_SKIP"), allowed.pointee == UInt8(ascii: "1") {
    try Test.cancel("needs root; skipped because NSSTORM_ALLOW_SKIP=1")
  }
  Issue.record(
    "this test makes mount namespaces and needs root: run `sudo -E swift test`, or set NSSTORM_ALLOW_SKIP=1",
    sourceLocation: location)
  throw SandboxError.notPermitted(attempt: "run this test", errno: .notPermitted)
}

/// A small sandbox for one test; ended when the test is over.
func withSandbox(
  _ limits: SandboxLimits = SandboxLimits(
    workers: 64, programBytes: 16 << 20, observationBytes: 16 << 20),
  _ body: (Sandbox) throws -> Void
) throws {
  try requireRoot()
  let sandbox = try Sandbox.launch(limits)
  try body(sandbox)
  try sandbox.teardown()
}
