import StormVocabulary
import Yams

// Phases in which workers run at the same time and are judged call by call.

extension NodeReader {
  mutating func contended(_ node: Node, number: Int, limits: Profile.Limits) -> Phase? {
    let keys = [
      "name", "kind", "rounds", "windows", "calls", "namespaces", "processes", "threads",
      "bystanders", "places", "tree", "mounts-before", "hold-place", "weights", "jitter", "pin",
      "priorities", "walkers", "min-conflicts",
    ]
    guard let fields = fields(node, of: "a contended phase", allowed: keys) else { return nil }
    var phase = ContendedPhase()
    func read(_ key: String, _ range: ClosedRange<Int>, _ value: inout Int) {
      if let node = fields[key] { value = integer(node, key, in: range) ?? value }
    }
    read("rounds", 1...1_000_000, &phase.rounds)
    read("windows", 1...64, &phase.windows)
    read("calls", 1...64, &phase.calls)
    read("namespaces", 1...max(1, limits.namespaces - 1), &phase.namespaces)
    read("processes", 1...16, &phase.processes)
    read("threads", 1...8, &phase.threads)
    read("bystanders", 0...max(0, limits.namespaces - 2), &phase.bystanders)
    read("places", 1...26, &phase.places)
    read("mounts-before", 0...64, &phase.mountsBefore)
    read("min-conflicts", 0...1_000_000_000, &phase.leastConflicts)
    if let node = fields["tree"] {
      phase.isShared = choice(node, "tree", as: TreePropagation.self) != .private
    }
    if let node = fields["hold-place"] { phase.holdsPlace = flag(node, "hold-place") ?? false }
    if let node = fields["pin"] { phase.isPinned = flag(node, "pin") ?? true }
    if let node = fields["weights"] { phase.weights = weights(node, "weights") ?? phase.weights }
    if let node = fields["jitter"] {
      phase.jitterNanoseconds = nanoseconds(node, "jitter", upTo: 1_000_000) ?? 0
    }
    if let node = fields["priorities"] { phase.priorities = priorities(node) ?? [] }
    if let node = fields["walkers"] { phase.walkers = walkers(node) }
    checkSizes(phase, node, limits)
    return Phase(
      name: fields["name"].flatMap { string($0, "name") } ?? "phase \(number)", verification: .end,
      body: .contended(phase))
  }

  private mutating func checkSizes(
    _ phase: ContendedPhase, _ node: Node, _ limits: Profile.Limits
  ) {
    let processes = 1 + phase.namespaces * phase.processes + phase.bystanders
    if processes > limits.namespaces {
      report(
        node,
        "the phase has \(processes) processes with namespace 0; limits.namespaces allows "
          + "\(limits.namespaces)")
    }
    if phase.workerCount < 2, phase.walkers == nil {
      report(node, "one worker races with nobody: raise namespaces, processes or threads")
    }
    let threads = phase.threads + (phase.walkers.map { 1 + $0.count / phase.namespaces } ?? 0)
    if threads > 16 { report(node, "a process has at most 16 threads, walkers included") }
    if phase.weights[.reopen] > 0, !phase.holdsPlace {
      report(node, "'reopen' needs 'hold-place: true': it opens what is held there")
    }
    if phase.holdsPlace, phase.places == 1, phase.weights[.umountDetach] > 0 {
      report(
        node,
        "'umount-detach' of the only place takes what 'hold-place' holds: leave one of them out")
    }
  }

  private mutating func walkers(_ node: Node) -> ContendedPhase.Walkers? {
    guard
      let fields = fields(
        node, of: "walkers", allowed: ["count", "paths", "open-share"],
        required: ["count", "paths"])
    else { return nil }
    var walkers = ContendedPhase.Walkers(
      count: fields["count"].flatMap { integer($0, "walkers.count", in: 1...64) } ?? 1,
      paths: fields["paths"].flatMap { integer($0, "walkers.paths", in: 1...100_000) } ?? 1)
    if let node = fields["open-share"] {
      walkers.openShare = share(node, "walkers.open-share") ?? walkers.openShare
    }
    return walkers
  }

  private mutating func priorities(_ node: Node) -> [Int]? {
    guard case .sequence(let sequence) = node, !sequence.isEmpty else {
      report(node, "priorities is a list of nice values from -20 to 19")
      return nil
    }
    return sequence.compactMap { integer($0, "a priority", in: -20...19) }
  }

  mutating func partitioned(_ node: Node, number: Int, limits: Profile.Limits) -> Phase? {
    let keys = [
      "name", "kind", "rounds", "parts", "calls", "namespaces", "tree", "weights", "propagation",
      "wrong-share", "recursive-share",
    ]
    guard let fields = fields(node, of: "a partitioned phase", allowed: keys) else { return nil }
    var phase = PartitionedPhase()
    if let node = fields["rounds"] {
      phase.rounds = integer(node, "rounds", in: 1...1_000_000) ?? 1
    }
    if let node = fields["parts"] {
      phase.parts = integer(node, "parts", in: 2...max(2, limits.namespaces - 1)) ?? 2
    }
    if phase.parts + 1 > limits.namespaces {
      report(
        node,
        "\(phase.parts) parts and namespace 0 are more than limits.namespaces "
          + "(\(limits.namespaces)) allows")
    }
    if let node = fields["calls"] { phase.calls = integer(node, "calls", in: 1...10_000) ?? 1 }
    if let node = fields["namespaces"] {
      phase.sharesNamespace = choice(node, "namespaces", as: PartNamespaces.self) == .one
    }
    if let node = fields["tree"] { readTree(node, into: &phase.body.tree) }
    if let node = fields["weights"] {
      phase.body.weights = weights(node, "weights") ?? phase.body.weights
      for kind in OperationKind.allCases
      where PartitionedPhase.isForeign(kind) && phase.body.weights[kind] > 0 {
        report(node, "'\(kind.rawValue)' reaches beyond its part; leave it out")
      }
    }
    if let node = fields["propagation"] {
      phase.body.propagation = weights(node, "propagation") ?? phase.body.propagation
    }
    if let node = fields["wrong-share"] {
      phase.body.wrongShare = share(node, "wrong-share") ?? phase.body.wrongShare
    }
    if let node = fields["recursive-share"] {
      phase.body.recursiveShare = share(node, "recursive-share") ?? phase.body.recursiveShare
    }
    return Phase(
      name: fields["name"].flatMap { string($0, "name") } ?? "phase \(number)", verification: .end,
      body: .partitioned(phase))
  }

  private mutating func flag(_ node: Node, _ what: String) -> Bool? {
    choice(node, what, as: Flag.self).map { $0 == .true }
  }

  /// `20us` or `500ns`, which are too short for other durations.
  private mutating func nanoseconds(_ node: Node, _ what: String, upTo limit: Int) -> UInt32? {
    let text = string(node, what) ?? ""
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = ["ns": 1, "us": 1_000, "ms": 1_000_000][String(text.dropFirst(digits.count))]
    guard let count = Int(digits), count < 1_000_000, let unit, count * unit <= limit else {
      report(node, "\(what) is a time from 0ns to \(limit / 1_000)us; found '\(text)'")
      return nil
    }
    return UInt32(count * unit)
  }
}

private enum TreePropagation: String, CaseIterable { case shared, `private` }
private enum PartNamespaces: String, CaseIterable { case own, one }
private enum Flag: String, CaseIterable { case `true`, `false` }
