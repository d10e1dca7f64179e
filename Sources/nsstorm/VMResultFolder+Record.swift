import Foundation
import StormFleet
import StormKernel
import StormPlanning
import StormReport

extension VMResultFolder {
  /// A run in a guest that ended without a word of its own: put together from what was seen from outside.
  ///
  /// - Returns: nil where the folder is none of a guest.
  func guestRecord() -> RunRecord? {
    // A guest that came to its end has judged itself, and its own result counts.
    guard let summary = summary(), !summary.outcome.hasPrefix("finished") else { return nil }
    let console =
      (try? String(contentsOfFile: "\(path)/console.log", encoding: .utf8)) ?? ""
    let lines = console.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let sign = summary.signs.first
    let excerpt =
      sign.map { lines.dropFirst($0.lineNumber).prefix(Self.linesOfReport) }
      ?? lines.suffix(Self.linesAtEnd)
    let attributes = try? FileManager.default.attributesOfItem(
      atPath: "\(path)/\(Self.summaryName)")
    let own = try? ProfileLibrary.ofThisProcess.profile(summary.profile).seed
    let seed = summary.seed ?? own.map { "\($0)" } ?? "0x0"
    return GuestResult(
      kernel: RunningKernel(
        release: summary.release ?? summary.kernel, build: summary.build ?? ""),
      profile: summary.profile, seed: seed,
      finishedAt: attributes?[.modificationDate] as? Date ?? Date(), seconds: summary.totalSeconds,
      outcome: summary.outcome, report: sign?.kind.rawValue, lines: Array(excerpt),
      command: "nsstorm vm run \(summary.profile) --kernel \(summary.kernel)"
    ).record
  }

  private static let linesOfReport = 120
  private static let linesAtEnd = 40
}
