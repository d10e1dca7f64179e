import StormVocabulary
import Yams

/// Turns YAML nodes into values and collects what is wrong with them, so that a person sees all problems at once.
///
/// A method that finds a problem records it and returns nil; the caller goes on with a default.
struct NodeReader {
  let file: String
  private(set) var problems: [ProfileProblem] = []

  init(file: String) {
    self.file = file
  }

  mutating func report(_ node: Node, _ message: String) {
    problems.append(
      ProfileProblem(
        file: file, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, message: message))
  }

  /// The values of a mapping whose keys are all allowed; a missing required key is reported at the mapping.
  mutating func fields(
    _ node: Node, of what: String, allowed: [String], required: [String] = []
  ) -> [String: Node]? {
    guard case .mapping(let mapping) = node else {
      report(node, "\(what) is a mapping with the keys \(list(allowed)); found \(shape(node))")
      return nil
    }
    var fields: [String: Node] = [:]
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key, allowed.contains(scalar.string) else {
        let name = text(key) ?? shape(key)
        let similar = nearest(to: name, among: allowed).map { "; did you mean '\($0)'?" } ?? ""
        report(key, "unknown key '\(name)' in \(what)\(similar) (allowed: \(list(allowed)))")
        continue
      }
      fields[scalar.string] = value
    }
    for key in required where fields[key] == nil {
      report(node, "\(what) needs the key '\(key)'")
    }
    return fields
  }

  mutating func string(_ node: Node, _ what: String) -> String? {
    guard let text = text(node), !text.isEmpty else {
      report(node, "\(what) is a text; found \(shape(node))")
      return nil
    }
    return text
  }

  mutating func integer(_ node: Node, _ what: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = text(node), let value = Int(text) else {
      report(
        node,
        "\(what) is a whole number from \(range.lowerBound) to \(range.upperBound); "
          + "found \(shape(node))")
      return nil
    }
    guard range.contains(value) else {
      report(node, "\(what) is \(value); allowed: \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return value
  }

  mutating func share(_ node: Node, _ what: String) -> Double? {
    guard let text = text(node), let value = Quantity.share(text) else {
      report(node, "\(what) is a share from 0 to 1 or from 0% to 100%; found \(shape(node))")
      return nil
    }
    return value
  }

  mutating func duration(_ node: Node, _ what: String) -> Duration? {
    guard let text = text(node), let value = Quantity.duration(text), value > .zero else {
      report(
        node,
        "\(what) is a duration such as 500ms, 90s, 10m, 8h or 2d; found \(shape(node))")
      return nil
    }
    return value
  }

  mutating func bytes(_ node: Node, _ what: String, in range: ClosedRange<Int>) -> Int? {
    guard let text = text(node), let value = Quantity.bytes(text) else {
      report(node, "\(what) is a size such as 65536, 64k or 16m; found \(shape(node))")
      return nil
    }
    guard range.contains(value) else {
      report(
        node,
        "\(what) is \(value) bytes; allowed: \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return value
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ node: Node, _ what: String, as type: Choice.Type = Choice.self
  ) -> Choice? where Choice.RawValue == String {
    let allowed = Choice.allCases.map(\.rawValue)
    guard let text = text(node) else {
      report(node, "\(what) is one of \(list(allowed)); found \(shape(node))")
      return nil
    }
    guard let choice = Choice(rawValue: text) else {
      let similar = nearest(to: text, among: allowed).map { "; did you mean '\($0)'?" } ?? ""
      report(node, "\(what) is '\(text)'\(similar) (allowed: \(list(allowed)))")
      return nil
    }
    return choice
  }

  /// A mapping from the names of choices to weights 0 ... 1,000,000. Choices not named get none.
  mutating func weights<Choice: RawRepresentable & CaseIterable & Hashable & Sendable>(
    _ node: Node, _ what: String, of type: Choice.Type = Choice.self
  ) -> Weights<Choice>? where Choice.RawValue == String {
    let problemsBefore = problems.count
    guard let fields = fields(node, of: what, allowed: Choice.allCases.map(\.rawValue)) else {
      return nil
    }
    var entries: [Weights<Choice>.Entry] = []
    for choice in Choice.allCases {
      guard let value = fields[choice.rawValue] else { continue }
      let weight = integer(value, "the weight of \(choice.rawValue)", in: 0...1_000_000)
      entries.append(.init(choice, weight ?? 0))
    }
    let weights = Weights(entries)
    if weights.isEmpty, problems.count == problemsBefore {
      report(node, "\(what) leaves nothing to choose: every weight is 0")
    }
    return weights
  }

  private func text(_ node: Node) -> String? {
    if case .scalar(let scalar) = node { scalar.string } else { nil }
  }

  private func list(_ words: [String]) -> String { words.joined(separator: ", ") }

  /// The node as an error message quotes it.
  private func shape(_ node: Node) -> String {
    switch node {
    case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string.prefix(60))'"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }
}
