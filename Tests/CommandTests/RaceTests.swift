import Foundation
import Testing

private let canStorm = geteuid() == 0

/// Racing calls on the running kernel, from the profile to the verdict.
@Suite(.serialized, .enabled(if: canStorm, "needs root")) struct RaceTests {
  private func run(
    _ yaml: String, _ arguments: [String] = []
  ) throws -> (result: BuiltCommand.Result, races: [String: Any]) {
    let profile = try TemporaryFile(suffix: ".yaml")
    let json = try TemporaryFile(suffix: ".json")
    try yaml.write(to: profile.url, atomically: false, encoding: .utf8)
    let result = try BuiltCommand.run(
      ["run", profile.url.path, "--json", json.url.path] + arguments)
    let object = try JSONSerialization.jsonObject(with: Data(json.text().utf8)) as? [String: Any]
    return (result, object?["races"] as? [String: Any] ?? [:])
  }

  private func yaml(_ phase: String) -> String {
    """
    summary: a test
    rules: 6.18
    limits: { namespaces: 12, mounts-per-namespace: 400, mounts: 4000 }
    phases:
      - { kind: contended, \(phase) }
    """
  }

  @Test func `3,000 races of two umounts for one mount are all explained, in all their outcomes`()
    throws
  {
    let (result, races) = try run(
      yaml(
        """
        rounds: 188, windows: 16, calls: 1, namespaces: 1, processes: 2, places: 1, tree: private,
            mounts-before: 1, weights: { umount: 1 }, jitter: 4us, min-conflicts: 500
        """))
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(races["windows"] as? Int == 3_008)
    #expect(races["explained"] as? Int == 3_008)
    let latitude = try #require(races["latitude"] as? [String: Int])
    #expect(latitude["tornSum", default: 0] == 0)
    for errno in ["EBUSY", "EINVAL"] { #expect(result.output.contains(errno)) }
  }

  @Test func `threads and copies in other namespaces race and are explained`() throws {
    let (result, races) = try run(
      yaml(
        """
        rounds: 4, windows: 4, calls: 2, namespaces: 2, processes: 1, threads: 2, bystanders: 2,
            places: 3, mounts-before: 2, priorities: [0, 10], jitter: 20us, min-conflicts: 5
        """))
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(races["windows"] as? Int == 16)
    #expect(races["violated"] as? Int == 0)
  }

  @Test func `eight workers on two places are never called wrong, explained or not`() throws {
    let (result, races) = try run(
      yaml(
        """
        rounds: 3, windows: 4, calls: 2, namespaces: 2, processes: 2, threads: 2, bystanders: 2,
            places: 2, mounts-before: 2, priorities: [0, 10], jitter: 20us, min-conflicts: 5
        """))
    // A window whose search ends without an answer is exit 4, and compares nothing until its round is over.
    #expect(result.status == 0 || result.status == 4, "\(result.output)\(result.errors)")
    #expect(races["windows"] as? Int == 12)
    #expect(races["violated"] as? Int == 0)
    #expect(try #require(races["explained"] as? Int) >= 6)
    #expect(!result.output.contains("unexplained"))
  }

  @Test func `walkers make an umount busy, which is counted as latitude`() throws {
    let (result, races) = try run(
      yaml(
        """
        rounds: 4, windows: 6, calls: 4, namespaces: 1, processes: 2, places: 2, tree: private,
            mounts-before: 2, weights: { tmpfs: 1, umount: 2 }, jitter: 30us,
            walkers: { count: 2, paths: 300 }, min-conflicts: 1
        """))
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(try #require(races["umountsUnderWalkers"] as? Int) > 50)
  }

  @Test func `racing calls are announced before they are made, and settled when all have returned`()
    throws
  {
    let trace = try TemporaryFile(suffix: ".jsonl")
    let (result, _) = try run(
      yaml("rounds: 1, windows: 2, calls: 3, namespaces: 2, mounts-before: 1, min-conflicts: 1"),
      ["--record", trace.url.path, "--announce"])
    #expect(result.status == 0 || result.status == 4, "\(result.output)\(result.errors)")
    var open: [String: Int] = [:]
    var announced = 0
    for line in try trace.text().split(separator: "\n") {
      let object =
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
      if let number = object["announced"] as? Int {
        open["\(number)", default: 0] += 1
      } else if let number = object["answered"] as? Int {
        announced += open.removeValue(forKey: "\(number)") ?? 0
      } else if let number = object["step"] as? Int {
        open["\(number)"] = nil
      } else if object["window"] != nil {
        #expect(open.isEmpty)
      }
    }
    // In each window a mount before the race and three calls of each of two workers.
    #expect(announced == 2 * (1 + 2 * 3))
    #expect(open.isEmpty)
  }

  @Test func `a run whose calls did not meet has checked nothing`() throws {
    let (result, races) = try run(
      yaml("rounds: 1, windows: 2, weights: { stat: 1 }, min-conflicts: 1000"))
    #expect(result.status == 4)
    #expect(try #require(races["conflicts"] as? Int) < 1_000)
    #expect(result.output.contains("the profile asks for 1000"))
    #expect(result.output.contains("nothing meaningful was checked"))
  }

  #if DEBUG
    @Test func `a wrong busy check of the engine is found, shown and drawn`() throws {
      let picture = try TemporaryFile(suffix: ".svg")
      let (result, races) = try run(
        yaml(
          """
          rounds: 3, windows: 4, calls: 4, namespaces: 1, processes: 2, places: 1, tree: private,
              hold-place: true, weights: { umount: 1 }, jitter: 50us
          """), ["--break-rule", "heldIsNotBusy", "--picture", picture.url.path])
      #expect(result.status == 1, "\(result.output)")
      #expect(races["violated"] as? Int == 1)
      #expect(result.output.contains("no order of these"))
      #expect(result.output.contains("answered EBUSY; here it would answer 0"))
      #expect(result.output.contains("replay: nsstorm run"))
      let svg = try picture.text()
      #expect(svg.hasPrefix("<svg") && svg.contains("umount2 /race/p0 = EBUSY"))
      #expect(svg.hasSuffix("</svg>\n"))
    }
  #endif

  @Test func `a picture needs a name that says its kind`() throws {
    let result = try BuiltCommand.run(["run", "contended", "--picture", "window.png"])
    #expect(result.status == 64)
    #expect(result.errors.contains(".svg or .html"))
  }
}
