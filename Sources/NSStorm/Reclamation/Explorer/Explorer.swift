/// A breadth-first search over all interleavings of a transition system.
///
/// Breadth-first, so that the first sight of a finding is a shortest trace to it (without
/// partial-order reduction; with it the trace is real but may be longer).
public struct Explorer<System: TransitionSystem>: Sendable {
  public let system: System
  public var options: ExplorationOptions

  public init(_ system: System, options: ExplorationOptions = ExplorationOptions()) {
    self.system = system
    self.options = options
  }

  /// Searches every reachable state, or as many as the limits allow.
  public func explore() -> Exploration {
    let clock = ContinuousClock()
    let started = clock.now
    let store = StateStore(wordCount: system.wordCount, maximumBytes: options.maximumBytes)
    let buffer = SuccessorBuffer(wordCount: system.wordCount)
    insertInitialState(into: store)

    var sightings = [Sighting?](repeating: nil, count: 32)
    var seen = FindingSet()
    var stopped: Exploration.Stop?
    var transitionCount = 0
    var quiescentCount = 0
    var depth = 0
    var levelEnd = 1
    var index = 0
    // States are expanded in groups of one depth, so that the store can overlap its waits for memory;
    // the order of insertion stays that of a plain breadth-first search.
    let groupSize = options.partialOrderReduction ? 1 : Self.groupSize
    var parents = [UInt32](repeating: 0, count: SuccessorBuffer.capacity)
    var expanded = 0
    search: while index < store.count {
      if index == levelEnd {
        depth += 1
        levelEnd = store.count
        if depth >= options.maximumDepth {
          stopped = .depth(options.maximumDepth)
          break
        }
      }
      expanded += 1
      if expanded & 0xFFF == 0, clock.now - started > options.timeLimit {
        stopped = .time(options.timeLimit)
        break
      }
      buffer.removeAll()
      let groupEnd = min(index + groupSize, levelEnd)
      while index < groupEnd {
        let first = buffer.count
        system.appendSuccessors(of: store[index], to: buffer)
        if buffer.count == first {
          quiescentCount += 1
          let found = system.findings(inQuiescent: store[index])
          if !found.isSubset(of: seen) {
            record(
              found.subtracting(seen), Sighting(parent: index, action: nil, length: depth),
              in: &sightings)
            seen.formUnion(found)
          }
        }
        for successor in first..<buffer.count {
          parents[successor] = UInt32(truncatingIfNeeded: index)
          if options.symmetry { system.canonicalize(buffer[successor]) }
        }
        index += 1
      }
      var range = 0..<buffer.count
      if options.partialOrderReduction, buffer.count > 1,
        let sole = system.soleSuccessor(of: store[index - 1], among: buffer)
      {
        range = sole..<sole + 1
      }
      store.prepare(buffer)
      transitionCount += range.count
      for successor in range {
        let found = buffer.findings[successor]
        if !found.isSubset(of: seen) {
          record(
            found.subtracting(seen),
            Sighting(
              parent: Int(parents[successor]), action: buffer.actions[successor],
              length: depth + 1),
            in: &sightings)
          seen.formUnion(found)
        }
        let insertion = store.insert(
          buffer[successor], hash: buffer.hashes[successor], parent: parents[successor])
        if insertion == .full {
          stopped = .memory(options.maximumBytes)
          break search
        }
      }
      if store.count > options.maximumStates {
        stopped = .states(options.maximumStates)
        break
      }
    }

    var counterexamples: [Finding: Counterexample] = [:]
    for finding in Finding.allCases {
      guard let sighting = sightings[Int(finding.rawValue)] else { continue }
      counterexamples[finding] = Counterexample(
        finding: finding, length: sighting.length, actions: actions(to: sighting, in: store))
    }
    return Exploration(
      stateCount: store.count, transitionCount: transitionCount, quiescentCount: quiescentCount,
      depth: depth, stopped: stopped, counterexamples: counterexamples,
      storedBytes: store.byteCount, duration: clock.now - started)
  }

  /// States that are expanded together.
  private static var groupSize: Int { SuccessorBuffer.capacity / SuccessorBuffer.capacityPerState }

  /// Where a finding was seen first: after `action` from `parent`, or in the quiescent `parent`.
  private struct Sighting {
    var parent: Int
    var action: UInt16?
    var length: Int
  }

  private func record(
    _ found: FindingSet, _ sighting: Sighting, in sightings: inout [Sighting?]
  ) {
    for finding in Finding.allCases where found.contains(finding) {
      sightings[Int(finding.rawValue)] = sighting
    }
  }

