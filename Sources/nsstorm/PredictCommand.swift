import ArgumentParser
import Foundation
import StormEngine
import StormPlanning
import StormReport
import StormVocabulary

/// `nsstorm predict`: a plan and what the engine says to it, without a kernel and without privilege.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Print a plan and its predictions; touches no kernel and needs no rights.",
    discussion: """
      Columns: step, phase, namespace, predicted answer, copies that propagation makes (+) and takes (-), \
      tables that change, mounts in all tables, the call, and why it is in the plan.

      Examples:
        nsstorm predict
        nsstorm predict propagation --seed 7 --rules 7.3.4
      """)

  @Argument(help: "The name of a profile, or the path of its file.")
  var profile = "first-storm"

  @Option(help: "The seed, hex or decimal; the profile's own by default.")
  var seed: Seed?

  @Option(help: "Predict for this kernel release; the profile's plan rules by default.")
  var rules: KernelRelease?

  @Option(help: "Print only so many steps of each phase.")
  var steps: Int?

  @Flag(help: "Print how often each rule of the engine is exercised.")
  var coverage = false

  func run() throws {
    let loaded = try ProfileLibrary.ofThisProcess.profile(profile)
    let release = rules ?? loaded.rules
    let profile = loaded.planned(for: release)
    guard let kernelRules = KernelRules(release: release) else {
      throw CommandFailure(
        status: .badInput,
        message: "no rules for kernel \(release); known: \(KernelRules.knownReleases.lowerBound) "
          + "to \(KernelRules.knownReleases.upperBound.major)."
          + "\(KernelRules.knownReleases.upperBound.minor)")
    }
    let plan: Plan
    do {
      plan = try Plan(profile: profile, seed: seed)
    } catch {
      throw CommandFailure(status: .badInput, message: error.description)
    }
    print(
      "profile \(plan.profile.name), seed \(plan.seed), planned under \(plan.rules), "
        + "predicted for \(release)")
    var rows = PredictionRows(rules: kernelRules, profile: profile, stepLimit: steps)
    for item in plan.items { if let row = rows.add(item) { print(row) } }
    print(rows.summary)
    if coverage { print(RuleCoverageReport(rows.coverage, on: kernelRules).text) }
  }
}
