import StormKernel
import StormVocabulary
import Testing

@Suite struct SandboxTests {
  @Test func `needs root: namespace 0 starts with one private tmpfs whose parent is not shown`()
    throws
  {
    try withSandbox { sandbox in
      let table = try sandbox.seenTable(of: 0)
      #expect(table.entries.count == 1)
      let entry = try #require(table.entries.first)
      #expect(entry.mountpoint == "/")
      #expect(entry.root == "/")
      #expect(entry.fileSystemType == "tmpfs")
      #expect(entry.sharedGroup == nil && entry.masterGroup == nil)
      #expect(entry.parent != entry.id)
      #expect(entry.superblockIsReadOnly == false)
    }
  }

  @Test func `needs root: a call is answered with the kernel's errno and ordered times`() throws {
    try withSandbox { sandbox in
      try sandbox.expect(.none, .mkdir("/a"), by: 0)
      try sandbox.expect(.fileExists, .mkdir("/a"), by: 0)
      try sandbox.expect(.noSuchEntry, .mkdir("/x/y"), by: 0)
      try sandbox.expect(.invalidArgument, .umount2("/a", []), by: 0)
      let mount = Operation.mount(MountCall(type: "tmpfs", source: "t", target: "/a"))
      let outcome = try sandbox.perform(mount, by: 0)
      let record = try #require(outcome.record)
      #expect(record.errno == .none)
      #expect(record.startNanoseconds > 0 && record.startNanoseconds <= record.endNanoseconds)
      let table = try sandbox.seenTable(of: 0)
      #expect(table.entries.map(\.mountpoint) == ["/", "/a"])
    }
  }

  @Test func `needs root: mounts propagate between namespaces that unshare made`() throws {
    try withSandbox { sandbox in
      _ = try sandbox.answer(.mkdir("/a"), by: 0)
      try sandbox.expect(.none, .mount(MountCall(target: "/", flags: [.shared])), by: 0)
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
      #expect(sandbox.livingActors == [0, 1])
      let mount = Operation.mount(MountCall(type: "tmpfs", source: "t", target: "/a"))
      try sandbox.expect(.none, mount, by: 1)
      let observation = try sandbox.tables(of: [0, 1])
      let tables = try #require(observation.value)
      #expect(tables.map(\.entries.count) == [2, 2])
      #expect(tables[0].entries[1].device == tables[1].entries[1].device)
      #expect(tables[0].entries[1].sharedGroup != nil)
      #expect(tables[0].entries[1].sharedGroup == tables[1].entries[1].sharedGroup)
      let inodes = (try sandbox.namespaceInode(of: 0), try sandbox.namespaceInode(of: 1))
      #expect(inodes.0 != inodes.1)
    }
  }

  @Test func `needs root: exit ends the process and its number can be used again`() throws {
    try withSandbox { sandbox in
      for _ in 0..<200 {
        try sandbox.expect(.none, .unshare(namespace: 1, newUser: false), by: 0)
        try sandbox.expect(.none, .exit, by: 1)
        #expect(sandbox.livingActors == [0])
      }
      #expect(throws: SandboxError.unknownActor(1)) { _ = try sandbox.perform(.exit, by: 1) }
    }
  }

  @Test func `needs root: a user namespace maps root once and its child stays without a map`()
    throws
  {
    try withSandbox { sandbox in
      try sandbox.expect(.none, .unshare(namespace: 1, newUser: true), by: 0)
      let mount = Operation.mount(MountCall(type: "tmpfs", source: "t", target: "/"))
      try sandbox.expect(.none, mount, by: 1)
      try sandbox.expect(.notPermitted, .unshare(namespace: 2, newUser: true), by: 1)
      try sandbox.expect(.none, .umount2("/", [.detach]), by: 1)
      try sandbox.expect(.none, .unshare(namespace: 2, newUser: true), by: 1)
      try sandbox.expect(.none, .mkdir("/made-in-1"), by: 1)
      try sandbox.expect(.none, mount, by: 2)
      try sandbox.expect(.none, .mount(MountCall(target: "/", flags: [.private])), by: 2)
      #expect(sandbox.livingActors == [0, 1, 2])
    }
  }
}
