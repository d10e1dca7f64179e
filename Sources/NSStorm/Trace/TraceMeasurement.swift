import Foundation
import Glibc
import StormVerdict
import StormVocabulary

/// How fast traces are read and checked on this machine, for `nsstorm bench`. Seconds are the thread's own CPU time, so that
/// what else the machine does falls out of the numbers.
public struct TraceMeasurement: Sendable, Hashable, Codable {
  /// Steps of all measured traces together, once.
  public var steps: Int
  public var bytes: Int
  /// Reading alone, tables included.
  public var readStepsPerSecond: Double
  /// Reading, predicting and comparing, with a probe for each known issue of the release.
  public var checkedStepsPerSecond: Double
  /// Foundation's JSONDecoder into plain structs, on the same lines.
  public var decoderStepsPerSecond: Double

  /// How many times faster the reader is than JSONDecoder.
  public var readerRatio: Double { readStepsPerSecond / decoderStepsPerSecond }

  /// Measures each way over the same files, one after the other.
  ///
  /// - Parameters:
  ///   - paths: whole traces; a file that cannot be read ends the measurement.
  ///   - rounds: how often reading and checking are repeated (1 or more).
  /// - Throws: ``TraceError``, or what Foundation throws.
  public static func measure(paths: [String], rounds: Int = 5) throws -> TraceMeasurement {
    var steps = 0
    var bytes = 0
    let reading = try time {
      for round in 0..<max(rounds, 1) {
        for path in paths {
          var reader = try TraceReader(path: path)
          while let line = try reader.next() {
            if round == 0, case .step = line { steps += 1 }
          }
        }
      }
    }
    let checking = try time {
      for _ in 0..<max(rounds, 1) {
        for path in paths {
          if let failure = TraceCheck(path: path).run().failure { throw failure }
        }
      }
    }
    var decoding = 0.0
    let decoder = JSONDecoder()
    for path in paths {
      let data = try Data(contentsOf: URL(filePath: path))
      bytes += data.count
      let lines = data.split(separator: 0x0A)
      decoding += try time {
        for line in lines { _ = try decoder.decode(DecodedLine.self, from: line) }
      }
    }
    let repeated = Double(steps * max(rounds, 1))
    return TraceMeasurement(
      steps: steps, bytes: bytes, readStepsPerSecond: repeated / reading,
      checkedStepsPerSecond: repeated / checking,
      decoderStepsPerSecond: Double(steps) / decoding)
  }

  /// The CPU time of this thread that the body takes, in seconds.
  private static func time(_ body: () throws -> Void) rethrows -> Double {
    let start = threadSeconds()
    try body()
    return max(threadSeconds() - start, 1e-9)
  }

  private static func threadSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

/// What the baseline decodes: the keys that every step may have, without building operations from them.
private struct DecodedLine: Decodable {
  var step: Int?
  var ns: Int?
  var call: String?
  var path: String?
  var type: String?
  var source: String?
  var target: String?
  var flags: [String]?
  var tables: [String: [DecodedEntry]]?
}

private struct DecodedEntry: Decodable {
  var id: UInt64
  var parent: UInt64
  var dev: String
  var root: String
  var mountpoint: String
  var options: String
  var shared: UInt32?
  var master: UInt32?
  var unbindable: Bool?
  var fstype: String
  var source: String
}
