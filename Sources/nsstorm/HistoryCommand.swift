import ArgumentParser
import Foundation
import StormHistory
import StormReport

/// `nsstorm history`: what many runs say together.
struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history",
    abstract: "List, compare and merge the runs that `nsstorm run --history FILE` has saved.",
    discussion: """
      Examples:
        nsstorm history list runs.db --newest 10
        nsstorm history compare runs.db 6.17.13 6.18.15
        nsstorm history trends runs.db --profile first-storm
        nsstorm history flaky runs.db
        nsstorm history add runs.db results/latest
        nsstorm history merge all.db machine-a.db machine-b.db
      """,
    subcommands: [
      List.self, Compare.self, TrendsOfRuns.self, Flaky.self, Add.self, Merge.self,
    ])

  /// Which runs are meant.
  struct Selection: ParsableArguments {
    @Option(help: "Only runs of this profile.") var profile: String?
    @Option(help: "Only runs on this kernel (uname -r, or its beginning: 6.18).") var kernel:
      String?
    @Option(help: "Only runs on this machine, by name or identity.") var machine: String?
    @Option(help: "Only the newest so many.") var newest: Int?

    func validate() throws {
      if let newest, newest < 1 {
        throw ValidationError("--newest is \(newest); allowed: 1 and more")
      }
    }

    var filter: HistoryFilter {
      HistoryFilter(profile: profile, kernel: kernel, machine: machine, newest: newest)
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "One line for each run, the oldest first.",
      discussion: """
        Examples:
          nsstorm history list runs.db --profile first-storm --newest 10
          nsstorm history list runs.db --kernel 6.18 --json
        """)
    @Argument(help: "The history.") var file: String
    @OptionGroup var selection: Selection
    @Flag(help: "Print the runs as JSON.") var json = false

    func run() throws {
      let runs = try Self.runs(in: file, selection.filter)
      print(json ? try HistoryText.json(runs) : HistoryText.list(runs), terminator: "")
    }
  }

  struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Two kernels: verdicts, findings, and times on machines that ran both.",
      discussion: """
        A time counts as changed only with the stated confidence (a rank test by permutation, corrected for the number of \
        comparisons).

        Examples:
          nsstorm history compare runs.db 6.17.13 6.18.15 --confidence 0.99
        """)
    @Argument(help: "The history.") var file: String
    @Argument(help: "A kernel: uname -r, or its beginning.") var first: String
    @Argument(help: "The other one.") var second: String
    @Option(help: "Only this profile.") var profile: String?
    @Option(help: "How sure a change of times must be, above 0 and below 1.") var confidence = 0.95

    func validate() throws { try HistoryCommand.validate(confidence) }

    func run() throws {
      let sides = try [first, second].map { kernel in
        let runs = try List.runs(in: file, HistoryFilter(profile: profile, kernel: kernel))
        guard !runs.isEmpty else {
          throw CommandFailure(status: .badInput, message: "\(file) has no run on kernel \(kernel)")
        }
        return runs
      }
      let comparison = KernelComparison(sides[0], sides[1])
      print(
        HistoryText.comparison(comparison, names: [first, second], confidence: confidence),
        terminator: "")
    }
  }

  struct TrendsOfRuns: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "trends",
      abstract: "How latencies and release lags developed, and where they changed.",
      discussion: """
        Change points by CUSUM over ranks, judged by permutations (the same for the same file) and corrected for the \
        number of series.

        Examples:
          nsstorm history trends runs.db --profile release --confidence 0.99
        """)
    @Argument(help: "The history.") var file: String
    @OptionGroup var selection: Selection
    @Option(help: "How sure a change must be, above 0 and below 1.") var confidence = 0.95

    func validate() throws { try HistoryCommand.validate(confidence) }

    func run() throws {
      let runs = try List.runs(in: file, selection.filter)
      print(HistoryText.trends(Trends(runs, confidence: confidence)), terminator: "")
    }
  }

  struct Flaky: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "How often the same profile, seed, kernel and machine came to different verdicts.",
      discussion: """
        Examples:
          nsstorm history flaky runs.db --profile contended
        """)
    @Argument(help: "The history.") var file: String
    @OptionGroup var selection: Selection

    func run() throws {
      let runs = try List.runs(in: file, selection.filter)
      print(HistoryText.flakiness(Flakiness(runs)), terminator: "")
    }
  }

  struct Add: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Save runs from their result folders or files of events.",
      discussion: """
        Examples:
          nsstorm history add runs.db results/latest night.jsonl
        """)
    @Argument(help: "The history; made where it is missing.") var file: String
    @Argument(help: "Result folders or files of events.") var runs: [String]

    func run() throws {
      for path in runs {
        let record = try ReportCommand.record(at: path)
        try HistoryCommand.reporting {
          let store = try HistoryStore(path: file, access: .makes)
          let isNew = try store.save(record)
          print(isNew ? "saved \(record.began.run)" : "there already: \(record.began.run)")
          fflush(nil)
        }
      }
    }
  }

  struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Copy the runs of other histories that are not here yet.",
      discussion: """
        Examples:
          nsstorm history merge all.db machine-a.db machine-b.db
        """)
    @Argument(help: "The history that they go into; made where it is missing.") var into: String
    @Argument(help: "Histories of other machines.") var from: [String]

    func run() throws {
      try HistoryCommand.reporting {
        let store = try HistoryStore(path: into, access: .makes)
        for path in from {
          let result = try store.merge(from: path)
          print("\(path): \(result.runs) runs, \(result.added) new")
        }
      }
    }
  }

  fileprivate static func validate(_ confidence: Double) throws {
    guard confidence > 0, confidence < 1 else {
      throw ValidationError("--confidence is \(confidence); allowed: above 0 and below 1")
    }
  }

  /// What is wrong with a history is bad input.
  static func reporting<Value>(_ work: () throws -> Value) throws -> Value {
    do { return try work() } catch let error as HistoryError {
      throw CommandFailure(status: .badInput, message: "\(error)")
    }
  }
}

extension HistoryCommand.List {
  fileprivate static func runs(in file: String, _ filter: HistoryFilter) throws -> [HistoryRun] {
    try HistoryCommand.reporting {
      try HistoryStore(path: file, access: .existing).runs(filter)
    }
  }
}
