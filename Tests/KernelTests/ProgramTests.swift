import Glibc
import StormKernel
import StormVocabulary
import Testing

@Suite struct ProgramTests {
  private func mount(_ target: String) -> Operation {
    .mount(MountCall(type: "tmpfs", source: "t", target: .path(target)))
  }

  @Test func `needs root: a program's calls are answered in order, each with its times`() throws {
    try withSandbox { sandbox in
      let outcome = try sandbox.run([
        WorkerProgram(
          actor: 0,
          operations: [
            .mkdir("/a"), .mkdir("/a"), mount("/a"), .umount2("/a", []), .umount2("/a", []),
          ])
      ])
      let records = outcome.programs[0].records
      #expect(records.map(\.errno) == [.none, .fileExists, .none, .none, .invalidArgument])
      for (earlier, later) in zip(records, records.dropFirst()) {
        #expect(earlier.startNanoseconds <= earlier.endNanoseconds)
        #expect(earlier.endNanoseconds <= later.startNanoseconds)
      }
      #expect(records[0].startNanoseconds >= outcome.startNanoseconds)
    }
  }

  @Test func `needs root: programs behind the barrier start together`() throws {
    try withSandbox { sandbox in
      for actor in 1...40 {
        try sandbox.expect(.none, .unshare(namespace: actor, newUser: false), by: 0)
      }
      let programs = (0...40).map {
        WorkerProgram(actor: $0, operations: [.mkdir(.path("/d\($0)")), .stat("/")])
      }
      let outcome = try sandbox.run(programs)
      for program in outcome.programs {
        #expect(program.records.map(\.errno) == [.none, .none])
        let first = try #require(program.records.first)
        #expect(first.startNanoseconds >= outcome.startNanoseconds)
      }
    }
  }

  @Test func `needs root: workers that share a namespace race for one mount, and one wins`() throws
  {
    try withSandbox { sandbox in
      try sandbox.addActor(1, sharingNamespaceOf: 0)
      let inodes = (try sandbox.namespaceInode(of: 0), try sandbox.namespaceInode(of: 1))
      #expect(inodes.0 == inodes.1)
      try sandbox.expect(.none, .mkdir("/a"), by: 0)
      for _ in 0..<50 {
        try sandbox.expect(.none, mount("/a"), by: 0)
        let outcome = try sandbox.run(
          (0...1).map {
            WorkerProgram(actor: $0, operations: [.umount2("/a", [.detach])], cpu: $0)
          })
        let answers = outcome.programs.map { $0.records[0].errno }.sorted()
        #expect(answers == [.none, .invalidArgument])
      }
    }
  }

  @Test func `needs root: a thread shares descriptors, directory and root with its process`() throws
  {
    try withSandbox { sandbox in
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
      try sandbox.addThread(100, of: 1)
      try sandbox.expect(.none, .mkdir("/a"), by: 1)
      try sandbox.expect(.none, mount("/a"), by: 1)
      try sandbox.expect(.none, .open("/a", .path, 3), by: 1)
      // Opened by the process, it keeps the thread's umount out, until the thread closes it.
      try sandbox.expect(.busy, .umount2("/a", []), by: 100)
      try sandbox.expect(.none, .close(3), by: 100)
      try sandbox.expect(.none, .umount2("/a", []), by: 100)
      try sandbox.expect(.badFileDescriptor, .close(3), by: 1)
      try sandbox.expect(.none, .chdir("/a"), by: 100)
      try sandbox.expect(.none, .mkdir("x"), by: 1)
      try sandbox.expect(.none, .stat("/a/x"), by: 1)
      // It can neither end nor copy its process.
      try sandbox.expect(.invalidArgument, .unshare(namespace: 2, newUser: false), by: 100)
      #expect(sandbox.livingProcesses == [0, 1])
      #expect(sandbox.livingActors == [0, 1, 100])
      try sandbox.expect(.none, .exit, by: 1)
      #expect(sandbox.livingActors == [0])
      // The slots are free again.
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
      try sandbox.addThread(100, of: 1)
      try sandbox.expect(.none, .stat("/a/x"), by: 100)
    }
  }

