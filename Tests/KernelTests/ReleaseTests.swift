import Glibc
import StormPlanning
import StormVocabulary
import Testing

@testable import StormKernel

private func answers(
  _ calls: [WorkerCall], by actor: Int = 0, in sandbox: Sandbox
) throws -> [Errno] {
  let outcome = try sandbox.run([WorkerProgram(actor: actor, calls: calls)], start: .asPosted)
  return try #require(outcome.programs.first).records.map(\.errno)
}

/// Loop devices are the whole machine's, so that these tests need it to themselves (`ci/test` gives it to them).
@Suite(.serialized) struct DeviceCleanlinessTests {
  @Test(arguments: [FileSystemKind.ext4, .xfs])
  func `needs root: an image on a loop device mounts, is claimed, and leaves no device`(
    kind: FileSystemKind
  ) throws {
    let before = try MachineState.current().loopDevices
    try withSandbox { sandbox in
      let image = try FileSystemImages.make(kind)
      #expect(image.extents.count < 1 << 20)
      let seen = try answers(
        [
          .operation(.mkdir("/m")), .attach(image, 1), .claim(1),
          .mount(type: kind.rawValue, device: 1, target: "/m", data: ""), .claim(1),
          .fill("/m", fileBytes: 4_096), .operation(.stat("/m/file")),
          .operation(.umount2("/m", [])), .claim(1),
        ], in: sandbox)
      #expect(seen == [.none, .none, .none, .none, .busy, .none, .none, .none, .none])
    }
    #expect(eventually(within: 10) { (try? MachineState.current().loopDevices) == before })
  }

  @Test func `needs root: killing the supervisor's sandbox frees a mounted loop device`() throws {
    let before = try MachineState.current().loopDevices
    try withSandbox { sandbox in
      let seen = try answers(
        [
          .operation(.mkdir("/m")), .attach(try FileSystemImages.make(.ext4), 1),
          .mount(type: "ext4", device: 1, target: "/m", data: ""),
        ], in: sandbox)
      #expect(seen == [.none, .none, .none])
      #expect(try MachineState.current().loopDevices != before)
      #expect(kill(sandbox.initProcessID, SIGKILL) == 0)
      #expect(eventually(within: 10) { (try? MachineState.current().loopDevices) == before })
    }
  }
}

/// The operations by which releases are made and watched, on the real kernel.
@Suite(.serialized) struct ReleaseTests {
  @Test func `needs root: a watch sees a superblock die at the umount, and not before`() throws {
    try withSandbox { sandbox in
      let seen = try answers(
        [
          .operation(.mkdir("/m")), .mount(type: "tmpfs", device: nil, target: "/m", data: ""),
          .watch("/m", 0), .waitFor(.unmount, 0), .operation(.umount2("/m", [])),
          .waitFor(.unmount, 0),
        ], in: sandbox)
      #expect(seen == [.none, .none, .none, .tryAgain, .none, .none])
    }
  }

  @Test func `needs root: a served file system works, and its server sees the end`() throws {
    try withSandbox { sandbox in
      let seen = try answers(
        [
          .operation(.mkdir("/m")), .mountServed(device: nil, target: "/m", 4),
          .operation(.stat("/m/file")), .operation(.stat("/m/none")), .waitFor(.connectionEnd, 4),
          .operation(.umount2("/m", [])),
          .waitFor(.connectionEnd, 4, limitNanoseconds: 5_000_000_000),
        ], in: sandbox)
      #expect(seen == [.none, .none, .none, .noSuchEntry, .tryAgain, .none, .none])
    }
  }

  @Test(arguments: ReleaseHolder.allCases.filter { $0 != .descriptor && $0 != .directory })
  func `needs root: each holder makes the mount busy until it lets go`(holder: ReleaseHolder) throws
  {
    try withSandbox { sandbox in
      let file = holder == .request ? "/m/pipe" : holder == .program ? "/m/program" : "/m/file"
      let seen = try answers(
        [
          .operation(.mkdir("/m")), .mount(type: "tmpfs", device: nil, target: "/m", data: ""),
          .fill("/m", fileBytes: 8_192), .hold(holder, file, 9), .operation(.umount2("/m", [])),
          .letGo(holder, 9), .umountUntil("/m", [], limitNanoseconds: 5_000_000_000),
        ], in: sandbox)
      #expect(seen == [.none, .none, .none, .none, .busy, .none, .none])
    }
  }

  @Test func `needs root: who holds a detached mount is found`() throws {
    try withSandbox { sandbox in
      try sandbox.addActor(5, sharingNamespaceOf: 0)
      let outcome = try sandbox.run(
        [
          WorkerProgram(
            actor: 0,
            calls: [
              .operation(.mkdir("/m")), .mount(type: "tmpfs", device: nil, target: "/m", data: ""),
              .fill("/m", fileBytes: 4_096), .mountID("/m"),
            ])
        ], start: .asPosted)
      let id = Int(try #require(outcome.programs[0].records.last).value)
      #expect(id > 0)
      #expect(sandbox.holders(ofMount: id, device: nil) == [])
      #expect(
        try answers(
          [.operation(.open("/m/file", [], 1)), .operation(.chdir("/m"))], by: 5, in: sandbox)
          == [.none, .none])
      #expect(try answers([.operation(.umount2("/m", .detach))], in: sandbox) == [.none])
      let found = sandbox.holders(ofMount: id, device: nil)
      #expect(found.count == 2)
      #expect(found.contains { $0.contains("descriptor") })
      #expect(found.contains { $0.contains("working directory") })
    }
  }

