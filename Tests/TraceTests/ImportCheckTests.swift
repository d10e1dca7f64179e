import Foundation
import StormEngine
import StormKernel
import StormVocabulary
import Testing

@testable import StormTrace

@Suite struct ImportCheckTests {
  static let folder = Samples.folder.deletingLastPathComponent().appending(path: "Straces")

  private static func sample(_ name: String) throws -> String {
    try String(contentsOf: folder.appending(path: name), encoding: .utf8)
  }

  /// Checks a trace that begins at "/" under one root, /proc, /sys and /dev, all shared.
  private func check(
    _ text: String, table: String? = nil, release: KernelRelease = KernelRelease(6, 18, 44),
    mutation: Mutation? = nil, hasOutsiders: Bool = true
  ) throws -> ImportVerdict {
    let history = try withTemporaryFile(text) { path throws -> StraceHistory in
      try StraceReader.read(path)
    }
    let first = try table.map { try MountTable(mountinfo: $0) } ?? AssumedTable.table
    var options = ImportCheck.Options(
      release: release, initialTable: first, initialTableOrigin: "test", workingDirectory: "/")
    options.mutation = mutation
    options.hasOutsiders = hasOutsiders
    let verdict = ImportCheck(history, options).run()
    #expect(verdict.failure == nil)
    return verdict
  }

  private func checkSample(
    _ name: String, mutation: Mutation? = nil, change: (inout String) -> Void = { _ in }
  ) throws -> ImportVerdict {
    var text = try Self.sample(name + ".strace")
    change(&text)
    return try check(text, table: try Self.sample(name + ".table"), mutation: mutation)
  }

  // MARK: what strace wrote on a 6.18.44 kernel

  @Test(arguments: ["plain", "raw", "verbose"])
  func `a script of binds, moves and umounts agrees, however strace printed it`(
    _ name: String
  ) throws {
    let verdict = try checkSample(name)
    #expect(verdict.divergences.isEmpty)
    #expect(verdict.judgedMountCalls == 17)
    #expect(verdict.succeeded == ["mount": 9, "umount2": 5])
    #expect(verdict.refused == ["umount2": 3])
    #expect(verdict.processes == 18)
    #expect(verdict.unjudgedCalls.allSatisfy { $0.reason == .unknownStart })
  }

  @Test func `bubblewrap agrees, its pivots and its new namespace included`() throws {
    let verdict = try checkSample("bwrap")
    #expect(verdict.divergences.isEmpty)
    #expect(verdict.succeeded == ["mount": 42, "pivot_root": 2, "umount2": 2, "clone": 1])
    #expect(verdict.namespaces == 2)
    #expect(verdict.unjudgedCount == 0)
    // The trace was made with -e, without creat: what it left out is said.
    #expect(verdict.warnings.contains { $0.contains("-e") })
  }

