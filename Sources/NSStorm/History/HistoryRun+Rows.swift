import GRDB

extension HistoryRun {
  /// - Returns: false where a run of this id is there already.
  func insert(into database: Database) throws -> Bool {
    try database.execute(
      sql: """
        INSERT OR IGNORE INTO runs VALUES (
          :id, :startedAt, :tool, :kernel, :build, :machine, :machineName, :processors, :rules,
          :profile, :seed, :isStrict, :stepLimit, :outcome, :exitCode, :steps, :volleyCalls, :succeededCalls,
          :mountsMade, :copiesPropagated, :namespacesMade, :answersChecked, :entriesChecked,
          :totalNanoseconds, :kernelNanoseconds, :memoryBytes)
        """,
      arguments: [
        "id": id, "startedAt": startedAt, "tool": tool, "kernel": kernel, "build": build,
        "machine": machine, "machineName": machineName, "processors": processors, "rules": rules,
        "profile": profile, "seed": seed, "isStrict": isStrict, "stepLimit": stepLimit,
        "outcome": outcome,
        "exitCode": exitCode, "steps": steps, "volleyCalls": volleyCalls,
        "succeededCalls": succeededCalls, "mountsMade": mountsMade,
        "copiesPropagated": copiesPropagated, "namespacesMade": namespacesMade,
        "answersChecked": answersChecked, "entriesChecked": entriesChecked,
        "totalNanoseconds": totalNanoseconds, "kernelNanoseconds": kernelNanoseconds,
        "memoryBytes": memoryBytes,
      ])
    guard database.changesCount == 1 else { return false }
    for (name, status) in cases.sorted(by: { $0.key < $1.key }) {
      try database.execute(
        sql: "INSERT INTO cases VALUES (?, ?, ?)", arguments: [id, name, status])
    }
    for (position, divergence) in divergences.enumerated() {
      try database.execute(
        sql: "INSERT INTO divergences VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [
          id, position, divergence.step, divergence.signature, divergence.rule,
          divergence.knownIssues.joined(separator: ","),
        ])
    }
    for timing in timings {
      try database.execute(
        sql: "INSERT OR IGNORE INTO latencies VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        arguments: [
          id, timing.kind.rawValue, timing.what, timing.count, timing.minimumNanoseconds,
          timing.meanNanoseconds, timing.medianNanoseconds, timing.p90Nanoseconds,
          timing.p99Nanoseconds, timing.maximumNanoseconds,
        ])
    }
    return true
  }

  /// Runs that fit, the oldest first.
  static func fetch(from database: Database, _ filter: HistoryFilter) throws -> [HistoryRun] {
    var conditions: [String] = []
    var arguments = StatementArguments()
    if let profile = filter.profile {
      conditions.append("profile = ?")
      arguments += [profile]
    }
    if let kernel = filter.kernel {
      // 6.18 means 6.18.44-generic too, and not 6.180.
      conditions.append("(kernel = ? OR substr(kernel, 1, ?) IN (? || '.', ? || '-', ? || '+'))")
      arguments += [kernel, kernel.count + 1, kernel, kernel, kernel]
    }
    if let machine = filter.machine {
      conditions.append("(machine = ? OR machineName = ?)")
      arguments += [machine, machine]
    }
    var sql = "SELECT * FROM runs"
    if !conditions.isEmpty { sql += " WHERE " + conditions.joined(separator: " AND ") }
    sql += " ORDER BY startedAt DESC, id DESC"
    if let newest = filter.newest {
      sql += " LIMIT ?"
      arguments += [newest]
    }
    var runs = try Row.fetchAll(database, sql: sql, arguments: arguments).map(HistoryRun.init)
    runs.reverse()
    for index in runs.indices { try runs[index].fetchParts(from: database) }
    return runs
  }

  private init(row: Row) {
    id = row["id"]
    startedAt = row["startedAt"]
    tool = row["tool"]
    kernel = row["kernel"]
    build = row["build"]
    machine = row["machine"]
    machineName = row["machineName"]
    processors = row["processors"]
    rules = row["rules"]
    profile = row["profile"]
    seed = row["seed"]
    isStrict = row["isStrict"]
    stepLimit = row["stepLimit"]
    outcome = row["outcome"]
    exitCode = row["exitCode"]
    steps = row["steps"]
    volleyCalls = row["volleyCalls"]
    succeededCalls = row["succeededCalls"]
    mountsMade = row["mountsMade"]
    copiesPropagated = row["copiesPropagated"]
    namespacesMade = row["namespacesMade"]
    answersChecked = row["answersChecked"]
    entriesChecked = row["entriesChecked"]
    totalNanoseconds = row["totalNanoseconds"]
    kernelNanoseconds = row["kernelNanoseconds"]
    memoryBytes = row["memoryBytes"]
  }

  private mutating func fetchParts(from database: Database) throws {
    for row in try Row.fetchAll(
      database, sql: "SELECT name, status FROM cases WHERE run = ?", arguments: [id])
    {
      cases[row["name"]] = row["status"]
    }
    divergences = try Row.fetchAll(
      database, sql: "SELECT * FROM divergences WHERE run = ? ORDER BY position", arguments: [id]
    ).map { row in
      let known: String = row["knownIssues"]
      return FoundDivergence(
        step: row["step"], signature: row["signature"], rule: row["rule"],
        knownIssues: known.split(separator: ",").map(String.init))
    }
    timings = try Row.fetchAll(
      database, sql: "SELECT * FROM latencies WHERE run = ? ORDER BY kind, what", arguments: [id]
    ).compactMap { row in
      guard let kind = Timing.Kind(rawValue: row["kind"]) else { return nil }
      return Timing(
        kind: kind, what: row["what"], count: row["count"],
        minimumNanoseconds: row["minimumNanoseconds"], meanNanoseconds: row["meanNanoseconds"],
        medianNanoseconds: row["medianNanoseconds"], p90Nanoseconds: row["p90Nanoseconds"],
        p99Nanoseconds: row["p99Nanoseconds"], maximumNanoseconds: row["maximumNanoseconds"])
    }
  }
}
