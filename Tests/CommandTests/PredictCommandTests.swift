import Foundation
import Testing

@Suite struct PredictCommandTests {
  @Test func `two processes predict the same, whatever their hash seeds`() throws {
    let arguments = ["predict", "first-storm", "--seed", "0x5"]
    let first = try BuiltCommand.run(arguments)
    let second = try BuiltCommand.run(arguments)
    #expect(first.status == 0)
    #expect(first.output == second.output)
    #expect(try BuiltCommand.run(["predict", "first-storm", "--seed", "6"]).output != first.output)
  }

  @Test func `a plan keeps its calls under other rules, only predictions differ`() throws {
    let arguments = ["predict", "first-storm", "--seed", "1"]
    let own = try BuiltCommand.run(arguments).output
    let other = try BuiltCommand.run(arguments + ["--rules", "5.10.223"]).output
    #expect(own != other)
    #expect(calls(own) == calls(other))
    #expect(calls(own).count >= 2_000)
  }

  @Test func `rules of an unknown kernel are refused with the known range`() throws {
    let result = try BuiltCommand.run(["predict", "--rules", "4.19.1"])
    #expect(result.status == 65)
    #expect(result.errors.contains("5.10"))
  }

  /// The columns that do not depend on predictions.
  private func calls(_ output: String) -> [String] {
    output.split(separator: "\n").compactMap { line in
      let columns = line.split(separator: " ")
      guard columns.count > 7, let step = Int(columns[0]) else { return nil }
      return "\(step) \(columns[2]) " + columns[7...].joined(separator: " ")
    }
  }
}
