import Foundation
import StormFleet

/// Kernels by profiles, and how each went.
struct VMMatrix {
  private var kernels: [String] = []
  private var profiles: [String] = []
  private var words: [String: String] = [:]
  private var failures: [Skipped] = []
  private var cells: [VMResultFolder.Summary] = []
  private var skipped: [Skipped] = []

  private struct Skipped: Codable {
    var kernel: String
    var profile: String
    var why: String
  }

  private struct Document: Codable {
    var version = 1
    var cells: [VMResultFolder.Summary]
    var skipped: [Skipped]
    var failed: [Skipped]
  }

  /// A cell that is to run.
  mutating func expect(_ kernel: String, _ profile: String) { note(kernel, profile, "-") }

  /// A cell whose guest could not be run, or whose results could not be kept.
  mutating func fail(_ kernel: String, _ profile: String, why: String) {
    note(kernel, profile, "harness-failed")
    failures.append(Skipped(kernel: kernel, profile: profile, why: why))
  }

  mutating func add(_ summary: VMResultFolder.Summary) {
    note(summary.kernel, summary.profile, summary.word)
    cells.append(summary)
  }

  mutating func skip(_ kernel: String, _ profile: String, why: String) {
    note(kernel, profile, "skipped")
    skipped.append(Skipped(kernel: kernel, profile: profile, why: why))
  }

  private mutating func note(_ kernel: String, _ profile: String, _ word: String) {
    if !kernels.contains(kernel) { kernels.append(kernel) }
    if !profiles.contains(profile) { profiles.append(profile) }
    words["\(kernel)\n\(profile)"] = word
  }

  /// A row for each kernel, a column for each profile, and the sums.
  var text: String {
    let rows =
      [["kernel"] + profiles]
      + kernels.map { kernel in
        [kernel] + profiles.map { words["\(kernel)\n\($0)"] ?? "-" }
      }
    let widths = (0...profiles.count).map { place in rows.map { $0[place].count }.max() ?? 0 }
    var lines = rows.map { row in
      zip(row, widths).map { column($0, $1 + 2) }.joined()
        .trimmingCharacters(in: .whitespaces)
    }
    let agreed = cells.count { $0.exitStatus == ExitStatus.agreed.rawValue }
    lines.append("\(cells.count) guests, \(agreed) agreed, \(skipped.count) skipped")
    lines += findings
    return lines.joined(separator: "\n")
  }

  /// A line for each cell that found something, in the order of the table.
  private var findings: [String] {
    var lines: [String] = []
    for cell in ordered {
      var parts = (cell.knownIssues ?? []).map { "known: \($0)" }
      parts += (cell.unexplained ?? []).map { "UNEXPLAINED: \($0)" }
      parts += cell.signs.prefix(3).map { "console: \($0.line)" }
      if !parts.isEmpty {
        lines.append("\(cell.kernel) \(cell.profile): \(parts.joined(separator: "; "))")
      }
    }
    lines += skipped.map { "\($0.kernel) \($0.profile): skipped: \($0.why)" }
    lines += failures.map { "\($0.kernel) \($0.profile): failed: \($0.why)" }
    return lines
  }

  private var ordered: [VMResultFolder.Summary] {
    kernels.flatMap { kernel in
      profiles.compactMap { profile in
        cells.first { $0.kernel == kernel && $0.profile == profile }
      }
    }
  }

  /// A page that needs nothing else.
  var html: String {
    var lines = [
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>nsstorm matrix</title>",
      "<style>body{font:15px sans-serif;margin:2em}table{border-collapse:collapse}",
      "td,th{border:1px solid #999;padding:.4em .7em;text-align:left;vertical-align:top}",
      ".good{background:#dfd}.known{background:#ffd}.bad{background:#fdd}.open{background:#eee}",
      "small{display:block}</style></head><body><h1>Kernels by profiles</h1><table><tr><th>kernel</th>",
    ]
    lines += profiles.map { "<th>\(Self.escaped($0))</th>" }
    lines.append("</tr>")
    for kernel in kernels {
      lines.append("<tr><th>\(Self.escaped(kernel))</th>")
      for profile in profiles {
        let cell = cells.first { $0.kernel == kernel && $0.profile == profile }
        lines.append(Self.box(cell, words["\(kernel)\n\(profile)"] ?? "-"))
      }
      lines.append("</tr>")
    }
    lines.append("</table><ul>")
    lines += findings.map { "<li>\(Self.escaped($0))</li>" }
    lines.append("</ul></body></html>")
    return lines.joined(separator: "\n") + "\n"
  }

  private static func box(_ cell: VMResultFolder.Summary?, _ word: String) -> String {
    guard let cell else { return "<td class=\"open\">\(escaped(word))</td>" }
    let known = cell.knownIssues ?? []
    let style = cell.exitStatus != 0 ? "bad" : known.isEmpty ? "good" : "known"
    let notes = (known + (cell.unexplained ?? [])).map { "<small>\(escaped($0))</small>" }
    return
      "<td class=\"\(style)\">\(escaped(word))\(notes.joined())<small>\(Int(cell.totalSeconds)) s</small></td>"
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(Document(cells: cells, skipped: skipped, failed: failures))
  }

  /// The worst of all: a fault of the kernel, a divergence, a failed harness, nothing checked.
  var status: Int32 {
    let seen =
      cells.map(\.exitStatus) + failures.map { _ in ExitStatus.harnessFailed.rawValue }
    let order: [ExitStatus] = [.kernelFault, .diverged, .neverReleased, .harnessFailed]
    for status in order where seen.contains(status.rawValue) { return status.rawValue }
    if let other = seen.first(where: { $0 != 0 && $0 != ExitStatus.nothingChecked.rawValue }) {
      return other
    }
    let allChecked = !seen.isEmpty && seen.allSatisfy { $0 == 0 } && skipped.isEmpty
    return allChecked ? ExitStatus.agreed.rawValue : ExitStatus.nothingChecked.rawValue
  }
}
