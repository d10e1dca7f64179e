import StormVocabulary

// Release phases: an empty namespace 0 with a few directories, then one round after the other.

extension PlanGenerator {
  mutating func plan(_ phase: ReleasePhase) {
    clearStage()
    let base = nextPlace()
    act(0, .mkdir(.path(base)), .preparation)
    for name in ["m", "backing", "layers"] {
      act(0, .mkdir(.path("\(base)/\(name)")), .preparation)
    }
    act(0, .touch(.path("\(base)/f")), .preparation)
    // What goes must not propagate: another namespace's copy would keep the superblock.
    act(0, .change("/", to: .private), .preparation)
    if phase.fileSystems[.overlay] > 0 {
      act(0, .tmpfs("layers", on: "\(base)/layers"), .preparation)
      for name in ["lower", "upper", "work"] {
        act(0, .mkdir(.path("\(base)/layers/\(name)")), .preparation)
      }
    }
    let builder = ReleaseRoundBuilder(conditions: ReleaseConditions(phase, base: base))
    let combinations = phase.combinations
    for index in 0..<phase.rounds {
      // Each combination once before chance decides.
      if index < combinations.count {
        let (kind, way) = combinations[index]
        pending.append(.release(builder.round(kind, way)))
        continue
      }
      guard let kind = phase.fileSystems.draw(using: &random) else { return }
      let possible = Weights(phase.ways.entries.filter { $0.choice.isPossible(on: kind) })
      guard let way = possible.draw(using: &random) else { continue }
      pending.append(.release(builder.round(kind, way)))
    }
  }
}
