import Foundation
import FoundationXML
import Glibc
import StormReclamation
import Testing

@testable import nsstorm

@Suite struct ReclamationCommandTests {
  private func run(_ arguments: String...) throws -> BuiltCommand.Result {
    try BuiltCommand.run(arguments)
  }

  private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-\(UUID().uuidString).yaml").path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test func `explore prints the trace to the leak of D4 in columns`() throws {
    let result = try run("explore", "D4", "--scenario", "U,W", "--property", "P7")
    #expect(result.status == 0)
    #expect(result.output.contains("violated in 21 steps"))
    #expect(result.output.contains("shared state"))
    #expect(result.output.contains("LEAK"))
  }

  @Test func `explore answers in JSON with verdicts by name`() throws {
    let result = try run("explore", "D2", "--json")
    let rows = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
    let cells = try #require(rows.first?["cells"] as? [[String: Any]])
    let p8 = try #require(cells.first { $0["property"] as? String == "P8" })
    #expect(p8["verdict"] as? String == "violated")
    #expect(p8["steps"] as? Int == 10)
  }

  @Test func `a search that meets a limit says unknown and exits with 4`() throws {
    let result = try run(
      "explore", "D4", "--scenario", "L,2W,L@1,2W@1", "--memory", "1", "--json")
    #expect(result.status == 4)
    #expect(result.output.contains("memory limit"))
  }

  @Test func `a design in a file may vary a known one, and errors name line and values`() throws {
    try withFile("design: {base: D0, waitLazy: rcuWork}\nscenario: L\n") { path in
      let result = try run("explore", "--file", path)
      #expect(result.status == 0)
      #expect(result.output.contains("LATE_DEATH"))
    }
    try withFile("scenario: L\ndesign:\n  base: D0\n  waitLazy: later\n") { path in
      let result = try run("explore", "--file", path)
      #expect(result.status == 65)
      #expect(result.errors.contains(":4: waitLazy 'later'"))
      #expect(result.errors.contains("globalList"))
    }
  }

  @Test func `an unknown property or actor is a usage error with the allowed ones`() throws {
    let property = try run("explore", "D0", "--property", "P13")
    #expect(property.status == 64)
    #expect(property.errors.contains("P8w"))
    let actor = try run("explore", "D0", "--scenario", "Q")
    #expect(actor.status == 64)
    #expect(actor.errors.contains("umount2(0)"))
  }

  @Test func `simulate prints the same table twice for one seed`() throws {
    let arguments = ["simulate", "--compare", "D0,D2", "--namespaces", "50", "--seed", "9"]
    let first = try BuiltCommand.run(arguments)
    #expect(first.status == 0)
    #expect(first.output.contains("call p50"))
    #expect(try BuiltCommand.run(arguments).output == first.output)
  }

  @Test func `identify judges what a simulated design would show`() throws {
    let result = try run("identify", "--simulated", "D2", "--json")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let consistent = try #require(report["consistent"] as? [[String: Any]])
    let names = Set(consistent.compactMap { $0["design"] as? String })
    #expect(names.contains("D2"))
    #expect(!names.contains("D0"))
  }

  /// The value at a path of keys in what a command printed as JSON.
  private func json(_ arguments: String...) throws -> Any {
    let result = try BuiltCommand.run(arguments)
    #expect(result.status == 0 || result.status == 4, "\(arguments): \(result.errors)")
    return try JSONSerialization.jsonObject(with: Data(result.output.utf8))
  }

  private func keys(_ value: Any) -> Set<String> {
    Set(((value as? [[String: Any]])?.first ?? value as? [String: Any])?.keys.map { $0 } ?? [])
  }

  @Test func `every form of explore and simulate answers in JSON`() throws {
    #expect(keys(try json("explore", "D7w", "--json")).isSuperset(of: ["design", "cells"]))
    #expect(
      keys(try json("explore", "D5", "--scenario", "U,W", "--json"))
        .isSuperset(of: ["design", "findings"]))
    let trace = try json("explore", "D5", "--scenario", "U,W", "--property", "P3", "--json")
    #expect(keys(trace).isSuperset(of: ["design", "verdict"]))
    #expect(!keys(try json("explore", "--flush", "--json")).isEmpty)
    #expect(!keys(try json("explore", "--expiry", "--json")).isEmpty)
    let simulated = try json("simulate", "--compare", "D0,D2", "--namespaces", "20", "--json")
    #expect((simulated as? [Any])?.count == 2)
    #expect(keys(simulated).isSuperset(of: ["callNanoseconds", "deathNanoseconds", "backlog"]))
    #expect(
      keys(try json("simulate", "--published", "--json"))
        .isSuperset(of: ["publishedRatio", "simulatedRatio"]))
    #expect(keys(try json("simulate", "--print-calibration")).contains("teardown"))
  }

  @Test func `a claim in JSON has its verdict, what this run says, and the commands that show it`()
    throws
  {
    let claim = try #require(Claim.all.first { $0.id == "S0.11" })
    var verdicts: [String: DesignVerdict] = [:]
    let row = try ExploreReport.ClaimRow(
      claim, verdicts: &verdicts, options: ExplorationOptions())
    let encoded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(row))
    let object = try #require(encoded as? [String: Any])
    #expect(object["verdict"] as? String == "confirmed")
    #expect(object["supported"] as? Bool == true)
    #expect((object["commands"] as? [String])?.count == 2)
  }

  @Test(.enabled(if: geteuid() == 0, "needs the right to mount"))
  func `needs root: a calibration of this machine is what simulate takes`() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try run("calibrate", "--output", path).status == 0)
    let rows = try json(
      "simulate", "--calibration", path, "--filesystem", "ext4", "--namespaces", "20", "--json")
    let row = try #require((rows as? [[String: Any]])?.first)
    #expect((row["calibration"] as? String)?.hasPrefix("measured on Linux") == true)
  }

  @Test(.enabled(if: geteuid() == 0, "needs the right to mount"))
  func `needs root: identify says of this kernel what it saw and what that excludes`() throws {
    let result = try BuiltCommand.run(["identify", "--json"], limitSeconds: 400)
    #expect(result.status == 0, "\(result.errors)")
    let report = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let excluded = try #require(report["excluded"] as? [[String: Any]])
    let names = Set(excluded.compactMap { $0["design"] as? String })
    #expect(names.isSuperset(of: ["D1a", "D1b", "D2", "D2par", "D2+", "D3", "D4", "D6", "D7n"]))
    #expect(excluded.allSatisfy { ($0["exclusions"] as? [String])?.isEmpty == false })
    #expect((report["verdict"] as? String)?.isEmpty == false)
  }

  @Test func `pictures of a trace and of backlogs are well-formed and name what they show`() throws
  {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func picture(_ name: String, _ arguments: String...) throws -> String {
      let path = folder.appendingPathComponent(name).path
      let result = try BuiltCommand.run(arguments + [path])
      #expect(result.status == 0, "\(result.errors)")
      return try String(contentsOfFile: path, encoding: .utf8)
    }
    let trace = try picture(
      "leak.svg", "explore", "D4", "--scenario", "U,W", "--property", "P7", "--svg")
    #expect(trace.contains("LEAK in 21 steps"))
    let plot = try picture(
      "plot.svg", "simulate", "--compare", "D0,D2", "--namespaces", "50", "--plot")
    #expect(plot.components(separatedBy: "<polyline").count == 3)
    for svg in [trace, plot] {
      let parser = XMLParser(data: Data(svg.utf8))
      #expect(parser.parse(), "\(String(describing: parser.parserError))")
    }
    let page = try picture(
      "plot.html", "simulate", "--compare", "D0,D2", "--namespaces", "50", "--plot")
    #expect(page.hasPrefix("<!DOCTYPE html>"))
    #expect(page.contains("<svg") && page.contains("call p50"))
  }

  @Test func `what spin prints at its end is read, and nothing is made of less`() throws {
    let text = """
      State-vector 108 byte, depth reached 101, errors: 0
       44737721 states, stored
       1.1e+08 states, matched
       5038.123	total actual memory usage
      pan: elapsed time 168 seconds
      """
    let result = try #require(SpinResult(pan: text))
    #expect(result.states == 44_737_721)
    #expect(result.errors == 0)
    #expect(result.isComplete)
    #expect(result.bytesPerState > 117 && result.bytesPerState < 119)
    #expect(SpinResult(pan: "spin: trouble") == nil)
  }
}