  private func insertInitialState(into store: StateStore) {
    let initial = UnsafeMutablePointer<UInt64>.allocate(capacity: system.wordCount)
    defer { initial.deallocate() }
    initial.initialize(repeating: 0, count: system.wordCount)
    system.writeInitialState(to: initial)
    if options.symmetry { system.canonicalize(initial) }
    _ = store.insert(initial, parent: .max)
  }

  /// Rebuilds the actions of a trace. Canonical states forget which of two alike actors moved, so the
  /// trace is walked again with concrete states, each step chosen to meet the next stored state.
  private func actions(to sighting: Sighting, in store: StateStore) -> [UInt16] {
    var path = [sighting.parent]
    while let parent = path.last.flatMap({ store.parent(of: $0) }) { path.append(parent) }
    path.reverse()

    let state = UnsafeMutablePointer<UInt64>.allocate(capacity: system.wordCount)
    let canonical = UnsafeMutablePointer<UInt64>.allocate(capacity: system.wordCount)
    defer {
      state.deallocate()
      canonical.deallocate()
    }
    state.initialize(repeating: 0, count: system.wordCount)
    canonical.initialize(repeating: 0, count: system.wordCount)
    system.writeInitialState(to: state)
    let buffer = SuccessorBuffer(wordCount: system.wordCount)
    var actions: [UInt16] = []
    for next in path.dropFirst() {
      buffer.removeAll()
      system.appendSuccessors(of: state, to: buffer)
      for successor in 0..<buffer.count {
        canonical.update(from: buffer[successor], count: system.wordCount)
        if options.symmetry { system.canonicalize(canonical) }
        if store.index(of: canonical) == next {
          actions.append(buffer.actions[successor])
          state.update(from: buffer[successor], count: system.wordCount)
          break
        }
      }
    }
    guard let last = sighting.action else { return actions }
    buffer.removeAll()
    system.appendSuccessors(of: store[sighting.parent], to: buffer)
    for stored in 0..<buffer.count where buffer.actions[stored] == last {
      let wanted = buffer.findings[stored]
      canonical.update(from: buffer[stored], count: system.wordCount)
      if options.symmetry { system.canonicalize(canonical) }
      let target = Array(UnsafeBufferPointer(start: canonical, count: system.wordCount))
      buffer.removeAll()
      system.appendSuccessors(of: state, to: buffer)
      for successor in 0..<buffer.count where buffer.findings[successor] == wanted {
        canonical.update(from: buffer[successor], count: system.wordCount)
        if options.symmetry { system.canonicalize(canonical) }
        if target.elementsEqual(UnsafeBufferPointer(start: canonical, count: system.wordCount)) {
          actions.append(buffer.actions[successor])
          return actions
        }
      }
      break
    }
    return actions
  }
}

/// What a search may spend and which reductions it uses.
public struct ExplorationOptions: Sendable {
  /// Merge states that differ only by the names of alike actors.
  public var symmetry = true
  /// Follow one independent step alone where that is sound.
  public var partialOrderReduction = false
  /// The most bytes that the stored states may take.
  public var maximumBytes = 4 << 30
  public var maximumStates = 200_000_000
  public var maximumDepth = 10_000
  public var timeLimit: Duration = .seconds(600)

  public init() {}
}

/// The result of a search.
public struct Exploration: Sendable {
  /// The limit that ended a search before every state was seen.
  public enum Stop: Sendable, Hashable, CustomStringConvertible {
    case memory(Int)
    case states(Int)
    case time(Duration)
    case depth(Int)

    public var description: String {
      switch self {
      case .memory(let bytes): "memory limit of \(bytes >> 20) MiB"
      case .states(let count): "limit of \(count) states"
      case .time(let limit): "time limit of \(limit)"
      case .depth(let steps): "depth limit of \(steps) steps"
      }
    }
  }

  /// Distinct states stored.
  public var stateCount: Int
  /// Transitions followed.
  public var transitionCount: Int
  /// States without successor.
  public var quiescentCount: Int
  /// Steps from the initial state to the farthest state.
  public var depth: Int
  /// Why the search is incomplete; nil when every reachable state was seen.
  public var stopped: Stop?
  /// A shortest trace to each finding.
  public var counterexamples: [Finding: Counterexample]
  /// Bytes of the stored states with their table.
  public var storedBytes: Int
  public var duration: Duration
}

/// A shortest trace to a finding.
public struct Counterexample: Sendable, Hashable {
  public var finding: Finding
  /// Steps from the initial state.
  public var length: Int
  /// The actions that lead there; `Trace` puts them into words.
  public var actions: [UInt16]
}
