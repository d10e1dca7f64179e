import Glibc

/// How long a process of the sandbox may stay away before that is called a hang.
///
/// A machine under load, or a table of a hundred thousand mounts, makes a healthy process slow: one that runs, or has
/// used the CPU since it was last looked at, is given another span, but not without end, for a loop inside the kernel
/// looks the same.
struct Patience {
  /// What `/proc` shows of a process that is waited for.
  struct Look: Hashable {
    /// The letter behind the name in `/proc/PID/stat`: `R`, `S`, `D`, `T`, …
    var state: Character
    /// User and system time in ticks.
    var processorTicks: UInt64
  }

  private let spanNanoseconds: UInt64
  private let start: UInt64
  private var spanEnd: UInt64
  private var lastTicks: UInt64?
  private var spans = 1

  init(spanNanoseconds: UInt64, now: UInt64) {
    self.spanNanoseconds = spanNanoseconds
    start = now
    spanEnd = now + spanNanoseconds
  }

  /// What is left of the span, in nanoseconds.
  func remainder(at now: UInt64) -> UInt64 { spanEnd > now ? spanEnd - now : 0 }

  func waitedNanoseconds(at now: UInt64) -> UInt64 { now - start }

  /// Whether the wait is over, asked from time to time while it lasts. `look` shows all processes that are waited for;
  /// it is called at the first time and when a span has ended.
  mutating func isOver(at now: UInt64, look: () -> [Look]) -> Bool {
    guard now >= spanEnd else {
      if lastTicks == nil { lastTicks = look().ticks }
      return false
    }
    guard spans < Self.mostSpans else { return true }
    let looks = look()
    let hasRun = lastTicks.map { looks.ticks > $0 } ?? false
    guard hasRun || looks.contains(where: { $0.state == "R" }) else { return true }
    lastTicks = looks.ticks
    spans += 1
    spanEnd = now + spanNanoseconds
    return false
  }

  private static var mostSpans: Int { 6 }
}

extension [Patience.Look] {
  fileprivate var ticks: UInt64 { reduce(0) { $0 + $1.processorTicks } }
}

extension Patience.Look {
  /// Reads `/proc/PID/stat`, which takes no lock of the mount code; nil where the process has gone.
  init?(processID: Int32, below procfs: Int32) {
    guard let text = ProcessFile.text("\(processID)/stat", below: procfs) else { return nil }
    self.init(stat: text)
  }

  /// The name may hold blanks and brackets, so the fields are counted from the last bracket.
  init?(stat text: String) {
    guard let name = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: name)...].split(separator: " ")
    guard fields.count > 12, let state = fields[0].first, let user = UInt64(fields[11]),
      let system = UInt64(fields[12])
    else { return nil }
    self.init(state: state, processorTicks: user + system)
  }
}