  @Test func `needs root: company runs until the others are done, and no longer`() throws {
    try withSandbox { sandbox in
      try sandbox.addActor(5, sharingNamespaceOf: 0)
      var walker = WorkerProgram(actor: 5, calls: [.operation(.stat("/")), .readTable])
      walker.isInBackground = true
      let main = WorkerProgram(
        actor: 0,
        calls: [.meet(actor: 5, limitNanoseconds: 5_000_000_000), .operation(.mkdir("/a"))])
      let outcome = try sandbox.run([main, walker])
      #expect(outcome.programs[0].records.map(\.errno) == [.none, .none])
      #expect(outcome.programs[1].iterationsDone >= 2)
      #expect(try sandbox.perform(.rmdir("/a"), by: 5).record?.errno == Errno.none)
    }
  }

  @Test func `a line of slabinfo is read, and a file without it is nothing`() {
    let text = """
      slabinfo - version: 2.1
      # name            <active_objs> <num_objs> <objsize>
      mnt_cache            210    273    384   21    2 : tunables    0    0    0
      """
    #expect(SlabCounts(slabinfo: text)?.mounts == 210)
    #expect(SlabCounts(slabinfo: "slabinfo - version: 2.1\n") == nil)
  }
}

/// A setting is put back whatever happens; the setting of these tests is a plain file of their own.
@Suite(.serialized) struct GuardedSettingTests {
  private func withFile(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/nsstorm-setting-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    try #require(file >= 0)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
      close(file)
      unlink(path)
    }
    #expect(write(file, "0\n", 2) == 2)
    try body(path)
  }

  private func value(_ path: String) -> Character? { contents(of: path)?.first }

  @Test func `a setting has its new value meanwhile and its old one afterwards`() throws {
    try withFile { path in
      let setting = try GuardedSetting(path, to: "1")
      #expect(value(path) == "1")
      #expect(throws: GuardedSetting.Refusal.inUse(path: path)) { try change(path, to: "2") }
      #expect(setting.restore() == nil)
      #expect(value(path) == "0")
      #expect(throws: GuardedSetting.Refusal.alreadySet(path: path)) { try change(path, to: "0") }
    }
  }

  @Test func `a setting is put back when its process is killed`() throws {
    try withFile { path in
      let supervisor = try SpawnedSupervisor(arguments: ["guard", path])
      defer { supervisor.end() }
      #expect(eventually(within: 10) { value(path) == "1" })
      #expect(kill(supervisor.pid, SIGKILL) == 0)
      #expect(eventually(within: 10) { value(path) == "0" })
    }
  }

  private func change(_ path: String, to value: String) throws {
    let setting = try GuardedSetting(path, to: value)
    _ = setting.restore()
  }
}

/// Trace instances are the whole machine's; each process has one name for its own.
@Suite(.serialized) struct WorkItemTraceTests {
  @Test func `lines of the trace are read, others passed over`() {
    let text = """
      # tracer: nop
           kworker/0:1-23857   [000] ..... 13829.088032: workqueue_execute_start: work struct 00000000bdc61f86: function vmstat_update
           a b: c-5 [001] d..1. 7.000001: workqueue_execute_start: work struct 0: function delayed_mntput [module]
           bash-7 [001] ..... 7.000002: workqueue_queue_work: work struct=0 function=delayed_mntput
      """
    #expect(
      WorkItemTrace.items(in: text) == [
        WorkItemTrace.Item(nanoseconds: 13_829_088_032_000, function: "vmstat_update"),
        WorkItemTrace.Item(nanoseconds: 7_000_001_000, function: "delayed_mntput"),
      ])
  }

  @Test func `needs root: an instance records and is gone afterwards`() throws {
    guard WorkItemTrace.exists("nsstorm-0") != nil else { return }
    let trace = try WorkItemTrace()
    #expect(WorkItemTrace.exists(WorkItemTrace.instanceName) == true)
    #expect(eventually(within: 10) { (try? trace.items().isEmpty) == false })
    #expect(trace.end() == nil)
    #expect(WorkItemTrace.exists(WorkItemTrace.instanceName) == false)
  }

  @Test func `needs root: the instance of a process that is killed is removed`() throws {
    guard WorkItemTrace.exists("nsstorm-0") != nil else { return }
    let supervisor = try SpawnedSupervisor(arguments: ["trace"])
    defer { supervisor.end() }
    let name = "nsstorm-\(supervisor.pid)"
    #expect(eventually(within: 10) { WorkItemTrace.exists(name) == true })
    #expect(kill(supervisor.pid, SIGKILL) == 0)
    #expect(eventually(within: 10) { WorkItemTrace.exists(name) == false })
  }
}
