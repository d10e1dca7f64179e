import Foundation
import Testing

@Suite struct CheckCommandTests {
  private static let traces = BuiltCommand.clone.appendingPathComponent("Tests/Traces")

  private func sample(_ name: String) -> String {
    Self.traces.appendingPathComponent(name + ".jsonl").path
  }

  /// A file with a sample's text, changed.
  private func changed(
    _ name: String, _ change: (inout String) -> Void
  ) throws -> TemporaryFile {
    var text = try String(contentsOfFile: sample(name), encoding: .utf8)
    change(&text)
    let file = try TemporaryFile(suffix: ".jsonl")
    try text.write(to: file.url, atomically: false, encoding: .utf8)
    return file
  }

  @Test func `all samples agree, or differ by known issues only`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.traces.path)
      .filter { $0.hasSuffix(".jsonl") }.sorted().map {
        Self.traces.appendingPathComponent($0).path
      }
    #expect(files.count == 124)
    let result = try BuiltCommand.run(["check"] + files)
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("agrees ") }.count == 100)
    #expect(lines.filter { $0.hasPrefix("known ") }.count == 24)
    #expect(lines.last?.hasPrefix("124 traces: 100 agree, 24 with known issues") == true)
    // Parallel and sequential checks say the same, in the order of the command line.
    #expect(try BuiltCommand.run(["check", "--jobs", "1"] + files).output == result.output)
  }

  @Test func `known issues fail only when that is asked for`() throws {
    let file = sample("host-6.18-level0-seed1")
    let known = try BuiltCommand.run(["check", file])
    #expect(known.status == 0)
    #expect(known.output.contains("unbindable-lost-in-namespace-copy"))
    #expect(known.output.contains("fixed in 7.2"))
    #expect(try BuiltCommand.run(["check", "--strict", file]).status == 1)
    #expect(
      try BuiltCommand.run(["check", "--strict", sample("host-6.18-level0-seed2")]).status == 0)
  }

  @Test func `a divergence is exit 1 with its step and a readable difference`() throws {
    let file = try changed("host-6.18-level0-seed3") { text in
      text = text.replacingOccurrences(of: "\"shared\":1,", with: "\"shared\":2,")
    }
    let result = try BuiltCommand.run(["check", file.url.path])
    #expect(result.status == 1)
    #expect(result.output.contains("step 79, namespace 1: mount / /a/b (bind)"))
    #expect(result.output.contains("predicted shared:new1, observed shared:2"))
    #expect(result.output.contains("unchanged"))
  }

  @Test func `a damaged file is exit 65 with its line, and the others are checked`() throws {
    let file = try changed("host-6.18-level0-seed3") { text in
      text = text.replacingOccurrences(of: "{\"step\":17,", with: "{\"step\":17;")
    }
    let result = try BuiltCommand.run([
      "check", file.url.path, sample("host-6.18-level0-seed4"), "/nowhere.jsonl",
      BuiltCommand.clone.appendingPathComponent("Package.swift").path,
    ])
    #expect(result.status == 65)
    #expect(result.output.contains("\(file.url.path):19: expected"))
    #expect(result.output.contains("agrees    \(sample("host-6.18-level0-seed4"))"))
    #expect(result.output.contains("/nowhere.jsonl: cannot be opened"))
    #expect(result.output.contains("Package.swift:1: not a trace"))
  }

  @Test func `a trace without steps has checked nothing, which is exit 4`() throws {
    let file = try changed("host-6.18-level0-seed3") { text in
      text = text.split(separator: "\n").first.map { $0 + "\n" } ?? ""
    }
    #expect(try BuiltCommand.run(["check", file.url.path]).status == 4)
  }

  @Test func `the rules of another kernel can be asked for`() throws {
    let file = sample("kernel-7.3.4-level3-seed1")
    #expect(try BuiltCommand.run(["check", file]).status == 0)
    let other = try BuiltCommand.run(["check", "--rules", "5.10.223", file])
    #expect(other.status == 1)
    #expect(try BuiltCommand.run(["check", "--rules", "soon", file]).status == 64)
    #expect(try BuiltCommand.run(["check", "--rules", "4.19", file]).status == 65)
    #expect(try BuiltCommand.run(["check"]).status == 64)
    #expect(try BuiltCommand.run(["check", "--jobs", "0", file]).status == 64)
  }

  @Test func `the JSON says what the text says`() throws {
    let damaged = try changed("host-6.18-level0-seed3") { $0.removeFirst() }
    let result = try BuiltCommand.run([
      "check", "--json", sample("host-6.18-level0-seed1"), damaged.url.path,
    ])
    #expect(result.status == 65)
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    #expect(document["schema"] as? String == "nsstorm-check")
    #expect(document["version"] as? Int == 1)
    #expect(document["exitCode"] as? Int == 65)
    let traces = try #require(document["traces"] as? [[String: Any]])
    #expect(traces.map { $0["outcome"] as? String } == ["known", "damaged"])
    #expect((traces[0]["checks"] as? [String: Int])?["errnos"] == 138)
    let divergences = try #require(traces[0]["divergences"] as? [[String: Any]])
    #expect(divergences.map { $0["step"] as? Int } == [49])
    #expect(divergences[0]["knownIssues"] as? [String] == ["unbindable-lost-in-namespace-copy"])
    #expect((traces[1]["failure"] as? [String: Any])?["line"] as? Int == 1)
    // Whoever reads only standard error learns of it as well.
    #expect(result.errors.contains("\(damaged.url.path):1: not a trace"))
  }
}
