public import StormEngine
import StormVocabulary

/// What must show again for a divergence to count as the same one: replay, shrinking and bisection look for a symptom,
/// not for any red result.
///
/// In text: `unshare: wrong unbindable [namespaceCopied]` (the shape of the difference and the rule of the engine that
/// decides), the same without the rule, or `known:unbindable-lost-in-namespace-copy`.
public enum Symptom: Hashable, Sendable {
  /// The shape is that of ``Divergence/signature``. Without a rule, any rule will do.
  case divergence(shape: String, rule: Rule?)
  /// A known issue of the kernel, by its id.
  case knownIssue(String)

  /// Exactly this divergence: its shape and the rule that decided.
  public init(_ divergence: Divergence) {
    self = .divergence(
      shape: divergence.signature,
      rule: divergence.rule.flatMap { name in Rule.allCases.first { $0.name == name } })
  }

  /// Whether a divergence shows the symptom.
  public func matches(_ divergence: Divergence) -> Bool {
    switch self {
    case .divergence(let shape, let rule):
      divergence.signature == shape && (rule == nil || divergence.rule == rule?.name)
    case .knownIssue(let id): divergence.knownIssues.contains(id)
    }
  }

  /// Reads the text form.
  ///
  /// - Throws: ``SymptomProblem`` that names what is wrong and what is allowed.
  public init(_ text: String) throws(SymptomProblem) {
    if text.hasPrefix(Self.knownPrefix) {
      let id = String(text.dropFirst(Self.knownPrefix.count))
      guard KnownIssue.catalogue.contains(where: { $0.id == id }) else {
        let allowed = KnownIssue.catalogue.map(\.id).joined(separator: ", ")
        throw SymptomProblem(text: text, reason: "no known issue '\(id)'; allowed: \(allowed)")
      }
      self = .knownIssue(id)
      return
    }
    var shape = text[...]
    var rule: Rule?
    if shape.hasSuffix("]"), let bracket = shape.lastIndex(of: "[") {
      let name = shape[shape.index(after: bracket)...].dropLast()
      guard let known = Rule.allCases.first(where: { $0.name == name }) else {
        throw SymptomProblem(
          text: text,
          reason:
            "no rule '\(name)' of the engine; a divergence names its rule in the JSON of `check` and `run`"
        )
      }
      rule = known
      shape = shape[..<bracket]
    }
    while shape.last == " " { shape.removeLast() }
    let call = shape.prefix { $0 != ":" && $0 != "(" }
    guard shape.contains(": "), call.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }),
      !call.isEmpty
    else {
      throw SymptomProblem(
        text: text,
        reason:
          "a symptom is `CALL: DIFFERENCE [RULE]` as a divergence's signature says it, or known:ID")
    }
    self = .divergence(shape: String(shape), rule: rule)
  }

  private static let knownPrefix = "known:"
}

extension Symptom: CustomStringConvertible {
  public var description: String {
    switch self {
    case .divergence(let shape, let rule): rule.map { "\(shape) [\($0.name)]" } ?? shape
    case .knownIssue(let id): Self.knownPrefix + id
    }
  }
}

extension Symptom: Codable {
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A text that names no symptom.
public struct SymptomProblem: Error, Hashable, Sendable, CustomStringConvertible {
  public var text: String
  public var reason: String

  public var description: String { "'\(text)' is no symptom: \(reason)" }
}
