/// One design held against an observation.
struct DesignJudgement {
  private(set) var exclusions: [String] = []
  private(set) var reservations: [String] = []

  private let design: Design
  private let seen: ReleaseObservation

  init(_ design: Design, _ seen: ReleaseObservation) {
    self.design = design
    self.seen = seen
    judge(
      Call(
        name: "umount", release: design.waitSync, idle: seen.sync,
        normalNanoseconds: seen.normalGracePeriods?.syncNanoseconds,
        workItems: seen.workItems?.sync))
    judge(
      Call(
        name: "umount -l", release: design.waitLazy, idle: seen.lazy,
        normalNanoseconds: seen.normalGracePeriods?.lazyNanoseconds,
        workItems: seen.workItems?.lazy))
    judgeLeaks()
    judgeWalkers()
    judgeNames()
    judgeRelease()
    judgeFlags()
    judgeHolders()
    reserve()
  }

  /// One kind of umount: what the design does in it, and what was seen of it.
  private struct Call {
    var name: String
    var release: Design.Release
    var idle: ReleaseObservation.Idle
    var normalNanoseconds: Double?
    var workItems: [String]?
  }

  private mutating func judge(_ call: Call) {
    judgeWait(call)
    judgeDeath(call)
    judgeWorkItems(call)
  }

  /// Normal grace periods are a thousand times longer than the work: where they were seen, they decide.
  private mutating func judgeWait(_ call: Call) {
    let expected = call.release == .wait || call.release == .polled
    if let normal = seen.normalGracePeriods, let latency = call.normalNanoseconds {
      let waits = latency > normal.gracePeriodNanoseconds / 4
      if waits != expected {
        exclusions.append(
          "with normal grace periods of \(BacklogPlot.duration(normal.gracePeriodNanoseconds)) an idle "
            + "\(call.name) takes \(BacklogPlot.duration(latency)): it "
            + (waits ? "waits for one" : "does not wait for one"))
      }
      return
    }
    guard let waits = seen.waits(call.idle) else {
      reservations.append("\(call.name): too close to tell whether it waits")
      return
    }
    guard waits != expected else { return }
    let excess = call.idle.latencyNanoseconds - seen.ownWorkNanoseconds
    exclusions.append(
      "an idle \(call.name) takes \(BacklogPlot.duration(max(excess, 0))) more than its own work: it "
        + (waits ? "waits for a grace period" : "does not wait for a grace period"))
  }

  private mutating func judgeDeath(_ call: Call) {
    guard let releases = seen.releases(call.idle) else {
      reservations.append("\(call.name): released at return only sometimes")
      return
    }
    let inCaller: Bool =
      switch call.release {
      case .wait, .none, .polled: design.tail != .wqNoWait
      case .callRcu, .rcuWork, .globalList: false
      }
    guard releases != inCaller else { return }
    exclusions.append(
      "\(call.idle.releasedAtReturn) of \(call.idle.calls) idle \(call.name) calls returned with the "
        + "superblock dead")
  }

  private mutating func judgeWorkItems(_ call: Call) {
    guard let items = call.workItems, let calls = seen.workItems?.calls else { return }
    let expected: Bool
    switch call.release {
    case .wait, .none, .polled: expected = design.tail == .wqWait || design.tail == .wqNoWait
    case .rcuWork, .globalList: expected = true
    // A callback, and the task work of whoever it interrupts: no item of a work queue.
    case .callRcu: return
    }
    guard items.isEmpty == expected else { return }
    exclusions.append(
      items.isEmpty
        ? "the kernel's workers ran nothing for \(calls) idle \(call.name) calls"
        : "the kernel's workers ran \(items.joined(separator: ", ")) for idle \(call.name) calls")
  }

  private mutating func judgeLeaks() {
    let leaks =
      design.waitSync == .none || design.waitLazy == .none
      || ([design.waitSync, design.waitLazy].contains(.globalList) && design.discipline != .flag)
      || [design.waitSync, design.waitLazy].contains(.callRcu)
    guard seen.neverReleased > 0, !leaks else { return }
    exclusions.append("\(seen.neverReleased) superblocks were never released")
  }

