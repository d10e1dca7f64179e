import Foundation
import StormKernel
import StormPlanning
import StormVocabulary

@testable import StormReport
@testable import StormRun
@testable import StormVerdict

/// Runs put together by hand: what renderers get, without a kernel.
enum Sample {
  static func began(strict: Bool = false, phases: Int = 2) -> BeganEvent {
    let phases = (0..<phases).map {
      PhaseEvent(index: $0, name: $0 == 0 ? "warm up" : "main", kind: "sequential", steps: 100)
    }
    return BeganEvent(
      tool: "nsstorm 0.1.0", run: RunIdentifier("20261125T184416Z-9f3a61c2")!,
      startedAt: "2026-11-25T18:44:16Z",
      kernel: RunningKernel(release: "6.18.44-test", build: "#1 SMP PREEMPT_DYNAMIC <fc> & \"x\""),
      configuration: KernelConfiguration(
        options: ["CONFIG_PREEMPT_RCU=y", "CONFIG_HZ=250"], source: "/proc/config.gz",
        bootParameters: ["rcu_nocbs=0"]),
      machine: MachineDescription(
        name: "box", identity: "00ff00ff00ff00ff", architecture: "x86_64", processors: 2,
        memoryBytes: 4 << 30, processorModel: "test CPU"),
      rules: "6.18.44", profile: "first-storm", seed: "0x1", stepLimit: nil, isStrict: strict,
      command: "nsstorm run first-storm", phases: phases,
      cases: CaseList.planned(profile: "first-storm", phases: phases))
  }

  static func progress(_ steps: Int, phase: Int) -> RunProgress {
    RunProgress(
      phase: phase, stepOfPhase: steps, stepsOfPhase: 100, steps: steps, volleyCalls: 0,
      namespaces: 3, mounts: 10 + steps, divergences: 0, kernelNanoseconds: UInt64(steps) * 1_000)
  }

  static func entry(_ id: UInt64, at mountpoint: String, parent: UInt64 = 1) -> MountTable.Entry {
    MountTable.Entry(
      id: id, parent: parent, device: DeviceNumber(major: 0, minor: 5), root: "/",
      mountpoint: mountpoint, attributes: .relativeAccessTime, fileSystemType: "tmpfs", source: "t")
  }

  static func tableDivergence(known: [String] = []) -> Divergence {
    let mount = MountDifference(
      kind: .wrongUnbindable, place: .init(entry(12, at: "/a")), predicted: "unbindable",
      observed: "bindable")
    var divergence = Divergence(
      step: 17, namespace: 1, operation: .unshare(namespace: 2, newUser: false),
      predictedErrno: .none, observedErrno: .none,
      tables: [
        TableDifference(
          namespace: 2, mounts: [mount],
          lines: [
            .init(.same, "10 1  0:5 / /    rw,relatime            - tmpfs root"),
            .init(.predicted, "12 10 0:6 / /a   rw,relatime unbindable - tmpfs t"),
            .init(.observed, "12 10 0:6 / /a   rw,relatime            - tmpfs t"),
            .init(.same, "13 12 0:7 / /a/b rw,relatime            - tmpfs <u>"),
            .init(.same, "14 10 0:8 / /c   rw,relatime            - tmpfs v"),
            .init(.same, "15 14 0:9 / /c/d rw,relatime            - tmpfs w"),
          ])
      ], knownIssues: known)
    divergence.rule = "copyLosesUnbindable"
    return divergence
  }

  static func answerDivergence() -> Divergence {
    var divergence = Divergence(
      step: 40, namespace: 0, operation: .umount2("/m]]>&<#x", []), predictedErrno: .busy,
      observedErrno: .none)
    divergence.rule = "umountBusy"
    return divergence
  }

  static func ended(
    _ outcome: RunSummary.Outcome, code: Int32, isComplete: Bool = true
  ) -> EndedEvent {
    var storm = RunSummary.Storm()
    storm.steps = 200
    storm.succeededCalls = 150
    storm.answers = ["0": 150, "EBUSY": 50]
    var checks = RunSummary.Checks()
    checks.answers = 200
    checks.tables = 400
    checks.entries = 4_000
    return EndedEvent(
      outcome: outcome, exitCode: code, isComplete: isComplete, storm: storm, checks: checks,
      memory: RunSummary.Memory(proportionalBytes: 1 << 20, processes: 3, kernelChangeBytes: -5),
      times: RunSummary.Times(),
      latencies: [
        LatencySummary(
          what: "umount2", count: 50, minimumNanoseconds: 900, meanNanoseconds: 2_000,
          medianNanoseconds: 1_800, p90Nanoseconds: 3_000, p99Nanoseconds: 9_000,
          maximumNanoseconds: 12_000,
          buckets: [
            .init(upToNanoseconds: 1_024, count: 5), .init(upToNanoseconds: 2_048, count: 40),
            .init(upToNanoseconds: 12_288, count: 5),
          ])
      ],
      releases: [ReleaseTally(phase: "second", fileSystem: .ext4, way: .sync, rounds: 3)],
      releasesByWay: [ReleaseTally(phase: "second", way: .sync, rounds: 3)],
      releaseCounts: [
        RunSummary.ReleaseCounts(
          phase: "second", rounds: 3, sharedMemoryChangeBytes: -4_096, mountObjectsChange: 2)
      ], leftovers: nil,
      coverage: [
        RuleUse(rule: "umountBusy", section: "5.1", function: "do_umount", count: 1_234),
        RuleUse(rule: "umountLocked", section: "5.1", function: "can_umount", count: 0),
        RuleUse(rule: "bindCopiesTree", section: "3.3", function: "copy_tree", count: 5),
      ])
  }

