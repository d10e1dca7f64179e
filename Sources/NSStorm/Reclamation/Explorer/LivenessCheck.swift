/// Looks for runs without end in a small system: cycles that stay in a set of states and starve nobody.
struct LivenessCheck<System: CompactSystem> {
  private var states: [System.State] = []
  /// For each state its steps: the lane that moves and the target.
  private var edges: [[(lane: Int, target: Int)]] = []

  init(_ system: System) {
    let store = StateStore(wordCount: system.wordCount, maximumBytes: 1 << 28)
    let buffer = SuccessorBuffer(wordCount: system.wordCount)
    let initial = UnsafeMutablePointer<UInt64>.allocate(capacity: system.wordCount)
    defer { initial.deallocate() }
    initial.initialize(repeating: 0, count: system.wordCount)
    system.writeInitialState(to: initial)
    _ = store.insert(initial, parent: .max)
    var index = 0
    while index < store.count {
      buffer.removeAll()
      system.appendSuccessors(of: store[index], to: buffer)
      states.append(System.load(store[index]))
      var out: [(lane: Int, target: Int)] = []
      for successor in 0..<buffer.count {
        let lane = system.describe(
          buffer.actions[successor], from: store[index], to: buffer[successor]
        ).lane
        _ = store.insert(buffer[successor], parent: 0)
        if let target = store.index(of: buffer[successor]) {
          out.append((lane: lane, target: target))
        }
      }
      edges.append(out)
      index += 1
    }
  }

  /// Whether some strongly connected set of states that satisfy `holds` can be walked for ever with weak
  /// fairness: each lane moves inside it, or is disabled somewhere in it.
  func hasEndlessRun(where holds: (System.State) -> Bool) -> Bool {
    let inside = states.map(holds)
    for start in states.indices where inside[start] {
      let forwards = reach(from: start, inside: inside, reversed: false)
      let component = forwards.intersection(reach(from: start, inside: inside, reversed: true))
      guard component.contains(start) else { continue }
      let lanes = Set(edges.flatMap { $0.map(\.lane) })
      let isFair = lanes.allSatisfy { lane in
        component.contains { state in
          let own = edges[state].filter { $0.lane == lane }
          return own.isEmpty || own.contains { component.contains($0.target) }
        }
      }
      if isFair { return true }
    }
    return false
  }

  /// States that at least one step leads to (or from, reversed) within the set.
  private func reach(from start: Int, inside: [Bool], reversed: Bool) -> Set<Int> {
    var found: Set<Int> = []
    var open = [start]
    while let state = open.popLast() {
      for (source, out) in edges.enumerated() where inside[source] {
        for edge in out where inside[edge.target] {
          let (from, to) = reversed ? (edge.target, source) : (source, edge.target)
          if from == state, found.insert(to).inserted { open.append(to) }
        }
      }
    }
    return found
  }
}
