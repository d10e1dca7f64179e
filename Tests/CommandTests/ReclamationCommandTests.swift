import Foundation
import Testing

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
}
