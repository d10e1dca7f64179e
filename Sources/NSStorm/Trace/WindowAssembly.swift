import StormVerdict
import StormVocabulary

/// Puts windows together from their lines, with the whole tables of each closing point.
struct WindowAssembly {
  private var open: TraceWindow?
  private var lastNumber = -1
  private var lastTables: [NamespaceNumber: MountTable]

  init(initialTable: MountTable) {
    lastTables = [0: initialTable]
  }

  /// Calls of a window that is not closed.
  var openCalls: Int { open?.window.calls.count ?? 0 }
  var isOpen: Bool { open != nil }

  /// Follows the tables of a step.
  mutating func follow(_ step: TraceStep) throws(WindowProblem) {
    if let open { throw WindowProblem("a step stands in window \(open.number), which is open") }
    if step.result == .none {
      if case .unshare(let namespace, _) = step.operation { lastTables[namespace] = nil }
      if case .exit = step.operation { lastTables[step.namespace] = nil }
    }
    for reading in step.tables { lastTables[reading.namespace] = reading.table }
  }

  /// Takes a part; the window that it closes, or the release that it is.
  mutating func add(_ part: WindowLine) throws(WindowProblem) -> TraceLine? {
    switch part {
    case .release(let release): return .release(release)
    case .barrier(let number, let phase, let time, let workers):
      if let open {
        throw WindowProblem("barrier \(number) stands in window \(open.number), which is open")
      }
      guard number > lastNumber else {
        throw WindowProblem("`barrier` is \(number), but \(lastNumber) stands before it")
      }
      lastNumber = number
      open = TraceWindow(
        number: number, phase: phase, workers: workers,
        window: ContendedWindow(calls: [], tables: nil, barrierNanoseconds: time))
    case .call(let number, let call):
      try check(number)
      guard let worker = open?.workers.first(where: { $0.number == call.worker }) else {
        throw WindowProblem("`worker` is \(call.worker), which the barrier does not list")
      }
      guard worker.process == call.process else {
        throw WindowProblem(
          "`ns` is \(call.process), but the barrier has worker \(call.worker) in \(worker.process)")
      }
      open?.window.calls.append(call)
    case .walker(let number, let reader):
      try check(number)
      open?.window.readers.append(reader)
    case .quiescent(let number, let time, let living, let tables):
      try check(number)
      guard var window = open else { return nil }
      open = nil
      window.window.tablesNanoseconds = time
      window.window.tables = try close(living, tables)
      return .window(window)
    }
    return nil
  }

  private func check(_ number: Int) throws(WindowProblem) {
    guard let open else { throw WindowProblem("window \(number) was not begun by a barrier") }
    guard open.number == number else {
      throw WindowProblem("the line is of window \(number), but \(open.number) is open")
    }
  }

  private mutating func close(
    _ living: [NamespaceNumber]?, _ tables: [NamespaceTable]
  ) throws(WindowProblem) -> [NamespaceTable]? {
    guard let living else { return nil }
    for reading in tables { lastTables[reading.namespace] = reading.table }
    var all: [NamespaceTable] = []
    for namespace in living.sorted() {
      guard let table = lastTables[namespace] else {
        throw WindowProblem(
          "no table of namespace \(namespace), which is said to live, was ever written")
      }
      all.append(NamespaceTable(namespace: namespace, table: table))
    }
    lastTables = lastTables.filter { living.contains($0.key) }
    return all
  }
}

/// What is wrong with the order of the lines of a window.
struct WindowProblem: Error {
  var message: String

  init(_ message: String) {
    self.message = message
  }
}
