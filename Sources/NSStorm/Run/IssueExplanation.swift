package import StormEngine
package import StormVerdict
package import StormVocabulary

/// A call of the past with its answer.
package struct PastCall: Hashable, Sendable {
  package var namespace: NamespaceNumber
  package var operation: Operation
  package var answer: Errno
  /// All tables after it, where they were taken over because nothing explained them.
  package var adopted: [NamespaceTable]?

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

  /// What a search came to.
  package struct Finding {
    /// The smallest set of issues that explains, or nil.
    package var issues: [KnownIssue]?
    /// What the search spent, where a limit ended it.
    package var givenUp: (walks: Int, calls: Int)?
  }

  /// Looks for the smallest set of issues that explains.
  ///
  /// - Parameters:
  ///   - tables: all tables as they stand at the end of the history.
  ///   - present: the issues under whose rules the history was judged so far.
  package func explain(
    _ history: some Sequence<PastCall>, callCount: Int, tables: [NamespaceTable],
    present: [KnownIssue]
  ) -> Finding {
    let affecting = KnownIssue.affecting(release)
    guard !affecting.isEmpty else { return Finding() }
    var search = KnownIssueSearch(candidates: affecting)
    let issues = search.smallestSet(beside: present) { issues in
      var candidate = newCheck(issues)
      return walk(history, callCount: callCount, tables: tables, in: &candidate)
    }
    return Finding(
      issues: issues, givenUp: search.wasGivenUp ? (search.walks, search.calls) : nil)
  }

  /// Takes a check through the history, as far as it answers what was answered.
  package func walk(
    _ history: some Sequence<PastCall>, callCount: Int, tables: [NamespaceTable],
    in check: inout StepCheck
  ) -> KnownIssueSearch.Walk {
    var calls = 0
    for call in history {
      calls += 1
      let predicted = check.predict(call.operation, in: call.namespace).errno
      if let tables = call.adopted {
        let step = ObservedStep(
          number: calls - 1, namespace: call.namespace, operation: call.operation,
          result: call.answer, tables: tables)
        check.forgetNumbers()
        _ = check.compare(step)
        if check.standing == .inStep || check.adopt() { continue }
      } else if predicted == call.answer {
        continue
      }
      return KnownIssueSearch.Walk(explains: false, calls: calls, state: check.fingerprint())
    }
    let agrees = check.compare(tables: tables, asStep: callCount, isComplete: true) == nil
    return KnownIssueSearch.Walk(explains: agrees, calls: calls, state: check.fingerprint())
  }
}
