import Foundation
import StormEngine
import StormPlanning
import StormVocabulary

/// The rows of `nsstorm predict`, in fixed columns, and the sums below them.
struct PredictionRows: ~Copyable {
  private var predictor: Predictor
  private let profile: Profile
  private let stepLimit: Int
  private var phase = 0
  private var stepOfPhase = 0
  private var step = 0
  private var answers: [Errno: Int] = [:]
  private var namespaces: Set<NamespaceNumber> = []
  private var copiesMade = 0
  private var copiesTaken = 0
  private var entries = 0
  private var volleyCalls = 0
  private var shapes: [String: Int] = [:]

  static let header =
    "  step ph  ns answer         copies tables mounts  call"

  init(rules: KernelRules, profile: Profile, stepLimit: Int?) {
    predictor = Predictor(rules: rules)
    self.profile = profile
    self.stepLimit = stepLimit ?? .max
  }

  /// The row of an item, or nil where it is not to be shown.
  mutating func add(_ item: PlanItem) -> String? {
    switch item {
    case .phase(let index):
      phase = index + 1
      stepOfPhase = 0
      return "\nphase \(phase): \(profile.phases[index].name)\n\(Self.header)"
    case .step(let planned):
      defer { step += 1 }
      stepOfPhase += 1
      let prediction = predictor.perform(planned.operation, by: planned.actor)
      answers[prediction.answer, default: 0] += 1
      if case .shape(let kind) = planned.origin { shapes[kind.rawValue, default: 0] += 1 }
      count(prediction)
      guard stepOfPhase <= stepLimit else { return nil }
      let columns = [
        pad(String(step), 6), pad(String(phase), 2), pad(String(planned.actor), 3),
        padEnd(prediction.answer.name, 13),
        pad(copies(prediction), 7), pad(String(prediction.changed.count), 6),
        pad(String(predictor.entryCount), 6),
      ]
      return columns.joined(separator: " ") + "  "
        + padEnd("\(planned.operation)", 44) + " \(planned.origin)"
    case .release(let round):
      step += 1
      stepOfPhase += 1
      guard stepOfPhase <= stepLimit else { return nil }
      return "\(pad(String(step - 1), 6)) \(pad(String(phase), 2))   - release round: "
        + padEnd("\(round)", 30) + " \(round.way.explanation)"
    case .race(let race):
      // Whatever order is performed, the end of the round removes everything; what races is judged by a run only.
      for call in race.prelude {
        _ = predictor.perform(call.operation, by: race.workers[call.worker].process)
      }
      for (worker, program) in zip(race.workers, race.programs) {
        for call in program { _ = predictor.perform(call.operation, by: worker.process) }
      }
      volleyCalls += race.callCount
      return
        "     - round \(race.round), racing: \(race.callCount) calls by \(race.workers.count) workers"
        + (race.walks.isEmpty ? "" : " while \(race.walks.count) walk")
    case .volley(let volley):
      let prediction = predictor.perform(volley)
      count(prediction)
      volleyCalls += volley.callCount
      return "     - all at once: \(volley.callCount) calls by \(volley.programs.count) workers"
        + " (\(volley.assault.rawValue)); copies \(copies(prediction)), "
        + "tables changed \(prediction.changed.count)"
    }
  }

  /// How often the predictions so far asked each rule.
  var coverage: RuleCoverage { predictor.model.ruleCoverage }

  private mutating func count(_ prediction: Predictor.Prediction) {
    namespaces.formUnion(predictor.living)
    copiesMade += prediction.copiesMade
    copiesTaken += prediction.copiesTaken
    for namespace in prediction.changed {
      entries += predictor.table(of: namespace).entries.count
    }
  }

  var summary: String {
    let calls = answers.values.reduce(0, +)
    let succeeded = answers[.none] ?? 0
    let failures = answers.filter { $0.key != .none }.sorted {
      ($1.value, $0.key) < ($0.value, $1.key)
    }
    let share = calls == 0 ? 0 : 100 * succeeded / calls
    var lines = [
      "",
      "calls        \(calls) one by one (\(share)% succeed), \(volleyCalls) at once",
      "errnos       \(failures.count): "
        + failures.map { "\($0.key.name) \($0.value)" }.joined(separator: ", "),
      "namespaces   \(namespaces.count)",
      "copies       \(copiesMade) made by propagation, \(copiesTaken) taken",
      "tables       \(entries) entries of changed tables",
    ]
    if !shapes.isEmpty {
      lines.append(
        "shapes       "
          + shapes.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
          .joined(separator: ", "))
    }
    return lines.joined(separator: "\n")
  }

  private func copies(_ prediction: Predictor.Prediction) -> String {
    switch (prediction.copiesMade, prediction.copiesTaken) {
    case (0, 0): "."
    case (let made, 0): "+\(made)"
    case (0, let taken): "-\(taken)"
    case (let made, let taken): "+\(made)-\(taken)"
    }
  }

  private func pad(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private func padEnd(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
