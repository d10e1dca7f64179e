import StormEngine
import StormKernel
import StormPlanning
import StormRun
import StormVerdict
import StormVocabulary

/// What a mail is about: a divergence, or a fault of the kernel where there is none.
struct Finding {
  private enum Subject {
    case divergence(DivergenceEvent, window: WindowEvent?)
    case release(ReleaseEvent)
    case fault(FaultEvent)
  }

  private let what: Subject

  /// A fault is graver than a divergence; an unexplained divergence is more news than a known one.
  init(_ record: RunRecord, wanted: Int?) throws(MailReport.Nothing) {
    if let wanted {
      guard record.divergences.indices.contains(wanted) else {
        throw .noSuchDivergence(wanted, count: record.divergences.count)
      }
      let event = record.divergences[wanted].event
      what = .divergence(event, window: record.window(of: event))
    } else if let fault = record.faults.first {
      what = .fault(fault.event)
    } else if let found = record.unexplainedDivergences.first {
      what = .divergence(found, window: record.window(of: found))
    } else if let release = record.releases.first {
      what = .release(release.event)
    } else if let found = record.divergences.first?.event {
      what = .divergence(found, window: record.window(of: found))
    } else {
      throw .foundNothing
    }
  }

  /// The command that leads there again.
  func command(_ record: RunRecord) -> String {
    switch what {
    case .divergence(let event, _): event.replay
    case .release(let event): event.replay
    case .fault: "\(record.began.command) --seed \(record.began.seed)"
    }
  }

  /// The part of the subject behind the tag: the subsystem, then what happens.
  var subject: String {
    switch what {
    case .fault(let fault): return "\(area): \(FaultHeadline(fault).text)"
    case .release(let event): return "\(area): \(ReleaseWords(event.finding).subject)"
    case .divergence(let event, let window):
      let divergence = event.divergence
      let call = Self.call(divergence) + (window == nil ? "" : " in a race")
      if divergence.predictedErrno != divergence.observedErrno {
        return "\(area): \(call) answers \(Self.name(divergence.observedErrno)), "
          + "\(Self.name(divergence.predictedErrno)) expected"
      }
      let kinds = RunRecord.unique(divergence.tables.flatMap { $0.mounts.map(\.kind.rawValue) })
      let words = kinds.isEmpty ? "wrong mount table" : kinds.prefix(2).joined(separator: " and ")
      return "\(area): \(words) after \(call)"
    }
  }

  private var area: String {
    switch files.first {
    case .some(let file) where file.hasPrefix("fs/pnode"): "fs/pnode"
    case .some(let file) where file.hasPrefix("fs/name"): "fs/namespace"
    case .some(let file): String(file.prefix { $0 != "." })
    case nil: "fs/namespace"
    }
  }

  /// The files of the kernel's source that it is about, the deciding one first.
  var files: [String] {
    switch what {
    case .fault(let fault):
      let found = fault.lines.compactMap { KernelSource.file(in: $0) }
      return found.isEmpty ? ["fs/namespace.c"] : Array(RunRecord.unique(found).prefix(3))
    case .release: return ["fs/namespace.c", "fs/super.c"]
    case .divergence(let event, _):
      let deciding = event.divergence.decidingRule
      let file = deciding.flatMap { KernelSource.file(of: $0.function) } ?? "fs/namespace.c"
      return RunRecord.unique([file, "fs/namespace.c"])
    }
  }

  var knownIssues: [KnownIssue] {
    guard case .divergence(let event, _) = what else { return [] }
    return KnownIssue.catalogue.filter { event.divergence.knownIssues.contains($0.id) }
  }

