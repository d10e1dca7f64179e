public import StormEngine
import StormPlanning
import StormVocabulary

/// What must show again for a divergence to count as the same one: replay, shrinking and bisection look for a symptom,
/// not for any red result.
///
/// In text: `unshare: wrong unbindable [namespaceCopied]` (the shape of the difference and the rule of the engine that
/// decides), the same without the rule, `known:unbindable-lost-in-namespace-copy`, or `release ext4/sync: late` (what a
/// release round showed).
public enum Symptom: Hashable, Sendable {
  /// The shape is that of ``Divergence/signature``. Without a rule, any rule will do.
  case divergence(shape: String, rule: Rule?)
  /// A known issue of the kernel, by its id.
  case knownIssue(String)
  /// A wrong release, by ``ReleaseFinding/signature``.
  case release(String)

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
    case .release: false
    }
  }

  /// Whether a wrong release shows it.
  public func matches(_ finding: ReleaseFinding) -> Bool {
    if case .release(let signature) = self { signature == finding.signature } else { false }
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
    if text.hasPrefix(Self.releasePrefix) {
      self = .release(try Self.releaseSignature(text))
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
          "a symptom is `CALL: DIFFERENCE [RULE]` as a divergence's signature says it, known:ID, "
          + "or `release FILESYSTEM/WAY: WHAT`")
    }
    self = .divergence(shape: String(shape), rule: rule)
  }

  private static func releaseSignature(_ text: String) throws(SymptomProblem) -> String {
    let signature = String(text.dropFirst(releasePrefix.count))
    let parts = signature.split(separator: "/", maxSplits: 1)
    let ends = parts.count == 2 ? parts[1].components(at: ": ") : nil
    guard let ends, FileSystemKind(rawValue: String(parts[0])) != nil,
      ReleaseWay(rawValue: ends.0) != nil, ReleaseFinding.Kind(rawValue: ends.1) != nil
    else {
      let kinds = ReleaseFinding.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw SymptomProblem(
        text: text,
        reason: "a wrong release is `release FILESYSTEM/WAY: WHAT`, WHAT one of \(kinds)")
    }
    return signature
  }

  private static let knownPrefix = "known:"
  private static let releasePrefix = "release "
}

extension Symptom: CustomStringConvertible {
  public var description: String {
    switch self {
    case .divergence(let shape, let rule): rule.map { "\(shape) [\($0.name)]" } ?? shape
    case .knownIssue(let id): Self.knownPrefix + id
    case .release(let signature): Self.releasePrefix + signature
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

extension Substring {
  /// What stands before and behind a mark; nil without it.
  fileprivate func components(at mark: String) -> (String, String)? {
    guard let range = firstRange(of: mark) else { return nil }
    return (String(self[..<range.lowerBound]), String(self[range.upperBound...]))
  }
}
