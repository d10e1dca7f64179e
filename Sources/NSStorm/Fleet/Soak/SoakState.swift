import Foundation

/// How one round of a soak went.
public enum RoundOutcome: String, CaseIterable, Hashable, Sendable, Codable {
  case kernelFault = "kernel-fault"
  case diverged
  case neverReleased = "never-released"
  /// The harness failed, was killed, or took longer than its limit.
  case harnessFailed = "harness-failed"
  /// The machine went down, or the soak was killed, while it ran.
  case cutOff = "cut-off"
  case nothingChecked = "nothing-checked"
  case agreed

  /// From the exit code of `nsstorm run` and of `nsstorm vm run`.
  public init(exitCode: Int32) {
    switch exitCode {
    case 0: self = .agreed
    case 1: self = .diverged
    case 2: self = .kernelFault
    case 3: self = .neverReleased
    case 4: self = .nothingChecked
    default: self = .harnessFailed
    }
  }

  /// Whether its seed is worth another look.
  public var isFailure: Bool { self != .agreed && self != .nothingChecked }
}

/// One round: a profile with a seed.
public struct SoakRound: Hashable, Sendable, Codable {
  public var number: Int
  public var profile: String
  public var seed: UInt64
  /// Made again because it failed before.
  public var isRetry: Bool
}

/// A seed that failed, kept until it has agreed for a long time.
public struct FailingSeed: Hashable, Sendable, Codable {
  public var profile: String
  public var seed: UInt64
  public var runs = 0
  public var failures = 0
  /// Runs without a failure since the last one.
  public var agreements = 0
  public var outcome: RoundOutcome
  /// What was found last, in words.
  public var finding: String?
}

/// Everything that a soak knows; on disk after each round.
public struct SoakState: Hashable, Sendable, Codable {
  public struct Tally: Hashable, Sendable, Codable {
    public var rounds: [String: Int] = [:]
    public var knownIssues: [String: Int] = [:]
    public var answers = 0
  }

  public var version = 1
  public var base: UInt64
  public var shard: Shard
  /// Seconds that the current session is to take, and those that it has taken, over all restarts.
  public var durationSeconds: Double
  public var elapsedSeconds = 0.0
  /// Rounds so far, retries included, over all sessions; and those with new seeds.
  public var rounds = 0
  public var newRounds = 0
  public var tallies: [String: Tally] = [:]
  public var failing: [FailingSeed] = []
  /// Failing seeds of which this session has made a run.
  public var retried = 0
  /// The round under way: it stands here before it begins.
  public var current: SoakRound?
  /// The host's boot in which it runs.
  public var boot: String?
  public var measurements: [MachineMeasurement] = []
  public var restarts = 0
  public var notes: [String] = []

  static let mostMeasurements = 200
  static let mostFailing = 200
  static let mostNotes = 100
  /// A seed that agrees so often in a row is given up.
  static let agreementsUntilForgotten = 10

  public init(base: UInt64, shard: Shard, durationSeconds: Double) {
    self.base = base
    self.shard = shard
    self.durationSeconds = durationSeconds
  }

  public var isOver: Bool { elapsedSeconds >= durationSeconds }

  /// Begins the next session of a soak that was over: what failed is made again first.
  public mutating func beginSession(durationSeconds: Double) {
    self.durationSeconds = durationSeconds
    elapsedSeconds = 0
    retried = 0
    measurements = []
  }

  /// Goes on after the soak, or the machine, was stopped.
  ///
  /// - Parameter boot: the identity of the host's current boot.
  public mutating func resume(boot: String) {
    restarts += 1
    retried = 0
    measurements = []
    guard let round = current else { return }
    let why =
      self.boot == boot
      ? "the soak was stopped during round \(round.number) (\(round.profile), seed \(round.seedText))"
      : "the machine was booted again during round \(round.number) (\(round.profile), seed \(round.seedText))"
    note(why)
    // A soak that somebody stopped says nothing about the kernel; a machine that went down may.
    if self.boot != boot { end(round, .cutOff, finding: why, answers: 0, knownIssues: []) }
    current = nil
    retried = 0
  }

  /// The next round: first what failed before, then new seeds, the profiles in turn.
  public mutating func next(profiles: [String], boot: String) -> SoakRound {
    let round: SoakRound
    let due = failing.filter { profiles.contains($0.profile) }
    if retried < due.count {
      let seed = due[retried]
      retried += 1
      round = SoakRound(number: rounds, profile: seed.profile, seed: seed.seed, isRetry: true)
    } else {
      round = SoakRound(
        number: rounds, profile: profiles[newRounds % profiles.count],
        seed: shard.seed(base: base, number: newRounds), isRetry: false)
      newRounds += 1
    }
    rounds += 1
    current = round
    self.boot = boot
    return round
  }

  /// Notes how a round went.
  public mutating func end(
    _ round: SoakRound, _ outcome: RoundOutcome, finding: String?, answers: Int,
    knownIssues: [String]
  ) {
    current = nil
    var tally = tallies[round.profile] ?? Tally()
    tally.rounds[outcome.rawValue, default: 0] += 1
    tally.answers += answers
    for issue in knownIssues { tally.knownIssues[issue, default: 0] += 1 }
    tallies[round.profile] = tally
    let place = failing.firstIndex { $0.profile == round.profile && $0.seed == round.seed }
    if let place {
      failing[place].runs += 1
      if outcome.isFailure {
        failing[place].failures += 1
        failing[place].agreements = 0
        failing[place].outcome = outcome
        failing[place].finding = finding
      } else {
        failing[place].agreements += 1
        if failing[place].agreements >= Self.agreementsUntilForgotten {
          note(
            "\(round.profile), seed \(round.seedText) agreed \(Self.agreementsUntilForgotten) times and is forgotten"
          )
          failing.remove(at: place)
          retried = max(0, retried - 1)
        }
      }
    } else if outcome.isFailure, failing.count < Self.mostFailing {
      failing.append(
        FailingSeed(
          profile: round.profile, seed: round.seed, runs: 1, failures: 1, outcome: outcome,
          finding: finding))
      // It has just been made; the next session makes it again.
      retried += 1
    }
  }

  public mutating func measured(_ measurement: MachineMeasurement) {
    measurements.append(measurement)
    if measurements.count > Self.mostMeasurements { measurements.removeFirst() }
  }

  public mutating func note(_ text: String) {
    notes.append(text)
    if notes.count > Self.mostNotes { notes.removeFirst() }
  }

  /// Rounds by their outcome, over all profiles.
  public var outcomes: [RoundOutcome: Int] {
    var sums: [RoundOutcome: Int] = [:]
    for tally in tallies.values {
      for (word, count) in tally.rounds {
        if let outcome = RoundOutcome(rawValue: word) { sums[outcome, default: 0] += count }
      }
    }
    return sums
  }

  public var answers: Int { tallies.values.reduce(0) { $0 + $1.answers } }
}

extension SoakRound {
  public var seedText: String { "0x" + String(seed, radix: 16) }
}
