import Foundation
import Testing

/// Programs in the sandbox of `nsstorm record`, and real output of strace.
@Suite(.serialized) struct RecordCommandTests {
  private func requireRoot() throws {
    try #require(
      geteuid() == 0, "this test makes mount namespaces and needs root: sudo -E swift test")
  }

  private func requireTool(_ path: String, _ package: String) throws {
    try #require(
      FileManager.default.isExecutableFile(atPath: path),
      "\(path) is missing; ci/test installs it (Debian: apt-get install \(package))")
  }

  private func report(_ arguments: [String]) throws -> (status: Int32, [String: Any]) {
    let result = try BuiltCommand.run(arguments)
    let value = try? JSONSerialization.jsonObject(with: Data(result.output.utf8))
    let object = try #require(value as? [String: Any], "\(result.output)\(result.errors)")
    return (result.status, object)
  }

  private func expectAgreement(
    _ arguments: [String], succeeded: [String: Int], tables: Int,
    location: SourceLocation = #_sourceLocation
  ) throws {
    let (status, object) = try report(["record", "--json", "--"] + arguments)
    #expect(status == 0, "\(object)", sourceLocation: location)
    #expect(object["program"] as? String == "ended with status 0", sourceLocation: location)
    #expect((object["divergences"] as? [Any])?.isEmpty == true, sourceLocation: location)
    #expect(
      (object["unjudgedCalls"] as? [Any])?.isEmpty == true, "\(object["unjudgedCalls"] ?? "")",
      sourceLocation: location)
    let counts = object["succeeded"] as? [String: Int] ?? [:]
    for (call, least) in succeeded {
      #expect(counts[call, default: 0] >= least, "\(call): \(counts)", sourceLocation: location)
    }
    #expect(object["tables"] as? Int ?? 0 >= tables, sourceLocation: location)
  }

  private static let script = """
    mount -t tmpfs top /mnt
    mkdir /mnt/a /mnt/b /mnt/c
    mount -t tmpfs inner /mnt/a
    mount --make-shared /mnt/a
    mount --bind /mnt/a /mnt/b
    mkdir /mnt/a/sub
    mount -t tmpfs third /mnt/a/sub
    mount --rbind /mnt/b /mnt/c
    umount /mnt/b && exit 1
    umount /mnt/b/sub
    mount --move /mnt/c /mnt/b
    umount -l /mnt/b
    mount --make-private /mnt/a
    mount --move /mnt/a /mnt/c
    umount -R /mnt
    """

  @Test func `needs root: a script of bind, rbind, move and umount agrees, tables included`() throws
  {
    try requireRoot()
    try expectAgreement(
      ["sh", "-c", Self.script], succeeded: ["mount": 9, "umount2": 4], tables: 14)
  }

  @Test func `needs root: unshare and mount agree, in user namespaces too`() throws {
    try requireRoot()
    try expectAgreement(
      [
        "unshare", "-m", "--propagation", "shared", "sh", "-c",
        "mount -t tmpfs a /mnt && unshare -Urm sh -c 'mount -t tmpfs b /mnt && umount /mnt' && umount /mnt",
      ],
      succeeded: ["unshare": 2, "mount": 3, "umount2": 2], tables: 10)
  }

  @Test func `needs root: bubblewrap agrees`() throws {
    try requireRoot()
    try requireTool("/usr/bin/bwrap", "bubblewrap")
    try expectAgreement(
      [
        "bwrap", "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
        "--tmpfs", "/tmp", "sh", "-c", "mkdir /tmp/x; true",
      ],
      succeeded: ["mount": 20, "pivot_root": 2, "umount2": 2, "clone": 1], tables: 40)
  }

  /// On machines with the old control groups runc asks for the one of devices.
  private static let container = """
    mkdir -p /tmp/bundle/rootfs/bin /tmp/bundle/rootfs/proc /tmp/bundle/rootfs/dev /tmp/bundle/rootfs/sys
    cp /bin/busybox /tmp/bundle/rootfs/bin/sh && cd /tmp/bundle && runc spec || exit 9
    sed -i 's/"terminal": true/"terminal": false/; s/"sh"$/"sh", "-c", "true"/' config.json
    if awk '$1 == "devices" && $2 > 0 { found = 1 } END { exit !found }' /proc/cgroups; then
      mount -t tmpfs cgroups /sys/fs/cgroup && mkdir /sys/fs/cgroup/devices &&
      mount -t cgroup -o devices cgroup /sys/fs/cgroup/devices || exit 9
    else
      mount -t cgroup2 cgroup /sys/fs/cgroup || exit 9
    fi
    exec runc --root /run/runc run nsstorm-$$
    """

  @Test func `needs root: runc agrees, from its first mount to pivot_root`() throws {
    try requireRoot()
    try requireTool("/usr/sbin/runc", "runc")
    try requireTool("/bin/busybox", "busybox-static")
    let (status, object) = try report(["record", "--json", "--", "sh", "-c", Self.container])
    #expect(status == 0, "\(object)")
    #expect(object["program"] as? String == "ended with status 0")
    #expect((object["divergences"] as? [Any])?.isEmpty == true, "\(object)")
    let succeeded = object["succeeded"] as? [String: Int] ?? [:]
    #expect(succeeded["mount", default: 0] >= 25 && succeeded["pivot_root"] == 1, "\(succeeded)")
    #expect(object["tables"] as? Int ?? 0 >= 60)
    // The sandbox has no right to make devices, which runc gets around; and some names are the machine's own.
    let reasons = Set((object["unjudged"] as? [String: Int] ?? [:]).keys)
    #expect(reasons.isSubset(of: ["credentials", "unseenNames"]), "\(reasons)")
  }

  @Test func `needs root: rights are followed, so that EPERM is judged and so is success`() throws {
    try requireRoot()
    try requireTool("/usr/bin/setpriv", "util-linux")
    let trace = try TemporaryFile(suffix: ".strace")
    let script =
      "mount -t tmpfs a /mnt && setpriv --bounding-set -sys_admin sh -c "
      + "'mount -t tmpfs b /media; umount /mnt; unshare -m true; unshare -Urm sh -c \"umount -l /mnt; mount -t tmpfs c /mnt\"'; "
      + "setpriv --reuid 1000 --clear-groups unshare -Urm mount -t tmpfs d /mnt; umount /mnt"
    let (status, object) = try report([
      "record", "--json", "--trace", trace.url.path, "--", "sh", "-c", script,
    ])
    #expect(status == 0, "\(object)")
    #expect((object["unjudged"] as? [String: Int])?["credentials"] == nil, "\(object)")
    let refused = object["refused"] as? [String: Int] ?? [:]
    #expect(refused["umount2", default: 0] >= 1 && refused["unshare", default: 0] >= 1)
    #expect((object["succeeded"] as? [String: Int])?["mount", default: 0] ?? 0 >= 3)
    // A kernel that had let it through would have been found out, and so would one that refuses root.
    let text = try trace.text()
    for (seen, forged) in [
      (#"umount2("/mnt", 0x0) = -1 EPERM (1)"#, #"umount2("/mnt", 0x0) = 0"#),
      (#"umount2("/mnt", 0x0) = 0"#, #"umount2("/mnt", 0x0) = -1 EPERM (1)"#),
    ] {
      try #require(text.contains(seen), "\(text)")
      try text.replacingOccurrences(of: seen, with: forged)
        .write(to: trace.url, atomically: false, encoding: .utf8)
      let (red, object) = try report(["check", "--json", "--strace", trace.url.path])
      #expect(red == 1, "\(object)")
      let first = (object["divergences"] as? [[String: Any]])?.first
      #expect(first?["call"] as? String == "umount2 /mnt")
    }
  }

  @Test
  func `needs root: several processes at once are followed, and their calls come one at a time`()
    throws
  {
    try requireRoot()
    let loop =
      "i=0; while [ $i -lt 8 ]; do mount -t tmpfs x /mnt/$1 && umount /mnt/$1; i=$((i+1)); done"
    let (status, object) = try report([
      "record", "--json", "--", "sh", "-c",
      "mount -t tmpfs t /mnt; mkdir /mnt/1 /mnt/2 /mnt/3; for n in 1 2 3; do sh -c '\(loop)' sh $n & done; wait",
    ])
    #expect(status == 0, "\(object)")
    #expect((object["succeeded"] as? [String: Int])?["mount"] == 25)
    #expect((object["succeeded"] as? [String: Int])?["umount2"] == 24)
    #expect((object["unjudgedCalls"] as? [Any])?.isEmpty == true)
  }

  @Test func `needs root: a recorded trace gives the same verdict when it is read again`() throws {
    try requireRoot()
    let trace = try TemporaryFile(suffix: ".strace")
    let (_, recorded) = try report(
      ["record", "--json", "--trace", trace.url.path, "--", "sh", "-c", Self.script])
    let (status, read) = try report(["check", "--json", "--strace", trace.url.path])
    #expect(status == 0)
    for key in ["judgedMountCalls", "tables", "tableEntries", "processes", "learned"] {
      #expect(recorded[key] as? Int == read[key] as? Int && read[key] as? Int ?? 0 > 0, "\(key)")
    }
    // And a kernel that had answered otherwise would have been found out.
    let forged = try trace.text().replacingOccurrences(
      of: "umount2(\"/mnt/b\", 0x0) = -1 EBUSY (16)", with: "umount2(\"/mnt/b\", 0x0) = 0")
    try forged.write(to: trace.url, atomically: false, encoding: .utf8)
    let (red, object) = try report(["check", "--json", "--strace", trace.url.path])
    #expect(red == 1)
    #expect(
      (object["divergences"] as? [[String: Any]])?.first?["call"] as? String == "umount2 /mnt/b")
  }

  @Test func `needs root: what strace writes now agrees`() throws {
    try requireRoot()
    try requireTool("/usr/bin/strace", "strace")
    let trace = try TemporaryFile(suffix: ".strace")
    let table = try TemporaryFile(suffix: ".table")
    let script = try TemporaryFile(suffix: ".sh")
    try Self.script.write(to: script.url, atomically: false, encoding: .utf8)
    for options in ["", "-yy -ttt", "-X raw", "-X verbose -T"] {
      let shell = Process()
      shell.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
      shell.arguments = [
        "-m", "--propagation", "private", "sh", "-c",
        "cat /proc/self/mountinfo > \(table.url.path); cd /; strace -f \(options) -o \(trace.url.path) sh \(script.url.path)",
      ]
      shell.standardError = FileHandle.nullDevice
      try shell.run()
      shell.waitUntilExit()
      #expect(shell.terminationStatus == 0)
      let (status, object) = try report([
        "check", "--json", "--cwd", "/", "--table", table.url.path, "--strace", trace.url.path,
      ])
      #expect(status == 0, "strace \(options): \(object)")
      #expect(object["judgedMountCalls"] as? Int == 15)
      #expect(
        (object["unjudgedCalls"] as? [[String: Any]])?.isEmpty == true,
        "\(object["unjudgedCalls"] ?? "")")
    }
  }

  @Test
  func `needs root: what the program writes is gone, and what it may not do is refused by name`()
    throws
  {
    try requireRoot()
    let place = "/nsstorm-test-\(UUID().uuidString)"
    let result = try BuiltCommand.run([
      "record", "--", "sh", "-c",
      "mkdir \(place) && mount -t tmpfs x \(place); echo 0 > /proc/sys/kernel/sysrq; unshare -n true; exit 3",
    ])
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("program      ended with status 3"))
    #expect(result.output.contains("the sandbox refused openat(-100, \"/proc/sys/kernel/sysrq\""))
    #expect(!FileManager.default.fileExists(atPath: place))
    let table = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    #expect(!table.contains(place))
    let missing = try BuiltCommand.run(["record", "--", "no-such-program"])
    #expect(missing.status == 65 && missing.errors.contains("no-such-program cannot be run"))
    let empty = try BuiltCommand.run(["record", "--", "true"])
    #expect(empty.status == 4 && empty.output.contains("no mount call could be judged"))
    #expect(try BuiltCommand.run(["record"]).status == 64)
  }

  @Test func `needs root: after SIGKILL no process of the sandbox is left`() throws {
    try requireRoot()
    let mark = "nsstorm-sleeper-\(UUID().uuidString)"
    let process = Process()
    process.executableURL = try BuiltCommand.path()
    process.arguments = [
      "record", "--", "sh", "-c", "mount -t tmpfs x /mnt; sh -c 'sleep 300; : \(mark)' & sleep 300",
    ]
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    func sleepers() -> Int {
      let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return entries.filter { Int($0) != nil }.filter { entry in
        let line = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(entry)/cmdline"))) ?? Data()
        return String(decoding: line, as: UTF8.self).contains(mark)
      }.count
    }
    let limit = Date(timeIntervalSinceNow: 30)
    // The recorder's own command line has the mark too, and so has its sandbox.
    while sleepers() < 4, Date() < limit { usleep(20_000) }
    #expect(sleepers() >= 4)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let end = Date(timeIntervalSinceNow: 10)
    while sleepers() > 0, Date() < end { usleep(20_000) }
    #expect(sleepers() == 0)
  }
}