  @Test func `a changed answer is a divergence at its line, with the rule that decides`() throws {
    let verdict = try checkSample("plain") { text in
      text = text.replacingOccurrences(
        of: #"umount2("/mnt/b", 0)              = -1 EBUSY (Device or resource busy)"#,
        with: #"umount2("/mnt/b", 0)              = 0"#)
    }
    let divergence = try #require(verdict.divergences.first)
    #expect(divergence.predictedErrno == .busy && divergence.observedErrno == .none)
    #expect(divergence.call == "umount2 /mnt/b")
    #expect(divergence.rule?.contains("propagate_mount_busy") == true)
  }

  #if DEBUG
    @Test(arguments: [
      Mutation.ownChildIsNotBusy, .heldIsNotBusy, .moveFromSharedParentAllowed,
      .umountDoesNotPropagate,
    ])
    func `a rule of the engine that is broken on purpose is noticed`(_ mutation: Mutation) throws {
      let names = ["plain", "bwrap"]
      let found = try names.contains { name in
        try !checkSample(name, mutation: mutation).divergences.isEmpty
      }
      let own = try !check(Self.everyRefusal, mutation: mutation, hasOutsiders: false).divergences
        .isEmpty
      #expect(found || own)
    }
  #endif

  /// Calls whose answers were taken from a 6.18 kernel.
  private static let everyRefusal = """
    1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
    1 mkdir("/mnt/x", 0755) = 0
    1 mkdir("/mnt/y", 0755) = 0
    1 mkdir("/mnt/z", 0755) = 0
    1 mount(NULL, "/mnt", NULL, MS_SHARED, NULL) = 0
    1 mount("b", "/mnt/x", "tmpfs", 0, NULL) = 0
    1 mount("/mnt/x", "/mnt/y", NULL, MS_MOVE, NULL) = -1 EINVAL (Invalid argument)
    1 mount("/mnt", "/mnt/z", NULL, MS_BIND, NULL) = 0
    1 mkdir("/mnt/x/in", 0755) = 0
    1 mount("c", "/mnt/x/in", "tmpfs", 0, NULL) = 0
    1 umount2("/mnt/x", 0) = -1 EBUSY (Device or resource busy)
    1 umount2("/mnt/x/in", 0) = 0
    1 openat(AT_FDCWD, "/mnt/x", O_RDONLY) = 3
    1 umount2("/mnt/x", 0) = -1 EBUSY (Device or resource busy)
    1 close(3) = 0
    1 umount2("/mnt/x", 0) = 0
    1 umount2("/mnt/z", 0) = 0
    1 umount2("/mnt", 0) = 0

    """

  @Test func `the hand-written refusals agree`() throws {
    let verdict = try check(Self.everyRefusal, hasOutsiders: false)
    #expect(verdict.divergences.isEmpty)
    #expect(verdict.refused == ["mount": 1, "umount2": 2])
  }

  // MARK: processes

  @Test func `what a process holds keeps mounts busy until it closes, executes or exits`() throws {
    let verdict = try check(
      """
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      1 openat(AT_FDCWD, "/mnt", O_RDONLY|O_CLOEXEC) = 3
      1 dup(3) = 4
      1 fork() = 2
      1 close(3) = 0
      1 close(4) = 0
      1 umount2("/mnt", 0) = -1 EBUSY (Device or resource busy)
      2 close(4) = 0
      1 umount2("/mnt", 0) = -1 EBUSY (Device or resource busy)
      2 execve("/bin/true", ["true"], 0x7ff /* 1 var */) = 0
      1 umount2("/mnt", 0) = 0
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      2 chdir("/mnt") = 0
      1 umount2("/mnt", 0) = -1 EBUSY (Device or resource busy)
      2 +++ exited with 0 +++
      1 umount2("/mnt", 0) = 0

      """, hasOutsiders: false)
    #expect(verdict.divergences.isEmpty, "\(verdict.divergences)")
    #expect(verdict.judgedMountCalls == 7)
  }

  @Test func `threads share directory and descriptors, and part at unshare`() throws {
    let verdict = try check(
      """
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      1 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 2
      2 chdir("/mnt") = 0
      1 umount2("/mnt", 0) = -1 EBUSY (Device or resource busy)
      2 openat(AT_FDCWD, ".", O_RDONLY) = 3
      1 unshare(CLONE_NEWNS) = 0
      1 chdir("/") = 0
      1 mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL) = 0
      1 umount2("/mnt", MNT_DETACH) = 0
      2 mkdir("inside", 0755) = 0
      2 mount("b", "inside", "tmpfs", 0, NULL) = 0
      1 umount2("/mnt", 0) = -1 EINVAL (Invalid argument)
      1 close(3) = 0
      2 fchdir(3) = -1 EBADF (Bad file descriptor)

      """, hasOutsiders: false)
    #expect(verdict.divergences.isEmpty, "\(verdict.divergences)")
    #expect(verdict.namespaces == 2)
  }

  @Test func `a namespace is entered through its file and through a pidfd`() throws {
    let verdict = try check(
      """
      1 fork() = 2
      2 unshare(CLONE_NEWNS) = 0
      2 mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL) = 0
      2 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      1 openat(AT_FDCWD, "/proc/2/ns/mnt", O_RDONLY) = 3
      1 openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY) = 4
      1 pidfd_open(2, 0) = 5
      1 umount2("/mnt", 0) = -1 EINVAL (Invalid argument)
      1 setns(3, CLONE_NEWNS) = 0
      1 umount2("/mnt", 0) = 0
      1 setns(4, CLONE_NEWNS) = 0
      1 umount2("/mnt", 0) = -1 EINVAL (Invalid argument)
      2 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      1 setns(5, CLONE_NEWNS) = 0
      1 umount2("/mnt", 0) = 0

      """, hasOutsiders: false)
    #expect(verdict.divergences.isEmpty, "\(verdict.divergences)")
    #expect(verdict.succeeded["setns"] == 3)
    #expect(verdict.unjudgedCount == 0)
  }

  @Test func `the magic links of proc name what they lead to`() throws {
    let verdict = try check(
      """
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      1 mkdir("/mnt/x", 0755) = 0
      1 openat(AT_FDCWD, "/mnt/x", O_PATH|O_DIRECTORY) = 7
      1 mount("b", "/proc/self/fd/7", "tmpfs", 0, NULL) = 0
      1 umount2("/mnt", 0) = -1 EBUSY (Device or resource busy)
      1 umount2("/proc/self/root/mnt/x", 0) = 0
      1 close(7) = 0
      1 umount2("/mnt", 0) = 0

      """, hasOutsiders: false)
    #expect(verdict.divergences.isEmpty, "\(verdict.divergences)")
    #expect(verdict.judgedMountCalls == 5)
  }

  @Test func `detached trees are followed through the new calls`() throws {
    let verdict = try check(
      """
      1 fsopen("tmpfs", FSOPEN_CLOEXEC) = 3
      1 fsconfig(3, FSCONFIG_SET_STRING, "source", "none", 0) = 0
      1 fsconfig(3, FSCONFIG_CMD_CREATE, NULL, NULL, 0) = 0
      1 fsmount(3, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY) = 4
      1 move_mount(4, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH) = 0
      1 mkdir("/mnt/x", 0755) = -1 EROFS (Read-only file system)
      1 open_tree(AT_FDCWD, "/mnt", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC) = 5
      1 mount_setattr(5, "", AT_EMPTY_PATH, {attr_set=0, attr_clr=MOUNT_ATTR_RDONLY, propagation=0, userns_fd=0}, 32) = 0
      1 move_mount(5, "", AT_FDCWD, "/media", MOVE_MOUNT_F_EMPTY_PATH) = 0
      1 mkdir("/media/x", 0755) = 0
      1 umount2("/mnt", 0) = -1 EBUSY (Device or resource busy)
      1 close(4) = 0
      1 umount2("/mnt", 0) = 0

      """, hasOutsiders: false)
    #expect(verdict.divergences.isEmpty, "\(verdict.divergences)")
    #expect(verdict.unjudgedCount == 0)
    #expect(verdict.judgedOtherCalls == 2)
  }

  // MARK: what cannot be judged

  @Test(arguments: [
    (
      #"mount("a", "/mnt", "tmpfs", 0, NULL) = -1 EPERM (Operation not permitted)"#,
      NotJudged.credentials
    ),
    (#"mount("a", "/mnt", "tmpfs", 0, NULL) = -1 ENOMEM (Cannot allocate memory)"#, .resources),
    (#"mount("a", "/mnt", "ext4", 0, "x") = -1 EINVAL (Invalid argument)"#, .fileSystem),
    (#"mount("a", "/very/long"..., "tmpfs", 0, NULL) = 0"#, .unreadableArgument),
    (#"mount("a", 0x7ffe, "tmpfs", 0, NULL) = 0"#, .unreadableArgument),
    (#"move_mount(9, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH) = 0"#, .unknownStart),
    (#"setns(9, CLONE_NEWNS) = 0"#, .unknownStart),
    (#"fspick(AT_FDCWD, "/mnt", 0) = 3"#, .notModelled),
    (
      #"mount_setattr(-1, "/", 0, {attr_set=MOUNT_ATTR_IDMAP, attr_clr=0, propagation=0, userns_fd=4}, 32) = 0"#,
      .notModelled
    ),
    (#"umount2("/proc", 0) = -1 EBUSY (Device or resource busy)"#, .outsiders),
    (#"umount2("/proc", 0) = ?"#, .noAnswer),
  ])
  func `what cannot be followed is named with line and reason, and is no agreement`(
    _ line: String, _ reason: NotJudged
  ) throws {
    let verdict = try check("1 chdir(\"/\") = 0\n1 \(line)\n")
    #expect(verdict.judgedMountCalls == 0)
    #expect(verdict.divergences.isEmpty)
    #expect(verdict.unjudged == [reason: 1])
    #expect(verdict.unjudgedCalls.first?.line == 2)
  }

  @Test func `what follows a call that could not be followed is doubted, not red`() throws {
    let verdict = try check(
      """
      1 mount("a", 0x7ffe, "tmpfs", 0, NULL) = 0
      1 umount2("/mnt", 0) = 0

      """)
    #expect(verdict.divergences.isEmpty)
    #expect(verdict.unjudged[.doubt] == 1)
  }

  @Test func `calls that overlapped are not judged by their order`() throws {
    let verdict = try check(
      """
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      1 fork() = 2
      1 umount2("/mnt", 0 <unfinished ...>
      2 umount2("/mnt", 0) = -1 EINVAL (Invalid argument)
      1 <... umount2 resumed>) = 0

      """, hasOutsiders: false)
    #expect(verdict.divergences.isEmpty)
    #expect(verdict.unjudged[.overlap] == 1)
  }

  @Test func `a process that strace was attached to later is not followed, and that is counted`()
    throws
  {
    let verdict = try check(
      """
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      2 umount2("/mnt", 0) = 0

      """)
    #expect(verdict.unjudged[.unfollowedTask] == 1)
    #expect(verdict.warnings.contains { $0.contains("process 2") })
  }

  @Test func `a known issue of the kernel explains its answer`() throws {
    let text = """
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      1 mkdir("/mnt/x", 0755) = 0
      1 mkdir("/mnt/y", 0755) = 0
      1 mount(NULL, "/mnt", NULL, MS_UNBINDABLE, NULL) = 0
      1 mount("/mnt", "/mnt/x", NULL, MS_BIND, NULL) = -1 EINVAL (Invalid argument)
      1 unshare(CLONE_NEWNS) = 0
      1 mount("/mnt", "/mnt/y", NULL, MS_BIND, NULL) = 0

      """
    let buggy = try check(text)
    #expect(buggy.unexplainedDivergences.isEmpty)
    #expect(
      buggy.divergences.map(\.knownIssues) == [["unbindable-lost-in-namespace-copy"]])
    // A kernel without the bug must not answer so.
    #expect(try check(text, release: KernelRelease(6, 12, 107)).unexplainedDivergences.count == 1)
  }

  @Test func `tables in a trace are compared`() throws {
    let start = """
      # table 1
      # | 2 1 0:1 / / rw,relatime - rootfs rootfs rw
      1 mkdir("/mnt", 0755) = 0
      1 mount("a", "/mnt", "tmpfs", 0, NULL) = 0
      # table 1
      # | 2 1 0:1 / / rw,relatime - rootfs rootfs rw

      """
    let table = "2 1 0:1 / / rw,relatime - rootfs rootfs rw\n"
    let agreed = try check(
      start.replacingOccurrences(
        of: "rootfs rw\n", with: "rootfs rw\n# | 3 2 0:2 / /mnt rw,relatime - tmpfs a rw\n",
        options: .backwards, range: start.range(of: "rootfs rw\n", options: .backwards)),
      table: table)
    #expect(agreed.divergences.isEmpty)
    #expect(agreed.tables == 1 && agreed.tableEntries == 2)
    let differing = try check(start, table: table)
    #expect(differing.divergences.count == 1)
    #expect(differing.divergences.first?.tables.isEmpty == false)
  }
}
