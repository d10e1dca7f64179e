import Foundation
import StormEngine
import StormTrace
import StormVerdict
import StormVocabulary

/// The report of `check --strace` and `record`: what was followed, judged and left, and every divergence.
struct ImportReport {
  let verdict: ImportVerdict
  let isStrict: Bool
  /// Calls that were left are listed one by one only on request, beyond the first few.
  var listsAll = false
  /// How the recorded program ended.
  var program: String?

  private static let fewest = 12

  var status: ExitStatus {
    if verdict.failure != nil { return .badInput }
    if !verdict.unexplainedDivergences.isEmpty || isStrict && !verdict.divergences.isEmpty {
      return .diverged
    }
    return verdict.judgedMountCalls == 0 ? .nothingChecked : .agreed
  }

  var text: String {
    if let failure = verdict.failure { return "\(failure)" }
    var lines: [String] = []
    for divergence in verdict.divergences { lines += self.lines(divergence) }
    let unjudged = verdict.unjudgedCalls.filter { listsAll || $0.reason != .unseenNames }
    for call in unjudged.prefix(listsAll ? .max : Self.fewest) {
      lines.append(
        "not judged: \(verdict.file):\(call.line): process \(call.task): \(call.call): \(call.reason.sentence)"
          + (call.detail.isEmpty ? "" : " (\(call.detail))"))
    }
    if unjudged.count > Self.fewest, !listsAll {
      lines.append("not judged: … \(unjudged.count - Self.fewest) more; --all lists them")
    }
    lines += verdict.warnings.map { "warning: \($0)" }
    lines += summary
    return lines.joined(separator: "\n")
  }

  private func lines(_ divergence: ImportDivergence) -> [String] {
    let word = divergence.knownIssues.isEmpty ? "divergence" : "known issue"
    var lines = [
      "\(word): \(verdict.file):\(divergence.line): process \(divergence.task): \(divergence.call)"
    ]
    if divergence.predictedErrno != divergence.observedErrno {
      lines.append(
        "  predicted \(divergence.predictedErrno), observed \(divergence.observedErrno)")
    }
    if let rule = divergence.rule { lines.append("  the engine says: \(rule)") }
    for table in divergence.tables {
      lines += table.folded().map { "  \($0)" }
      lines += table.mounts.prefix(8).map { "    \($0)" }
    }
    if let line = divergence.follows {
      lines.append("  this may follow from line \(line), whose effect could not be adopted")
    }
    if !divergence.knownIssues.isEmpty {
      lines.append("  known: " + divergence.knownIssues.joined(separator: ", "))
    }
    return lines
  }

  private var summary: [String] {
    func list(_ counts: [String: Int]) -> String {
      counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.key) \($0.value)" }
        .joined(separator: ", ")
    }
    var lines = [
      "kernel       "
        + (verdict.kernel.map { "\($0), rules of " } ?? "not named in the trace, rules of ")
        + "\(verdict.release.map { "\($0)" } ?? "?")",
      "first table  \(verdict.initialTable)",
      "followed     \(verdict.processes) processes, \(verdict.namespaces) mount namespaces, \(verdict.lines) lines",
      "judged       \(verdict.judgedMountCalls) mount calls, \(verdict.judgedOtherCalls) calls of names and descriptors",
    ]
    if let program { lines.insert("program      \(program)", at: 0) }
    if !verdict.succeeded.isEmpty {
      lines.append("             succeeded: \(list(verdict.succeeded))")
    }
    if !verdict.refused.isEmpty { lines.append("             refused: \(list(verdict.refused))") }
    if verdict.tables > 0 {
      lines.append(
        "             \(verdict.tables) tables with \(verdict.tableEntries) entries")
    }
    lines.append("taken over   \(verdict.learned) answers that tell what exists")
    if verdict.unjudgedCount > 0 {
      lines.append("not judged   \(verdict.unjudgedCount) calls")
      for reason in NotJudged.allCases {
        if let count = verdict.unjudged[reason] {
          lines.append("             \(count) \(reason.rawValue): \(reason.sentence)")
        }
      }
    }
    let known = Set(verdict.divergences.flatMap(\.knownIssues)).sorted()
    lines.append(
      "divergences  \(verdict.unexplainedDivergences.count) unexplained"
        + (known.isEmpty ? "" : ", known: \(known.joined(separator: ", "))"))
    lines.append("verdict      \(word)")
    return lines
  }

  private var word: String {
    switch status {
    case .nothingChecked: "nothing was checked: no mount call could be judged"
    case .diverged: "kernel and engine disagree"
    default:
      verdict.divergences.isEmpty
        ? "kernel and engine agree on every call that was judged"
        : "kernel and engine agree, apart from known issues of this kernel"
    }
  }

  var json: String {
    get throws {
      try JSONDocument.text(ImportDocument(verdict, status, program))
    }
  }
}

/// The JSON of `check --strace` and `record`, version 1 (docs/record.md). A new key is no new version.
private struct ImportDocument: Encodable {
  let schema = "nsstorm-import"
  let version = 1
  let exitCode: Int32
  let file: String
  let kernel: String?
  let rules: String?
  let initialTable: String
  let lines: Int
  let processes: Int
  let namespaces: Int
  let judgedMountCalls: Int
  let judgedOtherCalls: Int
  let learned: Int
  let succeeded: [String: Int]
  let refused: [String: Int]
  let tables: Int
  let tableEntries: Int
  let divergences: [ImportDivergence]
  let unjudged: [String: Int]
  let unjudgedCalls: [UnjudgedCall]
  let warnings: [String]
  let failure: String?
  let program: String?

  init(_ verdict: ImportVerdict, _ status: ExitStatus, _ program: String?) {
    self.program = program
    exitCode = status.rawValue
    file = verdict.file
    kernel = verdict.kernel
    rules = verdict.release?.description
    initialTable = verdict.initialTable
    lines = verdict.lines
    processes = verdict.processes
    namespaces = verdict.namespaces
    judgedMountCalls = verdict.judgedMountCalls
    judgedOtherCalls = verdict.judgedOtherCalls
    learned = verdict.learned
    succeeded = verdict.succeeded
    refused = verdict.refused
    tables = verdict.tables
    tableEntries = verdict.tableEntries
    divergences = verdict.divergences
    unjudged = Dictionary(
      uniqueKeysWithValues: verdict.unjudged.map { ($0.key.rawValue, $0.value) })
    unjudgedCalls = verdict.unjudgedCalls
    warnings = verdict.warnings
    failure = verdict.failure.map { "\($0)" }
  }
}
