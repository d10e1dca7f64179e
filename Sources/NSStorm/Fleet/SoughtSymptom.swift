public import StormKernel

/// What a bisection looks for in the result of a run. What matches is bad, known issue or not.
public enum SoughtSymptom: Hashable, Sendable {
  /// A divergence that a known issue explains, by the issue's name.
  case knownIssue(String)
  /// Any divergence that nothing explains.
  case anyDivergence
  /// A divergence of this signature, explained or not; without a rule of the engine, any rule will do.
  case divergence(signature: String, rule: String?)
  /// A fault of the kernel of this kind; nil: any, silence included.
  case fault(KernelFault.Kind?)
  /// A number of the JSON result that is above a limit.
  case latency(field: [String], above: Double)

  /// Reads `known:unbindable-lost-in-namespace-copy`, `divergence`, `unshare: wrong unbindable`, `fault`, `fault:oops`,
  /// `latency:times.kernelNanoseconds>5e9`. Behind a signature the engine's rule may stand: `… [namespaceCopied]`.
  ///
  /// - Throws: ``FleetError/badSymptom(_:reason:)``
  public init(_ text: String) throws(FleetError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let rest = parts.count == 2 ? String(parts[1]) : nil
    switch (parts.first, rest) {
    case ("known", .some(let issue)) where !issue.isEmpty: self = .knownIssue(issue)
    case ("divergence", nil): self = .anyDivergence
    case ("fault", nil): self = .fault(nil)
    case ("fault", .some(let word)):
      guard let kind = KernelFault.Kind(rawValue: word) else {
        let allowed = KernelFault.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw .badSymptom(text, reason: "\"\(word)\" is no kind of fault (\(allowed))")
      }
      self = .fault(kind)
    case ("latency", .some(let condition)):
      let sides = condition.split(separator: ">", omittingEmptySubsequences: false)
      guard sides.count == 2, let limit = Double(sides[1]), !sides[0].isEmpty else {
        throw .badSymptom(text, reason: "a latency is FIELD.OF.THE.RESULT>NUMBER")
      }
      self = .latency(field: sides[0].split(separator: ".").map(String.init), above: limit)
    default:
      guard text.contains(": "), text.first?.isLetter == true else {
        throw .badSymptom(text, reason: "it has none of the forms below")
      }
      self = Self.signature(text)
    }
  }

  private static func signature(_ text: String) -> SoughtSymptom {
    guard text.hasSuffix("]"), let bracket = text.lastIndex(of: "[") else {
      return .divergence(signature: text, rule: nil)
    }
    var shape = text[..<bracket]
    while shape.last == " " { shape.removeLast() }
    return .divergence(
      signature: String(shape), rule: String(text[text.index(after: bracket)...].dropLast()))
  }

  /// The call that a signature names first: a kernel without it cannot show the symptom.
  var call: String? {
    guard case .divergence(let signature, _) = self else { return nil }
    let name = signature.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    return name.isEmpty || name == "tables" ? nil : String(name)
  }
}

extension SoughtSymptom: CustomStringConvertible {
  public var description: String {
    switch self {
    case .knownIssue(let issue): "known:\(issue)"
    case .anyDivergence: "divergence"
    case .divergence(let signature, let rule): signature + (rule.map { " [\($0)]" } ?? "")
    case .fault(nil): "fault"
    case .fault(.some(let kind)): "fault:\(kind.rawValue)"
    case .latency(let field, let limit): "latency:\(field.joined(separator: "."))>\(limit)"
    }
  }
}