  @Test func `needs root: answers of threads that fail at once are their own`() throws {
    try withSandbox { sandbox in
      try sandbox.addThread(100, of: 0)
      try sandbox.expect(.none, .mkdir("/a"), by: 0)
      let outcome = try sandbox.run([
        WorkerProgram(
          actor: 0, operations: Array(repeating: .mkdir("/a"), count: 2_000), cpu: 0),
        WorkerProgram(
          actor: 100, operations: Array(repeating: .umount2("/none", []), count: 2_000), cpu: 1),
      ])
      #expect(outcome.programs[0].records.allSatisfy { $0.errno == .fileExists })
      #expect(outcome.programs[1].records.allSatisfy { $0.errno == .noSuchEntry })
    }
  }

  @Test func `needs root: a program in the background goes on until the others have ended`() throws
  {
    try withSandbox { sandbox in
      try sandbox.addActor(1, sharingNamespaceOf: 0)
      var walker = WorkerProgram(actor: 1, operations: [.stat("/"), .stat("/none")])
      walker.isInBackground = true
      walker.priority = 5
      let waiting = WorkerProgram(
        actor: 0, steps: [.init(.stat("/"), delayNanoseconds: 20_000_000)])
      for _ in 0..<3 {
        let outcome = try sandbox.run([waiting, walker])
        #expect(outcome.programs[0].records.count == 1)
        #expect(outcome.programs[1].iterationsDone > 50)
        #expect(outcome.endNanoseconds - outcome.startNanoseconds < 2_000_000_000)
      }
    }
  }

  @Test func `needs root: unshare and exit inside programs make and end actors`() throws {
    try withSandbox { sandbox in
      let outcome = try sandbox.run([
        WorkerProgram(
          actor: 0,
          operations: [
            .unshare(namespace: 1, newUser: false), .unshare(namespace: 2, newUser: true),
          ])
      ])
      #expect(outcome.programs[0].records.map(\.errno) == [.none, .none])
      #expect(sandbox.livingActors == [0, 1, 2])
      let ends = try sandbox.run(
        [1, 2].map { WorkerProgram(actor: $0, operations: [.mkdir("/x"), .exit, .stat("/")]) })
      #expect(ends.programs.map(\.records.count) == [2, 2])
      #expect(sandbox.livingActors == [0])
    }
  }

  @Test func `needs root: a time limit stops a long program after the call it is in`() throws {
    try withSandbox { sandbox in
      let program = WorkerProgram(
        actor: 0, steps: [WorkerProgram.Step(.stat("/"), delayNanoseconds: 1_000_000)],
        iterations: 1_000_000)
      let outcome = try sandbox.run([program], timeLimit: .milliseconds(300))
      guard case .stopped = outcome.programs[0].end else {
        Issue.record("ended as \(outcome.programs[0].end)")
        return
      }
      #expect(outcome.programs[0].iterationsDone > 0)
      try sandbox.expect(.none, .stat("/"), by: 0)
    }
  }

  @Test func `needs root: descriptors name the mount they hold, whatever covers it`() throws {
    try withSandbox { sandbox in
      for path in ["/a", "/b", "/c"] { try sandbox.expect(.none, .mkdir(.path(path)), by: 0) }
      try sandbox.expect(.none, mount("/a"), by: 0)
      try sandbox.expect(.none, .mkdir("/a/lower"), by: 0)
      try sandbox.expect(.none, .open("/a", [.path, .directory], 3), by: 0)
      try sandbox.expect(.none, mount("/a"), by: 0)
      let bind = Operation.mount(
        MountCall(source: .descriptor(3), target: "/b", flags: [.bind]))
      try sandbox.expect(.none, bind, by: 0)
      try sandbox.expect(.none, .stat("/b/lower"), by: 0)
      try sandbox.expect(.none, .stat(.relative(3, "lower")), by: 0)
      try sandbox.expect(.none, .chdir("/c"), by: 0)
      try sandbox.expect(
        .none, .mount(MountCall(source: .descriptor(3), target: "../c", flags: [.bind])), by: 0)
      try sandbox.expect(.none, .stat("/c/lower"), by: 0)
      try sandbox.expect(.none, .rmdir(.relative(3, "lower")), by: 0)
      try sandbox.expect(.none, .close(3), by: 0)
      try sandbox.expect(.badFileDescriptor, .close(3), by: 0)
      try sandbox.expect(.badFileDescriptor, .stat(.descriptor(3)), by: 0)
    }
  }

