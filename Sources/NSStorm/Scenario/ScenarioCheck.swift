public import StormEngine
public import StormKernel
public import StormVocabulary

/// What a kernel did in a scenario, held against the engine.
public struct ScenarioVerdict: Sendable {
  public var name: String
  public var title: String
  /// The transcript, with `-` before what was predicted and `+` before what was seen where they differ.
  public var lines: [Line]
  /// The known issues that explain every difference; empty when there is none or they do not.
  public var explainedBy: [String]

  public struct Line: Sendable, Hashable {
    public enum Side: String, Sendable {
      case both = " "
      case predicted = "-"
      case seen = "+"
    }
    public var side: Side
    public var text: String
  }

  public var differs: Bool { lines.contains { $0.side != .both } }
  public var isViolation: Bool { differs && explainedBy.isEmpty }
}

/// Runs scenarios in the engine and on the running kernel.
public struct ScenarioCheck {
  private let rules: KernelRules
  private let issues: [KnownIssue]
  private let limits: SandboxLimits

  /// - Parameter release: the kernel that runs; decides which known issues may explain a difference.
  public init(rules: KernelRules, release: KernelRelease, limits: SandboxLimits = SandboxLimits()) {
    self.rules = rules
    self.limits = limits
    issues = KnownIssue.affecting(release)
  }

  /// What the engine expects, as a sandbox's workers would show it.
  public static func predict(_ scenario: Scenario, rules: KernelRules) throws -> [String] {
    var run = ScenarioRun(
      // The sandbox names its root tmpfs `root`.
      world: EngineWorld(rules: rules, rootSource: "root", inheritsFiles: false),
      showsPlaces: false)
    return try run.run(scenario).lines
  }

  /// What the running kernel does, in a sandbox of its own that is gone afterwards.
  public static func observe(_ scenario: Scenario, limits: SandboxLimits) throws -> [String] {
    let sandbox = try Sandbox.launch(limits)
    defer { try? sandbox.teardown() }
    var run = ScenarioRun(world: try KernelWorld(sandbox: sandbox), showsPlaces: false)
    return try run.run(scenario).lines
  }

  /// Runs one scenario on the kernel and compares; throws what the harness itself cannot do.
  public func check(_ scenario: Scenario) throws -> ScenarioVerdict {
    let predicted = try Self.predict(scenario, rules: rules)
    let seen = try Self.observe(scenario, limits: limits)
    var explainedBy: [String] = []
    if Self.comparable(predicted) != Self.comparable(seen) {
      for subset in subsets() {
        let other = try Self.predict(scenario, rules: rules.applying(subset))
        if Self.comparable(other) == Self.comparable(seen) {
          explainedBy = subset.map(\.id)
          break
        }
      }
    }
    return ScenarioVerdict(
      name: scenario.name, title: scenario.title,
      lines: Self.merged(Array(predicted.dropFirst()), Array(seen.dropFirst())),
      explainedBy: explainedBy)
  }

  /// Beyond this many issues at once, every small scenario would be explained by something.
  private static let largestSet = 4

  /// The sets of known issues that may explain a difference, small ones first.
  private func subsets() -> [[KnownIssue]] {
    (1..<max(1 << issues.count, 1)).lazy.filter { $0.nonzeroBitCount <= Self.largestSet }.map {
      mask in
      issues.indices.filter { mask & (1 << $0) != 0 }.map { issues[$0] }
    }.sorted { $0.count < $1.count }
  }

  /// Transcripts without group numbers that only tell when numbers are used again: each dump renames anew.
  public static func comparable(_ lines: [String]) -> [String] {
    var groups: [Substring: Int] = [:]
    return lines.map { line in
      let text = line.drop { $0 == " " }
      guard text.hasPrefix("/") else {
        if !text.hasPrefix("[") { groups = [:] }
        return line
      }
      return line.replacing(#/(shared|master|propagate_from):([0-9]+)/#) { match in
        let renamed = groups[match.output.2] ?? groups.count + 1
        groups[match.output.2] = renamed
        return "\(match.output.1):\(renamed)"
      }
    }
  }

  private static func merged(_ predicted: [String], _ seen: [String]) -> [ScenarioVerdict.Line] {
    let old = comparable(predicted)
    let new = comparable(seen)
    var removed = Set<Int>()
    var inserted = Set<Int>()
    for change in new.difference(from: old) {
      switch change {
      case .remove(let offset, _, _): removed.insert(offset)
      case .insert(let offset, _, _): inserted.insert(offset)
      }
    }
    var lines: [ScenarioVerdict.Line] = []
    var left = 0
    var right = 0
    while left < predicted.count || right < seen.count {
      if left < predicted.count, removed.contains(left) {
        lines.append(.init(side: .predicted, text: predicted[left]))
        left += 1
      } else if right < seen.count, inserted.contains(right) {
        lines.append(.init(side: .seen, text: seen[right]))
        right += 1
      } else {
        lines.append(.init(side: .both, text: seen[right]))
        left += 1
        right += 1
      }
    }
    return lines
  }
}
