import StormKernel
import StormRun
public import StormTrace
public import StormVerdict
public import StormVocabulary

/// Makes a history with racing calls or release rounds shorter while the same symptom still shows now and then.
///
/// Steps and racing calls are taken away one like the other. What is left of a window keeps its recorded order as far as its
/// calls can be ordered. Races are a matter of luck, so each list is run so often that losing it by bad luck is unlikely.
public struct RaceShrinker: Sendable {
  public struct Result: Sendable {
    public var symptom: Symptom
    /// What showed it last; one of the two.
    public var divergence: Divergence?
    public var release: ReleaseFinding?
    /// The last run that showed it, as lines of a trace of version 2.
    public var lines: [TraceLine]
    public var initialTable: MountTable
    public var callsBefore: Int
    public var calls: Int
    public var racingCalls: Int
    public var releaseRounds: Int
    public var rateBefore: ReproductionRate
    public var rateAfter: ReproductionRate
    public var runsPerCandidate: Int
    public var effort: Shrinker.Effort
    /// Taking any one call away was tried ``runsPerCandidate`` times and lost the symptom.
    public var isMinimal: Bool
  }

  private let settings: SequenceRun.Settings

  public init(_ settings: SequenceRun.Settings) {
    self.settings = settings
  }

  /// - Parameters: as those of ``Shrinker/shrink(_:symptom:goesOn:)``.
  public func shrink(
    _ items: [RecordedItem], symptom: Symptom?,
    goesOn: @escaping (Shrinker.Progress) -> Bool = { _ in true }
  ) throws(Shrinker.Failure) -> Result {
    let search = RaceSearch(settings, goesOn: goesOn)
    return try search.run(items, symptom: symptom)
  }
}

/// A part of a history that can be taken away: a call made alone, one of a window, a release round.
enum HistoryAtom: Hashable, Sendable {
  case call(NumberedCall)
  case racing(ContendedWindow.Call, of: Int, phase: Int, workers: [ConcurrentWorker])
  case release(TraceRelease.Round)

  static func atoms(_ items: [RecordedItem]) -> [HistoryAtom] {
    items.flatMap { item -> [HistoryAtom] in
      switch item {
      case .call(let call): return [.call(call)]
      case .window(let window):
        return window.window.calls.map {
          .racing($0, of: window.number, phase: window.phase, workers: window.workers)
        }
      case .release(let round): return [.release(round)]
      }
    }
  }

  /// Neighbours of one window become that window again; workers without calls are left out.
  static func items(_ atoms: [HistoryAtom]) -> [RecordedItem] {
    var items: [RecordedItem] = []
    for atom in atoms {
      switch atom {
      case .call(let call): items.append(.call(call))
      case .release(let round): items.append(.release(round))
      case .racing(let call, let number, let phase, let workers):
        if case .window(var window)? = items.last, window.number == number {
          window.window.calls.append(call)
          items[items.count - 1] = .window(window)
        } else {
          items.append(
            .window(
              TraceWindow(
                number: number, phase: phase, workers: workers,
                window: ContendedWindow(calls: [call], tables: nil))))
        }
      }
    }
    return items.map { item in
      guard case .window(var window) = item else { return item }
      let busy = Set(window.window.calls.map(\.worker))
      window.workers = window.workers.filter { busy.contains($0.number) }
      return .window(window)
    }
  }
}

private final class RaceSearch {
  private var settings: SequenceRun.Settings
  private let goesOn: (Shrinker.Progress) -> Bool
  private var effort = Shrinker.Effort()
  private let began = ContinuousClock.now
  private var wasStopped = false
  private var last: SequenceRun.Outcome?

  init(_ settings: SequenceRun.Settings, goesOn: @escaping (Shrinker.Progress) -> Bool) {
    self.settings = settings
    self.settings.keepsSteps = true
    self.goesOn = goesOn
  }

