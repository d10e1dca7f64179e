import StormVerdict
public import StormVocabulary

/// Workers raced, stopped, and all tables were read: what they did and whether some order explains it.
public struct WindowEvent: Hashable, Sendable, Codable {
  public enum Verdict: String, Hashable, Sendable, Codable {
    case explained, violated
    /// A limit ended the search; never a pass.
    case unknown
    /// The calls were recorded only.
    case unjudged
  }

  public struct Worker: Hashable, Sendable, Codable {
    public var number: Int
    public var process: NamespaceNumber
    /// The CPU that it stays on; nil for all.
    public var cpu: Int?
  }

  public struct Call: Hashable, Sendable, Codable {
    public var worker: Int
    public var process: NamespaceNumber
    public var call: String
    public var errno: Errno
    /// Since the window opened.
    public var startNanoseconds: UInt64
    public var endNanoseconds: UInt64
    /// Its answer is the one that no order gives.
    public var isCulprit: Bool
  }

  /// Counted from 0 over the whole run.
  public var number: Int
  /// Index of the phase.
  public var phase: Int
  public var verdict: Verdict
  /// Why no order explains it, or why nobody knows.
  public var reason: String?
  /// Pairs of calls that overlapped in time on the same mounts.
  public var conflicts: Int
  public var workers: [Worker]
  /// In the order of their starts.
  public var calls: [Call]
}

extension WindowEvent {
  init(_ judged: JudgedWindow) {
    number = judged.number
    phase = judged.phase
    workers = judged.workers.map { Worker(number: $0.number, process: $0.process, cpu: $0.cpu) }
    conflicts = 0
    var culprit: ContendedWindow.Call?
    switch judged.verdict {
    case .explained(let explained):
      verdict = .explained
      conflicts = explained.conflicts
    case .violated(let violation):
      verdict = .violated
      culprit = violation.culprit
      reason = ViolationText(violation, windowNumber: judged.number).lines
        .joined(separator: "\n")
    case .unknown(let budget):
      verdict = .unknown
      reason = "the search ran out of \(budget.rawValue); \(budget.advice)"
    case nil: verdict = .unjudged
    }
    let sorted = judged.window.calls.sorted {
      ($0.startNanoseconds, $0.endNanoseconds, $0.worker)
        < ($1.startNanoseconds, $1.endNanoseconds, $1.worker)
    }
    let first = sorted.first?.startNanoseconds ?? 0
    let opening = min(judged.window.barrierNanoseconds ?? first, first)
    calls = sorted.map {
      Call(
        worker: $0.worker, process: $0.process, call: "\($0.operation)", errno: $0.errno,
        startNanoseconds: $0.startNanoseconds - opening,
        endNanoseconds: max($0.endNanoseconds, opening) - opening, isCulprit: $0 == culprit)
    }
  }
}

extension JudgedWindow {
  /// Whether no order explains it, or only one with a known issue.
  var isDivergent: Bool {
    switch verdict {
    case .violated: true
    case .explained(let explained):
      !explained.knownIssues.isEmpty || explained.latitude[.tornSum] > 0
    case .unknown, nil: false
    }
  }
}

/// Which windows are worth a line: every one that is not explained, the first ones of a phase, and each that raced more
/// than all before it. A night has hundreds of thousands, and an explained one looks like the next.
struct WindowSampling {
  private var phase = -1
  private var shown = 0
  private var mostConflicts = 0

  mutating func isDue(_ judged: JudgedWindow) -> Bool {
    if judged.phase != phase { (phase, shown) = (judged.phase, 0) }
    guard case .explained(let explained) = judged.verdict, !judged.isDivergent else { return true }
    shown += 1
    if explained.conflicts > mostConflicts {
      mostConflicts = explained.conflicts
      return true
    }
    return shown <= Self.shownOfPhase
  }

  private static let shownOfPhase = 4
}
