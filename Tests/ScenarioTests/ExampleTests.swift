import Foundation
import StormEngine
import StormScenario
import StormVocabulary
import Testing

/// The 101 worked examples against the transcripts of twelve kernels.
@Suite struct ExampleTests {
  static let releases = [
    "5.10.223", "6.1.176", "6.12.107", "6.16.12", "6.17.13", "6.18.15", "6.18.44", "6.19.14",
    "7.0.13",
    "7.1.13", "7.2.13", "7.3.4",
  ]

  static let data = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Data")
  static let scenarios = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "profiles/scenarios/examples.scenario")

  /// The recorded transcript of each case; a kernel's file holds only the cases that differ from 6.18.44's.
  static func recorded(_ release: String) throws -> [String: [String]] {
    var cases = try transcripts(in: "6.18.44.txt")
    if release != "6.18.44" {
      cases.merge(try transcripts(in: "\(release).differing.txt")) { _, own in own }
    }
    return cases
  }

  private static func transcripts(in file: String) throws -> [String: [String]] {
    let text = try String(contentsOf: data.appending(path: file), encoding: .utf8)
    var cases: [String: [String]] = [:]
    var name = ""
    for line in text.split(separator: "\n").map(String.init) {
      if let match = line.prefixMatch(of: #/E[0-9]+: /#) {
        name = String(match.output.dropLast(2))
        cases[name] = []
      } else {
        cases[name, default: []].append(line)
      }
    }
    return cases
  }

  /// The transcripts without what depends on the machine: the kind of the host's root, mounts beyond the base.
  static func comparable(_ lines: some Sequence<String>) -> [String] {
    var firstCount: Int?
    var groups: [Substring: Int] = [:]
    return lines.map { line in
      var line = line.split(separator: " ").joined(separator: " ")
      // Group numbers are used again, in some kernels sooner than in others: only the partition within one dump counts.
      if line.hasPrefix("/") {
        line = line.replacing(#/(shared|master|propagate_from):([0-9]+)/#) { match in
          let renamed = groups[match.output.2] ?? groups.count + 1
          groups[match.output.2] = renamed
          return "\(match.output.1):\(renamed)"
        }
      } else if !line.hasPrefix("[") {
        groups = [:]
      }
      line.replace("(on host root)", with: "(on host)")
      if let match = line.firstMatch(of: #/count -> OK \(n ([0-9]+)\)/#),
        let count = Int(match.output.1)
      {
        let extra = (firstCount ?? count) - 65536
        firstCount = firstCount ?? count
        line = "count \(count - extra)"
      }
      return line
    }
  }

  @Test(arguments: releases)
  func `every worked example agrees with what the kernel recorded`(release: String) throws {
    let text = try String(contentsOf: Self.scenarios, encoding: .utf8)
    let scenarios = try ScenarioParser(file: "examples.scenario").parse(text)
    #expect(scenarios.count == 101)
    let kernel = try #require(KernelRelease(release: release))
    let rules = try #require(KernelRules.actual(release: kernel))
    let recorded = try Self.recorded(release)
    #expect(recorded.count == 101)
    for scenario in scenarios {
      var run = ScenarioRun(world: EngineWorld(rules: rules))
      let transcript = try run.run(scenario)
      let predicted = Self.comparable(transcript.lines.dropFirst())
      var lines = try #require(recorded[scenario.name])
      // The recorder named file systems by device number, and the second `k` got the number of the dead `kx`.
      if scenario.name == "E101" { lines = lines.map { $0.replacing("(on kx", with: "(on k") } }
      let seen = Self.comparable(lines)
      let differing = zip(predicted, seen).first { $0 != $1 }
      #expect(
        predicted == seen, "\(scenario.name) on \(release): \(String(describing: differing))")
      #expect(run.world.model.violatedInvariants() == [], "\(scenario.name)")
    }
  }
}
