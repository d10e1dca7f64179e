import StormVocabulary
import Yams

extension NodeReader {
  /// A phase; which keys it may have depends on its kind.
  mutating func phase(_ node: Node, number: Int, limits: Profile.Limits) -> Phase? {
    guard let kindNode = node["kind"] else {
      let kinds = PhaseKind.allCases.map(\.rawValue).joined(separator: ", ")
      report(node, "phase \(number) needs the key 'kind' (allowed: \(kinds))")
      return nil
    }
    guard let kind: PhaseKind = choice(kindNode, "kind") else { return nil }
    switch kind {
    case .sequential: return sequential(node, number: number, limits: limits)
    case .blast: return blast(node, number: number, limits: limits)
    case .release: return release(node, number: number)
    case .partitioned: return partitioned(node, number: number, limits: limits)
    case .contended: return contended(node, number: number, limits: limits)
    }
  }

  private mutating func sequential(_ node: Node, number: Int, limits: Profile.Limits) -> Phase? {
    let keys = [
      "name", "kind", "steps", "duration", "namespaces", "root", "tree", "weights", "shapes",
      "shape-share", "wrong-share", "indirect-share", "recursive-share", "propagation", "verify",
    ]
    guard let fields = fields(node, of: "a sequential phase", allowed: keys) else { return nil }
    var phase = SequentialPhase(length: .steps(1))
    switch (fields["steps"], fields["duration"]) {
    case (let steps?, nil):
      phase.length = .steps(integer(steps, "steps", in: 1...100_000_000) ?? 1)
    case (nil, let duration?):
      phase.length = .duration(self.duration(duration, "duration") ?? .seconds(1))
    case (_?, let duration?):
      report(duration, "a phase has either 'steps' or 'duration', not both")
    case (nil, nil):
      report(node, "phase \(number) needs the key 'steps' or 'duration'")
    }
    if let node = fields["namespaces"],
      let count = integer(node, "namespaces", in: 1...limits.namespaces)
    {
      phase.startNamespaces = count
    } else {
      phase.startNamespaces = min(phase.startNamespaces, limits.namespaces)
    }
    if let node = fields["root"] {
      phase.sharesRoot = choice(node, "root", as: RootPropagation.self) == .shared
    }
    if let node = fields["tree"] { readTree(node, into: &phase.tree) }
    if let node = fields["weights"] { phase.weights = weights(node, "weights") ?? phase.weights }
    if let node = fields["shapes"] {
      phase.shapes = weights(node, "shapes") ?? phase.shapes
      phase.shapeShare = 0.1
    }
    if let node = fields["shape-share"] {
      phase.shapeShare = share(node, "shape-share") ?? phase.shapeShare
    }
    if let node = fields["wrong-share"] {
      phase.wrongShare = share(node, "wrong-share") ?? phase.wrongShare
    }
    if let node = fields["indirect-share"] {
      phase.indirectShare = share(node, "indirect-share") ?? phase.indirectShare
    }
    if let node = fields["recursive-share"] {
      phase.recursiveShare = share(node, "recursive-share") ?? phase.recursiveShare
    }
    if let node = fields["propagation"] {
      phase.propagation = weights(node, "propagation") ?? phase.propagation
    }
    return Phase(
      name: name(fields["name"], otherwise: "phase \(number)"),
      verification: verification(fields["verify"]) ?? .everyStep, body: .sequential(phase))
  }

  private mutating func blast(_ node: Node, number: Int, limits: Profile.Limits) -> Phase? {
    let keys = [
      "name", "kind", "namespaces", "mounts-per-namespace", "workers", "umount", "assault",
      "rounds", "depth", "at", "company", "bound", "verify",
    ]
    guard
      let fields = fields(
        node, of: "a blast phase", allowed: keys,
        required: ["namespaces", "mounts-per-namespace", "umount"])
    else { return nil }
    let namespaces = fields["namespaces"].flatMap {
      integer($0, "namespaces", in: 1...limits.namespaces)
    }
    let mounts = fields["mounts-per-namespace"].flatMap {
      integer($0, "mounts-per-namespace", in: 1...max(1, limits.mountsPerNamespace - 2))
    }
    let umount = fields["umount"].flatMap { choice($0, "umount", as: BlastPhase.UmountKind.self) }
    guard let namespaces, let mounts, let umount else { return nil }
    if namespaces * (mounts + 2) > limits.mounts {
      report(
        node,
        "\(namespaces) namespaces with \(mounts + 2) mounts each are more than limits.mounts "
          + "(\(limits.mounts)) allows")
    }
    var phase = BlastPhase(
      namespaces: namespaces, mountsPerNamespace: mounts, workers: namespaces, umount: umount)
    if let node = fields["workers"] {
      phase.workers = integer(node, "workers", in: 1...namespaces) ?? phase.workers
    }
    if let node = fields["assault"] { phase.assault = choice(node, "assault") ?? phase.assault }
    if let node = fields["rounds"] {
      phase.rounds = integer(node, "rounds", in: 1...1_000_000) ?? 1
    }
    readTrees(fields, into: &phase)
    if phase.assault == .racing, umount != .detach, let node = fields["assault"] {
      report(
        node,
        "'racing' goes with 'umount: detach' only: two synchronous umounts of one mount may both "
          + "answer EBUSY, and then no end state can be predicted")
    }
    let verification = verification(fields["verify"]) ?? .end
    if let node = fields["verify"], verification != .end {
      report(node, "a blast phase is verified at its end (allowed: end)")
    }
    return Phase(
      name: name(fields["name"], otherwise: "phase \(number)"), verification: .end,
      body: .blast(phase))
  }

  mutating func readTree(_ node: Node, into tree: inout SequentialPhase.Tree) {
    guard let fields = fields(node, of: "tree", allowed: ["depth", "breadth"]) else { return }
    if let node = fields["depth"] { tree.depth = integer(node, "tree.depth", in: 1...12) ?? 3 }
    if let node = fields["breadth"] {
      tree.breadth = integer(node, "tree.breadth", in: 1...26) ?? 3
    }
  }

  mutating func name(_ node: Node?, otherwise name: String) -> String {
    node.flatMap { string($0, "name") } ?? name
  }

  mutating func verification(_ node: Node?) -> Verification? {
    guard let node else { return nil }
    let allowed = "every-step, end, or 'every: N'"
    if case .mapping = node {
      return fields(node, of: "verify", allowed: ["every"], required: ["every"])?["every"]
        .flatMap { integer($0, "verify.every", in: 1...1_000_000) }.map(Verification.every)
    }
    guard let text = string(node, "verify") else { return nil }
    switch text {
    case "every-step": return .everyStep
    case "end": return .end
    default:
      report(node, "verify is '\(text)' (allowed: \(allowed))")
      return nil
    }
  }
}

/// How the root of namespace 0 propagates when a phase begins.
private enum RootPropagation: String, CaseIterable {
  case shared, `private`
}
