import StormScenario
public import StormTrace
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

  /// Writes the calls as a trace of the kernel that they were made on, whole or not at all.
  public func write(to path: String, kernel: String, build: String) throws(TraceError) {
    try TraceWriter.write(
      path: path, header: TraceHeader(kernel: kernel, build: build, table: initialTable),
      steps: steps)
  }
}
