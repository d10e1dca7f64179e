import StormVerdict
import StormVocabulary

/// Where the calls of a window stand in a picture: one row for each worker, time from left to right.
///
/// Times between calls matter little and those of calls much, so the axis is that of the starts and ends in their order,
/// stretched by the time between them only in part.
struct TimeLines {
  struct Bar {
    /// The position of the call in what is drawn, from 0.
    var call: Int
    var worker: Int
    /// From 0 to 1.
    var start: Double
    var end: Double
  }

  let bars: [Bar]
  /// The workers that have a call, ascending.
  let workers: [Int]
  /// From the first start to the last end.
  let nanoseconds: UInt64
  private let first: UInt64

  init(_ calls: [ContendedWindow.Call]) {
    let times = Set(calls.flatMap { [$0.startNanoseconds, $0.endNanoseconds] }).sorted()
    let first = times.first ?? 0
    let last = times.last ?? 0
    self.first = first
    nanoseconds = last - first
    let whole = Double(max(1, last - first))
    var position: [UInt64: Double] = [:]
    for (index, time) in times.enumerated() {
      let rank = times.count > 1 ? Double(index) / Double(times.count - 1) : 0
      position[time] = 0.6 * rank + 0.4 * Double(time - first) / whole
    }
    bars = calls.enumerated().map { index, call in
      Bar(
        call: index, worker: call.worker, start: position[call.startNanoseconds] ?? 0,
        end: position[call.endNanoseconds] ?? 1)
    }
    workers = Set(calls.map(\.worker)).sorted()
  }

  /// Microseconds since the first start, with one digit.
  func microseconds(_ time: UInt64) -> String {
    let tenths = (time - first + 50) / 100
    return "\(tenths / 10).\(tenths % 10)"
  }
}
