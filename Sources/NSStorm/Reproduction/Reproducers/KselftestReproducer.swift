import StormEngine
import StormVerdict
import StormVocabulary

extension ReproducerCase {
  /// A test in the style of tools/testing/selftests: the property first, a fixture with a namespace of its own, one `TEST_F`.
  /// The licence line is for whoever submits it to add.
  ///
  /// - Parameter harness: the path of the header, as the test's folder needs it.
  public func kselftest(harness: String = "../kselftest_harness.h") -> String {
    let program = CProgram(self)
    let fixture = "mount_propagation_reproducer"
    var text = "/*\n"
    for line in program.heading { text += line.isEmpty ? " *\n" : " * \(line)\n" }
    text += " *\n * Written by nsstorm. Symptom: \(CProgram.comment("\(symptom)"))\n */\n"
    text += program.body
    text += "\n\n#include \"\(harness)\"\n\n"
    text += """
      FIXTURE(\(fixture)) {
      };

      FIXTURE_SETUP(\(fixture))
      {
      	int result = start();

      	if (result == EPERM || result == EACCES)
      		SKIP(return, "mount namespaces need root");
      	ASSERT_EQ(0, result);
      }

      FIXTURE_TEARDOWN(\(fixture))
      {
      	for (int i = 0; i < PROCESSES; i++)
      		close(command[i][1]);
      	while (wait(NULL) > 0)
      		;
      }

      /* \(CProgram.comment(program.heading[0])) */
      TEST_F(\(fixture), \(testName))
      {

      """
    var lines: [String] = []
    if !facts.isEmpty { lines.append("struct mount mount\(program.usesOther ? ", other" : "");") }
    if !program.notes.isEmpty { lines.append("struct mount before[\(facts.count)];") }
    if !lines.isEmpty { lines.append("") }
    for (index, step) in steps.enumerated() {
      // What stood before is noted right before the call that matters, the last one.
      if index == steps.count - 1 { lines += program.notes }
      let name = program.name(step.namespace)
      lines.append("/* \(CProgram.comment("\(name): \(step.operation)")) */")
      lines.append("ASSERT_EQ(\(step.errno.cName), make(\(name), \(index + 1)));")
      if step.operation == .exit { lines.append("waitpid(pids[\(name)], NULL, 0);") }
    }
    for check in program.checks {
      lines += check.preparation
      lines.append("/* \(CProgram.comment(check.meaning)) */")
      lines.append("EXPECT_EQ(\(check.expected), \(check.actual));")
    }
    text += lines.map { $0.isEmpty ? "\n" : "\t\($0)\n" }.joined()
    return text + "}\n\nTEST_HARNESS_MAIN\n"
  }

  /// A C identifier that says what is tested.
  private var testName: String {
    let words = (issue?.id ?? divergence.signature).map { $0.isLetter || $0.isNumber ? $0 : "_" }
    let name = String(words).split(separator: "_").prefix(8).joined(separator: "_").lowercased()
    return name.isEmpty ? "behaves" : name
  }
}
