import StormKernel
import StormReclamation
import StormVocabulary

/// Which work items the kernel runs because of idle umounts: those that began in the time after the calls, and not as often
/// in the same time before them. Bind mounts, so that no superblock's end is among them.
enum WorkItemExperiment {
  private static let calls = 30
  /// Longer than two ticks of the slowest clock: a delayed item begins a tick after it was asked for.
  private static let pauseNanoseconds: UInt32 = 24_000_000

  static func run() throws(ExperimentRefusal) -> ReleaseObservation.WorkItems {
    let trace: WorkItemTrace
    do throws(WorkItemTrace.Refusal) { trace = try WorkItemTrace() } catch {
      throw ExperimentRefusal("\(error)")
    }
    let seen = observe(trace)
    if let errno = trace.end() {
      throw ExperimentRefusal(
        "the trace instance \(WorkItemTrace.instanceName) could not be removed: \(errno)")
    }
    return try seen.get()
  }

  private static func observe(
    _ trace: borrowing WorkItemTrace
  ) -> Result<ReleaseObservation.WorkItems, ExperimentRefusal> {
    do throws(SandboxError) {
      let sandbox = try Sandbox.launch(SandboxLimits(workers: 2, programBytes: 4 << 20))
      defer { try? sandbox.teardown() }
      for name in ["/source", "/place"] { _ = try sandbox.perform(.mkdir(.path(name)), by: 0) }
      let sync = try umounts([], in: sandbox)
      let lazy = try umounts(.detach, in: sandbox)
      do throws(WorkItemTrace.Refusal) {
        let items = try trace.items()
        return .success(
          ReleaseObservation.WorkItems(
            calls: calls, sync: functions(items, caused: sync),
            lazy: functions(items, caused: lazy)))
      } catch {
        return .failure(ExperimentRefusal("\(error)"))
      }
    } catch {
      return .failure(ExperimentRefusal(error))
    }
  }

  /// When each umount began.
  private static func umounts(
    _ flags: UmountFlags, in sandbox: Sandbox
  ) throws(SandboxError) -> [UInt64] {
    let mount = Operation.mount(
      MountCall(source: .path("/source"), target: .path("/place"), flags: [.bind]))
    let steps = (0..<calls).flatMap { _ in
      [
        WorkerProgram.Step(mount, delayNanoseconds: pauseNanoseconds),
        WorkerProgram.Step(
          .umount2(.path("/place"), flags), delayNanoseconds: pauseNanoseconds),
      ]
    }
    let last = WorkerProgram.Step(.stat(.path("/place")), delayNanoseconds: pauseNanoseconds)
    let outcome = try sandbox.run(
      [WorkerProgram(actor: 0, steps: steps + [last])], start: .asPosted)
    let records = outcome.programs.first?.records ?? []
    guard records.count == steps.count + 1, records.allSatisfy({ $0.errno == .none }) else {
      throw .setupFailed(
        attempt: "umount bind mounts one by one",
        errno: records.first { $0.errno != .none }?.errno ?? .timedOut)
    }
    return stride(from: 1, to: steps.count, by: 2).map { records[$0].startNanoseconds }
  }

  /// Functions that began after most of these moments and not as often before them, within a pause.
  static func functions(_ items: [WorkItemTrace.Item], caused moments: [UInt64]) -> [String] {
    let pause = UInt64(pauseNanoseconds)
    let byFunction = Dictionary(grouping: items, by: \.function)
    return byFunction.filter { _, runs in
      let after = moments.count { moment in
        runs.contains { $0.nanoseconds >= moment && $0.nanoseconds < moment + pause }
      }
      let before = moments.count { moment in
        runs.contains { $0.nanoseconds < moment && $0.nanoseconds + pause >= moment }
      }
      return after * 2 > moments.count && (after - before) * 2 > moments.count
    }.keys.sorted()
  }
}
