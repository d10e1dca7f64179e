import StormKernel
import StormPlanning
import StormVerdict
import StormVocabulary

// Those who are about while a volley goes on, and the superblocks that must be gone after it.

extension StormRunner {
  func startCompany(of volley: Volley) throws(SandboxError) -> [WorkerProgram] {
    var programs: [WorkerProgram] = []
    for companion in volley.company where sandbox.livingActors.contains(companion.namespace) {
      try sandbox.addActor(companion.actor, sharingNamespaceOf: companion.namespace)
      var program = WorkerProgram(actor: companion.actor, calls: companion.calls)
      program.isInBackground = true
      programs.append(program)
    }
    return programs
  }

  func endCompany(of volley: Volley) throws(SandboxError) {
    for companion in volley.company where sandbox.livingActors.contains(companion.actor) {
      _ = try sandbox.perform(.exit, by: companion.actor)
    }
  }

  /// Watches every superblock that the volley umounts.
  func watch(_ volley: Volley) throws(SandboxError) {
    guard let first = volley.watched.first else { return }
    let calls =
      [WorkerCall.watch(first, ReleaseRound.slots.lowerBound)]
      + volley.watched.dropFirst().map {
        .watch($0, adds: true, ReleaseRound.slots.lowerBound)
      }
    let outcome = try sandbox.run([WorkerProgram(actor: 0, calls: calls)], start: .asPosted)
    guard let refused = outcome.programs.first?.records.first(where: { $0.errno != .none }) else {
      return
    }
    throw .setupFailed(attempt: "watch the superblocks of a volley", errno: refused.errno)
  }

  /// Every superblock must be gone within the bound.
  func awaitRelease(_ volley: Volley) throws(SandboxError) -> Course {
    defer { summary.storm.superblocksReleased += volley.released }
    let slot = ReleaseRound.slots.lowerBound
    var calls: [WorkerCall] = []
    if volley.released > 0 {
      calls.append(
        .waitFor(
          .unmount, slot, count: volley.released, limitNanoseconds: nanoseconds(volley.bound)))
    }
    // The slot belongs to the plan again.
    calls.append(.operation(.close(slot)))
    let outcome = try sandbox.run(
      [WorkerProgram(actor: 0, calls: calls)], start: .asPosted,
      stallLimit: volley.bound + .seconds(20))
    guard volley.released > 0, let record = outcome.programs.first?.records.first else {
      return .goesOn
    }
    summary.checks.releases += 1
    let waited = record.endNanoseconds &- record.startNanoseconds
    summary.storm.longestReleaseNanoseconds = max(
      summary.storm.longestReleaseNanoseconds, waited)
    guard record.errno != .none else { return .goesOn }
    let round = ObservedRelease(
      fileSystem: .tmpfs, way: .detach, company: .none, calls: [])
    var finding = ReleaseFinding(
      round, .neverReleased,
      "\(volley.released - Int(record.value)) of \(volley.released) superblocks of a volley are still "
        + "there after \(volley.bound)")
    finding.holders = sandbox.holders(ofMount: -1, device: nil)
    return found(finding)
  }
}
