import StormKernel
import StormPlanning
import StormVerdict
import StormVocabulary

// Two observers of the mount tables: each is enough, and where a profile asks for both they must agree with each other.

extension StormRunner {
  /// The observers of a profile that this kernel has, and why others are left out.
  static func usableObservers(_ profile: Profile) -> (observers: [TableObserver], missing: String?)
  {
    guard profile.observers.contains(.statmount), !Sandbox.statmountIsComplete else {
      return (profile.observers, nil)
    }
    return ([.mountinfo], "this kernel's statmount does not tell the source of a mount (6.13+)")
  }

  /// Counts what both observers read, and reports where they contradict each other.
  func judgeObservers(
    _ reading: TableReader.Reading, after step: PlannedStep?, answer: Errno = .none
  ) -> Course {
    if reading.doublyReadTables > 0 {
      summary.checks.doublyReadTables =
        (summary.checks.doublyReadTables ?? 0) + reading.doublyReadTables
    }
    guard !reading.disagreements.isEmpty else { return .goesOn }
    for issue in QueryIssue.affecting(release) where !warnedQueryIssues {
      warn("this release may have a known bug of the query calls: \(issue.title) (\(issue.fix))")
    }
    warnedQueryIssues = true
    return found(
      Divergence(
        step: step == nil ? summary.storm.steps : summary.storm.steps - 1,
        namespace: step?.actor ?? 0, operation: step?.operation, answer: answer,
        disagreements: reading.disagreements))
  }
}
