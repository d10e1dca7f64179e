import Foundation
import StormEngine
import StormKernel
import StormScenario
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

@testable import StormReproduction

/// Every format is compiled and run on this kernel, and shows what the trace shows.
@Suite struct ReproducerTests {
  /// A trace of this kernel.
  private func record(_ calls: [(Int, StormVocabulary.Operation)], in folder: ScratchFolder) throws
    -> String
  {
    try requireRoot()
    var settings = try settings(try runningRelease())
    settings.keepsSteps = true
    settings.readsEverything = true
    let outcome = try SequenceRun(settings).run(
      calls.enumerated().map {
        NumberedCall(number: $0.offset, namespace: $0.element.0, operation: $0.element.1)
      })
    let kernel = RunningKernel.ofThisMachine()
    let path = folder.url.appendingPathComponent("trace.jsonl").path
    try WholeFile.write(
      TraceText.bytes(
        TraceHeader(kernel: kernel.release, build: kernel.build, table: outcome.initialTable),
        outcome.steps), to: path)
    return path
  }

  /// The smallest list for the known issue of 6.17 to 7.1.
  private func unbindableLost(in folder: ScratchFolder) throws -> ReproducerCase {
    let path = try record(
      [
        (0, .mkdir("/a")), (0, .mount(MountCall(type: "tmpfs", source: "t", target: "/a"))),
        (0, .mount(MountCall(target: "/a", flags: .unbindable))),
        (0, .unshare(namespace: 4, newUser: false)),
      ], in: folder)
    let issue = "unbindable-lost-in-namespace-copy"
    let release = try runningRelease()
    guard KnownIssue.affecting(release).contains(where: { $0.id == issue }) else {
      try Test.cancel("\(release) does not have \(issue)")
    }
    return try ReproducerCase(path: path, symptom: .knownIssue(issue))
  }

  @Test func `needs root: the C program of this kernel's known issue shows it`() throws {
    let folder = try ScratchFolder()
    let text = try unbindableLost(in: folder).cProgram()
    let run = try ProgramRun.compiled(text, in: folder)
    #expect(run.status == 1, "\(run.output)\n\(text)")
    #expect(run.output.contains("FAIL: B's /a (t, root /) is unbindable"))
    #expect(text.contains("unbindable-lost-in-namespace-copy") && text.contains("mended by"))
  }

  @Test func `needs root: the kselftest of this kernel's known issue shows it`() throws {
    let folder = try ScratchFolder()
    _ = try folder.write(Self.harness + "\n", "kselftest_harness.h")
    let text = try unbindableLost(in: folder).kselftest(harness: "kselftest_harness.h")
    let run = try ProgramRun.compiled(text, in: folder)
    #expect(run.status == 1, "\(run.output)\n\(text)")
    #expect(run.output.contains("mount.unbindable"))
  }

  @Test func `needs root: the shell script of this kernel's known issue shows it`() throws {
    let folder = try ScratchFolder()
    let script = try folder.write(try unbindableLost(in: folder).shell(), "reproducer.sh")
    let run = try ProgramRun(["sh", script], in: folder)
    #expect(run.status == 1, "\(run.output)")
    #expect(run.output.contains("FAIL: B: /a (t) is unbindable"))
  }

