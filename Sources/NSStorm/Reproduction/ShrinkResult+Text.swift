import StormScenario
import StormTrace
import StormVerdict
import StormVocabulary

extension Shrinker.Result {
  /// The calls in the scenario language, as a file.
  public var scenarioText: String {
    ScenarioWriter(calls.map { .init(namespace: $0.namespace, operation: $0.operation) }).text(
      name: "shrunk", title: "\(symptom)",
      remarks: ["\(calls.count) calls, from \(callsBefore); shown in \(rateAfter)"])
  }

  /// The calls in the scenario language, a line for each.
  public var scenarioLines: [String] {
    ScenarioWriter(calls.map { .init(namespace: $0.namespace, operation: $0.operation) }).lines
  }

  /// The calls as a trace of the kernel that they were made on.
  public func trace(kernel: String, build: String) -> [UInt8] {
    TraceText.bytes(TraceHeader(kernel: kernel, build: build, table: initialTable), steps)
  }
}
