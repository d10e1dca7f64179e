import Foundation
import GRDB
public import StormReport

/// Runs of many days, kernels and machines in one SQLite file.
///
/// Several processes may write at once: each save is one transaction that waits for others, and it has reached the disk
/// when ``save(_:)`` returns. A process that is killed in the middle leaves the file as it was before.
public struct HistoryStore: Sendable {
  /// Whether a file that is missing is made.
  public enum Access: Sendable {
    case makes
    /// The file must be there, and is not changed but for its format.
    case existing
  }

  let queue: DatabaseQueue
  public let path: String

  /// Opens the file and brings its format up to date.
  public init(path: String, access: Access) throws(HistoryError) {
    self.path = path
    if access == .existing, !FileManager.default.fileExists(atPath: path) {
      throw HistoryError(path: path, reason: .missing)
    }
    var configuration = Configuration()
    configuration.label = "history"
    configuration.busyMode = .timeout(60)
    configuration.prepareDatabase { database in
      // The journal's removal is synced as well: it is what commits.
      try database.execute(sql: "PRAGMA synchronous = EXTRA")
    }
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      try Self.migrate(queue)
    } catch let error as HistoryError {
      throw error
    } catch {
      throw HistoryError(path: path, reason: .database("\(Self.message(error))"))
    }
  }

  private static func migrate(_ queue: DatabaseQueue) throws {
    let migrator = HistorySchema.migrator
    if try queue.read({ try migrator.hasBeenSuperseded($0) }) {
      throw HistoryError(path: queue.path, reason: .newer)
    }
    if try queue.read({ try migrator.hasCompletedMigrations($0) }) { return }
    // Another process may make the same tables at this moment; the one that comes second finds them done.
    for attempt in 1...attempts {
      do {
        try migrator.migrate(queue)
        return
      } catch  where attempt < attempts {
        usleep(useconds_t(attempt) * 20_000)
      }
    }
  }

  private static let attempts = 20

  /// Saves a run; one that is there already, by its id, is left as it is.
  ///
  /// - Returns: whether it was new.
  @discardableResult
  public func save(_ record: RunRecord) throws(HistoryError) -> Bool {
    let run = HistoryRun(record)
    return try save([run]) == 1
  }

  /// Saves runs in one transaction.
  ///
  /// - Returns: how many were new.
  @discardableResult
  public func save(_ runs: [HistoryRun]) throws(HistoryError) -> Int {
    try write { database in
      var added = 0
      for run in runs where try run.insert(into: database) { added += 1 }
      return added
    }
  }

  /// Runs that fit, the oldest first.
  public func runs(_ filter: HistoryFilter = HistoryFilter()) throws(HistoryError) -> [HistoryRun] {
    try perform { try queue.read { try HistoryRun.fetch(from: $0, filter) } }
  }

  private func write<Value>(_ work: (Database) throws -> Value) throws(HistoryError) -> Value {
    // Immediate: a transaction that first reads and then writes could find the file changed in between.
    try perform {
      try queue.inDatabase { database in
        var value: Value?
        try database.inTransaction(.immediate) {
          value = try work(database)
          return .commit
        }
        guard let value else { throw DatabaseError(message: "nothing was committed") }
        return value
      }
    }
  }

  private func perform<Value>(_ work: () throws -> Value) throws(HistoryError) -> Value {
    do { return try work() } catch {
      throw HistoryError(path: path, reason: .database(Self.message(error)))
    }
  }

  private static func message(_ error: any Error) -> String {
    guard let error = error as? DatabaseError else { return error.localizedDescription }
    return error.message ?? "\(error.resultCode)"
  }
}

/// Which runs are meant.
public struct HistoryFilter: Hashable, Sendable {
  public var profile: String?
  /// `uname -r`, or its beginning up to a dot or dash.
  public var kernel: String?
  /// The machine's name or identity.
  public var machine: String?
  /// The newest so many; all where nil.
  public var newest: Int?

  public init(
    profile: String? = nil, kernel: String? = nil, machine: String? = nil, newest: Int? = nil
  ) {
    self.profile = profile
    self.kernel = kernel
    self.machine = machine
    self.newest = newest
  }
}

/// Why a history cannot be used.
public struct HistoryError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    case missing
    /// A newer nsstorm wrote it.
    case newer
    case database(String)
  }

  public var path: String
  public var reason: Reason

  public var description: String {
    switch reason {
    case .missing:
      "\(path) does not exist; runs are saved by 'nsstorm run … --history \(path)'"
    case .newer: "\(path) was written by a newer nsstorm, whose format this one does not know"
    case .database(let text): "\(path): \(text)"
    }
  }
}
