import Foundation

/// Makes one round; guests or processes, or a fake in tests.
public protocol RoundMaker {
  /// Whether rounds run in guests: what the host holds then says nothing about them.
  var usesGuests: Bool { get }

  /// - Parameters:
  ///   - folder: gets the results: `result.json` where there is one, `trace.jsonl` with `keepsTrace`, `log.txt`.
  ///   - wantsEnd: asked all the time; when it is true the round is to end soon, with what it has.
  /// - Returns: nil where the round was ended because of that.
  mutating func make(
    _ round: SoakRound, folder: String, keepsTrace: Bool, wantsEnd: () -> Bool
  ) throws(FleetError) -> RoundOutcome?
}

/// Rounds until the time is over, with everything on disk after each.
public struct Soak {
  public private(set) var state: SoakState
  private let profiles: [String]
  private let folder: SoakFolder
  private let boot: String
  private let leaksAreFindings: Bool
  private let measure: () -> MachineMeasurement
  private let now: () -> Double

  /// What follows from a soak; the order is that of gravity.
  public enum Outcome: Hashable, Sendable {
    case kernelFault, diverged, neverReleased, harnessFailed, interrupted, nothingChecked, agreed
  }

  /// Begins, or goes on where an earlier one in this folder ended; one that was over begins its next session.
  ///
  /// - Parameters:
  ///   - leaksAreFindings: the machine does nothing else, so that what grows from round to round is the storms' doing.
  ///   - boot: the identity of the host's boot.
  public init(
    profiles: [String], base: UInt64, shard: Shard, durationSeconds: Double, folder: SoakFolder,
    leaksAreFindings: Bool, boot: String, measure: @escaping () -> MachineMeasurement,
    now: @escaping () -> Double
  ) throws(FleetError) {
    self.profiles = profiles
    self.folder = folder
    self.boot = boot
    self.leaksAreFindings = leaksAreFindings
    self.measure = measure
    self.now = now
    guard var state = try folder.state() else {
      self.state = SoakState(base: base, shard: shard, durationSeconds: durationSeconds)
      return
    }
    guard state.base == base, state.shard == shard else {
      throw .damaged(
        file: "\(folder.path)/state.json",
        reason: "it belongs to a soak with seed 0x\(String(state.base, radix: 16)), shard "
          + "\(state.shard); name another --output")
    }
    state.resume(boot: boot)
    if state.isOver { state.beginSession(durationSeconds: durationSeconds) }
    self.state = state
  }

  /// Rounds until the time is over or somebody wants the end.
  public mutating func run(
    by maker: inout some RoundMaker, wantsEnd: () -> Bool, say: (String) -> Void
  ) throws(FleetError) -> Outcome {
    var isInterrupted = false
    let began = now()
    let before = state.elapsedSeconds
    if !maker.usesGuests { state.measured(measure()) }
    while !state.isOver {
      if wantsEnd() {
        isInterrupted = true
        break
      }
      let keepsTrace = folder.makeRoom()
      let round = state.next(profiles: profiles, boot: boot)
      try folder.keep(state, summary: summary(isRunning: true))
      let place = try folder.emptyCurrent()
      let outcome = try maker.make(
        round, folder: place, keepsTrace: keepsTrace, wantsEnd: wantsEnd)
      state.elapsedSeconds = before + now() - began
      guard let outcome else {
        state.current = nil
        isInterrupted = true
        break
      }
      let line = take(round, outcome, place, keepsTrace)
      say(line)
      folder.log(line)
      if !maker.usesGuests { state.measured(measure()) }
      try folder.keep(state, summary: summary(isRunning: true))
    }
    let outcome = self.outcome(isInterrupted: isInterrupted)
    try folder.keep(state, summary: summary(isRunning: false, isInterrupted: isInterrupted))
    return outcome
  }

  private mutating func take(
    _ round: SoakRound, _ outcome: RoundOutcome, _ place: String, _ keepsTrace: Bool
  ) -> String {
    let facts = ResultFacts(
      Array(FileManager.default.contents(atPath: "\(place)/result.json") ?? Data()))
    let finding =
      outcome.isFailure ? facts?.unexplained.first ?? facts?.faults.first : nil
    state.end(
      round, outcome, finding: finding, answers: Int(facts?.number(["checks", "answers"]) ?? 0),
      knownIssues: facts?.knownIssues ?? [])
    var line =
      "round \(round.number): \(round.profile), seed \(round.seedText)"
      + (round.isRetry ? ", made again" : "") + ": \(outcome.rawValue)"
    if let finding { line += " (\(finding.split(separator: "\n").first ?? ""))" }
    if outcome.isFailure {
      line += folder.keepFailure(round).map { ", kept in \($0)" } ?? ", no room to keep it"
      if !keepsTrace { line += ", without its trace: the room for results is used up" }
    }
    return line
  }

  /// What follows from everything so far.
  public func outcome(isInterrupted: Bool) -> Outcome {
    let outcomes = state.outcomes
    func has(_ outcome: RoundOutcome) -> Bool { outcomes[outcome, default: 0] > 0 }
    if has(.kernelFault) || has(.cutOff) { return .kernelFault }
    if has(.diverged) { return .diverged }
    if has(.neverReleased) { return .neverReleased }
    if leaksAreFindings, !Slope.leaks(in: state.measurements).isEmpty { return .neverReleased }
    if has(.harnessFailed) { return .harnessFailed }
    if isInterrupted { return .interrupted }
    return state.answers > 0 && has(.agreed) ? .agreed : .nothingChecked
  }

  public func summary(isRunning: Bool, isInterrupted: Bool = false) -> String {
    SoakText.summary(
      state, folder: folder.path, isRunning: isRunning,
      outcome: outcome(isInterrupted: isInterrupted))
  }
}
