import Foundation
import StormVocabulary
import Testing

@testable import StormTrace

/// What a reader makes of a text.
private func history(_ text: String) throws -> StraceHistory {
  try withTemporaryFile(text) { path throws -> StraceHistory in try StraceReader.read(path) }
}

private func calls(_ text: String) throws -> [TracedCall] {
  try history(text).events.compactMap { event in
    if case .call(let call, _) = event.what { call } else { nil }
  }
}

private func problem(_ text: String) throws -> TraceError? {
  try withTemporaryFile(text) { path in
    do throws(TraceError) {
      _ = try StraceReader.read(path)
      return nil
    } catch {
      return error
    }
  }
}

@Suite struct StraceReaderTests {
  @Test(arguments: [
    #"mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"77 mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"[pid    77] mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"77<sh> mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"77 1795632534.247795 mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"77 19:34:16.112998 mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0 <0.000171>"#,
    #"77      0.000531 mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"77 [00007f0c34ee3000] mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"77 [ 165] mount("none", "/mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
    #"77 mount("none", "/mnt", "tmpfs", 0x6, "size=1m") = 0"#,
    #"77 mount("none", "/mnt", "tmpfs", 0x6 /* MS_NOSUID|MS_NODEV */, "size=1m")   = 0"#,
    #"77 mount("\x6e\x6f\x6e\x65", "\57mnt", "tmpfs", MS_NOSUID|MS_NODEV, "size=1m") = 0"#,
  ])
  func `every shape of a line is the same call`(_ line: String) throws {
    #expect(
      try calls(line + "\n") == [
        .mount(
          source: .text("none"), target: .text("/mnt"), type: .text("tmpfs"), flags: 6,
          data: .text("size=1m"))
      ])
  }

  @Test func `calls that were interrupted are put together`() throws {
    let read = try history(
      """
      10 umount2("/a", MNT_DETACH <unfinished ...>
      11 --- SIGCHLD {si_signo=SIGCHLD} ---
      10 <... umount2 resumed>) = -1 EBUSY (Device or resource busy)

      """)
    let event = try #require(read.events.first)
    #expect((event.startLine, event.line) == (1, 3))
    guard case .call(let call, let result) = event.what else { return }
    #expect(call == .umount(.text("/a"), flags: 2))
    #expect(result == .errno(.busy))
  }

  @Test func `a child begins before its first call, though its parent's clone ends later`() throws {
    let read = try history(
      """
      10 vfork( <unfinished ...>
      11 chdir("/tmp") = 0
      10 <... vfork resumed>) = 11
      11 +++ exited with 0 +++

      """)
    let order = read.events.map { event in
      switch event.what {
      case .child(let child, _): "child \(child)"
      case .call(let call, _): "\(event.task) \(call.name)"
      case .exit: "\(event.task) exit"
      default: "?"
      }
    }
    #expect(order == ["child 11", "11 chdir", "11 exit"])
  }

  @Test func `in a PID namespace the child is found though its number is another`() throws {
    let read = try history(
      """
      10 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 11
      11 clone(child_stack=NULL, flags=SIGCHLD) = 2
      12 chdir("/") = 0

      """)
    #expect(read.orphans.isEmpty)
    let children = read.events.compactMap { event in
      if case .child(let child, _) = event.what { "\(event.task) \(child)" } else { nil }
    }
    #expect(children == ["10 11", "11 12"])
    // Two parents in PID namespaces: which one it was is not in the trace.
    let doubtful = try history(
      """
      10 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 11
      10 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 12
      11 fork() = 2
      12 fork() = 2
      20 chdir("/") = 0

      """)
    #expect(doubtful.orphans.map(\.task) == [20])
    #expect(doubtful.orphans.first?.reason.contains("--pidns-translation") == true)
    // And where strace translates the numbers, it is.
    let translated = try history(
      """
      10 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 11
      10 clone(child_stack=NULL, flags=CLONE_NEWPID|SIGCHLD) = 12
      11 fork() = 2 /* 21 in strace's PID NS */
      12 fork() = 2 /* 20 in strace's PID NS */
      20 chdir("/") = 0
      21 chdir("/") = 0

      """)
    #expect(translated.orphans.isEmpty)
  }

  @Test func `a file without process numbers has one process`() throws {
    let read = try history(
      """
      execve("/bin/sh", ["sh"], 0x7ffd /* 3 vars */) = 0
      clone(child_stack=NULL, flags=SIGCHLD) = 31
      [pid 31] chdir("/") = 0
      [pid 30] chdir("/tmp") = 0
      [pid 31] +++ exited with 0 +++
      chdir("/") = 0
      +++ exited with 0 +++

      """)
    #expect(Set(read.events.map(\.task)) == [30, 31])
    #expect(read.orphans.isEmpty)
  }

  @Test func `paths behind descriptors and calls with structures are read`() throws {
    let read = try calls(
      """
      5 openat(AT_FDCWD</root>, "x", O_RDONLY|O_CLOEXEC) = 3</root/x>
      5 mount_setattr(-1, "/mnt", AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=0, propagation=MS_SLAVE, userns_fd=0}, 32) = 0
      5 clone3({flags=CLONE_NEWNS, exit_signal=SIGCHLD}, 88) = -1 EPERM (Operation not permitted)
      5 newfstatat(3</dev/null<char 1:3>>, "", {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}, AT_EMPTY_PATH) = 0
      5 openat2(AT_FDCWD, "/etc", {flags=O_PATH, resolve=RESOLVE_BENEATH}, 24) = 4

      """)
    let directory = TracedDescriptor(-100, path: "/root")
    #expect(read[0] == .open(TracedPath(.text("x"), from: directory), flags: 0o2000000))
    #expect(
      read[1]
        == .mountSetattr(
          TracedPath(.text("/mnt"), from: TracedDescriptor(-1)), flags: 0x8000, set: 1, clear: 0,
          propagation: 1 << 19))
    #expect(read[2] == .clone(flags: 0x20000))
    #expect(
      read[3]
        == .inspect(
          TracedPath(.text(""), from: TracedDescriptor(3, path: "/dev/null")), mode: 0o20666,
          followsFinalLink: true))
    #expect(read[4] == .open(TracedPath(.text("/etc")), flags: 0o10000000))
  }

  @Test(arguments: [
    ("10 chdir(\"/\") = 0\nhello\n", 2, "hello"),
    ("10 mount(\"a\", \"/b\n10 chdir(\"/\") = 0\n", 1, "no end"),
    ("10 umount2(\"/a\", 0) = many\n", 1, "many"),
    ("10 umount2(\"/a\", 0)\n", 1, "no answer"),
    ("10 umount2(\"/a\", 0) = -1 EWHAT (?)\n", 1, "EWHAT"),
    ("10 umount2( <unfinished ...>\n10 <... mount resumed>) = 0\n", 2, "umount2 was unfinished"),
    ("# table 5\n# | 1 2 nonsense\n10 chdir(\"/\") = 0\n", 3, "line 1"),
  ])
  func `a damaged line is named with its number and what stands there`(
    _ text: String, _ line: Int, _ part: String
  ) throws {
    let error = try #require(try problem(text))
    #expect(error.kind == .damaged)
    #expect(error.line == line)
    #expect(error.message.contains(part), "\(error.message)")
  }

  @Test func `a last line that was written only in part is said and left out`() throws {
    let read = try history("10 chdir(\"/\") = 0\n10 mount(\"a\", \"/b")
    #expect(read.isCutOff)
    #expect(read.events.count == 1)
    #expect(try problem("")?.kind == .foreign)
  }

  @Test func `every line of a random cut is refused or read, and never a crash`() throws {
    let sample = try String(
      contentsOf: Samples.folder.deletingLastPathComponent().appending(
        path: "Straces/bwrap.strace"),
      encoding: .utf8)
    let bytes = Array(sample.utf8)
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<60 {
      let start = Int(generator.next() % UInt64(bytes.count))
      let length = Int(generator.next() % 4000)
      var part = Array(bytes[start..<min(bytes.count, start + length)])
      if !part.isEmpty { part[Int(generator.next() % UInt64(part.count))] ^= 0x15 }
      try withTemporaryFile(part) { path in _ = try? StraceReader.read(path) }
    }
  }
}