  func run(
    _ items: [RecordedItem], symptom wanted: Symptom?
  ) throws(Shrinker.Failure) -> RaceShrinker.Result {
    let (symptom, position) = try look(for: wanted, in: items)
    let shown = Array(items.prefix(position + 1))
    let rateBefore = try measure(shown, symptom)
    let runs = min(Self.mostRuns, ShrinkPass.runsNeeded(rateBefore))
    let atoms = HistoryAtom.atoms(shown)
    let reduced = try Reduction<HistoryAtom>.reduce(atoms) { (candidate) throws(Shrinker.Failure) in
      self.effort.candidates += 1
      for _ in 0..<runs {
        guard self.continues(candidate.count) else { return .stop }
        if try self.shows(HistoryAtom.items(candidate), symptom) { return .holds(candidate) }
      }
      return .fails
    }
    let result = HistoryAtom.items(reduced.elements)
    let rateAfter = try measure(result, symptom)
    let outcome = last ?? SequenceRun.Outcome()
    return RaceShrinker.Result(
      symptom: symptom, divergence: outcome.first(symptom)?.divergence,
      release: outcome.releaseFindings.map(\.finding).first(where: symptom.matches),
      lines: outcome.lines, initialTable: outcome.initialTable, callsBefore: atoms.count,
      calls: reduced.elements.count,
      racingCalls: reduced.elements.count { if case .racing = $0 { true } else { false } },
      releaseRounds: reduced.elements.count { if case .release = $0 { true } else { false } },
      rateBefore: rateBefore, rateAfter: rateAfter, runsPerCandidate: runs, effort: effort,
      isMinimal: reduced.isMinimal && !wasStopped)
  }

  private static let mostRuns = 60
  private static let runsToMeasure = 20
  private static let attempts = 30

  private func look(
    for wanted: Symptom?, in items: [RecordedItem]
  ) throws(Shrinker.Failure) -> (Symptom, position: Int) {
    var instead: [Divergence] = []
    for _ in 0..<Self.attempts {
      let outcome = try make(items)
      if let found = wanted.map({ outcome.first($0) }) ?? outcome.unexplained.first {
        // Which rule decides an order of points depends on the order.
        return (wanted ?? .divergence(shape: found.divergence.signature, rule: nil), found.position)
      }
      let release = outcome.releaseFindings.first { wanted?.matches($0.finding) ?? true }
      if let release {
        return (wanted ?? .release(release.finding.signature), release.position)
      }
      instead = outcome.divergences.map(\.divergence)
      guard continues(items.count) else { break }
    }
    throw .notShown(runs: effort.kernelRuns, instead: instead)
  }

  private func measure(
    _ items: [RecordedItem], _ symptom: Symptom
  ) throws(Shrinker.Failure) -> ReproductionRate {
    var rate = ReproductionRate()
    while rate.trials < Self.runsToMeasure, continues(items.count) {
      rate.add(try shows(items, symptom))
    }
    return rate
  }

  private func shows(
    _ items: [RecordedItem], _ symptom: Symptom
  ) throws(Shrinker.Failure) -> Bool {
    let outcome = try make(items)
    guard outcome.shows(symptom) else { return false }
    last = outcome
    return true
  }

  private func make(_ items: [RecordedItem]) throws(Shrinker.Failure) -> SequenceRun.Outcome {
    effort.kernelRuns += 1
    settings.seed &+= 1
    let outcome: SequenceRun.Outcome
    do throws(SandboxError) { outcome = try SequenceRun(settings).run(items) } catch {
      throw .sandbox(error)
    }
    if let fault = outcome.faults.first { throw .fault(fault) }
    return outcome
  }

  private func continues(_ calls: Int) -> Bool {
    let (seconds, attoseconds) = (ContinuousClock.now - began).components
    effort.seconds = Double(seconds) + Double(attoseconds) * 1e-18
    if !wasStopped, !goesOn(Shrinker.Progress(calls: calls, effort: effort)) { wasStopped = true }
    return !wasStopped
  }
}
