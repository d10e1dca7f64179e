import ArgumentParser
import Foundation
import StormEngine
import StormKernel
import StormScenario
import StormVocabulary

/// `nsstorm scenario`: programs written by hand, run on the kernel and checked.
struct ScenarioCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scenario",
    abstract: "Run scenario files on the running kernel and check them against the engine.",
    discussion: """
      Needs root, except with --predict. The language: `case NAME: title` begins a scenario, `@B` names the acting namespace, \
      a leading `-` marks a step that must succeed and is not shown. Examples stand in profiles/scenarios/.

      Examples:
        nsstorm scenario profiles/scenarios/propagation.scenario
        nsstorm scenario --predict --rules 6.12.107 profiles/scenarios/examples.scenario
      """)

  @Argument(help: "Scenario files.")
  var files: [String]

  @Option(help: "Only the scenario of this name.")
  var only: String?

  @Option(help: "Predict for this kernel release instead of the running one.")
  var rules: KernelRelease?

  @Flag(help: "Print what the engine expects; touches no kernel and needs no rights.")
  var predict = false

  @Flag(help: "Count differences that known issues explain as failures.")
  var strict = false

  @Flag(help: "Print the whole transcript of every scenario, not only of those that differ.")
  var verbose = false

  func run() throws {
    let release = try rules ?? PredictedKernel.release()
    let kernelRules = try PredictedKernel.rules(for: release)
    var scenarios: [Scenario] = []
    for file in files {
      guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
        throw CommandFailure(status: .badInput, message: "\(file): cannot be read as UTF-8 text")
      }
      do { scenarios += try ScenarioParser(file: file).parse(text) } catch {
        throw CommandFailure(status: .badInput, message: "\(error)")
      }
    }
    if let only { scenarios.removeAll { $0.name != only } }
    if scenarios.isEmpty {
      throw CommandFailure(status: .nothingChecked, message: "there is no scenario to run")
    }
    if !predict { try dropUnneededCapabilities() }
    do {
      if predict {
        try show(scenarios, kernelRules)
      } else {
        try check(scenarios, kernelRules, release)
      }
    } catch let problem as ScenarioProblem {
      throw CommandFailure(status: .badInput, message: "\(problem)")
    } catch let error as SandboxError {
      throw failure(error)
    } catch let stuck as KernelWorld.Stuck {
      throw CommandFailure(status: .kernelFault, message: "\(stuck)")
    }
  }

  private func show(_ scenarios: [Scenario], _ rules: KernelRules) throws {
    for scenario in scenarios {
      var run = ScenarioRun(world: EngineWorld(rules: rules))
      for line in try run.run(scenario).lines { print(line) }
    }
  }

  private func check(
    _ scenarios: [Scenario], _ rules: KernelRules, _ release: KernelRelease
  ) throws {
    let check = ScenarioCheck(rules: rules, release: release)
    var known = 0
    var violated = 0
    for scenario in scenarios {
      let verdict = try check.check(scenario)
      let word: String
      if verdict.isViolation || strict && verdict.differs {
        word = "differs"
        violated += 1
      } else if verdict.differs {
        word = "known issue \(verdict.explainedBy.joined(separator: ", "))"
        known += 1
      } else {
        word = "agrees"
      }
      print("\(scenario.name): \(scenario.title): \(word)")
      if verdict.differs || verbose {
        for line in verdict.lines { print("  \(line.side.rawValue) \(line.text)") }
      }
    }
    print(
      "\(scenarios.count) scenarios on \(RunningKernel.ofThisMachine().release): "
        + "\(scenarios.count - known - violated) agree, \(known) known issues, \(violated) differ")
    if violated > 0 { throw ExitStatus.diverged.exitCode }
  }
}
