import StormPlanning
import StormVocabulary

/// Several workers at full speed beside as many processes that make the same calls in a plain C loop.
public struct BlastMeasurement: Hashable, Sendable {
  public var processes: Int
  /// Mounts and umounts together in a second, over all processes; medians over the rounds.
  public var baselineCyclesPerSecond: Double
  public var programCyclesPerSecond: Double

  /// The aim is at least 0.95.
  public var ratio: Double { programCyclesPerSecond / baselineCyclesPerSecond }
}

extension Sandbox {
  /// Measures ``BlastMeasurement`` with actors that share namespace 0, both ways in turns.
  public func measureBlast(
    processes: Int, cycles: Int = 1_000, rounds: Int = 9
  ) throws(SandboxError) -> BlastMeasurement {
    let actors = Array(0..<processes)
    for actor in actors {
      if actor > 0 { try addActor(actor, sharingNamespaceOf: 0) }
      _ = try perform(.mkdir(.path(place(actor))), by: 0)
    }
    let plain = actors.map {
      WorkerProgram(actor: $0, calls: [.mountAndUmount(place($0), rounds: cycles)])
    }
    let storming = actors.map { actor in
      let place = PathArgument.path(place(actor))
      let mount = Operation.mount(MountCall(type: "tmpfs", source: "t", target: place))
      return WorkerProgram(
        actor: actor, operations: (0..<cycles).flatMap { _ in [mount, .umount2(place, [])] })
    }
    var baseline: [Double] = []
    var measured: [Double] = []
    for _ in 0..<max(1, rounds) {
      baseline.append(Double(cycles * processes) / (try seconds(plain)))
      measured.append(Double(cycles * processes) / (try seconds(storming)))
    }
    return BlastMeasurement(
      processes: processes, baselineCyclesPerSecond: middle(baseline),
      programCyclesPerSecond: middle(measured))
  }

  private func place(_ actor: Int) -> String { "/blast-\(actor)" }

  private func seconds(_ programs: [WorkerProgram]) throws(SandboxError) -> Double {
    let outcome = try run(programs, stallLimit: .seconds(60))
    for program in outcome.programs {
      guard let failed = program.records.first(where: { $0.errno != .none }) else { continue }
      throw .setupFailed(attempt: "mount and umount for the measurement", errno: failed.errno)
    }
    return Double(outcome.endNanoseconds - outcome.startNanoseconds) / 1e9
  }

  private func middle(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
