import StormVerdict
import StormVocabulary

// The lines that only version 2 has.

extension TraceText {
  /// Makes the lines of a window: its barrier, its calls and walkers by their starts, its closing point.
  public mutating func append(_ window: TraceWindow) {
    text.removeAll()
    barrier(window)
    let calls = window.window.calls.sorted {
      ($0.startNanoseconds, $0.worker) < ($1.startNanoseconds, $1.worker)
    }
    for call in calls {
      text.raw("{\"window\":")
      text.number(window.number)
      text.member("worker", call.worker)
      text.member("ns", call.process)
      text.call(call.operation)
      result(call.errno)
      text.interval("t", call.startNanoseconds, call.endNanoseconds)
      text.raw("}\n")
    }
    for reader in window.window.readers {
      text.raw("{\"window\":")
      text.number(window.number)
      text.raw(",\"walker\":true")
      text.member("ns", reader.process)
      text.path("path", reader.path)
      text.interval("t", reader.startNanoseconds, reader.endNanoseconds)
      text.raw("}\n")
    }
    quiescentPoint(window)
  }

  private mutating func barrier(_ window: TraceWindow) {
    text.raw("{\"barrier\":")
    text.number(window.number)
    text.member("phase", window.phase)
    if let time = window.window.barrierNanoseconds { text.member("at", time) }
    text.raw(",\"workers\":[")
    for (index, worker) in window.workers.enumerated() {
      if index > 0 { text.raw(",") }
      text.raw("{\"worker\":")
      text.number(worker.number)
      text.member("ns", worker.process)
      if worker.isThread { text.raw(",\"thread\":true") }
      if let cpu = worker.cpu { text.member("cpu", cpu) }
      if worker.priority != 0 { text.member("nice", worker.priority) }
      text.raw("}")
    }
    text.raw("]}\n")
  }

  private mutating func quiescentPoint(_ window: TraceWindow) {
    text.raw("{\"quiescent\":")
    text.number(window.number)
    if let time = window.window.tablesNanoseconds { text.member("read", time) }
    if let tables = window.window.tables {
      let living = Set(tables.map(\.namespace))
      for namespace in namespacesWritten where !living.contains(namespace) { forget(namespace) }
      text.numbers("living", living.sorted())
      self.tables(tables)
    }
    text.raw("}\n")
  }
}

extension JSONText {
  /// `,"key":[start,end]`.
  mutating func interval(_ key: StaticString, _ start: UInt64, _ end: UInt64) {
    numbers(key, [start, end])
  }

  /// `,"key":[1,2]`.
  mutating func numbers(_ key: StaticString, _ values: [some BinaryInteger]) {
    raw(",\"")
    raw(key)
    raw("\":[")
    for (index, value) in values.enumerated() {
      if index > 0 { raw(",") }
      number(value)
    }
    raw("]")
  }
}
