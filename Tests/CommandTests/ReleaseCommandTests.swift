import Foundation
import Testing

/// `nsstorm run` of release phases, on the real kernel.
@Suite(.serialized) struct ReleaseCommandTests {
  @Test func `needs root: every way on tmpfs and ext4 is released as predicted, and told in JSON`()
    throws
  {
    let profile = try TemporaryFile(suffix: ".yaml")
    let json = try TemporaryFile(suffix: ".json")
    try """
    # Test.
    summary: every way
    rules: 6.18
    phases:
      - name: all
        kind: release
        rounds: 60
        file-systems: { tmpfs: 2, ext4: 1 }
    """.write(to: profile.url, atomically: true, encoding: .utf8)
    let result = try BuiltCommand.run(
      ["run", profile.url.path, "--json", json.url.path], limitSeconds: 60)
    #expect(result.status == 0, "\(result.output) \(result.errors)")
    #expect(result.output.contains("release rounds"))
    let document = try JSONSerialization.jsonObject(with: Data(json.text().utf8))
    let releases = try #require((document as? [String: Any])?["releases"] as? [[String: Any]])
    // All ways on both, but for what this machine lacks, which is named.
    #expect(releases.count >= 36 || result.output.contains("skipped"))
    let rounds = releases.reduce(0) { $0 + ($1["rounds"] as? Int ?? 0) }
    #expect(rounds == 60 || result.output.contains("skipped"))
  }

  @Test
  func `needs root: a phase that changes the machine is skipped by name without the permission`()
    throws
  {
    let profile = try TemporaryFile(suffix: ".yaml")
    try """
    # Test.
    summary: normal grace periods
    rules: 6.18
    phases:
      - name: slow
        kind: release
        rounds: 2
        ways: { sync: 1 }
        rcu-normal: true
    """.write(to: profile.url, atomically: true, encoding: .utf8)
    let result = try BuiltCommand.run(["run", profile.url.path])
    #expect(result.output.contains("--touch-machine"))
    #expect(result.output.contains("the phase slow"))
  }

  /// What an io_uring holds is let go of by a kernel thread, later than a bound of a nanosecond.
  @Test
  func `needs root: a recorded wrong release is found again by check, replay and shrink`() throws {
    let profile = try TemporaryFile(suffix: ".yaml")
    let trace = try TemporaryFile(suffix: ".jsonl")
    let small = try TemporaryFile(suffix: ".jsonl")
    try """
    # Test.
    summary: a bound that nothing keeps
    rules: 6.18
    phases:
      - name: rings
        kind: release
        rounds: 6
        ways: { sync: 1, detach-io-uring: 1 }
        bound: 1ms
    """.write(to: profile.url, atomically: true, encoding: .utf8)
    let run = try BuiltCommand.run(
      ["run", profile.url.path, "--record", trace.url.path, "--keep-going"], limitSeconds: 60)
    let symptom = "tmpfs/detach-io-uring: never-released"
    guard !run.output.contains("the way detach-io-uring") else {
      try Test.cancel("no io_uring here")
    }
    #expect(run.status == 3 && run.output.contains(symptom), "\(run.output) \(run.errors)")
    let check = try BuiltCommand.run(["check", trace.url.path, "--json"])
    #expect(check.status == 3)
    let document = try JSONDecoder().decode(CheckedReleases.self, from: Data(check.output.utf8))
    let releases = try #require(document.traces.first?.releases)
    #expect(releases.rounds == 6)
    let told = run.output.matches(of: /release: tmpfs\/detach-io-uring: never-released/).count
    #expect(told > 0 && releases.findings.count == told, "\(run.output)\n\(releases)")
    let checked = try BuiltCommand.run(["check", trace.url.path])
    #expect(checked.status == 3 && checked.output.contains(symptom), "\(checked.output)")
    let replay = try BuiltCommand.run(["replay", trace.url.path, "--times", "2"], limitSeconds: 60)
    #expect(replay.status == 3 && replay.output.contains("2 of 2 runs"), "\(replay.output)")
    #expect(replay.output.contains("symptom      release \(symptom)"))
    let shrunk = try BuiltCommand.run(
      ["shrink", trace.url.path, "--output", small.url.path], limitSeconds: 60)
    #expect(shrunk.status == 0, "\(shrunk.output) \(shrunk.errors)")
    #expect(shrunk.output.contains("release round tmpfs/detach-io-uring"), "\(shrunk.output)")
    #expect(shrunk.output.matches(of: /release round tmpfs/).count == 1)
    let again = try BuiltCommand.run(["check", small.url.path])
    #expect(again.status == 3 && again.output.contains("1 release rounds"), "\(again.output)")
    let refused = try BuiltCommand.run(["repro", small.url.path])
    #expect(refused.status == 4 && refused.errors.contains("nsstorm replay"), "\(refused.errors)")
  }
}

private struct CheckedReleases: Decodable {
  struct Trace: Decodable { var releases: Releases? }
  struct Releases: Decodable {
    var rounds: Int
    var findings: [Found]
  }
  struct Found: Decodable { var finding: Finding }
  struct Finding: Decodable { var way: String }
  var traces: [Trace]
}
