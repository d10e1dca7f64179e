import StormEngine
import StormTrace
import StormVerdict
import StormVocabulary

/// Guesses from the engine alone which calls a divergence needs: those without which the last call is no longer predicted
/// alike for the mounts that differ. A guess, because what the kernel depends on is what is being looked for; it saves
/// hundreds of runs where it is right, and the kernel is asked about it like about any other list.
struct EngineSlice {
  private let rules: KernelRules
  private let brokenRule: Mutation?
  private let divergence: Divergence
  /// What the engine says of the differing mounts when all calls are made.
  private let expected: Answer?

  private struct Answer: Equatable {
    var errno: Errno
    var rule: Rule?
    var before: [[Appearance]]
    var after: [[Appearance]]
  }

  /// What of a mount means something without numbers.
  private struct Appearance: Hashable {
    var place: MountDifference.Place
    var isShared: Bool
    var isSlave: Bool
    var isUnbindable: Bool
    var attributes: MountAttributes
  }

  init(
    _ calls: [NumberedCall], rules: KernelRules, brokenRule: Mutation?, divergence: Divergence
  ) {
    let blank = EngineSlice(
      rules: rules, brokenRule: brokenRule, divergence: divergence, expected: nil)
    self.init(
      rules: rules, brokenRule: brokenRule, divergence: divergence,
      expected: blank.answer(to: calls))
  }

  private init(
    rules: KernelRules, brokenRule: Mutation?, divergence: Divergence, expected: Answer?
  ) {
    self.rules = rules
    self.brokenRule = brokenRule
    self.divergence = divergence
    self.expected = expected
  }

  /// The calls that are left; all of them where the engine cannot follow.
  func reduce(_ calls: [NumberedCall], goesOn: () -> Bool) -> [NumberedCall] {
    guard expected != nil, let last = calls.last else { return calls }
    let result = Reduction<NumberedCall>.reduce(Array(calls.dropLast())) { elements in
      guard goesOn() else { return .stop }
      guard answer(to: elements + [last]) == expected else { return .fails }
      return .holds(elements)
    }
    return result.elements + [last]
  }

  private func answer(to calls: [NumberedCall]) -> Answer? {
    guard let last = calls.last else { return nil }
    var model = MountModel(rules: rules)
    model.breakOnPurpose(brokenRule)
    for call in calls.dropLast() {
      if let number = call.operation.newNamespace, model.isAlive(number) { return nil }
      guard model.isAlive(call.namespace) else { continue }
      _ = model.perform(call.operation, by: call.namespace)
    }
    guard model.isAlive(last.namespace) else { return nil }
    let before = appearances(in: model)
    model.beginExplaining()
    let errno = model.perform(last.operation, by: last.namespace)
    let rule = model.reasonsOfLastCall.last { $0.errno != .none }?.rule
    return Answer(errno: errno, rule: rule, before: before, after: appearances(in: model))
  }

  private func appearances(in model: borrowing MountModel) -> [[Appearance]] {
    var all: [[Appearance]] = []
    for table in divergence.tables {
      guard model.isAlive(table.namespace) else {
        all.append([])
        continue
      }
      let places = Set(table.mounts.map(\.place))
      all.append(
        model.table(seenBy: table.namespace).entries.compactMap { entry in
          let place = MountDifference.Place(entry)
          guard places.contains(place) else { return nil }
          return Appearance(
            place: place, isShared: entry.sharedGroup != nil, isSlave: entry.masterGroup != nil,
            isUnbindable: entry.isUnbindable, attributes: entry.attributes)
        })
    }
    return all
  }
}
