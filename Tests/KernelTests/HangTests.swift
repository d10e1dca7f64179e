import Glibc
import StormKernel
import StormVocabulary
import Testing

/// A stopped worker stands for one that is wedged in the kernel: neither answers.
@Suite struct HangTests {
  private let limits = SandboxLimits(
    workers: 16, programBytes: 1 << 20, observationBytes: 1 << 20, callTime: .milliseconds(400))

  @Test func `needs root: a worker that does not answer is reported with its state and stack`()
    throws
  {
    try withSandbox(limits) { sandbox in
      try sandbox.signal(SIGSTOP, actor: 0)
      guard case .hang(let report) = try sandbox.perform(.mkdir("/a"), by: 0) else {
        Issue.record("no hang was reported")
        return
      }
      #expect(report.role == .worker(actor: 0))
      #expect(report.operation == .mkdir("/a"))
      #expect(report.state.hasPrefix("T"))
      #expect(report.processID == (try sandbox.processID(of: 0)))
      #expect(!report.stack.isEmpty && report.stack[0].hasPrefix("[<0>]"))
      #expect(report.description.contains("mkdir /a"))
    }
  }

  @Test func `needs root: a stopped worker ends a batch, and the others have finished`() throws {
    try withSandbox(limits) { sandbox in
      for actor in 1...3 {
        try sandbox.expect(.none, .unshare(namespace: actor, newUser: false), by: 0)
      }
      // Before the start it does not even come to the barrier; in mid-program it stops between two calls.
      let programs = (0...3).map {
        WorkerProgram(
          actor: $0, steps: (0..<200).map { _ in .init(.stat("/"), delayNanoseconds: 1_000_000) })
      }
      var asked = 0
      let outcome = try sandbox.run(programs) {
        asked += 1
        if asked == 1 { try? sandbox.signal(SIGSTOP, actor: 2) }
        return false
      }
      #expect(outcome.hangs.map(\.role) == [.worker(actor: 2)])
      let report = try #require(outcome.hangs.first)
      #expect(report.state.hasPrefix("T"))
      #expect(outcome.programs[2].records.count < 200)
      for index in [0, 1, 3] { #expect(outcome.programs[index].records.count == 200) }
    }
  }

  @Test func `needs root: a worker that was killed is reported as dead, not as a hang`() throws {
    try withSandbox(limits) { sandbox in
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
      try sandbox.signal(SIGKILL, actor: 1)
      guard case .died(let death) = try sandbox.perform(.mkdir("/a"), by: 1) else {
        Issue.record("no death was reported")
        return
      }
      #expect(death.cause == .signal(SIGKILL))
      #expect(sandbox.livingActors == [0])
      try sandbox.expect(.none, .mkdir("/b"), by: 0)
    }
  }

  @Test func `needs root: a stopped observer is a hang, and the supervisor comes back`() throws {
    try withSandbox(limits) { sandbox in
      let observers = ProcessEntry.all().filter {
        $0.parent == sandbox.initProcessID && $0.name == "nss-observer"
      }
      try #require(observers.count == limits.observers)
      for observer in observers { kill(observer.pid, SIGSTOP) }
      guard case .hang(let report) = try sandbox.table(of: 0) else {
        Issue.record("no hang was reported")
        return
      }
      #expect(report.state.hasPrefix("T"))
    }
  }

  @Test func `needs root: the death of PID 1 is noticed as such`() throws {
    try requireRoot()
    let sandbox = try Sandbox.launch(limits)
    kill(sandbox.initProcessID, SIGKILL)
    #expect(throws: SandboxError.self) {
      while true { _ = try sandbox.perform(.stat("/"), by: 0) }
    }
    try sandbox.teardown()
  }

  @Test func `needs root: a sandbox whose processes are all stopped is torn down`() throws {
    try requireRoot()
    let sandbox = try Sandbox.launch(limits)
    let pid = sandbox.initProcessID
    for process in ProcessEntry.all() where process.parent == pid { kill(process.pid, SIGSTOP) }
    kill(pid, SIGSTOP)
    try sandbox.teardown()
    #expect(eventually(within: 10) { !ProcessEntry.all().contains { $0.parent == pid } })
  }
}
