import Foundation
import Glibc
import StormHistory
import StormKernel
import StormReport

/// The files that a run writes beside the terminal: the event stream, the result folder, the JSON result.
struct RunOutputs {
  let startedAt = Date()
  let run: RunIdentifier
  let folder: ResultFolder?
  let sinks: [any EventSink]
  private let files: [EventFile]
  private let collector: RunCollector
  private let json: String?
  private let history: HistoryStore?

  /// Makes what has to be there before the run begins.
  init(events: String?, folder parent: String?, json: String?, history: String?)
    throws(CommandFailure)
  {
    // Whoever reads the stream may leave; that ends the stream and not the run.
    if events == "-" { signal(SIGPIPE, SIG_IGN) }
    let run = RunIdentifier(startedAt: startedAt)
    self.run = run
    self.json = json
    do {
      // A history that cannot be opened is known before the storm and not after it.
      self.history = try history.map { try HistoryStore(path: $0, access: .makes) }
      let folder = try parent.map { try ResultFolder.make(below: $0, run: run) }
      self.folder = folder
      files = try [events, folder?.path(of: .events)].compactMap { try $0.map(EventFile.init) }
      let log = try folder.map { try TextLog(path: $0.path(of: .log)) }
      collector = RunCollector { began in
        do { try folder?.writeCases(began) } catch {
          FileHandle.standardError.write(Data("nsstorm: \(error)\n".utf8))
        }
      }
      sinks = files + [log].compactMap(\.self) + [collector]
    } catch {
      throw CommandFailure(
        status: .harnessFailed, message: "the results have no place: \(Self.reason(error))")
    }
  }

  /// Writes what is known once the run has ended.
  func finish() throws(CommandFailure) {
    guard let record = collector.record else { return }
    var problems = files.compactMap(\.failure).filter { !$0.isClosedPipe }.map(\.description)
    do {
      if let json {
        try WholeFile.write(RunDocument(record).data(), to: json)
      }
      try folder?.write(record)
    } catch {
      problems.append(Self.reason(error))
    }
    do {
      if let history {
        try history.save(record)
        say("saved \(record.began.run) in \(history.path)")
      }
    } catch {
      problems.append("\(error)")
    }
    if let folder {
      say("results in \(folder.path)")
    }
    guard problems.isEmpty else {
      throw CommandFailure(
        status: .harnessFailed,
        message: "results could not be kept: \(problems.joined(separator: "; "))")
    }
  }

  private func say(_ text: String) {
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }

  private static func reason(_ error: any Error) -> String {
    switch error {
    case let error as EventFileError: "\(error)"
    case let error as HistoryError: "\(error)"
    case let error as WholeFileError: "\(error)"
    default: error.localizedDescription
    }
  }
}
