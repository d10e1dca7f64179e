import CMount
public import StormVocabulary

/// The cost of nsstorm's executor beside a plain C loop that makes the same calls in the same process.
public struct ExecutorMeasurement: Hashable, Sendable {
  /// Median over the rounds: one mount of a tmpfs and its umount2 in the plain loop.
  public var baselineNanosecondsPerCycle: Double
  /// The same as a program of two timed calls a cycle.
  public var programNanosecondsPerCycle: Double

  /// 1 where the executor costs nothing; the aim is at least 0.95.
  public var ratio: Double { baselineNanosecondsPerCycle / programNanosecondsPerCycle }
}

extension Sandbox {
  /// Measures ``ExecutorMeasurement``, both ways in turns, so that what disturbs one disturbs the other.
  ///
  /// - Parameters:
  ///   - cycles: pairs of calls in one round of one kind.
  ///   - rounds: how often both are measured; the medians count.
  ///   - actor: makes `/executor-baseline` in its root and works there.
  public func measureExecutor(
    cycles: Int = 2_000, rounds: Int = 15, flags: UmountFlags = [], actor: Int = 0
  ) throws(SandboxError) -> ExecutorMeasurement {
    let place = "/executor-baseline"
    _ = try perform(.mkdir(.path(place)), by: actor)
    let mount = Operation.mount(MountCall(type: "tmpfs", source: "t", target: .path(place)))
    let pair = [mount, .umount2(.path(place), flags)]
    let program = WorkerProgram(
      actor: actor, operations: (0..<cycles).flatMap { _ in pair })
    var baseline: [Double] = []
    var measured: [Double] = []
    for _ in 0..<max(1, rounds) {
      baseline.append(
        try plainLoop(cycles: cycles, place: place, flags: flags, actor: actor) / Double(cycles))
      let outcome = try run([program], start: .asPosted)
      guard let records = outcome.programs.first?.records, let first = records.first,
        let last = records.last, records.count == program.steps.count
      else {
        throw .setupFailed(attempt: "measure the executor", errno: .timedOut)
      }
      if let failed = records.first(where: { $0.errno != .none }) {
        throw .setupFailed(attempt: "mount and umount for the measurement", errno: failed.errno)
      }
      let time = Double(last.endNanoseconds - first.startNanoseconds)
      measured.append(time / Double(cycles))
    }
    _ = try perform(.rmdir(.path(place)), by: actor)
    return ExecutorMeasurement(
      baselineNanosecondsPerCycle: median(baseline), programNanosecondsPerCycle: median(measured))
  }

  private func plainLoop(
    cycles: Int, place: String, flags: UmountFlags, actor: Int
  ) throws(SandboxError) -> Double {
    let worker = try worker(of: actor)
    let slot = slot(at: worker)
    var record = nss_op()
    record.code = UInt16(NSS_OP_BASELINE)
    record.path.1 = 1
    record.value = UInt64(cycles)
    record.flags = UInt64(flags.rawValue)
    let loop = ProgramPlace(
      records: [record], text: [0] + Array(place.utf8) + [0],
      at: Int(nss_sandbox_scratch(&handle, worker)), base: base)
    slot.pointee.task = loop.task()
    let request = nss_worker_post(slot)
    guard nss_worker_wait_done(slot, request, limits.callTime.nanosecondsClamped) else {
      throw .setupFailed(attempt: "run the plain loop", errno: .timedOut)
    }
    let answer = result(loop, 0)
    guard answer.errno == .none else {
      throw .setupFailed(attempt: "run the plain loop", errno: answer.errno)
    }
    return Double(answer.endNanoseconds - answer.startNanoseconds)
  }

  private func median(_ values: [Double]) -> Double {
    values.sorted()[values.count / 2]
  }
}
