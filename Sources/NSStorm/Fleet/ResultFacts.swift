import Foundation
import StormKernel

/// What a bisection and a soak read in the JSON result of a run (`docs/results.md`), whatever else stands there.
public struct ResultFacts: Sendable {
  /// Signatures of all divergences, in their order.
  public private(set) var signatures: [String] = []
  /// Signatures of those that nothing explains.
  public private(set) var unexplained: [String] = []
  private var signaturesWithRules: Set<String> = []
  public private(set) var knownIssues: [String] = []
  public private(set) var faults: [String] = []
  public private(set) var exitCode: Int32?
  private var numbers: [String: Double] = [:]

  /// Nil where the bytes are no result.
  public init?(_ bytes: [UInt8]) {
    guard let value = try? JSONSerialization.jsonObject(with: Data(bytes)),
      let object = value as? [String: Any], object["nsstorm"] is String
    else { return nil }
    exitCode = (object["exitCode"] as? NSNumber)?.int32Value
    faults = object["faults"] as? [String] ?? []
    for entry in object["divergences"] as? [[String: Any]] ?? [] {
      let divergence = entry["divergence"] as? [String: Any] ?? entry
      guard let signature = divergence["signature"] as? String else { continue }
      let issues = divergence["knownIssues"] as? [String] ?? []
      signatures.append(signature)
      if let rule = divergence["rule"] as? String {
        signaturesWithRules.insert("\(signature) [\(rule)]")
      }
      if issues.isEmpty { unexplained.append(signature) }
      for issue in issues where !knownIssues.contains(issue) { knownIssues.append(issue) }
    }
    collect(object, under: "")
  }

  /// A number of the result, by the names of the fields that lead to it.
  public func number(_ field: [String]) -> Double? { numbers[field.joined(separator: ".")] }

  /// What of the result matches a symptom, or nil.
  public func match(_ symptom: SoughtSymptom) -> String? {
    switch symptom {
    case .knownIssue(let issue): knownIssues.contains(issue) ? "known issue \(issue)" : nil
    case .anyDivergence: unexplained.first.map { "divergence: \($0)" }
    case .divergence(let signature, nil):
      signatures.contains(signature) ? "divergence: \(signature)" : nil
    case .divergence(_, .some):
      signaturesWithRules.contains("\(symptom)") ? "divergence: \(symptom)" : nil
    case .fault(nil): faults.first
    case .fault(.some(let kind)):
      faults.first { fault in
        fault.hasPrefix("\(kind.rawValue):")
          || fault.split(separator: "\n").contains { KernelFault.Kind(line: $0) == kind }
      }
    case .latency(let field, let limit):
      number(field).flatMap { $0 > limit ? "\(field.joined(separator: ".")) is \($0)" : nil }
    }
  }

  private mutating func collect(_ object: [String: Any], under prefix: String) {
    for (key, value) in object {
      if let number = value as? NSNumber {
        numbers[prefix + key] = number.doubleValue
      } else if let inner = value as? [String: Any] {
        collect(inner, under: "\(prefix)\(key).")
      }
    }
  }
}
