import ArgumentParser
import Foundation
import StormHistory
import StormKernel
import StormReport
import StormReproduction
import StormRun
import StormVerdict

/// `nsstorm report`: what a run found, in the form that its reader needs.
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Render a run as a mail to a kernel list, HTML, JUnit, KTAP, JSON or text.",
    discussion: """
      RUN is a folder that `nsstorm run --output` made, or a file of events (`--events`); - reads events from standard \
      input. A run that was killed is reported as far as its events go, a guest whose kernel broke (a folder of \
      `nsstorm vm run --output`) from its console.

      Examples:
        nsstorm report results/latest
        nsstorm report results/latest --format mail --vmlinux /usr/lib/debug/vmlinux
        nsstorm report results/latest --format html --output run.html
        nsstorm report run.jsonl --format ktap
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument {
    case text, mail, html, junit, ktap, json
  }

  @Argument(help: ArgumentHelp("A result folder, a file of events, or -.", valueName: "run"))
  var source: String

  @Option(help: "What to write: text, mail, html, junit, ktap or json.")
  var format = Format.text

  @Option(
    help: ArgumentHelp("Write to this file instead of standard output.", valueName: "file"))
  var output: String?

  @Option(help: "mail: which divergence, counted from 0; the first unexplained one by default.")
  var divergence: Int?

  @Option(
    help: ArgumentHelp(
      "mail: put this program into the mail; the one made from the run's trace by default.",
      valueName: "file"))
  var reproducer: String?

  @Option(
    help: ArgumentHelp(
      "mail: make the program from this trace, such as one that nsstorm shrink made.",
      valueName: "file"))
  var trace: String?

  @Option(
    help: ArgumentHelp(
      "mail: the symbols of the kernel that wrote the log; those of the running kernel by default, if it is the same.",
      valueName: "file"))
  var systemMap: String?

  @Option(
    help: ArgumentHelp(
      "mail: an image of the same build with debug information, for file and line in the log.",
      valueName: "file"))
  var vmlinux: String?

  @Option(
    help: ArgumentHelp(
      "mail: it is a regression that appeared between these, GOOD..BAD.", valueName: "range"))
  var introduced: String?

  @Option(
    help: ArgumentHelp(
      "mail: look up in this history on which kernels the same was seen, and on which not.",
      valueName: "file"))
  var history: String?

  func run() throws {
    let record = try Self.record(at: source)
    let text: String
    switch format {
    case .text: text = RunText(style: style).summary(record) + "\n"
    case .mail: text = try mail(record)
    case .html: text = RunPage(record).text
    case .junit: text = JUnit(record).text
    case .ktap: text = KTAP(record).text
    case .json: text = String(decoding: try RunDocument(record).data(), as: UTF8.self)
    }
    if let output {
      try write(text, to: output)
    } else {
      print(text, terminator: "")
    }
  }

  /// Colours are for terminals and never for files, whatever the environment demands.
  private var style: TextStyle {
    guard output == nil else { return .plain }
    return TextStyle(
      environment: ProcessInfo.processInfo.environment, isTerminal: isatty(STDOUT_FILENO) == 1)
  }

  /// Puts a run together from its result folder or its file of events.
  static func record(at source: String) throws -> RunRecord {
    let path = ResultFolder(existing: source)?.path(of: .events) ?? source
    if path != source, !FileManager.default.fileExists(atPath: path),
      let record = VMResultFolder(path: source).guestRecord()
    {
      return record
    }
    do {
      let reader = try EventReader(path: path)
      let starts = reader.events.count { if case .began = $0.payload { true } else { false } }
      guard starts <= 1 else {
        throw ReportError(
          path: path, line: 0, message: "has \(starts) runs; give each a file of its own")
      }
      guard let record = RunRecord(reader.events) else {
        throw ReportError(
          path: path, line: 0, message: "has no event `began`: no run is described there")
      }
      return record
    } catch let error as ReportError {
      throw CommandFailure(status: .badInput, message: "\(error)")
    }
  }

  private func mail(_ record: RunRecord) throws -> String {
    var supplement = MailReport.Supplement()
    supplement.divergence = divergence
    supplement.introducedRange = introduced
    supplement.decoder = LogDecoder(symbols: try symbols(for: record), vmlinux: vmlinux)
    if let history { supplement.versions = try versions(record, in: history) }
    if let reproducer {
      guard let text = try? String(contentsOfFile: reproducer, encoding: .utf8) else {
        throw CommandFailure(
          status: .badInput, message: "\(reproducer) cannot be read; --reproducer needs a text file"
        )
      }
      supplement.reproducer = .init(
        text: text, usage: "\(URL(fileURLWithPath: reproducer).lastPathComponent):"
      )
    }
    if supplement.reproducer == nil { supplement.reproducer = programOfTrace(record) }
    do { return try MailReport(record, supplement).text } catch {
      throw CommandFailure(status: .badInput, message: "\(source): \(error)")
    }
  }

  /// A C program made from the trace of the run; nil, with a word on standard error, where it has none that is short enough.
  private func programOfTrace(_ record: RunRecord) -> MailReport.Reproducer? {
    let recorded = ResultFolder(existing: source)?.path(of: .trace)
    guard let path = trace ?? recorded, FileManager.default.fileExists(atPath: path),
      let chosen = chosen(record)
    else { return nil }
    do throws(ReproducerError) {
      let program = try Reproducer(
        path: path, symptom: chosen.knownIssues.first.map { .knownIssue($0) } ?? Symptom(chosen)
      ).text(.c)
      return MailReport.Reproducer(
        text: program,
        usage:
          "This program needs nothing but libc. As root, it exits with 0 when the kernel behaves and with 1 when "
          + "not; build it with gcc -o reproducer reproducer.c.")
    } catch {
      FileHandle.standardError.write(Data("nsstorm: the mail has no C program: \(error)\n".utf8))
      return nil
    }
  }

  /// The divergence that the mail is about.
  private func chosen(_ record: RunRecord) -> Divergence? {
    let found = record.divergences.map(\.event.divergence)
    if let divergence { return found.indices.contains(divergence) ? found[divergence] : nil }
    return record.unexplainedDivergences.first?.divergence ?? found.first
  }

  private func versions(
    _ record: RunRecord, in history: String
  ) throws -> KernelVersionEvidence {
    guard let chosen = chosen(record) else { return KernelVersionEvidence() }
    let runs = try HistoryCommand.reporting {
      try HistoryStore(path: history, access: .existing).runs()
    }
    let evidence = HistoryRun.evidence(
      signature: chosen.signature, profile: record.began.profile, seed: record.began.seed, in: runs)
    return KernelVersionEvidence(affected: evidence.affected, unaffected: evidence.unaffected)
  }

  private func symbols(for record: RunRecord) throws -> SymbolTable? {
    if let systemMap {
      guard let table = SymbolTable(path: systemMap) else {
        throw CommandFailure(
          status: .badInput,
          message:
            "\(systemMap) lists no symbols; lines like 'ffffffff81000000 T _stext' are needed")
      }
      return table
    }
    // Addresses of another boot or another kernel would name the wrong functions.
    guard record.began.kernel == RunningKernel.ofThisMachine(),
      record.began.machine.identity == MachineDescription.ofThisMachine().identity
    else { return nil }
    return SymbolTable.ofThisKernel
  }
}
