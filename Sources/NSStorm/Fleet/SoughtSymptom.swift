public import StormKernel

/// What a bisection looks for in the result of a run. What matches is bad, known issue or not.
public enum SoughtSymptom: Hashable, Sendable {
  /// A divergence that a known issue explains, by the issue's name.
  case knownIssue(String)
  /// A divergence of this signature, explained or not; nil: any that nothing explains.
  case divergence(signature: String?)
  /// A fault of the kernel of this kind; nil: any, silence included.
  case fault(KernelFault.Kind?)
  /// A number of the JSON result that is above a limit.
  case latency(field: [String], above: Double)

  /// Reads `known:unbindable-lost-in-namespace-copy`, `divergence`, `divergence:umount2: predicted …`, `fault`,
  /// `fault:oops`, `latency:times.kernelNanoseconds>5e9`.
  ///
  /// - Throws: ``FleetError/badSymptom(_:reason:)``
  public init(_ text: String) throws(FleetError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let rest = parts.count == 2 ? String(parts[1]) : nil
    switch (parts.first, rest) {
    case ("known", .some(let issue)) where !issue.isEmpty: self = .knownIssue(issue)
    case ("divergence", nil): self = .divergence(signature: nil)
    case ("divergence", .some(let signature)) where !signature.isEmpty:
      self = .divergence(signature: signature)
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
      throw .badSymptom(text, reason: "it begins with none of the words below")
    }
  }

  /// The call that a signature names first: a kernel without it cannot show the symptom.
  var call: String? {
    guard case .divergence(.some(let signature)) = self else { return nil }
    let name = signature.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    return name.isEmpty || name == "tables" ? nil : String(name)
  }
}

extension SoughtSymptom: CustomStringConvertible {
  public var description: String {
    switch self {
    case .knownIssue(let issue): "known:\(issue)"
    case .divergence(nil): "divergence"
    case .divergence(.some(let signature)): "divergence:\(signature)"
    case .fault(nil): "fault"
    case .fault(.some(let kind)): "fault:\(kind.rawValue)"
    case .latency(let field, let limit): "latency:\(field.joined(separator: "."))>\(limit)"
    }
  }
}
