import StormEngine
public import StormKernel
public import StormVocabulary

/// Which value of a rule a kernel shows.
public struct ProbeResult: Sendable {
  public enum Finding: String, Sendable, Codable {
    /// The kernel shows the value that its release should have.
    case expected
    /// The kernel shows the value that a known issue of its release brings.
    case knownIssue = "known issue"
    /// The kernel shows the other value.
    case different
    /// The kernel's answers fit neither value.
    case neither
    /// No scenario shows this rule, or the kernel lacks a call that it takes.
    case notVisible = "not visible"
  }

  public var rule: String
  public var meaning: String
  /// The value that the release should have.
  public var expected: Bool
  /// The value that was seen.
  public var seen: Bool?
  public var finding: Finding
  /// The known issue, or the transcript that fits neither value.
  public var note: String
}

/// Runs the small scenario of each rule on the running kernel and looks which of its values the answers fit.
public struct RuleProbe {
  private let release: KernelRelease
  private let intended: KernelRules
  private let actual: KernelRules
  private let limits: SandboxLimits

  /// Nil for a release older than all known ones.
  public init?(release: KernelRelease, limits: SandboxLimits = SandboxLimits()) {
    guard let intended = KernelRules(release: release),
      let actual = KernelRules.actual(release: release)
    else { return nil }
    self.release = release
    self.intended = intended
    self.actual = actual
    self.limits = limits
  }

  public func probe(_ rule: RuleSwitch) throws -> ProbeResult {
    let expected = intended[keyPath: rule.field]
    var result = ProbeResult(
      rule: rule.id, meaning: rule.meaning, expected: expected, seen: nil, finding: .notVisible,
      note: "")
    guard let scenario = try rule.scenario() else {
      result.note = "no call of a privileged process shows it"
      return result
    }
    if let missing = rule.needs.first(where: { !actual[keyPath: $0] }) {
      let name = RuleSwitch.all.first { $0.field == missing }?.id ?? "another rule"
      result.note = "needs \(name), which this kernel does not have"
      return result
    }
    let seen = ScenarioCheck.comparable(try ScenarioCheck.observe(scenario, limits: limits))
    var fitting: [Bool] = []
    for value in [true, false] {
      var rules = actual
      rules[keyPath: rule.field] = value
      let predicted = try ScenarioCheck.predict(scenario, rules: rules)
      if ScenarioCheck.comparable(predicted) == seen { fitting.append(value) }
    }
    guard fitting.count == 1 else {
      result.finding = fitting.isEmpty ? .neither : .notVisible
      result.note =
        fitting.isEmpty
        ? "seen: " + seen.dropFirst().joined(separator: " | ") : "both values answer alike here"
      return result
    }
    result.seen = fitting[0]
    if fitting[0] == expected {
      result.finding = .expected
    } else if fitting[0] == actual[keyPath: rule.field] {
      result.finding = .knownIssue
      result.note = issue(behind: rule)
    } else {
      result.finding = .different
    }
    return result
  }

  private func issue(behind rule: RuleSwitch) -> String {
    let issue = KnownIssue.affecting(release).first { issue in
      intended.applying([issue])[keyPath: rule.field] != intended[keyPath: rule.field]
    }
    return issue.map { "\($0.id), fixed in \($0.fixed)" } ?? ""
  }
}
