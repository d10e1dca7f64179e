import StormVocabulary

/// A profile as `nsstorm profiles show` explains it: what it provokes, its limits, its phases.
public struct ProfileDescription: Sendable {
  public let profile: Profile

  public init(_ profile: Profile) {
    self.profile = profile
  }

  public var text: String {
    var lines = ["\(profile.name): \(profile.summary)", ""]
    if !profile.explanation.isEmpty { lines += [profile.explanation, ""] }
    let limits = profile.limits
    lines += [
      "plan rules   "
        + (profile.followsKernel ? "those of the kernel that runs" : "kernel \(profile.rules)"),
      "seed         \(profile.seed) unless --seed is given",
      "limits       \(limits.namespaces) namespaces, \(limits.mountsPerNamespace) mounts each, "
        + "\(limits.mounts) mounts in all, \(limits.descriptors) descriptors a process",
      "             root of \(limits.rootBytes >> 20) MiB, an answer within \(limits.answer), "
        + "a run within \(limits.run)"
        + (limits.mountLimit.map { ", fs.mount-max \($0)" } ?? ""),
      "observers    " + profile.observers.map(\.rawValue).joined(separator: " and ")
        + (profile.observers.count > 1 ? ", which must agree with each other" : ""),
    ]
    for (index, phase) in profile.phases.enumerated() {
      lines += ["", "phase \(index + 1)      \(phase.name) (\(phase.kind.rawValue))"]
      switch phase.body {
      case .sequential(let body): lines += describe(body)
      case .partitioned(let body): lines += describe(body)
      case .contended(let body): lines += describe(body)
      case .blast(let body): lines += describe(body)
      case .release(let body): lines += describe(body)
      }
      lines.append("  tables     compared \(phase.verification)")
    }
    return lines.joined(separator: "\n")
  }

  private func describe(_ phase: SequentialPhase) -> [String] {
    let length =
      switch phase.length {
      case .steps(let count): "\(count) steps"
      case .duration(let duration): "as many steps as fit in \(duration)"
      }
    var lines = [
      "  length     \(length), starting with \(phase.startNamespaces) namespaces, "
        + "root \(phase.sharesRoot ? "shared" : "private")",
      "  tree       \(phase.tree.depth) levels of \(phase.tree.breadth) names",
      "  shares     \(percent(phase.wrongShare)) of the calls wrong on purpose, "
        + "\(percent(phase.indirectShare)) by other paths, \(percent(phase.recursiveShare)) recursive, \(percent(phase.shapeShare)) of the decisions a shape",
      "  types      " + list(phase.propagation, name: \.rawValue),
      "  calls",
    ]
    lines += phase.weights.entries.map {
      row($0.weight, $0.choice.rawValue, $0.choice.explanation)
    }
    if phase.shapeShare > 0 {
      lines.append("  shapes")
      lines += phase.shapes.entries.map {
        row($0.weight, $0.choice.rawValue, $0.choice.explanation)
      }
    }
    return lines
  }

  private func describe(_ phase: BlastPhase) -> [String] {
    let how =
      switch phase.assault {
      case .divided: "each its own part"
      case .racing: "all of them for every mount"
      }
    return [
      "  mounts     \(phase.mountsPerNamespace) in each of \(phase.namespaces) namespaces, shared, "
        + "\(phase.rounds) round\(phase.rounds == 1 ? "" : "s")"
        + (phase.depth > 1
          ? ", in trees of \(phase.depth), taken at the \(phase.aim.rawValue)" : ""),
      "  umounts    \(phase.umount.rawValue), by \(phase.workers) workers at once, \(how)",
    ]
  }

  private func describe(_ phase: ReleasePhase) -> [String] {
    var lines = [
      "  rounds     \(phase.rounds), one after the other; released within \(phase.bound)",
      "  on         " + list(phase.fileSystems, name: \.rawValue),
      "  company    \(phase.walkers) walkers, \(phase.readers) readers of mountinfo",
    ]
    if phase.usesNormalGracePeriods {
      lines.append("  machine    rcu_normal is set meanwhile (--touch-machine, or inside a VM)")
    }
    lines.append("  ways")
    lines += phase.ways.entries.map {
      row($0.weight, $0.choice.rawValue, $0.choice.explanation)
    }
    return lines
  }

  private func describe(_ phase: PartitionedPhase) -> [String] {
    [
      "  parts      \(phase.parts), in \(phase.sharesNamespace ? "one namespace" : "namespaces of their own"), "
        + "each with a file system of its own as its root",
      "  calls      \(phase.calls) of each part at once, \(phase.rounds) rounds",
    ] + phase.body.weights.entries.map { row($0.weight, $0.choice.rawValue, $0.choice.explanation) }
  }

  private func describe(_ phase: ContendedPhase) -> [String] {
    var lines = [
      "  workers    \(phase.workerCount): \(phase.threads) threads in each of \(phase.processes) processes in each of "
        + "\(phase.namespaces) namespaces; \(phase.bystanders) namespaces without workers",
      "  tree       \(phase.isShared ? "shared" : "private"), \(phase.places) places",
      "  windows    \(phase.windows) in each of \(phase.rounds) rounds, \(phase.calls) calls of each worker, "
        + "\(phase.mountsBefore) mounts made before",
      "  chance     up to \(phase.jitterNanoseconds) ns before each call; workers "
        + (phase.isPinned ? "stay on CPUs in turn" : "run where they like"),
      "  verdict    needs \(phase.leastConflicts) conflicting pairs",
    ]
    if let walkers = phase.walkers {
      lines.append(
        "  walkers    \(walkers.count) on \(walkers.paths * phase.places) paths, "
          + "\(percent(walkers.openShare)) opened")
    }
    return lines + ["  calls"]
      + phase.weights.entries.map { row($0.weight, $0.choice.rawValue, $0.choice.explanation) }
  }

  private func row(_ weight: Int, _ name: String, _ explanation: String) -> String {
    let number = String(weight)
    let padding = String(repeating: " ", count: max(0, 8 - number.count))
    let gap = String(repeating: " ", count: max(1, 20 - name.count))
    return padding + number + "  " + name + gap + explanation
  }

  private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }

  private func list<Choice>(_ weights: Weights<Choice>, name: (Choice) -> String) -> String {
    weights.entries.map { "\(name($0.choice)) \($0.weight)" }.joined(separator: ", ")
  }
}
