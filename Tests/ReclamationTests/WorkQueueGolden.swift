import StormReclamation

/// What an independent model found about tails on work queues: tail, caller, whether the caller holds the
/// lock, pool size, number of callers, finding with the length of a shortest trace.
enum WorkQueueGolden {
  struct Row: Sendable, CustomStringConvertible {
    var tail: Design.Tail
    var caller: WorkQueueSystem.Caller
    var holdsLock: Bool
    var poolSize: Int
    var callers: Int
    var findings: [Finding: Int]
    var description: String { "\(tail) \(caller) lock=\(holdsLock) pool=\(poolSize) n=\(callers)" }
  }

  static let rows: [Row] = table.split(separator: "\n").compactMap { line in
    let columns = line.split(separator: " ").map(String.init)
    guard let tail = Design.Tail(rawValue: columns[0]),
      let caller = WorkQueueSystem.Caller(rawValue: columns[1]),
      let pool = Int(columns[3]), let callers = Int(columns[4])
    else { return nil }
    var findings: [Finding: Int] = [:]
    for column in columns.dropFirst(5) where column != "-" {
      let parts = column.split(separator: "=")
      findings[parts[0] == "DEADLOCK" ? .deadlock : .returnsBeforeCleanup] = Int(parts[1])
    }
    return Row(
      tail: tail, caller: caller, holdsLock: columns[2] == "1", poolSize: pool, callers: callers,
      findings: findings)
  }

  private static let table = """
    inline   user         0 1 1 -
    inline   user         0 2 2 -
    inline   user         0 8 2 -
    inline   user         1 1 1 DEADLOCK=3
    inline   user         1 2 2 DEADLOCK=4
    inline   user         1 8 2 DEADLOCK=4
    inline   kernelThread 0 1 1 -
    inline   kernelThread 0 2 2 -
    inline   kernelThread 0 8 2 -
    inline   kernelThread 1 1 1 DEADLOCK=3
    inline   kernelThread 1 2 2 DEADLOCK=4
    inline   kernelThread 1 8 2 DEADLOCK=4
    inline   workItem     0 1 1 -
    inline   workItem     0 2 2 -
    inline   workItem     0 8 2 -
    inline   workItem     1 1 1 DEADLOCK=3
    inline   workItem     1 2 2 DEADLOCK=4
    inline   workItem     1 8 2 DEADLOCK=4
    taskWork user         0 1 1 -
    taskWork user         0 2 2 -
    taskWork user         0 8 2 -
    taskWork user         1 1 1 -
    taskWork user         1 2 2 -
    taskWork user         1 8 2 -
    taskWork kernelThread 0 1 1 RETURNS_BEFORE_CLEANUP=4
    taskWork kernelThread 0 2 2 RETURNS_BEFORE_CLEANUP=4
    taskWork kernelThread 0 8 2 RETURNS_BEFORE_CLEANUP=4
    taskWork kernelThread 1 1 1 RETURNS_BEFORE_CLEANUP=4
    taskWork kernelThread 1 2 2 RETURNS_BEFORE_CLEANUP=4
    taskWork kernelThread 1 8 2 RETURNS_BEFORE_CLEANUP=4
    taskWork workItem     0 1 1 RETURNS_BEFORE_CLEANUP=4
    taskWork workItem     0 2 2 RETURNS_BEFORE_CLEANUP=4
    taskWork workItem     0 8 2 RETURNS_BEFORE_CLEANUP=4
    taskWork workItem     1 1 1 RETURNS_BEFORE_CLEANUP=4
    taskWork workItem     1 2 2 RETURNS_BEFORE_CLEANUP=4
    taskWork workItem     1 8 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait user         0 1 1 RETURNS_BEFORE_CLEANUP=4
    wqNoWait user         0 2 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait user         0 8 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait user         1 1 1 RETURNS_BEFORE_CLEANUP=4
    wqNoWait user         1 2 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait user         1 8 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait kernelThread 0 1 1 RETURNS_BEFORE_CLEANUP=4
    wqNoWait kernelThread 0 2 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait kernelThread 0 8 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait kernelThread 1 1 1 RETURNS_BEFORE_CLEANUP=4
    wqNoWait kernelThread 1 2 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait kernelThread 1 8 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait workItem     0 1 1 RETURNS_BEFORE_CLEANUP=4
    wqNoWait workItem     0 2 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait workItem     0 8 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait workItem     1 1 1 RETURNS_BEFORE_CLEANUP=4
    wqNoWait workItem     1 2 2 RETURNS_BEFORE_CLEANUP=4
    wqNoWait workItem     1 8 2 RETURNS_BEFORE_CLEANUP=4
    wqWait   user         0 1 1 -
    wqWait   user         0 2 2 -
    wqWait   user         0 8 2 -
    wqWait   user         1 1 1 DEADLOCK=4
    wqWait   user         1 2 2 DEADLOCK=5
    wqWait   user         1 8 2 DEADLOCK=5
    wqWait   kernelThread 0 1 1 -
    wqWait   kernelThread 0 2 2 -
    wqWait   kernelThread 0 8 2 -
    wqWait   kernelThread 1 1 1 DEADLOCK=4
    wqWait   kernelThread 1 2 2 DEADLOCK=5
    wqWait   kernelThread 1 8 2 DEADLOCK=5
    wqWait   workItem     0 1 1 DEADLOCK=3
    wqWait   workItem     0 2 2 DEADLOCK=6
    wqWait   workItem     0 8 2 -
    wqWait   workItem     1 1 1 DEADLOCK=3
    wqWait   workItem     1 2 2 DEADLOCK=4
    wqWait   workItem     1 8 2 DEADLOCK=5
    """
}
