import StormScenario
import StormVocabulary

extension ReproducerCase {
  /// A file for `nsstorm scenario`, which predicts and compares all of it by itself.
  public func scenario() -> String {
    let program = CProgram(self)
    return ScenarioWriter(
      steps.map { .init(namespace: $0.namespace, operation: $0.operation) }
    ).text(
      name: "reproducer", title: "\(symptom)",
      remarks: program.heading.filter { !$0.isEmpty })
  }

  /// The reproducer in one of the formats.
  public func text(_ format: ReproducerFormat) throws(ReproducerError) -> String {
    switch format {
    case .c: cProgram()
    case .kselftest: kselftest()
    case .shell: try shell()
    case .scenario: scenario()
    }
  }
}
