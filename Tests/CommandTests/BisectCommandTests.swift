import Foundation
import Testing

@testable import nsstorm

@Suite struct BisectCommandTests {
  @Test func `no code that git takes for a verdict is left to the harness`() {
    for code in Int32(0)...255 {
      let seen = BisectStepStatus.status(code)
      let isVerdict = seen < 128 || seen > 255
      #expect(!isVerdict || code == seen && [0, 1, 125].contains(code))
    }
    #expect(BisectStepStatus.status(64) == 192)
  }

  @Test func `a step with a wrong command line, or without its kernel, ends the bisection`()
    throws
  {
    let wrong = try BuiltCommand.run(["bisect", "step", "--kernle", "x"])
    #expect(wrong.status == 192 && wrong.errors.contains("kernel"))
    let absent = try BuiltCommand.run(
      ["bisect", "step", "--kernel", "/none", "--symptom", "fault", "first-storm"])
    #expect(absent.status >= 128 && absent.errors.contains("/none"))
    let symptom = try BuiltCommand.run(
      ["bisect", "step", "--kernel", "/bin/sh", "--symptom", "x", "first-storm"])
    #expect(symptom.status == 192 && symptom.errors.contains("is no symptom"))
    #expect(try BuiltCommand.run(["bisect", "step", "--help"]).status == 0)
  }

  @Test func `ends that are not in the list are a usage error`() throws {
    let result = try BuiltCommand.run([
      "bisect", "--good", "6.1", "--bad", "6.2", "--kernels", "6.1,6.12", "--symptom", "fault",
      "first-storm",
    ])
    #expect(result.status == 64 && result.errors.contains("6.2"))
  }

  /// A whole `git bisect run` over commits that stand for kernels, with a fake nsstorm: the script's own part.
  @Test
  func `the script finds the commit, skips what does not build, and stops when the machine is ill`()
    throws
  {
    let script = BuiltCommand.clone.appendingPathComponent("ci/test-bisect")
    let process = Process()
    process.executableURL = script
    let output = try TemporaryFile()
    process.standardOutput = output.handle
    process.standardError = output.handle
    try process.run()
    process.waitUntilExit()
    let said = try output.text()
    #expect(process.terminationStatus == 0, "\(said)")
  }
}
