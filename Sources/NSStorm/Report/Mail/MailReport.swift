import StormEngine
import StormKernel
import StormRun
import StormVerdict
import StormVocabulary

/// A mail to a kernel list about one finding of a run: plain text, complete without attachments, with what its readers ask
/// for (`Documentation/admin-guide/reporting-issues.rst`).
///
/// Somebody sends it: it says what was found and how sure that is, and leaves the greeting and the name to that person.
public struct MailReport {
  /// What the run does not know itself.
  public struct Supplement: Sendable {
    /// A program that shows the same, with a word on how to use it.
    public var reproducer: Reproducer?
    public var decoder = LogDecoder(symbols: nil)
    /// What is known about other kernels.
    public var versions = KernelVersionEvidence()
    /// The commits or releases between which it appeared, `GOOD..BAD`: makes it a regression.
    public var introducedRange: String?
    /// Which divergence, from 0; the first unexplained one where nil.
    public var divergence: Int?

    public init() {}
  }

  public struct Reproducer: Sendable {
    public var text: String
    /// What to type to build and run it.
    public var usage: String

    public init(text: String, usage: String) {
      self.text = text
      self.usage = usage
    }
  }

  /// Why there is nothing to write about.
  public enum Nothing: Error, Hashable, Sendable, CustomStringConvertible {
    case foundNothing
    case noSuchDivergence(Int, count: Int)

    public var description: String {
      switch self {
      case .foundNothing: "the run found nothing to write to a list about; try --format text"
      case .noSuchDivergence(let index, let count):
        "there is no divergence \(index); the run has \(count), counted from 0"
      }
    }
  }

  public let subject: String
  public let recipients: [String]
  /// Everything below the header, lines of prose at most 72 columns wide.
  public let body: String

  public init(_ record: RunRecord, _ supplement: Supplement = Supplement()) throws(Nothing) {
    let finding = try Finding(record, wanted: supplement.divergence)
    let release = record.began.kernel.release
    let tag = supplement.introducedRange == nil ? "[BUG]" : "[REGRESSION]"
    subject = "\(tag) \(finding.subject) on \(release)"
    let whom = finding.files.map(KernelSource.recipients)
    recipients = RunRecord.unique(whom.flatMap(\.to) + whom.flatMap(\.lists))
    var parts = [finding.opening(record), finding.details(record)]
    parts.append(Self.reproducer(finding.command(record), supplement.reproducer))
    parts.append(Self.kernel(record))
    parts.append(Self.versions(supplement.versions, finding, record))
    if let log = Self.log(record, supplement.decoder) { parts.append(log) }
    parts.append(Self.recipients(finding.files))
    if let range = supplement.introducedRange { parts.append("#regzbot introduced: \(range)") }
    parts.append(
      MailText.wrapped(
        "Found by \(record.began.tool), profile \(record.began.profile), seed \(record.began.seed), "
          + "run \(record.began.run). The expectation comes from a model of the documented and observed "
          + "behaviour of many kernels; where the model is wrong, I am glad to learn why."))
    body = parts.joined(separator: "\n\n") + "\n"
  }

  /// The whole mail as a draft: header lines, an empty line, the body.
  public var text: String {
    var header: [String] = []
    let to = recipients.filter { !$0.contains("vger.kernel.org") && !$0.contains("kvack.org") }
    let lists = recipients.filter { !to.contains($0) }
    if !to.isEmpty { header.append("To: " + to.joined(separator: ",\n ")) }
    let copies = RunRecord.unique(lists + ["linux-kernel@vger.kernel.org"])
    header.append("Cc: " + copies.joined(separator: ",\n "))
    header.append("Subject: \(subject)")
    return header.joined(separator: "\n") + "\n\n" + body
  }

  // MARK: - Sections

