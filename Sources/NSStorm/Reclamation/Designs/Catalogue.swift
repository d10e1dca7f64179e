extension Design {
  /// Mainline from 6.1 on: wait for everyone, flag read under the lock.
  public static let mainline = Design(
    name: "D0", summary: "mainline 7.3: every umount waits for a grace period, covers for children")

  /// Every design of the kernel developers' discussion, in the order of the specification.
  public static let catalogue: [Design] = {
    let d0 = mainline
    let d4 = d0.varied("D4", "no wait at all, not even for a synchronous umount") {
      $0.waitSync = .none
      $0.waitLazy = .none
    }
    let d3 = d0.varied("D3", "one global worker with two lists, an in_flight flag under a lock") {
      $0.waitSync = .globalList
      $0.waitLazy = .globalList
    }
    return [
      d0,
      d0.varied("D0-6.12", "mainline 6.1 to 6.18: stuck children are reclaimed as a chain") {
        $0.children = .chain
        $0.counts = .single
      },
      d0.varied("D0a", "5.10: MNT_SYNC_UMOUNT is read without mount_lock (CVE-2025-38058)") {
        $0.legit = .unlockedFlag
        $0.children = .chain
      },
      d0.varied("D0b", "5.10: no barrier between mount_lock and the busy check") {
        $0.barrier = false
        $0.children = .chain
      },
      d0.varied("D1a", "lazy umount puts from an RCU callback (January 2023, April 2024)") {
        $0.waitLazy = .callRcu
      },
      d0.varied("D1b", "lazy umount does not wait at all (June 2024)") { $0.waitLazy = .none },
      d0.varied("D2", "lazy umount hands a private list to queue_rcu_work (April 2025)") {
        $0.waitLazy = .rcuWork
      },
      d0.varied("D2par", "as D2, the worker runs the tail itself") {
        $0.waitLazy = .rcuWork
        $0.workerTail = .inline
      },
      d0.varied("D2+", "as D2, for synchronous umounts too") {
        $0.waitSync = .rcuWork
        $0.waitLazy = .rcuWork
      },
      d3.varied("D3-naive", "one global worker, list chosen by queue_rcu_work, as worded") {
        $0.discipline = .naive
      },
      d3.varied("D3-locked", "as worded, with one lock around the choice and the addition") {
        $0.discipline = .locked
      },
      d3.varied("D3-onelist", "one global worker with a single list") { $0.discipline = .oneList },
      d3,
      d3.varied("D3-lazy", "the repaired global worker for lazy umounts only") {
        $0.waitSync = .wait
      },
      d4,
      d4.varied("D4+D5", "no wait and no MNT_SYNC_UMOUNT") { $0.legit = .noFlag },
      d0.varied("D5", "the wait is kept, MNT_SYNC_UMOUNT is gone") { $0.legit = .noFlag },
      d0.varied("D6", "MNT_ASYNC opts in to the deferral, everything else waits") {
        $0.waitAsync = .rcuWork
        $0.workerTail = .inline
      },
      d0.varied("D7w", "the tail of the final put runs on a work queue, the caller waits (2014)") {
        $0.tail = .wqWait
      },
      d0.varied("D7n", "the tail of the final put runs on a work queue, nobody waits") {
        $0.tail = .wqNoWait
      },
      d0.varied("D8-sync", "close(2) closes the file in place") { $0.fileClose = .sync },
      d0.varied("D8-kthread", "the last close comes from a kernel thread's delayed list") {
        $0.fileClose = .kthreadDelayed
      },
      d0.varied("D8-async", "the last close comes from the exit work of an io_uring owner") {
        $0.fileClose = .asyncOwner
      },
      d0.varied("D8-flush", "the delayed list is flushed before the umount") {
        $0.fileClose = .flush
      },
      d0.varied("D9-single", "one signed counter a CPU, summed in a single pass") {
        $0.counts = .single
      },
      d0.varied("D9-locked", "gets and puts take mount_lock") { $0.counts = .locked },
      d0.varied("D9-split", "gets and puts counted apart, puts summed first (7.x)") {
        $0.counts = .split
      },
      d0.varied("D9-atomic", "one indivisible counter") { $0.counts = .atomic },
      d0.varied("D10-inline", "the caller runs the tail of the final put in place") {
        $0.tail = .inline
      },
      d0.varied("D11", "kern_unmount through queue_rcu_work (2022): its callers need it done") {
        $0.waitSync = .rcuWork
        $0.workerTail = .inline
      },
      d0.varied("D12", "7.3 as a pair: covers for children and split counts") {
        $0.counts = .split
      },
      d4.varied("D13", "before 2013: walkers and puts take the mount lock, nobody waits") {
        $0.counts = .locked
        $0.legit = .noFlag
      },
      d0.varied("D16", "polled grace periods: wait only for what is left since the detach") {
        $0.waitSync = .polled
        $0.waitLazy = .polled
      },
    ]
  }()

  /// The design of that name, ignoring case.
  public static func named(_ name: String) -> Design? {
    catalogue.first { $0.name.lowercased() == name.lowercased() }
  }
}
