import Foundation
import StormKernel

/// What one run on one kernel says about a symptom.
public enum Sighting: Hashable, Sendable, Codable {
  case present(String)
  case absent
  /// This kernel has no way to show it: it does not boot, or lacks the call.
  case cannotShow(String)
  /// The run went another way before it could tell.
  case unclear(String)
  /// The machine or the harness failed: nothing may be concluded, from this run or any later one.
  case ill(String)

  /// Judges what a guest brought back.
  public init(_ report: VMReport, _ symptom: SoughtSymptom, _ target: BisectionTarget) {
    let result = ResultFacts(report.result)
    switch report.outcome {
    case .bootFailed(let reason): self = .cannotShow("does not boot: \(reason)")
    case .lost(let reason): self = .ill("the machine was lost: \(reason)")
    case .killed(let signal): self = .ill("nsstorm in the guest was ended by signal \(signal)")
    case .tooSlow(let limit): self = .unclear("not done after \(limit) s")
    case .silent(let seconds):
      self =
        symptom == .fault(nil)
        ? .present("silence for \(seconds) s")
        : .unclear("nothing came from the guest for \(seconds) s")
    case .kernelFault(let kind):
      // What was found before the fault counts all the same.
      if case .fault(let wanted) = symptom, wanted == nil || wanted == kind {
        self = .present("kernel fault: \(kind.rawValue)")
      } else if let match = result?.match(symptom) {
        self = .present(match)
      } else {
        self = .unclear("another fault of the kernel: \(kind.rawValue)")
      }
    case .finished(let status):
      let said = String(decoding: report.errors.suffix(400), as: UTF8.self)
      guard [0, 1, 2, 3, 4].contains(status) else {
        self = .ill("nsstorm in the guest ended with exit status \(status): \(said)")
        return
      }
      if let missing = target.missingFeature(on: report) {
        self = .cannotShow(missing)
        return
      }
      switch target.kind {
      case .profile: self = Self.judge(status, result, report, symptom, said)
      case .trace: self = Self.judgeReplay(status, report)
      case .scenario: self = Self.judgeScenario(status, report, symptom)
      }
    }
  }

  // `nsstorm replay --symptom` looks for the symptom itself.
  private static func judgeReplay(_ status: Int32, _ report: VMReport) -> Sighting {
    switch status {
    case 0: .absent
    case 1: .present("the replay shows it")
    case 4: .cannotShow("nothing was checked")
    default: .unclear("the replay ended with exit status \(status)")
    }
  }

  // A line for each scenario: `NAME: TITLE: agrees`, `…: differs`, `…: known issue ID, ID`.
  private static func judgeScenario(
    _ status: Int32, _ report: VMReport, _ symptom: SoughtSymptom
  ) -> Sighting {
    let lines = String(decoding: report.output, as: UTF8.self).split(separator: "\n")
      .filter { !$0.hasPrefix(" ") }
    let matching = lines.first { line in
      switch symptom {
      case .knownIssue(let issue):
        guard let words = line.range(of: ": known issue ", options: .backwards) else {
          return false
        }
        return line[words.upperBound...].split(separator: ", ").contains(issue[...])
      case .anyDivergence, .divergence: return line.hasSuffix(": differs")
      case .fault, .latency: return false
      }
    }
    if let matching { return .present(String(matching)) }
    switch status {
    case 0: return .absent
    case 4: return .cannotShow("nothing was checked")
    default: return .unclear("the scenario ended with exit status \(status)")
    }
  }

  private static func judge(
    _ status: Int32, _ result: ResultFacts?, _ report: VMReport, _ symptom: SoughtSymptom,
    _ said: String
  ) -> Sighting {
    guard let result else {
      return status == 4
        ? .cannotShow("nothing was checked: \(said)")
        : .ill("nsstorm in the guest left no result: \(said)")
    }
    if let match = result.match(symptom) { return .present(match) }
    if case .latency(let field, _) = symptom, result.number(field) == nil {
      return .ill("the result has no number \(field.joined(separator: "."))")
    }
    if status == 4 { return .cannotShow("nothing was checked") }
    if status == 2 { return .unclear("another fault: \(result.faults.first ?? "of the kernel")") }
    if let call = symptom.call, MissingCalls(trace: report.trace).isMissing(call) {
      return .cannotShow("this kernel has no \(call)")
    }
    if status == 1 {
      return .unclear("another divergence: \(result.signatures.first ?? "unnamed")")
    }
    return .absent
  }
}

/// The calls that a kernel answered with ENOSYS only, by its trace.
struct MissingCalls {
  private var known: [String: Bool] = [:]

  init(trace: [UInt8]) {
    struct Line: Decodable {
      var call: String?
      var ret: Answer?
    }
    enum Answer: Decodable, Equatable {
      case name(String)
      case zero
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self = (try? container.decode(String.self)).map { .name($0) } ?? .zero
      }
    }
    let decoder = JSONDecoder()
    for line in trace.split(separator: 0x0A) where line.starts(with: Self.step) {
      guard let step = try? decoder.decode(Line.self, from: Data(line)), let call = step.call,
        let answer = step.ret
      else { continue }
      known[call] = (known[call] ?? true) && answer == .name("ENOSYS")
    }
  }

  private static let step = Array("{\"step\":".utf8)

  func isMissing(_ call: String) -> Bool { known[call] ?? false }
}
