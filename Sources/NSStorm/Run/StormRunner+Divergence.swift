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
    if divergence.follows == nil, let issues = try explainingIssues() {
      let before = Set(presentIssues.map(\.id))
      divergence.knownIssues = issues.map(\.id).filter { !before.contains($0) }
      if divergence.knownIssues.isEmpty { divergence.knownIssues = issues.map(\.id) }
      adopt(issues)
      return found(divergence)
    }
    return found(divergence)
  }

  /// Reports a divergence and says whether the run goes on.
  func found(_ divergence: Divergence) -> Course {
    // Racing calls come after the step that was made last, and before the next one.
    let steps = summary.storm.steps + (race == nil ? 0 : 1)
    let replay = ReplayPoint(seed: summary.seed, steps: steps)
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
  private func explainingIssues() throws(SandboxError) -> [KnownIssue]? {
    guard let calls = history.all() else { return nil }
    let reading = try reader.readAll(from: sandbox)
    guard reading.hang == nil else { return nil }
    return explanation.explain(
      calls, callCount: history.count, tables: reading.tables, present: presentIssues)
  }

  /// Goes on under the rules with these issues.
  private func adopt(_ issues: [KnownIssue]) {
    earlierTally += check.tally
    presentIssues = issues
    check = explanation.newCheck(issues)
    guard let calls = history.all() else { return }
    _ = explanation.follow(
      calls, callCount: history.count, tables: reader.lastTables, in: &check)
  }
}