  @Test func `needs root: a descriptor makes its mount busy, and a fork does not inherit it`()
    throws
  {
    try withSandbox { sandbox in
      try sandbox.expect(.none, .mkdir("/a"), by: 0)
      try sandbox.expect(.none, mount("/a"), by: 0)
      try sandbox.expect(.none, .open("/a", [.directory], 0), by: 0)
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
      try sandbox.expect(.none, .umount2("/a", []), by: 1)
      try sandbox.expect(.busy, .umount2("/a", []), by: 0)
      try sandbox.expect(.badFileDescriptor, .close(0), by: 1)
      try sandbox.expect(.none, .close(0), by: 0)
      try sandbox.expect(.none, .umount2("/a", []), by: 0)
    }
  }

  @Test func `needs root: the calls of the descriptor interface do what their names say`() throws {
    try withSandbox { sandbox in
      try sandbox.expect(.none, .mkdir("/a"), by: 0)
      try sandbox.expect(.none, .mkdir("/b"), by: 0)
      try sandbox.expect(.none, .fsmount(type: "tmpfs", source: "made", 0), by: 0)
      try sandbox.expect(.none, .moveMount(from: .descriptor(0), to: "/a", []), by: 0)
      try sandbox.expect(.none, .openTree("/a", [.clone, .recursive], 1), by: 0)
      try sandbox.expect(.none, .moveMount(from: .descriptor(1), to: "/b", []), by: 0)
      try sandbox.expect(
        .none, .mountSetattr("/b", recursive: true, .set([.readOnly, .noAccessTime])), by: 0)
      try sandbox.expect(.none, .mountSetattr("/a", recursive: false, .propagation(.shared)), by: 0)
      try sandbox.expect(.readOnlyFileSystem, .mkdir("/b/x"), by: 0)
      let table = try sandbox.seenTable(of: 0)
      #expect(table.entries.map(\.source) == ["root", "made", "made"])
      #expect(table.entries[2].attributes == [.readOnly, .noAccessTime])
      #expect(table.entries[1].sharedGroup != nil)
      try sandbox.expect(.none, .mountSetattr("/b", recursive: false, .clear([.readOnly])), by: 0)
      try sandbox.expect(.none, .touch("/b/x"), by: 0)
      try sandbox.expect(.fileExists, .touch("/b/x"), by: 0)
      try sandbox.expect(.none, .rename(from: "/b/x", to: "/b/y"), by: 0)
      try sandbox.expect(.none, .symlink(contents: "/b", at: "/link"), by: 0)
      try sandbox.expect(.none, .unlink("/link/y"), by: 0)
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
      let before = try sandbox.namespaceInode(of: 1)
      try sandbox.expect(.none, .setns(0), by: 1)
      let after = (try sandbox.namespaceInode(of: 1), try sandbox.namespaceInode(of: 0))
      #expect(after.0 == after.1 && after.0 != before)
      try sandbox.expect(.none, .chdir("/b"), by: 1)
      try sandbox.expect(.none, .mkdir("old"), by: 1)
      try sandbox.expect(.none, .chroot("/b"), by: 1)
      try sandbox.expect(.none, .stat("/old"), by: 1)
    }
  }

  @Test func `needs root: members list as many mounts as the table shows`() throws {
    try withSandbox { sandbox in
      try #require(sandbox.listsMembers, "this kernel has no listmount with namespace ids")
      try sandbox.expect(.none, .mkdir("/a"), by: 0)
      for _ in 0..<5 { try sandbox.expect(.none, mount("/a"), by: 0) }
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
      try sandbox.expect(.none, .umount2("/a", []), by: 1)
      try sandbox.expect(.none, .unshare(namespace: 2, newUser: true), by: 0)
      let observation = try sandbox.members(of: [0, 1, 2])
      let members = try #require(observation.value)
      #expect(members.map { $0?.count } == [6, 5, 6])
      let ids = members.compactMap { $0 }
      #expect(ids[0] == ids[0].sorted() && Set(ids[0]).isDisjoint(with: ids[1]))
    }
  }
}
