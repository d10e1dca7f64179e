import ArgumentParser
import StormReproduction
import StormTrace
import StormVerdict
import StormVocabulary

/// `nsstorm repro`: a divergence as a program that needs no nsstorm.
struct ReproCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "repro",
    abstract:
      "Write a trace's divergence as a program of its own: C, kselftest, shell or scenario.",
    discussion: """
      Needs no root: what was predicted and seen is in the trace. The program checks every answer and those facts of \
      the mount tables that decide. The C program needs libc alone and exits with 0 when the kernel behaves, 1 when it does \
      not, 4 when it cannot tell.

      Exit codes: 0 written; 4 the trace does not show the symptom, or the format has no words for it; 65 the trace is damaged.

      Examples:
        nsstorm repro small.jsonl --format c --output reproducer.c
        nsstorm repro small.jsonl --format kselftest --output test.c
        nsstorm repro small.jsonl --format shell --known unbindable-lost-in-namespace-copy
      """)

  @Argument(help: "A trace; short ones come from `nsstorm shrink`.")
  var trace: String

  @Option(help: "c, kselftest, shell or scenario.")
  var format = ReproducerFormat.c

  @Option(name: .shortAndLong, help: "Write to this file instead of standard output.")
  var output: String?

  @OptionGroup var options: SymptomOptions

  func run() throws {
    var judged = TraceCheck.Options()
    judged.release = options.rules
    judged.mutation = try options.brokenRule()
    let text: String
    do throws(ReproducerError) {
      text = try ReproducerCase(path: trace, symptom: wanted(), options: judged).text(format)
    } catch {
      let status: ExitStatus
      switch error {
      case .trace: status = .badInput
      case .notInTrace, .noFact, .cannotSay: status = .nothingChecked
      }
      throw CommandFailure(status: status, message: error.description)
    }
    if let output { try write(text, to: output) } else { print(text, terminator: "") }
  }

  private func wanted() -> Symptom? { try? options.wanted() }
}
