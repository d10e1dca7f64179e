/// What MNT_EXPIRE does under a rule for its mark (D14).
public struct ExpiryVerdict: Sendable, Hashable {
  public var rule: ExpirySystem.Rule
  /// Steps to a mount that was taken although it was used between the calls; nil where that cannot be.
  public var takenAfterUse: Int?
  /// Whether a mount that nobody uses can outlast all calls.
  public var neverExpires: Bool

  /// Every rule, with up to three uses and four calls.
  public static var all: [ExpiryVerdict] {
    ExpirySystem.Rule.allCases.map { rule in
      let used = (1...3).compactMap { uses in
        Explorer(ExpirySystem(rule: rule, uses: uses, calls: 4)).explore()
          .counterexamples[.takenAfterUse]?.actions.count
      }
      let idle = Explorer(ExpirySystem(rule: rule, uses: 0, calls: 4)).explore()
      return ExpiryVerdict(
        rule: rule, takenAfterUse: used.min(), neverExpires: idle.counterexamples[.leak] != nil)
    }
  }
}
