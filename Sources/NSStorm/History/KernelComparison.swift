/// What is different on two kernels: verdicts, findings and times of the profiles that both have run.
public struct KernelComparison: Hashable, Sendable {
  /// One profile on both kernels.
  public struct Profile: Hashable, Sendable {
    public var name: String
    /// Runs by outcome, on the first and on the second kernel.
    public var outcomes: [[String: Int]]
    public var runs: [Int]
    public var findings: [Finding]
    public var timings: [Timing]
  }

  /// Runs that showed a signature.
  public struct Finding: Hashable, Sendable {
    public var signature: String
    public var knownIssues: [String]
    /// On the first and on the second kernel.
    public var runs: [Share]
  }

  public struct Timing: Hashable, Sendable {
    public var kind: HistoryRun.Timing.Kind
    public var what: String
    /// Times of different machines are not compared.
    public var machine: String
    public var samples: TwoSamples
  }

  public var profiles: [Profile]
  /// Profiles that only one of the kernels has run.
  public var uncompared: [String]

  public init(_ first: [HistoryRun], _ second: [HistoryRun]) {
    let sides = [first, second].map { $0.filter(\.isJudged) }
    let names = sides.map { Set($0.map(\.profile)) }
    uncompared = names[0].symmetricDifference(names[1]).sorted()
    let common = names[0].intersection(names[1]).sorted()
    let parts = common.map { name in (name, sides.map { $0.filter { $0.profile == name } }) }
    let keys = parts.map { Self.keys($0.1) }
    let comparisons = keys.reduce(0) { $0 + $1.count }
    profiles = zip(parts, keys).map { part, keys in
      let (name, sides) = part
      return Profile(
        name: name,
        outcomes: sides.map { Dictionary($0.map { ($0.outcome, 1) }, uniquingKeysWith: +) },
        runs: sides.map(\.count), findings: Self.findings(sides),
        timings: keys.map { key in
          Timing(
            kind: key.kind, what: key.what, machine: key.machineName,
            samples: TwoSamples(
              key.medians(in: sides[0]), key.medians(in: sides[1]), comparisons: comparisons))
        })
    }
  }

  private struct Key: Hashable {
    var machine: String
    var machineName: String
    var kind: HistoryRun.Timing.Kind
    var what: String

    func medians(in runs: [HistoryRun]) -> [Double] {
      runs.filter { $0.machine == machine }.flatMap { run in
        run.timings.filter {
          $0.kind == kind && $0.what == what && $0.count >= Trends.fewestCalls
        }.map { Double($0.medianNanoseconds) }
      }
    }
  }

  /// What both kernels have timed on the same machine, at least twice.
  private static func keys(_ sides: [[HistoryRun]]) -> [Key] {
    let found = sides.map { runs in
      var counts: [Key: Int] = [:]
      for run in runs {
        for timing in run.timings where timing.count >= Trends.fewestCalls {
          let key = Key(
            machine: run.machine, machineName: run.machineName, kind: timing.kind,
            what: timing.what)
          counts[key, default: 0] += 1
        }
      }
      return Set(counts.filter { $0.value >= 2 }.keys)
    }
    return found[0].intersection(found[1]).sorted {
      ($0.kind.rawValue, $0.what, $0.machine) < ($1.kind.rawValue, $1.what, $1.machine)
    }
  }

  private static func findings(_ sides: [[HistoryRun]]) -> [Finding] {
    var signatures: [String: [String]] = [:]
    for divergence in sides.flatMap({ $0.flatMap(\.divergences) }) {
      signatures[divergence.signature] = divergence.knownIssues
    }
    return signatures.sorted { $0.key < $1.key }.map { signature, known in
      Finding(
        signature: signature, knownIssues: known,
        runs: sides.map { runs in
          Share(
            runs.count { $0.divergences.contains { $0.signature == signature } }, of: runs.count)
        })
    }
  }
}
