import Foundation
import Testing

/// Storms need a mount namespace of their own, and with it root.
private let canStorm = geteuid() == 0

@Suite(.serialized, .enabled(if: canStorm, "needs root")) struct RunCommandTests {
  /// A short storm; in debug builds the default one takes longer than a test should.
  private static let short = ["run", "first-storm", "--steps", "400"]

  @Test func `a storm agrees with this kernel and says what it checked`() throws {
    let result = try BuiltCommand.run(Self.short)
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    for row in ["kernel", "calls", "umounts", "checked", "divergences", "time", "verdict"] {
      #expect(result.output.contains("\n\(row) "), "no row '\(row)' in:\n\(result.output)")
    }
    #expect(!result.output.contains("\u{1B}"))
  }

  @Test func `what a storm records, check agrees with`() throws {
    let trace = try TemporaryFile(suffix: ".jsonl")
    let run = try BuiltCommand.run(Self.short + ["--seed", "3", "--record", trace.url.path])
    #expect(run.status == 0)
    let check = try BuiltCommand.run(["check", trace.url.path])
    #expect(check.status == 0, "\(check.output)\(check.errors)")
    let lines = try trace.text().split(separator: "\n")
    #expect(lines.count >= 402 && lines.last?.hasPrefix("{\"end\":true") == true)
  }

  @Test func `the result as JSON has the documented fields and the exit code`() throws {
    let file = try TemporaryFile(suffix: ".json")
    let run = try BuiltCommand.run(Self.short + ["--json", file.url.path])
    let value = try JSONSerialization.jsonObject(with: Data(file.text().utf8))
    let object = try #require(value as? [String: Any])
    let documentation = try String(
      contentsOf: BuiltCommand.clone.appendingPathComponent("docs/results.md"), encoding: .utf8)
    for key in object.keys.sorted() {
      #expect(documentation.contains("`\(key)`"), "docs/results.md does not explain \(key)")
    }
    #expect(object["nsstorm"] as? String == "run" && object["version"] as? Int == 1)
    #expect(object["exitCode"] as? Int == Int(run.status))
    let checks = try #require(object["checks"] as? [String: Any])
    #expect(try #require(checks["answers"] as? Int) >= 400)
    #expect(try #require(checks["entries"] as? Int) > 400)
  }

  #if DEBUG
    @Test(arguments: ["umountDoesNotPropagate", "overmountIsObstacle", "slaveCopyIsPeer"])
    func `a wrong rule of the engine is found by the propagation profile within seconds`(
      rule: String
    ) throws {
      let run = try BuiltCommand.run(["run", "propagation", "--break-rule", rule])
      #expect(run.status == 1, "\(rule) was not noticed")
      #expect(run.output.contains("divergence: step "))
      #expect(run.output.contains("(- predicted, + observed)") || run.output.contains("predicted "))
      // The command that is printed leads to the same divergence, and no step further.
      let found = try #require(run.output.split(separator: "divergence: step ").last)
      let replay = try #require(found.firstMatch(of: /replay: nsstorm (.*)/)).output.1
      let again = try BuiltCommand.run(replay.split(separator: " ").map(String.init))
      #expect(again.status == 1)
      #expect(again.output.contains("unexplained"))
    }
  #endif

  @Test func `a full namespace refuses as predicted, and the limit of the machine is put back`()
    throws
  {
    func limit() throws -> String {
      try String(contentsOfFile: "/proc/sys/fs/mount-max", encoding: .utf8)
    }
    let before = try limit()
    let profile = try TemporaryFile(suffix: ".yaml")
    try """
    summary: a test
    rules: 6.18
    limits: { namespaces: 1, mounts-per-namespace: 6000, mounts: 9000, mount-max: 2000 }
    phases:
      - { kind: sequential, steps: 250, namespaces: 1, verify: { every: 50 }, wrong-share: 0, shape-share: 0, indirect-share: 0, weights: { mkdir: 2, tmpfs: 2, rbind: 20 } }
    """.write(to: profile.url, atomically: false, encoding: .utf8)
    let result = try BuiltCommand.run([
      "run", profile.url.path, "--touch-machine",
    ])
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("ENOSPC"))
    #expect(try limit() == before)
    // Without leave nothing is changed, and the machine's own limit is what predictions follow.
    let refused = try BuiltCommand.run(["run", profile.url.path, "--steps", "40"])
    #expect(refused.output.contains("--touch-machine"))
  }

  @Test func `a mass umount leaves every table as it was`() throws {
    let profile = try TemporaryFile(suffix: ".yaml")
    let yaml = """
      summary: a small mass umount
      rules: 6.18
      limits: { namespaces: 20, mounts: 2000 }
      phases:
        - { kind: blast, namespaces: 20, mounts-per-namespace: 30, umount: mix }
        - { kind: blast, namespaces: 20, mounts-per-namespace: 30, umount: detach, assault: racing, workers: 6 }
      """
    try yaml.write(to: profile.url, atomically: false, encoding: .utf8)
    let run = try BuiltCommand.run(["run", profile.url.path])
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    #expect(run.output.contains("and 210 at once"))
    #expect(run.output.contains("1140 copies propagated"))
  }

  @Test
  func `what runs at once is recorded in version 2, which check judges and replay makes again`()
    throws
  {
    let profile = try TemporaryFile(suffix: ".yaml")
    let yaml = """
      summary: a very small mass umount
      rules: 6.18
      limits: { namespaces: 8, mounts: 200 }
      phases:
        - { kind: blast, namespaces: 4, mounts-per-namespace: 3, umount: mix }
        - { kind: blast, namespaces: 4, mounts-per-namespace: 3, umount: detach, assault: racing, workers: 3 }
      """
    try yaml.write(to: profile.url, atomically: false, encoding: .utf8)
    let trace = try TemporaryFile(suffix: ".jsonl")
    let run = try BuiltCommand.run(["run", profile.url.path, "--record", trace.url.path])
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    #expect(try trace.text().hasPrefix("{\"trace\":\"nsstorm\",\"version\":2,"))
    let check = try BuiltCommand.run(["check", trace.url.path])
    #expect(check.status == 0, "\(check.output)\(check.errors)")
    #expect(check.output.contains("2 windows with 12 racing calls, 2 explained"))
    let replay = try BuiltCommand.run(["replay", trace.url.path, "--times", "2"])
    #expect(replay.status == 0, "\(replay.output)\(replay.errors)")
    #expect(replay.output.contains("4 windows with 24 calls, 4 explained"))
  }

  @Test func `SIGINT once ends the storm with its report and exit 130`() throws {
    let process = Process()
    process.executableURL = try BuiltCommand.path()
    process.arguments = ["run", "propagation"]
    let output = try TemporaryFile()
    process.standardOutput = output.handle
    process.standardError = FileHandle.nullDevice
    try process.run()
    Thread.sleep(forTimeInterval: 1)
    kill(process.processIdentifier, SIGINT)
    let deadline = Date(timeIntervalSinceNow: 30)
    while process.isRunning, Date() < deadline { usleep(10_000) }
    #expect(!process.isRunning)
    #expect(process.terminationStatus == 130 && process.terminationReason == .exit)
    let text = try output.text()
    #expect(text.contains("verdict") && text.contains("interrupted"))
  }

  @Test func `a storm under the rules of another kernel is told from this one`() throws {
    // 6.12 decides covered candidates otherwise than 6.17 and later (kernel-mounts 5.5).
    let result = try BuiltCommand.run(["run", "propagation", "--rules", "6.12.107"])
    let release = try String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    guard !release.hasPrefix("6.12.") else { return }
    #expect(result.status == 1)
  }

  @Test func `steps below one are a usage error`() throws {
    #expect(try BuiltCommand.run(["run", "--steps", "0"]).status == 64)
  }
}
