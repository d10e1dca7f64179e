import StormKernel
import StormRun

/// The Kernel Test Anything Protocol, version 1 (`Documentation/dev-tools/ktap.rst`): one level, because readers lose the
/// nesting, the plan first, and names that are unique and the same for every run of a profile.
public struct KTAP {
  public let text: String

  public init(_ record: RunRecord) {
    let cases = record.cases
    var lines = ["KTAP version 1", "1..\(cases.count)"]
    let began = record.began
    lines.append(
      Self.diagnostic(
        "nsstorm \(began.run): kernel \(began.kernel.release), profile \(began.profile), seed \(began.seed)"
      ))
    for (index, result) in cases.enumerated() {
      lines += result.details.map(Self.diagnostic)
      lines.append(Self.line(result, number: index + 1))
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  private static func line(_ result: CaseResult, number: Int) -> String {
    let verdict = result.isBad ? "not ok" : "ok"
    let directive: String? =
      switch result.status {
      case .passed, .failed: nil
      case .knownIssue: "XFAIL"
      case .skipped: "SKIP"
      case .timedOut: "TIMEOUT"
      case .error: "ERROR"
      }
    var line = "\(verdict) \(number) \(result.name)"
    if let directive {
      line += " # \(directive)"
      if let reason = result.reason { line += " \(oneLine(reason))" }
    }
    return line
  }

  // A line of a kernel log or a table must not look like a result.
  private static func diagnostic(_ text: String) -> String { "# \(oneLine(text))" }

  private static func oneLine(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 })
  }
}