  /// Events in the order of a run, a hundred milliseconds apart.
  static func events(_ payloads: [RecordedEvent.Payload]) -> [RecordedEvent] {
    payloads.enumerated().map {
      RecordedEvent(
        sequence: $0.offset, elapsedNanoseconds: UInt64($0.offset) * 100_000_000,
        payload: $0.element)
    }
  }

  static func found(_ divergence: Divergence, phase: Int) -> RecordedEvent.Payload {
    .divergence(
      DivergenceEvent(
        phase: phase, divergence: divergence, replaySteps: divergence.step + 1,
        replay: "nsstorm run first-storm --seed 0x1 --steps \(divergence.step + 1)"))
  }

  static func phases(_ began: BeganEvent) -> [RecordedEvent.Payload] {
    [
      .phaseBegan(began.phases[0]), .progress(progress(1, phase: 1)),
      .progress(progress(99, phase: 1)), .phaseBegan(began.phases[1]),
      .progress(progress(101, phase: 2)),
    ]
  }

  static let log = FaultEvent(
    phase: 1, kind: .log, text: "warning: WARNING: CPU: 0 PID: 7 at fs/namespace.c:1234",
    report: "warning",
    lines: ["WARNING: CPU: 0 PID: 7 at fs/namespace.c:1234", "RIP: 0010:umount_tree+0x2a/0x300"])

  static let window = WindowEvent(
    number: 3, phase: 1, verdict: .violated, reason: "no order gives EBUSY for umount2 /a",
    conflicts: 1, workers: [.init(number: 0, process: 1, cpu: 0), .init(number: 1, process: 2)],
    calls: [
      .init(
        worker: 0, process: 1, call: "umount2 /a", errno: .none, startNanoseconds: 10,
        endNanoseconds: 4_000, isCulprit: false),
      .init(
        worker: 1, process: 2, call: "umount2 /a", errno: .busy, startNanoseconds: 4_500,
        endNanoseconds: 9_000, isCulprit: true),
    ])

  /// The same calls, judged: the second umount2 answers EBUSY although the first had ended.
  static var violation: ConcurrencyViolation {
    let calls = [(0, 1, Errno.none, 10, 4_000), (1, 2, .busy, 4_500, 9_000)].map {
      ContendedWindow.Call(
        worker: $0.0, process: $0.1, operation: .umount2("/a", []), errno: $0.2,
        startNanoseconds: UInt64($0.3), endNanoseconds: UInt64($0.4))
    }
    return ConcurrencyViolation(
      calls: calls, hasEnded: [true, true], explainedBefore: 0,
      bestOrder: [
        .init(call: 0, window: 0, kind: .resolve(argument: 0)),
        .init(call: 0, window: 0, kind: .answer(.none)),
      ],
      continuations: [
        .init(call: 1, observed: .busy, predicted: .none, reason: "umountBusy")
      ], tables: [], endStates: 0, steps: 5)
  }

  /// A run that ended at a window that no order explains.
  static var raced: RunRecord {
    let began = began()
    var judged = JudgedWindow(
      number: 3, phase: 1,
      workers: [.init(number: 0, process: 1, cpu: 0), .init(number: 1, process: 2)],
      window: ContendedWindow(calls: violation.calls, tables: nil), verdict: nil)
    judged.verdict = .violated(violation)
    return record(
      [.began(began)] + phases(began) + [
        .window(WindowEvent(judged)),
        .divergence(
          DivergenceEvent(
            phase: 1, divergence: violation.divergence(asStep: 40), replaySteps: 41,
            replay: "nsstorm run first-storm --seed 0x1 --steps 41", window: 3)),
        .ended(ended(.diverged, code: 1, isComplete: false)),
      ])
  }

  static func record(_ payloads: [RecordedEvent.Payload]) -> RunRecord {
    RunRecord(events(payloads))!
  }

  /// One of each way in which a run can end.
  enum Kind: String, CaseIterable {
    case agreed, diverged, raced, faulty, killed

    var record: RunRecord {
      switch self {
      case .agreed: Sample.agreed
      case .diverged: Sample.diverged
      case .raced: Sample.raced
      case .faulty: Sample.faulty
      case .killed: Sample.killed
      }
    }
  }

  static var release: ReleaseEvent {
    let round = ObservedRelease(fileSystem: .ext4, way: .sync, company: .none, calls: [])
    var finding = ReleaseFinding(round, .late, "the superblock was alive <1 ms> late")
    finding.holders = ["nss-worker1 (7): descriptor 3"]
    return ReleaseEvent(
      phase: 1, finding: finding, replaySteps: 41,
      replay: "nsstorm run sample --seed 0x1 --steps 41")
  }

  static var agreed: RunRecord {
    let began = began()
    return record([.began(began)] + phases(began) + [.ended(ended(.agreed, code: 0))])
  }

  static var diverged: RunRecord {
    let began = began()
    return record(
      [.began(began)] + phases(began) + [
        found(tableDivergence(known: ["unbindable-lost-in-namespace-copy"]), phase: 0),
        found(answerDivergence(), phase: 1), .window(window), .release(release),
        .skipped(Skip(what: "member lists", why: "no listmount", count: 3)),
        .warning(WarningEvent(text: "take <care> & \"so\" on")),
        .ended(ended(.diverged, code: 1, isComplete: false)),
      ])
  }

  static var faulty: RunRecord {
    let began = began()
    return record(
      [.began(began)] + phases(began) + [
        .fault(log), .ended(ended(.kernelFault, code: 2, isComplete: false)),
      ])
  }

  /// What a SIGKILL leaves.
  static var killed: RunRecord {
    let began = began()
    return record([.began(began)] + phases(began))
  }
}
