import Glibc
import StormKernel
import StormVocabulary
import Testing

@Suite struct KernelLogTests {
  @Test(
    arguments: [
      ("WARNING: CPU: 1 PID: 812 at fs/namespace.c:1432 mntput_no_expire+0x2a1/0x2c0", .warning),
      ("WARNING: fs/namespace.c:1432 at mntput_no_expire+0x2a1/0x2c0, CPU#1: umount/812", .warning),
      ("BUG: kernel NULL pointer dereference, address: 0000000000000018", .oops),
      ("Oops: Oops: 0002 [#1] SMP PTI", .oops),
      ("general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP", .oops),
      ("kernel BUG at fs/pnode.c:512!", .bug),
      ("BUG: KASAN: slab-use-after-free in umount_tree+0x1f/0x5a0", .kasan),
      ("BUG: KCSAN: data-race in mnt_get_count / mnt_add_count", .kcsan),
      ("UBSAN: array-index-out-of-bounds in fs/namespace.c:77:12", .ubsan),
      ("WARNING: possible circular locking dependency detected", .lockdep),
      (
        "BUG: sleeping function called from invalid context at kernel/locking/rwsem.c:1578",
        .lockdep
      ),
      ("kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)", .kmemleak),
      ("INFO: task nss-worker3:812 blocked for more than 120 seconds.", .hungTask),
      ("rcu: INFO: rcu_preempt self-detected stall on CPU", .rcuStall),
      ("rcu: INFO: rcu_sched detected stalls on CPUs/tasks:", .rcuStall),
      ("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [nss-worker3:812]", .lockup),
      ("list_del corruption. prev->next should be ffff88, but was ffff89", .listCorruption),
      ("refcount_t: underflow; use-after-free.", .referenceCount),
      ("VFS: Busy inodes after unmount of loop0 (ext4)", .busyInodes),
      ("Kernel panic - not syncing: Fatal exception", .panic),
      ("Out of memory: Killed process 812 (nss-worker3) total-vm:2048kB", .outOfMemory),
    ] as [(String, KernelFault.Kind)])
  func `a line is classified by its kind`(line: String, kind: KernelFault.Kind) {
    #expect(KernelFault.Kind(line: line) == kind)
  }

  @Test(arguments: [
    "EXT4-fs (loop0): mounted filesystem with ordered data mode", "loop0: detected capacity change",
    "nss-worker3[812]: segfault at 0 ip 0 sp 0 error 4 in libc.so.6", "Modules linked in: overlay",
    "tmpfs: Bad value for 'size'", "rcu: Hierarchical SRCU implementation.",
  ])
  func `innocent lines are no faults`(line: String) {
    #expect(KernelFault.Kind(line: line) == nil)
  }

  @Test func `a record is read with its facility, number and time`() throws {
    let record = try #require(
      KernelLogRecord("30,1234,567890,-,caller=T1;hello; world\n SUBSYSTEM=x\n"))
    #expect(record.facility == 3 && record.level == 6)
    #expect(record.sequence == 1234 && record.microseconds == 567_890)
    #expect(record.text == "hello; world")
    #expect(KernelLogRecord("no record") == nil)
  }

  @Test func `needs root: a watch sees what is logged later, and user space cannot fake a fault`()
    throws
  {
    try requireRoot()
    let log = try KernelLog()
    let message = Array("<6>nsstorm test: WARNING: this line is from user space\n".utf8)
    let file = open("/dev/kmsg", O_WRONLY | O_CLOEXEC)
    try #require(file >= 0)
    #expect(write(file, message, message.count) == message.count)
    close(file)
    #expect(log.takeFaults().isEmpty)
    #expect(log.recordsRead >= 1)
  }

  private func record(_ text: String, _ sequence: Int, after milliseconds: Int = 0) throws
    -> KernelLogRecord
  {
    try #require(
      KernelLogRecord("4,\(sequence),\(1_000_000 + sequence + milliseconds * 1000),-;\(text)\n"))
  }

  @Test func `an oops with its stack is one fault, and a second warning is another`() throws {
    var collector = KernelFaultCollector()
    let lines = [
      "tmpfs: innocent", "BUG: kernel NULL pointer dereference, address: 0000000000000018",
      "#PF: supervisor read access in kernel mode", "Oops: Oops: 0000 [#1] SMP", "Call Trace:",
      " umount_tree+0x1f/0x5a0",
    ]
    for (index, line) in lines.enumerated() { collector.add(try record(line, index)) }
    for number in [10, 20] {
      collector.add(try record("WARNING: CPU: 0 PID: 1 at fs/namespace.c:\(number)", number))
    }
    collector.add(try record("an hour later", 30, after: 3_600_000))
    let faults = collector.take()
    #expect(faults.map(\.kind) == [.oops, .warning, .warning])
    #expect(faults[0].lines == Array(lines[1...]))
    #expect(faults[2].lines.count == 1)
    #expect(collector.take().isEmpty)
  }

  @Test func `the tail of a report that was taken already is no new fault`() throws {
    var collector = KernelFaultCollector()
    collector.add(try record("BUG: kernel NULL pointer dereference", 1))
    #expect(collector.take().count == 1)
    collector.add(try record("Oops: Oops: 0000 [#1] SMP", 2))
    #expect(collector.take().isEmpty)
    collector.add(try record("Oops: Oops: 0000 [#2] SMP", 3, after: 10_000))
    #expect(collector.take().count == 1)
  }

  @Test func `taint is shown with the kernel's letters`() {
    #expect(KernelTaint(rawValue: 0).description == "none")
    let tainted: KernelTaint = [.died, .warned]
    #expect(tainted.description == "DW")
    #expect(tainted.newFaults(since: .warned) == .died)
    #expect(KernelTaint(rawValue: 1).newFaults(since: []).isEmpty)
  }
}
