import StormScenario
import StormVocabulary
import Testing

@Suite struct ScenarioWriterTests {
  private static let operations: [Operation] = [
    .mkdir("/a"), .rmdir("/a/b"), .unlink("/f"), .touch("/f"), .rename(from: "/a", to: "/b"),
    .symlink(contents: "/a", at: "/l"), .chdir("/a"), .chroot("/a"), .stat("/a"),
    .mount(MountCall(type: "tmpfs", source: "t1", target: "/a")),
    .mount(MountCall(type: "tmpfs", source: "t1", target: "/a", flags: [.readOnly, .noExecute])),
    .mount(MountCall(type: "ramfs", source: "r", target: "/a")),
    .mount(MountCall(source: "/a", target: "/b", flags: .bind)),
    .mount(MountCall(source: "/a", target: "/b", flags: [.bind, .recursive])),
    .mount(MountCall(source: "/a", target: .descriptor(3), flags: .move)),
    .mount(MountCall(target: "/a", flags: .shared)),
    .mount(MountCall(target: "/a", flags: [.slave, .recursive])),
    .mount(MountCall(target: "/a", flags: [.slave, .shared])),
    .mount(MountCall(target: "/a", flags: [.remount, .bind, .readOnly, .noDevices])),
    .mount(MountCall(target: "/a", flags: [.remount, .bind])),
    .mount(MountCall(target: "/a", flags: [.remount])),
    .umount2("/a", []), .umount2("/a", [.detach, .noFollow]),
    .umount2(.descriptor(1), [.force, .expire]), .umount2("/a", UmountFlags(rawValue: 0x10)),
    .open("/a", .readOnly, 1), .open("/a", .path, 2), .open("/a", [.path, .directory], 2),
    .open(.relative(2, "x"), .readOnly, 3), .close(3),
    .pivotRoot(newRoot: "/a", putOld: "/a/b"), .openTree("/a", .clone, 4),
    .openTree("/a", [.clone, .recursive], 4), .openTree("/a", [], 4),
    .openTree(.relative(2, "x"), [.clone, .namespace], 4),
    .fsmount(type: "tmpfs", source: "f", 5), .moveMount(from: .descriptor(4), to: "/a", []),
    .moveMount(from: "/a", to: "/b", [.beneath]), .moveMount(from: "/a", to: "/b", .setGroup),
    .mountSetattr("/a", recursive: true, .propagation(.slave)),
    .mountSetattr("/a", recursive: false, .set([.readOnly, .noSetuid])),
    .mountSetattr("/a", recursive: false, .clear(.readOnly)),
    .mountSetattr(.descriptor(2), recursive: true, .clear([.noExecute, .noDevices])),
  ]

  @Test(arguments: Self.operations)
  func `what is written is read as the same call`(operation: Operation) throws {
    let writer = ScenarioWriter([.init(namespace: 0, operation: operation)])
    let line = try #require(writer.lines.first)
    let step = try #require(try ScenarioParser(file: "", base: "").parse(line: line).steps.first)
    switch step.command {
    case .calls(let calls): #expect(calls == [operation], "\(line)")
    case .stat(let path): #expect(.stat(path) == operation, "\(line)")
    default: Issue.record("\(line) is no call")
    }
  }

  @Test func `namespaces get letters, and a call on the root makes all paths literal`() {
    let calls: [ScenarioWriter.Call] = [
      .init(namespace: 0, operation: .unshare(namespace: 7, newUser: false)),
      .init(namespace: 7, operation: .unshare(namespace: 3, newUser: true)),
      .init(namespace: 3, operation: .setns(0)), .init(namespace: 7, operation: .exit),
    ]
    #expect(
      ScenarioWriter(calls).lines == ["ns B", "@B nsuser C", "@C setns A", "@B exit"])
    let root = ScenarioWriter([
      .init(namespace: 0, operation: .mount(MountCall(target: "/", flags: .shared))),
      .init(namespace: 0, operation: .mkdir("/a")),
    ])
    #expect(root.lines == ["chg shared =/", "mkdir =/a"] && root.isLiteral)
  }
}
