import Histogram
public import StormPlanning
import StormVerdict
import StormVocabulary

/// What the release rounds of one phase, file system and way showed.
public struct ReleaseTally: Hashable, Sendable, Codable {
  public var phase: String
  /// Nil where all are taken together.
  public var fileSystem: FileSystemKind?
  public var way: ReleaseWay
  public var rounds = 0
  /// Rounds in which an umount answered EBUSY at first.
  public var busyRounds = 0
  /// Rounds in which the superblock was dead when its release was due.
  public var promptRounds = 0
  /// Rounds in which it was still there then, and died later.
  public var lateRounds = 0
  /// Latency of the call with which the mount went, where it succeeded at once.
  public var departure: LatencySummary?
  /// Where it was busy at first because of an owner that was killed: how long until it succeeded.
  public var untilFree: LatencySummary?
  /// How long after the release was due the superblock was seen to die, where it was late.
  public var lag: LatencySummary?

  public init(phase: String, fileSystem: FileSystemKind? = nil, way: ReleaseWay, rounds: Int = 0) {
    self.phase = phase
    self.fileSystem = fileSystem
    self.way = way
    self.rounds = rounds
  }
}

/// Collects ``ReleaseTally`` while a phase goes on.
struct ReleaseTallies {
  struct Key: Hashable {
    var phase: String
    var fileSystem: FileSystemKind?
    var way: ReleaseWay
  }

  fileprivate struct Collected {
    var tally: ReleaseTally
    fileprivate var departure = Histogram<UInt32>(numberOfSignificantValueDigits: .two)
    fileprivate var lag = Histogram<UInt32>(numberOfSignificantValueDigits: .two)
    fileprivate var untilFree = Histogram<UInt32>(numberOfSignificantValueDigits: .two)
  }

  private var order: [Key] = []
  private var collected: [Key: Collected] = [:]

  mutating func add(_ round: ObservedRelease, phase: String) {
    for fileSystem in [round.fileSystem, nil] {
      let key = Key(phase: phase, fileSystem: fileSystem, way: round.way)
      if collected[key] == nil {
        order.append(key)
        collected[key] = Collected(
          tally: ReleaseTally(phase: phase, fileSystem: fileSystem, way: round.way))
      }
      collected[key]?.add(round)
    }
  }

  /// In the order in which they began; those of single file systems, or those of all together.
  func tallies(together: Bool) -> [ReleaseTally] {
    order.compactMap { key in
      guard (key.fileSystem == nil) == together, let collected = collected[key] else { return nil }
      var tally = collected.tally
      tally.departure = summary(collected.departure, "call")
      tally.lag = summary(collected.lag, "lag")
      tally.untilFree = summary(collected.untilFree, "until free")
      return tally
    }
  }

  private func summary(_ histogram: Histogram<UInt32>, _ what: String) -> LatencySummary? {
    histogram.totalCount > 0 ? LatencyBook.summary(of: histogram, as: what) : nil
  }
}

extension ReleaseTallies.Collected {
  fileprivate mutating func add(_ round: ObservedRelease) {
    tally.rounds += 1
    if round.wasBusy { tally.busyRounds += 1 }
    guard let call = round.call(.departure), call.errno == .none else { return }
    if round.wasDeadWhenDue == true { tally.promptRounds += 1 }
    if round.wasDeadWhenDue == false { tally.lateRounds += 1 }
    if !round.wasBusy, let nanoseconds = round.departureNanoseconds {
      departure.record(nanoseconds)
    }
    if round.wasBusy { untilFree.record(call.endNanoseconds &- call.startNanoseconds) }
    if round.wasDeadWhenDue == false, let nanoseconds = round.lagNanoseconds {
      lag.record(nanoseconds)
    }
  }
}
