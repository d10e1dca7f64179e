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
      not, 4 when it cannot tell. Calls that raced become a C program that races them again and again and counts the \
      outcomes that no order of them gives.

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

  @Flag(help: "Print one JSON document (docs/reproduce.md) instead of the program alone.")
  var json = false

  @OptionGroup var options: SymptomOptions

  func run() throws {
    var judged = TraceCheck.Options()
    judged.release = options.rules
    judged.mutation = try options.brokenRule()
    let text: String
    var document = ReproDocument(trace: trace, format: format.rawValue, status: .agreed)
    do throws(ReproducerError) {
      let reproducer = try Reproducer(path: trace, symptom: wanted(), options: judged)
      document.symptom = reproducer.symptom
      document.races = reproducer.races
      text = try reproducer.text(format)
    } catch {
      let status: ExitStatus
      switch error {
      case .trace: status = .badInput
      case .notInTrace, .noFact, .release, .cannotRace, .cannotSay: status = .nothingChecked
      }
      if json {
        var failed = ReproDocument(trace: trace, format: format.rawValue, status: status)
        failed.symptom = document.symptom
        failed.failure = .init(error)
        print(try JSONDocument.text(failed))
      }
      throw CommandFailure(status: status, message: error.description)
    }
    if let output { try write(text, to: output) }
    if json {
      document.output = output
      document.program = output == nil ? text : nil
      print(try JSONDocument.text(document))
    } else if output == nil {
      print(text, terminator: "")
    }
  }

  private func wanted() -> Symptom? { try? options.wanted() }
}
