package import StormEngine
package import StormVerdict
package import StormVocabulary

/// A call of the past with its answer.
package struct PastCall: Hashable, Sendable {
  package var namespace: NamespaceNumber
  package var operation: Operation
  package var answer: Errno

  package init(namespace: NamespaceNumber, operation: Operation, answer: Errno) {
    self.namespace = namespace
    self.operation = operation
    self.answer = answer
  }
}

/// Looks for known issues of a kernel that explain a whole history: every answer as observed, and every table as it
/// stands at its end.
package struct IssueExplanation: Sendable {
  package let release: KernelRelease
  package let intendedRules: KernelRules
  package let initialTable: MountTable
  /// A rule that is broken on purpose; honoured in debug builds only.
  package let brokenRule: Mutation?
  /// `fs.mount-max` of the machine.
  package let mountLimit: Int

  package init(
    release: KernelRelease, intendedRules: KernelRules, initialTable: MountTable,
    brokenRule: Mutation?, mountLimit: Int
  ) {
    self.mountLimit = mountLimit
    self.release = release
    self.intendedRules = intendedRules
    self.initialTable = initialTable
    self.brokenRule = brokenRule
  }

  /// A check at the start of the history, under the rules with these issues.
  package func newCheck(_ issues: [KnownIssue]) -> StepCheck {
    var check = StepCheck(
      rules: intendedRules.applying(issues), initialTable: initialTable, mountLimit: mountLimit)
    check.breakOnPurpose(brokenRule)
    return check
  }

  /// The smallest set of issues that explains, or nil.
  ///
  /// - Parameters:
  ///   - tables: all tables as they stand at the end of the history.
  ///   - present: the issues under whose rules the history was judged so far.
  package func explain(
    _ history: some Sequence<PastCall>, callCount: Int, tables: [NamespaceTable],
    present: [KnownIssue]
  ) -> [KnownIssue]? {
    let affecting = KnownIssue.affecting(release)
    guard !affecting.isEmpty else { return nil }
    // Where the rules as they are give the same answers and tables, the difference is in what stayed and what is new;
    // no issue explains that.
    var same = newCheck(present)
    if follow(history, callCount: callCount, tables: tables, in: &same) { return nil }
    return KnownIssueSearch.smallestSet(
      of: affecting, excluding: [Set(present.map(\.id))]
    ) { issues in
      var candidate = newCheck(issues)
      return follow(history, callCount: callCount, tables: tables, in: &candidate)
    }
  }

  /// Takes a check through the history; false where it would have answered otherwise or shows other tables.
  package func follow(
    _ history: some Sequence<PastCall>, callCount: Int, tables: [NamespaceTable],
    in check: inout StepCheck
  ) -> Bool {
    for call in history {
      guard check.predict(call.operation, in: call.namespace).errno == call.answer else {
        return false
      }
    }
    return check.compare(tables: tables, asStep: callCount, isComplete: true) == nil
  }
}
