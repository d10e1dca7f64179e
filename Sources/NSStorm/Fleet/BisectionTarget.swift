import Foundation
import StormVocabulary

/// What a bisection runs on each kernel.
public struct BisectionTarget: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case profile, trace, scenario }

  public var kind: Kind
  /// The name of a profile, or a path.
  public var argument: String
  /// The file's content; empty for a profile of the library.
  public var content: [UInt8]

  /// A file that ends in `.jsonl` is a trace, one in `.scenario` a scenario; all else is a profile.
  public init(_ argument: String) throws(FleetError) {
    self.argument = argument
    kind =
      argument.hasSuffix(".jsonl") ? .trace : argument.hasSuffix(".scenario") ? .scenario : .profile
    content = []
    guard kind != .profile || FileManager.default.fileExists(atPath: argument) else { return }
    guard let data = FileManager.default.contents(atPath: argument) else {
      throw .damaged(file: argument, reason: "it cannot be read")
    }
    content = Array(data)
  }

  /// Tells targets of the same name apart (FNV-1a).
  public var digest: String {
    let hash = content.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return String(hash, radix: 16)
  }

  /// Where the file stands in a guest.
  var place: String { kind == .trace ? "/target/trace.jsonl" : "/target/target.scenario" }

  /// What a trace needs and the guest's kernel lacks.
  func missingFeature(on report: VMReport) -> String? {
    guard kind == .trace, let name = report.release,
      let release = KernelRelease(release: name, build: report.build ?? "")
    else { return nil }
    let text = String(decoding: content, as: UTF8.self)
    for (mark, since, what) in Self.needs where release < since && text.contains(mark) {
      return "this kernel has no \(what), which came with \(since.major).\(since.minor)"
    }
    return nil
  }

  private static let needs: [(mark: String, since: KernelRelease, what: String)] = [
    ("\"call\":\"mount_setattr\"", KernelRelease(5, 12), "mount_setattr"),
    ("\"beneath\"", KernelRelease(6, 5), "MOVE_MOUNT_BENEATH"),
  ]
}

/// Boots guests for a bisection and keeps what they bring back.
public protocol GuestHouse {
  /// Boots a guest of a kernel that runs these arguments of nsstorm, with these further files.
  func boot(
    kernel: String, arguments: [String], files: [(path: String, content: [UInt8])]
  ) throws(FleetError) -> VMReport
  /// - Parameter number: that of the run.
  func keep(_ report: VMReport, kernel: String, number: Int) throws(FleetError)
}

/// The fleet of guests: boots a kernel, runs the target, judges what comes back.
public struct GuestFleet<House: GuestHouse>: KernelFleet {
  /// What a storm is told beside its profile and its files: seed, steps, rules.
  public var stormArguments: [String] = []

  private let target: BisectionTarget
  private let symptom: SoughtSymptom
  private let symptomText: String
  private let house: House

  public init(
    _ target: BisectionTarget, symptom: String, house: House
  ) throws(FleetError) {
    self.target = target
    self.symptom = try SoughtSymptom(symptom)
    symptomText = symptom
    self.house = house
    switch (target.kind, self.symptom) {
    case (.trace, .latency), (.scenario, .latency):
      throw .badSymptom(symptom, reason: "only a profile has latencies")
    default: break
    }
  }

  public mutating func run(kernel: String, number: Int) throws(FleetError) -> Sighting {
    let files =
      target.kind == .profile ? [] : [(path: target.place, content: target.content)]
    let report: VMReport
    do {
      report = try house.boot(kernel: kernel, arguments: arguments, files: files)
    } catch .kernelNotFound(let wanted, _) {
      return .cannotShow("no Debian suite has \(wanted)")
    }
    try house.keep(report, kernel: kernel, number: number)
    return Sighting(report, symptom, target)
  }

  private var arguments: [String] {
    switch target.kind {
    case .profile:
      let name = ((target.argument as NSString).lastPathComponent as NSString).deletingPathExtension
      return [
        "run", "/profiles/\(name).yaml", "--record", GuestImage.trace, "--announce", "--json",
        GuestImage.result, "--keep-going",
      ] + stormArguments
    case .scenario: return ["scenario", target.place]
    case .trace:
      switch symptom {
      case .knownIssue, .divergence: return ["replay", target.place, "--symptom", symptomText]
      case .anyDivergence, .fault, .latency: return ["replay", target.place]
      }
    }
  }
}
