import GRDB

/// The tables of a history and how older files come to have them. A migration that was released is never changed.
enum HistorySchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: runs with cases and divergences") { database in
      try database.execute(
        sql: """
          CREATE TABLE runs (
            id TEXT PRIMARY KEY NOT NULL, startedAt TEXT NOT NULL, tool TEXT NOT NULL,
            kernel TEXT NOT NULL, build TEXT NOT NULL, machine TEXT NOT NULL,
            machineName TEXT NOT NULL, processors INTEGER NOT NULL, rules TEXT NOT NULL,
            profile TEXT NOT NULL, seed TEXT NOT NULL, isStrict INTEGER NOT NULL,
            stepLimit INTEGER,
            outcome TEXT NOT NULL, exitCode INTEGER, steps INTEGER NOT NULL,
            volleyCalls INTEGER NOT NULL, succeededCalls INTEGER NOT NULL,
            mountsMade INTEGER NOT NULL, copiesPropagated INTEGER NOT NULL,
            namespacesMade INTEGER NOT NULL, answersChecked INTEGER NOT NULL,
            entriesChecked INTEGER NOT NULL, totalNanoseconds INTEGER NOT NULL,
            kernelNanoseconds INTEGER NOT NULL, memoryBytes INTEGER
          ) WITHOUT ROWID;
          CREATE INDEX runsByProfile ON runs (profile, startedAt);
          CREATE TABLE cases (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, name TEXT NOT NULL,
            status TEXT NOT NULL, PRIMARY KEY (run, name)
          ) WITHOUT ROWID;
          CREATE TABLE divergences (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, position INTEGER NOT NULL,
            step INTEGER NOT NULL, signature TEXT NOT NULL, rule TEXT, knownIssues TEXT NOT NULL,
            PRIMARY KEY (run, position)
          ) WITHOUT ROWID;
          """)
    }
    migrator.registerMigration("2: latencies and release lags") { database in
      try database.execute(
        sql: """
          CREATE TABLE latencies (
            run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE, kind TEXT NOT NULL,
            what TEXT NOT NULL, count INTEGER NOT NULL, minimumNanoseconds INTEGER NOT NULL,
            meanNanoseconds INTEGER NOT NULL, medianNanoseconds INTEGER NOT NULL,
            p90Nanoseconds INTEGER NOT NULL, p99Nanoseconds INTEGER NOT NULL,
            maximumNanoseconds INTEGER NOT NULL, PRIMARY KEY (run, kind, what)
          ) WITHOUT ROWID;
          """)
    }
    return migrator
  }
}