  @Test func `needs root: the scenario of this kernel's known issue shows it`() throws {
    let folder = try ScratchFolder()
    let text = try unbindableLost(in: folder).scenario()
    let release = try runningRelease()
    let check = ScenarioCheck(rules: try #require(KernelRules(release: release)), release: release)
    let scenarios = try ScenarioParser(file: "reproducer").parse(text)
    let verdict = try check.check(try #require(scenarios.first))
    #expect(verdict.explainedBy == ["unbindable-lost-in-namespace-copy"], "\(verdict.lines)")
  }

  #if DEBUG
    /// Wrong rules of the engine stand for bugs of the kernel: what is predicted with them is not what happens.
    @Test(arguments: [
      Mutation.slaveCopyIsPeer, .umountDoesNotPropagate, .ownChildIsNotBusy,
    ])
    func `needs root: a difference in groups, mounts or answers is shown by every format`(
      rule: Mutation
    ) throws {
      let folder = try ScratchFolder()
      let path = try record(
        [
          (0, .mkdir("/a")), (0, .mount(MountCall(type: "tmpfs", source: "t", target: "/a"))),
          (0, .mkdir("/a/d")), (0, .mount(MountCall(target: "/a", flags: .shared))),
          (0, .unshare(namespace: 1, newUser: false)),
          (1, .mount(MountCall(target: "/a", flags: .slave))),
          (0, .mount(MountCall(type: "tmpfs", source: "u", target: "/a/d"))),
          (0, .umount2("/a", [])), (0, .umount2("/a/d", [])),
        ], in: folder)
      var options = TraceCheck.Options()
      options.mutation = rule
      let source = try ReproducerCase(path: path, options: options)
      let c = try ProgramRun.compiled(source.cProgram(), in: folder)
      #expect(c.status == 1 && c.output.contains("FAIL"), "\(c.output)")
      _ = try folder.write(Self.harness + "\n", "kselftest_harness.h")
      let test = try ProgramRun.compiled(
        source.kselftest(harness: "kselftest_harness.h"), in: folder)
      #expect(test.status == 1, "\(test.output)")
      let script = try folder.write(try source.shell(), "reproducer.sh")
      let shell = try ProgramRun(["sh", script], in: folder)
      #expect(shell.status == 1, "\(shell.output)")
    }
  #endif

  /// The samples use every call; with what this kernel is known to do as prediction, nothing may differ.
  @Test(arguments: ["level1-seed1", "level2-seed101", "level2-seed3", "level1-seed103"])
  func `needs root: a C program makes a recorded trace's calls and sees what is predicted`(
    name: String
  ) throws {
    try requireRoot()
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Traces/host-6.18-\(name).jsonl").path
    let calls = CallRewriting.renumbered(try RecordedSequence(path: path).calls)
    let rules = try #require(KernelRules.actual(release: try runningRelease()))
    var model = MountModel(rules: rules)
    var steps: [ReproducerCase.Step] = []
    for call in calls.prefix(220) where model.isAlive(call.namespace) {
      let errno = model.perform(call.operation, by: call.namespace)
      steps.append(.init(namespace: call.namespace, operation: call.operation, errno: errno))
    }
    #expect(Set(steps.map(\.operation.name)).count > 6)
    var tables: [NamespaceTable] = []
    for process in model.livingProcesses {
      tables.append(NamespaceTable(namespace: process, table: model.table(seenBy: process)))
    }
    let facts = Self.allFacts(FactTables(tables, before: []))
    let last = try #require(steps.last)
    let divergence = Divergence(
      step: steps.count - 1, namespace: last.namespace, operation: last.operation,
      predictedErrno: last.errno, observedErrno: last.errno)
    let source = ReproducerCase(steps: steps, facts: facts, divergence: divergence, kernel: "test")
    let folder = try ScratchFolder()
    let text = source.cProgram()
    let run = try ProgramRun.compiled(text, in: folder)
    #expect(run.status == 0, "\(run.output.split(separator: "\n").filter { !$0.hasPrefix("ok") })")
    #expect(run.output.split(separator: "\n").count { $0.hasPrefix("ok") } == facts.count + 1)
  }

  /// Everything that can be said of some mounts of each table.
  private static func allFacts(_ tables: FactTables) -> [TableFact] {
    var facts: [TableFact] = []
    for namespace in tables.namespaces.prefix(6) {
      let mounts = tables.named(in: namespace)
      for (mount, entry) in mounts.prefix(12) {
        var place = mount
        place.index = 0
        facts.append(TableFact(mount: place, kind: .count(tables.count(like: place))))
        facts.append(TableFact(mount: mount, kind: .unbindable(entry.isUnbindable)))
        facts.append(TableFact(mount: mount, kind: .shared(entry.sharedGroup != nil)))
        facts.append(TableFact(mount: mount, kind: .slave(entry.masterGroup != nil)))
        facts.append(
          TableFact(mount: mount, kind: .propagateFrom(entry.propagateFromGroup != nil)))
        facts.append(TableFact(mount: mount, kind: .options(entry.attributes.options)))
        if let parent = mounts.first(where: { $0.entry.id == entry.parent }) {
          facts.append(TableFact(mount: mount, kind: .parent(parent.mount)))
        }
        if let other = mounts.first(where: { $0.entry.sharedGroup != nil }),
          entry.sharedGroup != nil, other.mount != mount
        {
          facts.append(
            TableFact(
              mount: mount, kind: .peer(other.mount, other.entry.sharedGroup == entry.sharedGroup)))
        }
      }
    }
    return facts
  }

  @Test func `what a format has no words for is refused by name`() throws {
    let steps = [
      ReproducerCase.Step(namespace: 0, operation: .open("/", .readOnly, 1), errno: .none),
      ReproducerCase.Step(namespace: 0, operation: .umount2(.descriptor(1), []), errno: .busy),
    ]
    let divergence = Divergence(
      step: 1, namespace: 0, operation: steps[1].operation, predictedErrno: .busy,
      observedErrno: .none)
    let source = ReproducerCase(steps: steps, facts: [], divergence: divergence, kernel: "test")
    #expect(throws: ReproducerError.self) { try source.shell() }
    #expect(source.cProgram().contains("BORROWED(umount2(self_fd(0, 1, \"\"), 0))"))
  }

  /// What our tests need of the kernel's header of this name, written for them.
  private static let harness = """
    #include <stdio.h>
    static int shim_failed, shim_skipped;
    #define FIXTURE(name) struct shim_##name
    #define FIXTURE_SETUP(name) static void shim_setup(struct shim_##name *self __attribute__((unused)))
    #define FIXTURE_TEARDOWN(name) static void shim_teardown(struct shim_##name *self __attribute__((unused)))
    #define TEST_F(fixture, name) \\
    	typedef struct shim_##fixture shim_fixture; \\
    	static void shim_test(struct shim_##fixture *self __attribute__((unused)))
    #define SKIP(statement, text) do { shim_skipped = 1; puts("SKIP " text); statement; } while (0)
    #define EXPECT_EQ(expected, seen) do { \\
    	long long want = (expected), have = (seen); \\
    	if (want != have) { shim_failed = 1; printf("%s: %lld != %lld\\n", #seen, want, have); } \\
    } while (0)
    #define ASSERT_EQ(expected, seen) do { EXPECT_EQ(expected, seen); if (shim_failed) return; } while (0)
    #define TEST_HARNESS_MAIN int main(void) { \\
    	shim_fixture self; \\
    	shim_setup(&self); \\
    	if (!shim_failed && !shim_skipped) shim_test(&self); \\
    	shim_teardown(&self); \\
    	return shim_skipped ? 4 : shim_failed; \\
    }
    """
}
