import Foundation

@testable import StormHistory

enum RunSample {
  /// A run by hand, `day` days after the first.
  static func run(
    _ id: Int, day: Int = 0, kernel: String = "6.18.44-test", machine: String = "00aa",
    profile: String = "first-storm", seed: String = "0x1", outcome: String = "agreed",
    signatures: [String] = [], median: Int? = nil, stepLimit: Int? = nil
  ) -> HistoryRun {
    let number = String(id)
    let padded = String(repeating: "0", count: 8 - number.count) + number
    let date = Date(timeIntervalSince1970: 1_795_000_000 + Double(day) * 86_400)
    var run = HistoryRun(
      id: "20261125T184416Z-\(padded)", startedAt: date.formatted(.iso8601), kernel: kernel,
      machine: machine, profile: profile, seed: seed, outcome: outcome)
    run.stepLimit = stepLimit
    run.cases = ["\(profile).1-main.answers": outcome == "agreed" ? "passed" : "failed"]
    run.divergences = signatures.enumerated().map {
      .init(step: 7 + $0.offset, signature: $0.element, rule: nil, knownIssues: ["a", "b"])
    }
    if let median {
      run.timings = [
        .init(
          kind: .latency, what: "umount2", count: 100, minimumNanoseconds: 1,
          meanNanoseconds: median, medianNanoseconds: median, p90Nanoseconds: median * 2,
          p99Nanoseconds: median * 3, maximumNanoseconds: median * 4),
        .init(
          kind: .releaseLag, what: "umount2 (detach)", count: 3, minimumNanoseconds: 1,
          meanNanoseconds: 2, medianNanoseconds: 2, p90Nanoseconds: 3, p99Nanoseconds: 4,
          maximumNanoseconds: 5),
      ]
    }
    return run
  }
}

extension HistoryRun {
  init(
    id: String, startedAt: String, kernel: String, machine: String, profile: String, seed: String,
    outcome: String
  ) {
    let json: [String: Any] = [
      "id": id, "startedAt": startedAt, "tool": "nsstorm 0.1.0", "kernel": kernel, "build": "#1",
      "machine": machine, "machineName": "box-\(machine)", "processors": 2, "rules": "6.18.44",
      "profile": profile, "seed": seed, "isStrict": false, "outcome": outcome, "steps": 200,
      "volleyCalls": 0, "succeededCalls": 150, "mountsMade": 20, "copiesPropagated": 30,
      "namespacesMade": 3, "answersChecked": 200, "entriesChecked": 4_000,
      "totalNanoseconds": 2_000_000_000, "kernelNanoseconds": 1_000_000,
      "cases": [String: String](),
      "divergences": [Any](), "timings": [Any](),
    ]
    let data = try! JSONSerialization.data(withJSONObject: json)
    self = try! JSONDecoder().decode(HistoryRun.self, from: data)
  }
}

/// A folder that is gone when the value is.
final class ScratchFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-history-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
  }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  deinit { try? FileManager.default.removeItem(at: url) }
}
