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
    var divergence = divergence
    let isExplained = !divergence.knownIssues.isEmpty && !options.isStrict
    let limit = options.keepsGoing ? options.mostDivergences : 1
    let goesOn = isExplained || summary.divergences.count + 1 < limit
    if goesOn, divergence.knownIssues.isEmpty, race == nil, check.adopt() {
      divergence.wasAdopted = true
      history.adopt(reader.lastTables)
    }
    // Racing calls come after the step that was made last, and before the next one.
    let steps = summary.storm.steps + (race == nil ? 0 : 1)
    let replay = ReplayPoint(seed: summary.seed, steps: steps)
    summary.divergences.append(.init(divergence: divergence, replay: replay))
    emit(.divergence(divergence, replay: replay))
    return goesOn ? .goesOn : .ends
  }

  /// The smallest set of issues under which every answer so far is as observed, and every table as it stands now.
  private func explainingIssues() throws(SandboxError) -> [KnownIssue]? {
    guard let calls = history.all() else { return nil }
    let reading = try reader.readAll(from: sandbox)
    guard reading.hang == nil else { return nil }
    let finding = explanation.explain(
      calls, callCount: history.count, tables: reading.tables, present: presentIssues)
    if let spent = finding.givenUp {
      warn(
        "the search for known issues was given up after \(spent.walks) walks through the history "
          + "with \(spent.calls) calls; the divergence counts as unexplained")
    }
    return finding.issues
  }

  /// Goes on under the rules with these issues.
  private func adopt(_ issues: [KnownIssue]) {
    earlierTally += check.tally
    presentIssues = issues
    check = explanation.newCheck(issues)
    guard let calls = history.all() else { return }
    _ = explanation.walk(
      calls, callCount: history.count, tables: reader.lastTables, in: &check)
  }
}