  private static func reproducer(_ command: String, _ reproducer: Reproducer?) -> String {
    var lines = [MailText.heading("Reproducer")]
    if let reproducer {
      lines.append(MailText.wrapped(reproducer.usage))
      lines.append("")
      lines.append(
        reproducer.text.hasSuffix("\n") ? String(reproducer.text.dropLast()) : reproducer.text)
      lines.append("")
    }
    lines.append(
      MailText.wrapped(
        "\(reproducer == nil ? "With nsstorm" : "The run that found it, with nsstorm"), as root; everything "
          + "happens in private namespaces:"))
    lines += ["", "    \(command)"]
    return lines.joined(separator: "\n")
  }

  private static func kernel(_ record: RunRecord) -> String {
    let began = record.began
    let machine = began.machine
    var lines = [
      MailText.heading("Kernel"), "    \(began.kernel.release)", "    \(began.kernel.build)",
      "    \(machine.architecture), \(machine.processors) CPUs, \(machine.memoryBytes >> 20) MiB"
        + (machine.processorModel.isEmpty ? "" : ", \(machine.processorModel)"),
    ]
    if !began.configuration.bootParameters.isEmpty {
      lines += ["    booted with: \(began.configuration.bootParameters.joined(separator: " "))"]
    }
    lines.append("")
    if let source = began.configuration.source {
      lines.append("Settings that matter here, from \(source):")
      lines.append("")
      lines += began.configuration.options.map { "    \($0)" }
    } else {
      lines.append("The kernel's configuration was not found on that machine.")
    }
    return lines.joined(separator: "\n")
  }

  private static func versions(
    _ evidence: KernelVersionEvidence, _ finding: Finding, _ record: RunRecord
  ) -> String {
    var lines = [MailText.heading("Versions")]
    let own = record.began.kernel.release
    var affected = [own] + evidence.affected.filter { $0 != own }
    var unaffected = evidence.unaffected.filter { !affected.contains($0) }
    affected = RunRecord.unique(affected)
    unaffected = RunRecord.unique(unaffected)
    lines.append("affected (seen): " + affected.joined(separator: ", "))
    lines.append(
      "not affected (the same profile and seed ran there without it): "
        + (unaffected.isEmpty ? "none tried" : unaffected.joined(separator: ", ")))
    for issue in finding.knownIssues {
      lines.append("")
      lines.append(
        MailText.wrapped(
          "This is what \"\(issue.id)\" describes, \(issue.title): in \(issue.introduced) and later, "
            + "fixed in \(issue.fixed)"
            + (issue.fixedInStable.isEmpty
              ? ""
              : " and in stable \(issue.fixedInStable.map(\.description).joined(separator: ", "))")
            + " by \"\(issue.fixSubject)\"."))
    }
    return lines.joined(separator: "\n")
  }

  private static func log(_ record: RunRecord, _ decoder: LogDecoder) -> String? {
    let faults = record.faults.map(\.event).filter { !$0.lines.isEmpty }
    guard !faults.isEmpty else { return nil }
    var lines = [MailText.heading("Kernel log")]
    for fault in faults {
      if fault.kind == .hang, let first = fault.text.split(separator: "\n").first {
        lines.append("    \(first)")
      }
      lines += decoder.decode(fault.lines).map { "    \($0)" }
      lines.append("")
    }
    lines += decoder.notes.map { "(\($0))" }
    return lines.joined(separator: "\n")
  }

  private static func recipients(_ files: [String]) -> String {
    var lines = [MailText.heading("Recipients")]
    for file in files {
      let whom = KernelSource.recipients(for: file)
      lines.append("\(file) (\(whom.area)): \((whom.to + whom.lists).joined(separator: ", "))")
    }
    lines.append(
      "Ask the tree itself: scripts/get_maintainer.pl "
        + files.map { "-f \($0)" }.joined(separator: " "))
    return lines.joined(separator: "\n")
  }
}

/// What is known about kernels other than the one that was run.
public struct KernelVersionEvidence: Hashable, Sendable {
  /// Releases on which a run had the same signature.
  public var affected: [String]
  /// Releases on which the same profile and seed ran to their end without it.
  public var unaffected: [String]

  public init(affected: [String] = [], unaffected: [String] = []) {
    self.affected = affected
    self.unaffected = unaffected
  }
}
