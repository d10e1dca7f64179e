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
}
