import ArgumentParser
import StormEngine
import StormPlanning
import StormScenario
import StormTrace
import StormVerdict
import StormVocabulary

/// `nsstorm explain`: why a call answers what it answers.
struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Print the chain of rules behind an answer, and the tables before and after.",
    discussion: """
      Examples:
        nsstorm explain 'tmpfs s /s; shared /s; ns B; tmpfs t /s/d; @B umount /s/d'
        nsstorm explain --rules 6.12 --all 'tmpfs m /m; open 1 /m; umount /m'
        nsstorm explain trace run.jsonl --step 17
        nsstorm explain plan propagation --seed 7 --step 40
        nsstorm explain busy 'tmpfs m /m; open 1 /m' /m
      On a typed line, directories that a step needs are made for it.
      """,
    subcommands: [Line.self, FromTrace.self, FromPlan.self, Busy.self], defaultSubcommand: Line.self
  )

  struct Line: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "line", abstract: "Explain operations typed on a line (the default).",
      discussion: """
        Examples:
          nsstorm explain line 'tmpfs s /s; shared /s; ns B; tmpfs t /s/d; @B umount /s/d'
        """)

    @Argument(help: "Steps in the scenario language, separated by semicolons.") var steps: String
    @Option(help: "Predict for this kernel release; the newest known by default.") var rules:
      KernelRelease?
    @Flag(help: "Explain every step, not only the last one.") var all = false

    func run() throws {
      var typed = try TypedLine(steps, rules: rules)
      for line in try typed.explain(all: all) { print(line) }
    }
  }

  struct Busy: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "busy", abstract: "Name what pins a mount after some steps.",
      discussion: """
        Examples:
          nsstorm explain busy 'tmpfs m /m; open 1 /m' /m
        """)

    @Argument(help: "Steps in the scenario language, separated by semicolons.") var steps: String
    @Argument(help: "A path on the mount.") var path: String
    @Option(help: "Predict for this kernel release; the newest known by default.") var rules:
      KernelRelease?

    func run() throws {
      var typed = try TypedLine(steps, rules: rules)
      _ = try typed.explain(all: false)
      switch typed.model.pins(on: .path(path), by: 0) {
      case .failure(let errno): print("\(path): \(errno)")
      case .success(let pins):
        if pins.isEmpty { print("nothing pins \(path): a synchronous umount would succeed") }
        for pin in pins { print("\(path) is pinned by \(pin)") }
      }
    }
  }

  struct FromTrace: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "trace", abstract: "Explain one step of a trace.",
      discussion: """
        Examples:
          nsstorm explain trace run.jsonl --step 17
        """)

    @Argument(help: "A trace file.") var file: String
    @Option(help: "The step's number.") var step: Int
    @Option(help: "Predict for this kernel release; the trace's own by default.") var rules:
      KernelRelease?

    func run() throws {
      do {
        var reader = try TraceReader(path: file)
        let named = KernelRelease(release: reader.header.kernel, build: reader.header.build)
        guard let release = rules ?? named else {
          throw CommandFailure(
            status: .badInput, message: "\(file): no version in the kernel's name; give --rules")
        }
        var model = MountModel(
          rules: try PredictedKernel.rules(for: release), initialTable: reader.header.table)
        while let line = try reader.next() {
          guard case .step(let recorded) = line else { continue }
          if recorded.number == step {
            let lines = Explanation().explain(
              recorded.operation, by: recorded.namespace, in: &model)
            for line in lines { print(line) }
            print("  recorded: \(recorded.result)")
            return
          }
          _ = model.perform(recorded.operation, by: recorded.namespace)
        }
        throw CommandFailure(status: .badInput, message: "\(file) has no step \(step)")
      } catch let error as TraceError {
        throw CommandFailure(status: .badInput, message: "\(error)")
      }
    }
  }

  struct FromPlan: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "plan", abstract: "Explain one step of a profile's plan.",
      discussion: """
        Examples:
          nsstorm explain plan propagation --seed 7 --step 40
        """)

    @Argument(help: "The name of a profile, or the path of its file.") var profile: String
    @Option(help: "The seed, hex or decimal; the profile's own by default.") var seed: Seed?
    @Option(help: "The step's number, as predict prints it.") var step: Int
    @Option(help: "Predict for this kernel release; the profile's plan rules by default.")
    var rules: KernelRelease?

    func run() throws {
      let loaded = try ProfileLibrary.ofThisProcess.profile(profile)
      let profile = loaded.planned(for: rules ?? loaded.rules)
      let plan: Plan
      do { plan = try Plan(profile: profile, seed: seed) } catch {
        throw CommandFailure(status: .badInput, message: error.description)
      }
      var model = MountModel(rules: try PredictedKernel.rules(for: rules ?? profile.rules))
      var number = 0
      for item in plan.items {
        guard case .step(let planned) = item else { continue }
        if number == step {
          let lines = Explanation().explain(planned.operation, by: planned.actor, in: &model)
          for line in lines { print(line) }
          return
        }
        _ = model.perform(planned.operation, by: planned.actor)
        number += 1
      }
      throw CommandFailure(status: .badInput, message: "the plan has \(number) steps, from 0")
    }
  }
}

