import StormKernel
import Testing

/// Reports of debug kernels as they stand in a log: each is one fault of its kind, with all its lines.
@Suite struct KernelReportTests {
  struct Report: Sendable, CustomTestStringConvertible {
    var kind: KernelFault.Kind
    var text: String
    var testDescription: String { kind.rawValue }
  }

  static let reports = [
    Report(
      kind: .kasan,
      text: """
        ==================================================================
        BUG: KASAN: slab-use-after-free in mntput_no_expire+0x53a/0x5c0
        Read of size 8 at addr ffff88810a3c5e40 by task umount/4121

        CPU: 1 UID: 0 PID: 4121 Comm: umount Not tainted 7.1.0-rc3 #12 PREEMPT(lazy)
        Call Trace:
         <TASK>
         dump_stack_lvl+0x5d/0x80
         print_report+0x171/0x4f5
         mntput_no_expire+0x53a/0x5c0
         path_umount+0x5d7/0xa30
         </TASK>

        Freed by task 16:
         kmem_cache_free+0x1a5/0x4d0
         rcu_core+0x5c8/0x1a60

        The buggy address belongs to the object at ffff88810a3c5e00
         which belongs to the cache mnt_cache of size 336
        ==================================================================
        Disabling lock debugging due to kernel taint
        """),
    Report(
      kind: .kcsan,
      text: """
        ==================================================================
        BUG: KCSAN: data-race in mnt_get_count / mntput_no_expire

        write to 0xffff888104b3f2c0 of 4 bytes by task 812 on cpu 0:
         mntput_no_expire+0x8f/0x340

        read to 0xffff888104b3f2c0 of 4 bytes by task 813 on cpu 1:
         mnt_get_count+0x41/0x80
         do_umount+0x2b1/0x5a0

        value changed: 0x00000002 -> 0x00000001

        Reported by Kernel Concurrency Sanitizer on:
        CPU: 1 UID: 0 PID: 813 Comm: nss-worker1 Not tainted 6.18.15 #3
        ==================================================================
        """),
    Report(
      kind: .lockdep,
      text: """

        ======================================================
        WARNING: possible circular locking dependency detected
        6.18.15-debug #3 Not tainted
        ------------------------------------------------------
        nss-worker4/911 is trying to acquire lock:
        ffffffff836a1c90 (namespace_sem){++++}-{4:4}, at: do_umount+0x8e/0x5a0

        but task is already holding lock:
        ffff888107d1e0e0 (&type->s_umount_key#31){+.+.}-{4:4}, at: deactivate_super+0x37/0x60

        which lock already depends on the new lock.

         Possible unsafe locking scenario:

               CPU0                    CPU1
               ----                    ----
          lock(&type->s_umount_key#31);
                                       lock(namespace_sem);

         *** DEADLOCK ***

        stack backtrace:
        CPU: 0 UID: 0 PID: 911 Comm: nss-worker4 Not tainted 6.18.15-debug #3
        """),
    Report(
      kind: .lockdep,
      text: """
        =============================
        WARNING: suspicious RCU usage
        6.18.15-debug #3 Not tainted
        -----------------------------
        fs/namespace.c:742 suspicious rcu_dereference_check() usage!

        other info that might help us debug this:

        rcu_scheduler_active = 2, debug_locks = 1
        """),
    Report(
      kind: .ubsan,
      text: """
        ------------[ cut here ]------------
        UBSAN: array-index-out-of-bounds in fs/pnode.c:233:14
        index 7 is out of range for type 'mount *[4]'
        CPU: 0 UID: 0 PID: 911 Comm: nss-worker4 Not tainted 6.18.15 #3
        Call Trace:
         <TASK>
         __ubsan_handle_out_of_bounds+0x85/0xc0
         propagate_one+0x1d3/0x240
        ---[ end trace ]---
        """),
    Report(
      kind: .kmemleak,
      text: """
        kmemleak: 14 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
        """),
    Report(
      kind: .hungTask,
      text: """
        INFO: task nss-worker3:812 blocked for more than 122 seconds.
              Not tainted 6.12.107+deb13-cloud-amd64 #1
        "echo 0 > /proc/sys/kernel/hung_task_timeout_secs" disables this message.
        task:nss-worker3     state:D stack:0     pid:812   tgid:812   ppid:801    flags:0x00004002
        Call Trace:
         <TASK>
         __schedule+0x501/0xbf0
         rwsem_down_write_slowpath+0x2a5/0x640
         do_umount+0x8e/0x5a0
        """),
    Report(
      kind: .hungTask,
      text: """
        INFO: task nss-worker3:812 blocked in I/O wait for more than 122 seconds.
              Not tainted 6.18.15 #3
        """),
    Report(
      kind: .rcuStall,
      text: """
        rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
        rcu: \t0-...!: (0 ticks this GP) idle=1f24/0/0x0 softirq=2101/2101 fqs=0 (false positive?)
        rcu: \t(detected by 1, t=5252 jiffies, g=3041, q=11 ncpus=2)
        Sending NMI from CPU 1 to CPUs 0:
        rcu: rcu_preempt kthread starved for 5252 jiffies! g3041 f0x0 RCU_GP_WAIT_FQS(5) ->state=0x402 ->cpu=0
        rcu: \tUnless rcu_preempt kthread gets sufficient CPU time, OOM is now expected behavior.
        rcu: RCU grace-period kthread stack dump:
        task:rcu_preempt     state:I stack:0     pid:15
        """),
    Report(
      kind: .rcuStall,
      text: """
        rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-.... } 21 jiffies s: 813 root: 0x2/.
        rcu: blocking rcu_node structures (internal RCU debug):
        Sending NMI from CPU 0 to CPUs 1:
        """),
    Report(
      kind: .warning,
      text: """
        ------------[ cut here ]------------
        WARNING: fs/namespace.c:1386 at cleanup_mnt+0x14e/0x160, CPU#1: umount/4121
        Modules linked in: overlay
        CPU: 1 UID: 0 PID: 4121 Comm: umount Not tainted 7.1.0-rc3 #12
        Call Trace:
         <TASK>
         task_work_run+0x5d/0x90
        ---[ end trace 0000000000000000 ]---
        """),
    Report(
      kind: .busyInodes,
      text: """
        VFS: Busy inodes after unmount of loop0 (ext4)
        ------------[ cut here ]------------
        """),
  ]

  @Test(arguments: reports)
  func `a report is one fault of its kind, whole from its first telling line`(report: Report) throws
  {
    var collector = KernelFaultCollector()
    let lines = report.text.split(separator: "\n", omittingEmptySubsequences: false).map(
      String.init)
    for (index, line) in lines.enumerated() {
      collector.add(try #require(KernelLogRecord("4,\(index),\(1_000_000 + index),-;\(line)\n")))
    }
    let faults = collector.take()
    #expect(faults.map(\.kind) == [report.kind])
    let first = try #require(lines.firstIndex { KernelFault.Kind(line: $0) != nil })
    #expect(faults.first?.lines == Array(lines[first...]))
    #expect(report.kind.isFault)
  }

  @Test(arguments: [
    "BUG: MAX_LOCKDEP_ENTRIES too low!", "BUG: MAX_LOCKDEP_CHAINS too low!",
    "BUG: MAX_STACK_TRACE_ENTRIES too low!",
    "kmemleak: Kernel memory leak detector initialized (mem pool available: 15753)",
    "FAULT_INJECTION: forcing a failure.", "hung_task: panic on hung_task is disabled",
  ])
  func `a tool that says that it is on, or full, is no fault`(line: String) {
    #expect(KernelFault.Kind(line: line) == nil)
  }
}
