import Foundation
import StormEngine
import StormPlanning
import StormScenario
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

/// What the engine is proven on: the recorded traces and the scenarios of the repository.
enum Material {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// A program of calls and the rules of the kernel it ran on.
  struct Program {
    var name: String
    var rules: KernelRules
    var table: MountTable?
    var calls: [(process: Int, operation: StormVocabulary.Operation)]
  }

  static func traces() throws -> [Program] {
    let folder = root.appending(path: "Tests/Traces")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted()
    return try files.filter { $0.hasSuffix(".jsonl") }.map { file in
      var reader = try TraceReader(path: folder.appending(path: file).path())
      let release = try #require(
        KernelRelease(release: reader.header.kernel, build: reader.header.build))
      var calls: [(Int, StormVocabulary.Operation)] = []
      while let line = try reader.next() {
        if case .step(let step) = line { calls.append((step.namespace, step.operation)) }
      }
      return Program(
        name: file, rules: try #require(KernelRules.actual(release: release)),
        table: reader.header.table, calls: calls)
    }
  }

  /// The steps of a shipped profile, at most so many of each phase.
  ///
  /// - Parameter release: the kernel that a profile plans for which follows the one that runs.
  static func steps(
    of name: String, seed: UInt64, perPhase count: Int,
    on release: KernelRelease = KernelRelease(6, 18)
  ) throws -> [PlannedStep] {
    let library = ProfileLibrary(folders: [root.appending(path: "profiles").path()])
    var profile = try library.load(name).planned(for: release)
    for index in profile.phases.indices {
      guard case .sequential(var body) = profile.phases[index].body else { continue }
      body.length = .steps(count)
      profile.phases[index].body = .sequential(body)
    }
    return try Plan(profile: profile, seed: Seed(rawValue: seed)).steps
  }

  /// The scenarios but those of 100,000 mounts, which take a second each.
  static func scenarios() throws -> [Scenario] {
    let folder = root.appending(path: "profiles/scenarios")
    var scenarios: [Scenario] = []
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted()
    where file.hasSuffix(".scenario") && file != "limits.scenario" {
      let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
      scenarios += try ScenarioParser(file: file).parse(text)
    }
    return scenarios
  }

  /// The tables of all processes, numbers renamed by first appearance: equal for worlds that look alike.
  static func appearance(of model: borrowing MountModel) -> [String] {
    var groups: [UInt32: Int] = [:]
    var devices: [DeviceNumber: Int] = [:]
    func name(_ group: UInt32?) -> String {
      guard let group else { return "-" }
      let number = groups[group] ?? groups.count
      groups[group] = number
      return String(number)
    }
    var lines: [String] = []
    for process in model.livingProcesses {
      let table = model.table(seenBy: process)
      var places: [UInt64: Int] = [:]
      for (place, entry) in table.entries.enumerated() { places[entry.id] = place }
      for entry in table.entries {
        let device = devices[entry.device] ?? devices.count
        devices[entry.device] = device
        lines.append(
          "\(process) \(entry.mountpoint) \(entry.root) \(device) \(places[entry.parent] ?? -1) "
            + "\(entry.attributes.rawValue) \(name(entry.sharedGroup)) \(name(entry.masterGroup)) "
            + "\(name(entry.propagateFromGroup)) \(entry.isUnbindable)")
      }
    }
    return lines
  }
}
