import StormVerdict
import StormVocabulary

extension ReproducerCase {
  /// A program that needs libc alone: it exits with 0 when the kernel behaves, 1 when it does not, and 4 when it cannot run.
  public func cProgram() -> String {
    let program = CProgram(self)
    var text = "/*\n"
    for line in program.heading { text += line.isEmpty ? " *\n" : " * \(line)\n" }
    text += """
       *
       * cc -Wall -o reproducer reproducer.c && ./reproducer (as root)
       * Exits with 0 when the kernel behaves, 1 when it does not, 4 when it cannot tell. Everything happens in mount
       * namespaces of its own.
       *
       * Written by nsstorm. Symptom: \(CProgram.comment("\(symptom)"))
       */

      """
    text += program.body
    text += "\n\n" + Self.reporting(hasFacts: !facts.isEmpty) + "\n\n" + main(program) + "\n"
    return text
  }

  private static func reporting(hasFacts: Bool) -> String {
    let failures = """
      static int failures;

      /* What leads to the last call must be answered as predicted, or nothing can be told. */
      static void lead(int who, int number, int expected, const char *text)
      {
      	int result = make(who, number);

      	if (result == expected)
      		return;
      	printf("SKIP: %s answered %d (%s) instead of %d\\n", text, result, result < 0 ? "nothing" : strerror(result),
      	       expected);
      	exit(4);
      }

      static void expect(int actual, int expected, const char *text)
      {
      	printf("%s: %s\\n", actual == expected ? "ok" : "FAIL", text);
      	if (actual != expected) {
      		printf("      expected %d, seen %d\\n", expected, actual);
      		failures++;
      	}
      }
      """
    return failures
  }

  private func main(_ program: CProgram) -> String {
    var lines = ["int main(void)", "{"]
    if !facts.isEmpty { lines.append("\tstruct mount mount\(program.usesOther ? ", other" : "");") }
    if !program.notes.isEmpty { lines.append("\tstruct mount before[\(facts.count)];") }
    lines += [
      "\tint result;", "", "\tsetvbuf(stdout, NULL, _IOLBF, 0);", "\tresult = start();",
      "\tif (result) {",
      "\t\tprintf(\"SKIP: a mount namespace could not be made: %s\\n\", strerror(result));",
      "\t\treturn 4;", "\t}",
    ]
    for (index, step) in steps.dropLast().enumerated() {
      lines.append(
        "\tlead(\(program.name(step.namespace)), \(index + 1), \(step.errno.cName), \(program.text(step)));"
      )
      if step.operation == .exit {
        lines.append("\twaitpid(pids[\(program.name(step.namespace))], NULL, 0);")
      }
    }
    if let last = steps.last {
      lines.append("")
      for note in program.notes { lines.append("\t\(note)") }
      lines.append(
        "\texpect(make(\(program.name(last.namespace)), \(steps.count)), \(last.errno.cName), \(program.text(last)));"
      )
      if last.operation == .exit {
        lines.append("\twaitpid(pids[\(program.name(last.namespace))], NULL, 0);")
      }
    }
    for check in program.checks {
      for line in check.preparation { lines.append("\t\(line)") }
      lines.append("\texpect(\(check.actual), \(check.expected), \(literal(check.meaning)));")
    }
    lines += [
      "\tprintf(\"%s\\n\", failures ? \"The kernel does not behave.\" : \"The kernel behaves.\");",
      "\treturn failures ? 1 : 0;", "}",
    ]
    return lines.joined(separator: "\n")
  }
}

extension CProgram {
  /// Whether some fact is about two mounts.
  var usesOther: Bool { checks.contains { $0.preparation.contains { $0.hasSuffix("&other);") } } }

  /// The call as a string.
  func text(_ step: ReproducerCase.Step) -> String {
    literal("\(name(step.namespace)): \(step.operation)")
  }
}

extension Errno {
  /// How C names it.
  var cName: String { self == .none ? "0" : name }
}
