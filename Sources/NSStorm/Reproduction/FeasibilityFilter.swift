import StormEngine
import StormTrace
import StormVerdict
import StormVocabulary

/// The engine's word on which lists of calls can show a symptom at all, so that the kernel is asked about those only.
struct FeasibilityFilter {
  private let rules: KernelRules
  /// The rules with the known issue that is looked for: where both predict the same, the issue cannot show.
  private let rulesWithIssue: KernelRules?
  private let brokenRule: Mutation?
  private let predictedErrno: Errno
  /// The rule that must refuse the last call; nil where it is predicted to succeed, or any rule will do.
  private let refusal: Rule?

  init(settings: SequenceRun.Settings, symptom: Symptom, divergence: Divergence) {
    rules = settings.rules.applying(settings.presentIssues)
    brokenRule = settings.brokenRule
    predictedErrno = divergence.predictedErrno
    switch symptom {
    case .knownIssue(let id):
      let issue = KnownIssue.catalogue.filter { $0.id == id }
      rulesWithIssue = settings.rules.applying(settings.presentIssues + issue)
      refusal = nil
    case .release:
      rulesWithIssue = nil
      refusal = nil
    case .divergence(_, let rule):
      rulesWithIssue = nil
      refusal = divergence.predictedErrno == .none ? nil : rule
    }
  }

  /// What the engine answers to each call; calls of processes that do not live answer ESRCH.
  func answers(of calls: [NumberedCall]) -> [Errno] {
    var model = newModel(rules)
    return calls.map { model.perform($0.operation, by: $0.namespace) }
  }

  /// The calls that can be made, if the last one is among them and is predicted as the symptom has it.
  func feasible(_ calls: [NumberedCall]) -> [NumberedCall]? {
    guard let last = calls.last else { return nil }
    var model = newModel(rules)
    var kept: [NumberedCall] = []
    kept.reserveCapacity(calls.count)
    for call in calls.dropLast() where Self.canBeMade(call, in: model) {
      kept.append(call)
      _ = model.perform(call.operation, by: call.namespace)
    }
    guard Self.canBeMade(last, in: model) else { return nil }
    kept.append(last)
    if refusal != nil { model.beginExplaining() }
    let errno = model.perform(last.operation, by: last.namespace)
    if rulesWithIssue == nil {
      guard errno == predictedErrno else { return nil }
      if let refusal, model.reasonsOfLastCall.last(where: { $0.errno == errno })?.rule != refusal {
        return nil
      }
    }
    if let rulesWithIssue, !differs(kept, from: model, errno, under: rulesWithIssue) { return nil }
    return kept
  }

  private func newModel(_ rules: KernelRules) -> MountModel {
    var model = MountModel(rules: rules)
    model.breakOnPurpose(brokenRule)
    return model
  }

  private static func canBeMade(_ call: NumberedCall, in model: borrowing MountModel) -> Bool {
    guard model.isAlive(call.namespace) else { return false }
    switch call.operation {
    case .unshare(let number, _), .unshareEmpty(let number, _): return !model.isAlive(number)
    case .setns(let number), .openNamespaceFile(_, of: let number, _): return model.isAlive(number)
    default: return true
    }
  }

  private func differs(
    _ calls: [NumberedCall], from model: borrowing MountModel, _ errno: Errno,
    under rules: KernelRules
  ) -> Bool {
    var other = newModel(rules)
    var otherErrno = Errno.none
    for call in calls {
      guard Self.canBeMade(call, in: other) else { return true }
      otherErrno = other.perform(call.operation, by: call.namespace)
    }
    if otherErrno != errno || other.livingProcesses != model.livingProcesses { return true }
    for process in model.livingProcesses
    where other.table(seenBy: process) != model.table(seenBy: process) {
      return true
    }
    return false
  }
}
