import StormEngine
import StormKernel
import StormPlanning
import StormVerdict
import StormVocabulary

// What happens when kernel and engine part: known issues are tried, and the run goes on or ends.

extension StormRunner {
  /// Looks whether known issues of this kernel explain the whole history, this step included.
  func judge(_ divergence: Divergence) throws(SandboxError) -> Course {
    var divergence = divergence
    // Behind a divergence that nothing explains, no issue can reproduce the whole history.
    if divergence.follows == nil, let explained = try explanation() {
      let before = Set(presentIssues.map(\.id))
      divergence.knownIssues = explained.issues.map(\.id).filter { !before.contains($0) }
      if divergence.knownIssues.isEmpty { divergence.knownIssues = explained.issues.map(\.id) }
      adopt(explained.issues)
      return found(divergence)
    }
    return found(divergence)
  }

  /// Reports a divergence and says whether the run goes on.
  func found(_ divergence: Divergence) -> Course {
    let replay = ReplayPoint(seed: summary.seed, steps: summary.storm.steps)
    summary.divergences.append(.init(divergence: divergence, replay: replay))
    emit(.divergence(divergence, replay: replay))
    if !divergence.knownIssues.isEmpty, !options.isStrict { return .goesOn }
    let limit = options.keepsGoing ? options.mostDivergences : 1
    return summary.divergences.count >= limit ? .ends : .goesOn
  }

  private struct Explanation {
    var issues: [KnownIssue]
  }

  /// The smallest set of issues under which every answer so far is as observed, and every table as it stands now.
  private func explanation() throws(SandboxError) -> Explanation? {
    let affecting = KnownIssue.affecting(release)
    guard !affecting.isEmpty, historyIsComplete else {
      return nil
    }
    let reading = try reader.readAll(from: sandbox)
    guard reading.hang == nil else { return nil }
    // Where the rules as they are give the same answers and tables, the difference is in what stayed and what is new;
    // no issue explains that.
    var same = newCheck(presentIssues)
    if replay(into: &same, tables: reading.tables) { return nil }
    let issues = KnownIssueSearch.smallestSet(
      of: affecting, excluding: [Set(presentIssues.map(\.id))]
    ) { issues in
      var candidate = newCheck(issues)
      return replay(into: &candidate, tables: reading.tables)
    }
    return issues.map { Explanation(issues: $0) }
  }

  private func replay(into candidate: inout StepCheck, tables: [NamespaceTable]) -> Bool {
    for call in history {
      guard candidate.predict(call.operation, in: call.namespace).errno == call.answer else {
        return false
      }
    }
    return candidate.compare(tables: tables, asStep: history.count, isComplete: true) == nil
  }

  /// Goes on under the rules with these issues.
  private func adopt(_ issues: [KnownIssue]) {
    earlierTally += check.tally
    presentIssues = issues
    check = newCheck(issues)
    let tables = reader.lastTables
    _ = replay(into: &check, tables: tables)
  }
}
