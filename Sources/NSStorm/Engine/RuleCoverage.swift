/// How often each rule of the engine has decided something.
public struct RuleCoverage: Hashable, Sendable {
  /// By the rule's raw value.
  private var counts: [UInt64]

  public init() {
    counts = Array(repeating: 0, count: Rule.allCases.count)
  }

  init(counts: [UInt64]) {
    self.counts = counts
  }

  public subscript(rule: Rule) -> UInt64 { counts[Int(rule.rawValue)] }

  /// The rules that decided nothing.
  public var missed: [Rule] { Rule.allCases.filter { self[$0] == 0 } }

  public static func += (left: inout RuleCoverage, right: RuleCoverage) {
    for index in left.counts.indices { left.counts[index] &+= right.counts[index] }
  }
}