/// A scenario on one line, walked by the engine on a bare root.
private struct TypedLine: ~Copyable {
  var model: MountModel
  private let scenario: Scenario
  private var processes = ["A": 0]

  init(_ text: String, rules release: KernelRelease?) throws {
    let parsed = try Self.parse(text)
    let rules = try release.map(PredictedKernel.rules) ?? .newest
    scenario = parsed
    model = MountModel(rules: rules)
  }

  private static func parse(_ text: String) throws -> Scenario {
    do { return try ScenarioParser(file: "line", base: "").parse(line: text) } catch {
      throw CommandFailure(status: .badInput, message: "\(error)")
    }
  }

  mutating func explain(all: Bool) throws -> [String] {
    var lines: [String] = []
    for (position, step) in scenario.steps.enumerated() {
      guard let process = processes[step.actor] else {
        throw CommandFailure(status: .badInput, message: "no namespace \(step.actor) lives")
      }
      let shows = all || position == scenario.steps.count - 1
      for operation in try operations(of: step) {
        for path in needed(by: operation) { makeDirectories(path, by: process) }
        let names = Dictionary(uniqueKeysWithValues: processes.map { ($0.value, $0.key) })
        let explained = Explanation(names: names).explain(operation, by: process, in: &model)
        if shows { lines += explained }
      }
    }
    return lines
  }

  private mutating func operations(of step: ScenarioStep) throws -> [Operation] {
    switch step.command {
    case .calls(let operations): return operations
    case .namespace(let name, let newUser), .emptyNamespace(let name, let newUser):
      let number = (processes.values.max() ?? 0) + 1
      processes[name] = number
      if case .emptyNamespace = step.command {
        return [.unshareEmpty(namespace: number, newUser: newUser)]
      }
      return [.unshare(namespace: number, newUser: newUser)]
    case .openNamespaceFile(let kind, let name, let slot):
      guard let number = processes[name] else {
        throw CommandFailure(status: .badInput, message: "no namespace \(name) lives")
      }
      return [.openNamespaceFile(kind, of: number, slot)]
    case .exit: return [.exit]
    case .stat(let path): return [.stat(path)]
    case .setns(let name):
      guard let number = processes[name] else {
        throw CommandFailure(status: .badInput, message: "no namespace \(name) lives")
      }
      return [.setns(number)]
    case .repeat(_, let operations): return operations
    case .descriptorPath, .count, .dump, .say, .pause: return []
    }
  }

  /// Directories that a typed line may leave out.
  private func needed(by operation: Operation) -> [String] {
    guard case .mount(let call) = operation, case .path(let target) = call.target else { return [] }
    let attaches = call.type != nil || !call.flags.isDisjoint(with: [.bind, .move])
    return attaches ? [target] : []
  }

  private mutating func makeDirectories(_ path: String, by process: Int) {
    var prefix = ""
    for component in path.split(separator: "/") {
      prefix += "/" + component
      _ = model.perform(.mkdir(.path(prefix)), by: process)
    }
  }
}
