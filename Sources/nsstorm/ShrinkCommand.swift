import ArgumentParser
import Foundation
import StormKernel
import StormPlanning
import StormReproduction
import StormRun
import StormTrace
import StormVerdict
import StormVocabulary

/// `nsstorm shrink`: the shortest list of calls that shows the same symptom.
struct ShrinkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shrink",
    abstract: "Find a shorter list of calls that shows the same symptom on this kernel.",
    discussion: """
      Needs root. The engine says which shorter lists are worth trying, the kernel which of them show the symptom: the \
      same rule that decides, the same answers, the same kinds of difference. The result is 1-minimal: taking any one call \
      away loses the symptom.

      Exit codes: 0 a list was found and written; 2 the kernel shows a fault; 4 the symptom does not show here; \
      65 the input is damaged; 130 interrupted, with what was reached.

      Examples:
        nsstorm shrink storm.jsonl --output small.jsonl
        nsstorm shrink first-storm --seed 0x1 --known unbindable-lost-in-namespace-copy
      """)

  @Argument(help: "A trace, or the name or file of a profile.")
  var source: String

  @Option(help: "The seed of a profile, hex or decimal; the profile's own by default.")
  var seed: Seed?

  @Option(help: "So many steps of a profile's plan.")
  var steps: Int?

  @Option(name: .shortAndLong, help: "Write the shortest list to this file, as a trace.")
  var output: String?

  @Option(help: "Write it to this file in the scenario language.")
  var scenario: String?

  @Flag(help: "Print one JSON document (docs/reproduce.md) instead of text.")
  var json = false

  @OptionGroup var options: SymptomOptions

  func validate() throws {
    if let steps, steps < 1 { throw ValidationError("--steps is \(steps); allowed: 1 and more") }
  }

  func run() throws {
    let racing = TraceReader.isTrace(path: source) ? try readSequence(source) : nil
    let calls = try calls()
    var settings = try options.settings()
    let symptom = try options.wanted()
    try dropUnneededCapabilities()
    var control = InterruptWatch()
    var lastShown = ContinuousClock.now
    let goesOn: (Shrinker.Progress) -> Bool = { progress in
      if ContinuousClock.now - lastShown > .seconds(5) {
        lastShown = ContinuousClock.now
        FileHandle.standardError.write(
          Data("\(progress.calls) calls, \(progress.effort.kernelRuns) runs\n".utf8))
      }
      return !control.wantsEnd()
    }
    if let racing { settings.releaseCheck = ReleaseCheck(contract: racing.contract) }
    if let racing, racing.racingCallCount + racing.releaseRoundCount > 0 {
      try finish(
        try searched { () throws(Shrinker.Failure) in
          try RaceShrinker(settings).shrink(racing.items, symptom: symptom, goesOn: goesOn)
        }, design: racing.header.design, release: settings.release,
        wasInterrupted: { control.wantsEnd() })
    } else {
      let result = try searched { () throws(Shrinker.Failure) in
        try Shrinker(settings).shrink(calls, symptom: symptom, goesOn: goesOn)
      }
      try write(result)
      if json {
        print(
          try JSONDocument.text(
            ShrinkDocument(result, frame(settings.release, wasInterrupted: control.wantsEnd()))))
      } else {
        show(result)
      }
    }
    if control.wantsEnd() { throw ExitStatus.interrupted.exitCode }
  }

  private func calls() throws -> [NumberedCall] {
    if TraceReader.isTrace(path: source) {
      return try readSequence(source).calls
    }
    let loaded = try ProfileLibrary.ofThisProcess.profile(source)
    let profile = loaded.planned(for: try PredictedKernel.release())
    let plan: Plan
    do throws(PlanError) {
      plan = try Plan(profile: steps.map(profile.extended(toSteps:)) ?? profile, seed: seed)
    } catch {
      throw CommandFailure(status: .badInput, message: error.description)
    }
    let planned = steps.map { Array(plan.steps.prefix($0)) } ?? plan.steps
    if plan.steps.isEmpty {
      throw CommandFailure(
        status: .badInput, message: "\(source) has no sequential steps that could be made again")
    }
    return planned.enumerated().map {
      NumberedCall(number: $0.offset, namespace: $0.element.actor, operation: $0.element.operation)
    }
  }

  private func searched<Result>(
    _ search: () throws(Shrinker.Failure) -> Result
  ) throws -> Result {
    do throws(Shrinker.Failure) { return try search() } catch { throw failure(error) }
  }

  /// Racing calls and release rounds have no words in the scenario language: they are listed as they were made.
  private func finish(
    _ result: RaceShrinker.Result, design: String?, release: KernelRelease,
    wasInterrupted: () -> Bool
  ) throws {
    let kernel = RunningKernel.ofThisMachine()
    if let output {
      let header = TraceHeader(
        kernel: kernel.release, build: kernel.build, profile: nil, planRules: nil,
        design: design, table: result.initialTable)
      try nsstorm.write(TraceText.bytes(header, lines: result.lines), to: output)
    }
    if json {
      print(
        try JSONDocument.text(
          ShrinkDocument(result, frame(release, wasInterrupted: wasInterrupted()))))
    } else {
      show(result)
    }
  }

  private func frame(_ rules: KernelRelease, wasInterrupted: Bool) -> ShrinkDocument.Frame {
    ShrinkDocument.Frame(
      source: source, rules: rules, status: wasInterrupted ? .interrupted : .agreed, output: output)
  }

  private func show(_ result: RaceShrinker.Result) {
    print("symptom      \(result.symptom)")
    print(
      "calls        \(result.calls), \(result.racingCalls) of them racing, \(result.releaseRounds) release rounds, from \(result.callsBefore); "
        + (result.isMinimal
          ? "without any one of them the symptom did not show in \(result.runsPerCandidate) runs"
          : "the search was ended before all were tried"))
    for line in result.lines {
      switch line {
      case .step(let step): print("  \(step.namespace): \(step.operation)")
      case .window(let window):
        for call in window.window.calls {
          print("  \(call.process), worker \(call.worker): \(call.operation) -> \(call.errno.name)")
        }
      case .release(let release):
        if let round = release.round { print("  release round \(round.plan)") }
      case .end: break
      }
    }
    if let divergence = result.divergence { print("\(divergence)") }
    if let release = result.release { print("\(release)") }
    print("reproduced   before: \(result.rateBefore); after: \(result.rateAfter)")
    let effort = result.effort
    print(
      "effort       \(effort.candidates) lists, each run up to \(result.runsPerCandidate) times, "
        + "\(effort.kernelRuns) runs, \((effort.seconds * 10).rounded() / 10) s")
    if let output { print("next         nsstorm replay \(output) --times 50") }
  }

  private func write(_ result: Shrinker.Result) throws {
    let kernel = RunningKernel.ofThisMachine()
    if let output {
      try nsstorm.write(result.trace(kernel: kernel.release, build: kernel.build), to: output)
    }
    if let scenario { try nsstorm.write(result.scenarioText, to: scenario) }
  }

  private func show(_ result: Shrinker.Result) {
    print("symptom      \(result.symptom)")
    if !result.presentIssues.isEmpty {
      print("besides      known: \(result.presentIssues.joined(separator: ", "))")
    }
    print(
      "calls        \(result.calls.count), from \(result.callsBefore); "
        + (result.isMinimal
          ? "each of them is needed" : "the search was ended before all were tried"))
    for line in result.scenarioLines { print("  \(line)") }
    print("\(result.found.divergence)")
    print("reproduced   before: \(result.rateBefore); after: \(result.rateAfter)")
    if result.runsPerCandidate > 1 {
      print(
        "flaky        the symptom does not show every time; each list was run up to "
          + "\(result.runsPerCandidate) times before it counted as lost")
    }
    let effort = result.effort
    print(
      "effort       \(effort.candidates) lists, \(effort.rejectedByEngine) ruled out by the engine, "
        + "\(effort.kernelRuns) runs, \((effort.seconds * 10).rounded() / 10) s")
    if let output {
      let words = ["nsstorm repro", output] + options.words + ["--format c"]
      print("next         \(words.joined(separator: " "))")
    }
  }

  private func failure(_ failure: Shrinker.Failure) -> CommandFailure {
    switch failure {
    case .sandbox(let error): return nsstorm.failure(error)
    case .fault(let fault):
      return CommandFailure(status: .kernelFault, message: "the kernel shows a fault: \(fault)")
    case .notShown(let runs, let instead):
      var message = "the symptom did not show in \(runs) run\(runs == 1 ? "" : "s") on this kernel"
      let known = Set(instead.flatMap(\.knownIssues)).sorted()
      if options.symptom == nil, options.known == nil {
        message = "no divergence showed that nothing explains"
        if let id = known.first {
          message += "; known issues did: --known \(id) shrinks that one"
        }
      } else if !instead.isEmpty {
        message += "; others did: " + instead.map { "\(Symptom($0))" }.joined(separator: ", ")
      }
      return CommandFailure(status: .nothingChecked, message: message)
    }
  }
}
