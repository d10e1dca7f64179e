import Foundation
import StormFleet
import StormKernel
import StormTrace

/// What one guest brought back, as files: `trace.jsonl`, `output.txt`, `errors.txt`, `console.log`, `result.json`
/// (the command's own) and, last, `vm.json`. A folder with a `vm.json` is complete.
struct VMResultFolder {
  var path: String
  var keepsTrace = true

  /// The end of one guest, as it is kept.
  struct Summary: Codable, Equatable {
    var version = 1
    var kernel: String
    var package: String?
    var release: String?
    var build: String?
    var profile: String
    var seed: String?
    var outcome: String
    var word: String
    var exitStatus: Int32
    var accelerator: String
    var bootSeconds: Double?
    var totalSeconds: Double
    var signs: [ConsoleLog.Sign]
    var problems: [String]
    /// Known issues and signatures of unexplained divergences, from the run's own result.
    var knownIssues: [String]?
    var unexplained: [String]?
  }

  static let summaryName = "vm.json"

  /// The summary of an earlier, complete run.
  func summary() -> Summary? {
    FileManager.default.contents(atPath: "\(path)/\(Self.summaryName)").flatMap {
      try? JSONDecoder().decode(Summary.self, from: $0)
    }
  }

  @discardableResult
  func write(
    _ report: VMReport, kernel: BootableKernel, profile: String, seed: String? = nil
  ) throws(FleetError) -> Summary {
    let facts = ResultFacts(report.result)
    let summary = Summary(
      kernel: kernel.label, package: kernel.package, release: report.release, build: report.build,
      profile: profile, seed: seed, outcome: "\(report.outcome)", word: report.outcome.word,
      exitStatus: VMRendering.status(of: report.outcome),
      accelerator: report.accelerator.rawValue, bootSeconds: report.bootSeconds,
      totalSeconds: report.totalSeconds, signs: report.console.signs, problems: report.problems,
      knownIssues: facts?.knownIssues, unexplained: facts?.unexplained)
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try? FileManager.default.removeItem(atPath: "\(path)/\(Self.summaryName)")
      if keepsTrace {
        try put("trace.jsonl", Data(AnnouncementFilter.withoutAnswered(report.trace)))
      }
      try put("output.txt", Data(report.output))
      try put("errors.txt", Data(report.errors))
      try put("console.log", Data(report.console.lines.joined(separator: "\n").utf8 + [0x0A]))
      if !report.result.isEmpty { try put("result.json", Data(report.result)) }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try put(Self.summaryName, try encoder.encode(summary))
    } catch {
      throw .system(attempt: "write results to \(path)", reason: "\(error)")
    }
    return summary
  }

  private func put(_ name: String, _ data: Data) throws {
    try WholeFile.write(data, to: "\(path)/\(name)")
  }
}
