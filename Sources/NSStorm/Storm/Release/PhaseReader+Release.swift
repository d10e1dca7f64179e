import StormVocabulary
import Yams

extension NodeReader {
  mutating func release(_ node: Node, number: Int) -> Phase? {
    let keys = [
      "name", "kind", "rounds", "file-systems", "ways", "walkers", "readers", "bound", "file-size",
      "rcu-normal", "settle", "verify",
    ]
    guard
      let fields = fields(node, of: "a release phase", allowed: keys, required: ["rounds"]),
      let rounds = fields["rounds"].flatMap({ integer($0, "rounds", in: 1...10_000_000) })
    else { return nil }
    var phase = ReleasePhase(rounds: rounds)
    if let node = fields["file-systems"] {
      phase.fileSystems = weights(node, "file-systems") ?? phase.fileSystems
    }
    if let node = fields["ways"] { phase.ways = weights(node, "ways") ?? phase.ways }
    if let node = fields["walkers"] {
      phase.walkers = integer(node, "walkers", in: 0...16) ?? phase.walkers
    }
    if let node = fields["readers"] {
      phase.readers = integer(node, "readers", in: 0...16) ?? phase.readers
    }
    if let node = fields["bound"] { phase.bound = duration(node, "bound") ?? phase.bound }
    if let node = fields["file-size"] {
      phase.fileBytes = bytes(node, "file-size", in: 4_096...64 << 20) ?? phase.fileBytes
    }
    if let node = fields["rcu-normal"] {
      phase.usesNormalGracePeriods = choice(node, "rcu-normal", as: Answer.self) == .yes
    }
    if let node = fields["settle"] { phase.settle = duration(node, "settle") }
    if phase.combinations.isEmpty {
      report(node, "none of the ways is possible on any of the file systems")
    }
    if let node = fields["verify"], verification(node) != .end {
      report(node, "a release phase is verified at its end (allowed: end)")
    }
    return Phase(
      name: name(fields["name"], otherwise: "phase \(number)"), verification: .end,
      body: .release(phase))
  }
}

/// YAML has many words for it.
private enum Answer: String, CaseIterable {
  case yes = "true"
  case no = "false"
}