  /// Whether a synchronous umount of the design can return 0 with the superblock alive.
  private var mayReturnAlive: Bool {
    design.legit != .lockedFlag || !design.barrier || design.counts == .single
      || design.tail == .wqNoWait || (design.waitSync != .wait && design.waitSync != .polled)
  }

  /// Races cannot be made to happen: their absence excludes nothing, their presence does.
  private mutating func judgeWalkers() {
    guard let walkers = seen.walkers, walkers.succeeded > 0 else { return }
    if walkers.aliveAtReturn > 0, !mayReturnAlive {
      exclusions.append(
        "\(walkers.aliveAtReturn) of \(walkers.succeeded) umounts under walkers returned 0 with the "
          + "superblock alive")
    }
    if walkers.aliveAtReturn == 0, mayReturnAlive {
      reservations.append(
        "differs in a race that was not seen in \(walkers.succeeded) umounts under walkers")
    }
  }

  private mutating func judgeNames() {
    guard let names = seen.names else { return }
    if names.contains(.mountFlags), names.contains(.syncUmount) != (design.legit != .noFlag) {
      exclusions.append(
        names.contains(.syncUmount)
          ? "the kernel's type information names MNT_SYNC_UMOUNT among its mount flags"
          : "the kernel's mount flags, as its type information names them, have no MNT_SYNC_UMOUNT")
    }
    if names.contains(.gets) != names.contains(.count), design.counts == .split,
      names.contains(.count)
    {
      exclusions.append("the kernel counts references in one counter a CPU (mnt_count)")
    }
    if names.contains(.gets), design.counts == .single {
      exclusions.append("the kernel counts gets and puts apart (mnt_gets)")
    }
    let hasChain = names.contains(.stuckChildren)
    if hasChain != names.contains(.cover), hasChain != (design.children == .chain) {
      reservations.append(
        hasChain
          ? "the kernel reclaims children as a chain (mnt_stuck_children), as up to 6.18"
          : "the kernel has stand-ins for children (mnt_cover), as from 7.x on")
    }
  }

  /// The two races of older mainline cannot be provoked at will; a release that has the repair cannot have them.
  private mutating func judgeRelease() {
    guard let release = seen.kernelRelease else { return }
    for repair in RaceRepair.missing(in: design) where repair.isIn(release) {
      exclusions.append("\(release) has \(repair.name), which this design lacks")
    }
    if design.legit == .lockedFlag, !RaceRepair.lockedFlag.isIn(release) {
      reservations.append(
        "\(release) lacks \(RaceRepair.lockedFlag.name), unless its distributor has added it")
    }
  }

  private mutating func judgeFlags() {
    guard let hasFurtherFlag = seen.hasFurtherFlag, hasFurtherFlag != (design.waitAsync != nil)
    else { return }
    exclusions.append(
      hasFurtherFlag
        ? "umount2 takes a flag beyond the four known ones"
        : "umount2 refuses every flag beyond the four known ones with EINVAL")
  }

  private mutating func judgeHolders() {
    for holders in seen.killedHolders ?? [] where holders.rounds > 0 {
      let isRefused = holders.refused * 2 > holders.rounds
      let expected: Bool
      switch (holders.holder, design.fileClose) {
      case ("fd", let close): expected = close == .kthreadDelayed
      case ("io-uring", .asyncOwner): expected = true
      // How the ring of a dead owner is closed is not up to the other ways.
      default: continue
      }
      guard isRefused != expected else { continue }
      exclusions.append(
        "\(holders.refused) of \(holders.rounds) umounts right after the death of a process that held a file by "
          + "\(holders.holder) were refused with EBUSY")
    }
  }

  /// Choices of a design that no system call shows.
  private mutating func reserve() {
    if design.waitSync == .polled || design.waitLazy == .polled {
      reservations.append("waits less than others only when a grace period ends during the detach")
    }
    if design.tail == .inline {
      reservations.append("would show only in a caller that holds a lock of the cleanup")
    }
    if design.counts == .locked { reservations.append("no system call shows who takes mount_lock") }
    if design.fileClose == .sync || design.fileClose == .flush {
      reservations.append("closes before the caller can look, as task work does")
    }
  }
}