  func opening(_ record: RunRecord) -> String {
    switch what {
    case .fault(let fault):
      let kind =
        switch fault.kind {
        case .hang: "a process that makes mount calls does not come back"
        case .death: "a process died in a mount call"
        case .log: "the kernel log has a report"
        case .taint: "the kernel was tainted"
        }
      return MailText.wrapped(
        "While mount namespaces were stressed on \(record.began.kernel.release), \(kind).")
    case .release(let event):
      return MailText.wrapped(
        "On \(record.began.kernel.release), a mount is not let go of as it should be "
          + "(\(event.finding.fileSystem.rawValue), \(event.finding.way.rawValue)).")
    case .divergence(let event, let window?):
      return MailText.wrapped(
        "On \(record.began.kernel.release), \(window.calls.count) system calls of \(window.workers.count) workers "
          + "raced, and "
          + (window.verdict == .violated
            ? "no order of them explains what was seen." : "a known issue explains what was seen.")
          + Self.culprit(event.divergence))
    case .divergence(let event, nil):
      let divergence = event.divergence
      let call = Self.call(divergence)
      let seen =
        divergence.predictedErrno != divergence.observedErrno
        ? "\(call) answers \(Self.name(divergence.observedErrno)) where "
          + "\(Self.name(divergence.predictedErrno)) is expected"
        : "the mount table after \(call) is not the expected one"
      return MailText.wrapped("On \(record.began.kernel.release), \(seen).")
    }
  }

  private static func culprit(_ divergence: Divergence) -> String {
    guard divergence.predictedErrno != divergence.observedErrno else { return "" }
    return " \(call(divergence)) answers \(name(divergence.observedErrno)) where "
      + "\(name(divergence.predictedErrno)) is expected."
  }

  func details(_ record: RunRecord) -> String {
    switch what {
    case .fault(let fault): return MailText.heading("What was seen") + "\n" + fault.text
    case .release(let event):
      return ([MailText.heading("What happens")] + ReleaseWords(event.finding).lines(record))
        .joined(separator: "\n")
    case .divergence(let event, let window):
      return Self.details(event.divergence, window)
    }
  }

  private static func details(_ divergence: Divergence, _ window: WindowEvent?) -> String {
    var lines = [MailText.heading("What happens")]
    if let operation = divergence.operation {
      lines.append("call:      \(operation)   (in mount namespace \(divergence.namespace))")
    } else {
      lines.append("The tables were read while nothing ran.")
    }
    if window != nil {
      lines.append("It raced with the calls below. The order of their steps that explains")
      lines.append("most comes to its end there:")
    }
    lines.append("expected:  \(divergence.predictedErrno)")
    lines.append("seen:      \(divergence.observedErrno)")
    if let deciding = divergence.decidingRule {
      let file = KernelSource.file(of: deciding.function).map { " in \($0)" } ?? ""
      lines.append("decided:   by \(deciding.function)()\(file):")
      lines.append(MailText.wrapped("           \(deciding.sentence)"))
    }
    if let window { return (lines + [""] + Self.race(window)).joined(separator: "\n") }
    for table in divergence.tables {
      lines.append("")
      switch table.presence {
      case .both:
        lines.append(
          "mountinfo in namespace \(table.namespace) (- expected, + seen):")
        lines.append("")
        lines += table.folded().prefix(Self.mostTableLines).map { "  \($0)" }
      case .missingTable:
        lines.append("namespace \(table.namespace) is expected to exist and does not")
      case .extraTable:
        lines.append("namespace \(table.namespace) exists and is not expected to")
      }
      lines.append("")
      lines += table.mounts.prefix(Self.mostDifferences).map { "  \($0)" }
      let left = table.mounts.count - Self.mostDifferences
      if left > 0 { lines.append("  … \(left) more") }
    }
    return lines.joined(separator: "\n")
  }

  /// Who called what when, the order that explains most, and why no call can follow it; also the tables where they are
  /// what is wrong.
  private static func race(_ window: WindowEvent) -> [String] {
    [
      "Times are in microseconds. A call may be ordered before another unless it began after the",
      "other had ended.", "",
    ] + window.lines.prefix(mostRaceLines)
  }

  private static let mostRaceLines = 200
  private static let mostTableLines = 30
  private static let mostDifferences = 8

  /// The call without its paths: what a subject has room for.
  private static func call(_ divergence: Divergence) -> String {
    divergence.signature.prefix { $0 != ":" }.description
  }

  private static func name(_ errno: Errno) -> String {
    errno == .none ? "0" : errno.name
  }
}
