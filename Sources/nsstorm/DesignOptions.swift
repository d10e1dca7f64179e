import ArgumentParser
import Foundation
import StormReclamation
import Yams

/// A design and a scenario as the command line or a YAML file composes them.
struct DesignOptions: ParsableArguments {
  @Argument(help: "Designs by name, such as D4. Without any, all of them.")
  var designs: [String] = []

  @Option(name: .customLong("scenario"), help: "Actors, such as U,2W or L,F@1 (mount after @).")
  var scenario: String?

  @Option(help: "Number of mounts (1 to 4).")
  var mounts: Int?

  @Option(help: "How the mounts hang together: separate, sameSuperblock, tree or copies.")
  var relation: String = MountRelation.separate.rawValue

  @Option(help: "CPUs whose counters are summed (2 to 4).")
  var cpus: Int = 2

  @Option(name: .customLong("set"), help: "Vary a choice of the design, such as legit=noFlag.")
  var changes: [String] = []

  @Option(name: .customLong("file"), help: "A YAML file with design, scenario, mounts, relation.")
  var file: String?

  /// What was composed, with the YAML file's values under those of the command line.
  struct Composition {
    var designs: [Design]
    var scenario: Scenario?
    var cpus: Int
  }

  func compose() throws -> Composition {
    do {
      let document = try file.map(CompositionFile.init(path:)) ?? CompositionFile()
      var chosen: [Design] = try designs.map(Self.design(named:))
      if let base = document.base, chosen.isEmpty { chosen = [try Self.design(named: base)] }
      let isVaried = !changes.isEmpty || !document.choices.isEmpty
      if chosen.isEmpty { chosen = isVaried ? [.mainline] : Design.catalogue }
      if isVaried { chosen = try chosen.map { try vary($0, document) } }
      guard (2...CountSystem.maximumCPUs).contains(cpus) else {
        throw CompositionError(
          what: "number of CPUs", value: "\(cpus)", allowed: ["2 to \(CountSystem.maximumCPUs)"])
      }
      let relationText = document.relation ?? relation
      guard let relation = MountRelation(rawValue: relationText) else {
        throw CompositionError(
          what: "relation of the mounts", value: relationText,
          allowed: MountRelation.allCases.map(\.rawValue))
      }
      let scenario = try (scenario ?? document.scenario).map {
        try Scenario(parsing: $0, mountCount: mounts ?? document.mounts, relation: relation)
      }
      return Composition(designs: chosen, scenario: scenario, cpus: cpus)
    } catch let error as CompositionError {
      throw CommandFailure(status: .usage, message: error.description)
    }
  }

  static func design(named name: String) throws -> Design {
    guard let design = Design.named(name) else {
      throw CompositionError(
        what: "design", value: name, allowed: Design.catalogue.map(\.name))
    }
    return design
  }

  private func vary(_ design: Design, _ document: CompositionFile) throws -> Design {
    var varied = design
    for choice in document.choices {
      do {
        try varied.set(choice.name, to: choice.value)
      } catch let error as CompositionError {
        throw CommandFailure(
          status: .badInput, message: "\(file ?? ""):\(choice.line): \(error.description)")
      }
    }
    for change in changes {
      let parts = change.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw CompositionError(
          what: "change of a design", value: change,
          allowed: Design.fields.map { "\($0.name)=\($0.allowed.joined(separator: "|"))" })
      }
      try varied.set(parts[0], to: parts[1])
    }
    varied.name = design.name + "*"
    return varied
  }
}

/// A YAML file such as `{design: {base: D0, waitLazy: rcuWork}, scenario: "L,W"}`.
struct CompositionFile {
  struct Choice {
    var name: String
    var value: String
    var line: Int
  }

  var base: String?
  var choices: [Choice] = []
  var scenario: String?
  var mounts: Int?
  var relation: String?

  init() {}

  init(path: String) throws {
    let text: String
    do {
      text = try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw CommandFailure(status: .badInput, message: "cannot read \(path): \(error)")
    }
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      throw CommandFailure(status: .badInput, message: "\(path): not YAML: \(error)")
    }
    guard let mapping = root?.mapping else {
      throw CommandFailure(
        status: .badInput,
        message: "\(path):1: expected a mapping with design, scenario, mounts, relation")
    }
    for (key, value) in mapping {
      let line = key.mark?.line ?? 0
      switch key.string {
      case "design":
        if let name = value.string {
          base = name
          continue
        }
        for (field, choice) in value.mapping ?? [:] {
          guard let name = field.string, let text = choice.string else { continue }
          if name == "base" {
            base = text
          } else {
            choices.append(Choice(name: name, value: text, line: field.mark?.line ?? line))
          }
        }
      case "scenario": scenario = value.string
      case "mounts":
        guard let count = value.int else {
          throw CommandFailure(
            status: .badInput,
            message: "\(path):\(line): mounts '\(value.string ?? "")' is not a number (1 to 4)")
        }
        mounts = count
      case "relation": relation = value.string
      default:
        throw CommandFailure(
          status: .badInput,
          message: "\(path):\(line): '\(key.string ?? "")' is not known; "
            + "allowed: design, scenario, mounts, relation")
      }
    }
  }
}
