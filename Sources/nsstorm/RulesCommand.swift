import ArgumentParser
import StormEngine
import StormScenario
import StormVocabulary

/// `nsstorm rules`: how kernels behave, and what differs between two of them.
struct RulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rules",
    abstract: "Show the named rules of a kernel release, or what differs between two.",
    discussion: """
      Examples:
        nsstorm rules show 6.12.107
        nsstorm rules diff 6.12.107 7.3.4
        nsstorm rules issues 6.18.15
      """,
    subcommands: [Show.self, Difference.self, Issues.self], defaultSubcommand: Show.self)

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Print every rule with its value.",
      discussion: """
        Examples:
          nsstorm rules show 6.12.107
        """)

    @Argument(help: "A kernel release, such as 6.12.107; the running kernel's by default.")
    var release: KernelRelease?

    func run() throws {
      let release = try release ?? PredictedKernel.release()
      let rules = try PredictedKernel.rules(for: release)
      let actual = rules.applying(KnownIssue.affecting(release))
      print("rules of \(release), and * where a known issue of that release does otherwise")
      for rule in RuleSwitch.all {
        let value = rules[keyPath: rule.field]
        let mark = actual[keyPath: rule.field] == value ? " " : "*"
        print("\(mark) \(value ? "yes" : "no ") \(rule.id): \(rule.meaning) (\(rule.source))")
      }
    }
  }

  struct Difference: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "diff",
      abstract: "Print what differs between two releases, each with an example.",
      discussion: """
        Examples:
          nsstorm rules diff 6.12.107 7.3.4
          nsstorm rules diff 7.2.9 7.2.11 --actual
        """)

    @Argument(help: "A kernel release.") var first: KernelRelease
    @Argument(help: "Another kernel release.") var second: KernelRelease

    @Flag(help: "Compare what the kernels do, their known issues included.")
    var actual = false

    func run() throws {
      func rules(_ release: KernelRelease) throws -> KernelRules {
        let rules = try PredictedKernel.rules(for: release)
        return actual ? rules.applying(KnownIssue.affecting(release)) : rules
      }
      let left = try rules(first)
      let right = try rules(second)
      var count = 0
      for rule in RuleSwitch.all where left[keyPath: rule.field] != right[keyPath: rule.field] {
        count += 1
        print("\(rule.id): \(rule.meaning)")
        print("  \(first): \(left[keyPath: rule.field] ? "yes" : "no")", terminator: "")
        print("   \(second): \(right[keyPath: rule.field] ? "yes" : "no")   (\(rule.source))")
        try example(of: rule, left, right)
      }
      print("\(count) of \(RuleSwitch.all.count) rules differ between \(first) and \(second)")
      for issue in KnownIssue.catalogue where issue.affects(first) != issue.affects(second) {
        print("known issue \(issue.id): only in \(issue.affects(first) ? first : second)")
      }
    }

    private func example(of rule: RuleSwitch, _ left: KernelRules, _ right: KernelRules) throws {
      guard let scenario = try rule.scenario() else {
        print("  no call of a privileged process shows it")
        return
      }
      let steps = scenario.steps.map { ($0.actor == "A" ? "" : "@\($0.actor) ") + $0.text }
      print("  example: " + steps.joined(separator: "; "))
      for (release, rules) in [(first, left), (second, right)] {
        let lines = try rule.transcript(rules, value: rules[keyPath: rule.field]) ?? []
        print("    on \(release):")
        for line in lines { print("      \(line)") }
      }
    }
  }

  struct Issues: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "issues",
      abstract: "List the known kernel issues that the engine can reproduce.",
      discussion: """
        Examples:
          nsstorm rules issues 6.18.15
        """)

    @Argument(help: "Only those that affect this release.") var release: KernelRelease?

    func run() {
      let affecting = release.map {
        KnownIssue.affecting($0) + KnownIssue.missingReferences(on: $0)
      }
      for issue in affecting ?? KnownIssue.catalogue {
        let stable = issue.fixedInStable.map { ", \($0)" }.joined()
        print("\(issue.id): \(issue.title)")
        print("  from \(issue.introduced), fixed in \(issue.fixed)\(stable): \(issue.fixSubject)")
        print("  seen as: \(issue.appearance)")
        print("  source: \(issue.source)")
      }
    }
  }
}
