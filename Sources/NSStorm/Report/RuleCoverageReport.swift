public import StormEngine

/// How often one rule of the engine was exercised, as results have it.
public struct RuleUse: Hashable, Sendable, Codable {
  public var rule: String
  /// The section of the specification.
  public var section: String
  /// The kernel function that decides.
  public var function: String
  /// How often it decided something.
  public var count: UInt64
}

/// A rule coverage as text and as an element of JSON results.
public struct RuleCoverageReport: Sendable {
  /// All rules, in the order in which the engine has them.
  public let rules: [RuleUse]

  /// The names of those that this kernel does not have.
  private let foreign: Set<String>

  /// - Parameter kernel: what the kernel does; its rules alone can be missed.
  public init(_ coverage: RuleCoverage, on kernel: KernelRules? = nil) {
    foreign =
      kernel.map { kernel in
        Set(Rule.allCases.filter { !$0.exists(under: kernel) && coverage[$0] == 0 }.map(\.name))
      } ?? []
    rules = Rule.allCases.map { rule in
      RuleUse(
        rule: rule.name, section: rule.explanation.section, function: rule.explanation.function,
        count: coverage[rule])
    }
  }

  /// A line for each rule, the exercised ones first by section, and a last line with what was missed.
  public var text: String {
    let exercised = rules.filter { $0.count > 0 }
    let missed = rules.filter { $0.count == 0 && !foreign.contains($0.rule) }.map(\.rule)
    let width = rules.map(\.rule.count).max() ?? 0
    let elsewhere = foreign.isEmpty ? "" : "; \(foreign.count) more stand for other kernels"
    var lines = [
      "rules        \(exercised.count) of \(rules.count - foreign.count) exercised\(elsewhere)"
    ]
    for row in exercised {
      let count = String(row.count)
      let padding = String(repeating: " ", count: max(1, 10 - count.count))
      let gap = String(repeating: " ", count: width - row.rule.count + 2)
      let section = row.section + String(repeating: " ", count: max(1, 6 - row.section.count))
      lines.append("\(padding)\(count)  \(row.rule)\(gap)\(section)\(row.function)")
    }
    if !missed.isEmpty { lines.append("missed       " + wrapped(missed)) }
    return lines.joined(separator: "\n")
  }

  private func wrapped(_ words: [String]) -> String {
    var lines = [""]
    for word in words {
      if lines[lines.count - 1].count + word.count > 90 { lines.append("") }
      lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : ", ") + word
    }
    return lines.joined(separator: ",\n" + String(repeating: " ", count: 13))
  }
}
