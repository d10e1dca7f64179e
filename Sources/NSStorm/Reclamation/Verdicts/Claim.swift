/// A claim of the kernel developers' discussion, restated, and what decides it.
public struct Claim: Sendable {
  /// What the table says about a claim.
  public enum Verdict: String, Sendable {
    case confirmed
    case refuted
    /// True with a condition or in other words than the claim's.
    case refined
    /// A statement about history, taste or source that no run can decide.
    case documentary
  }

  /// What decides a claim.
  public enum Evidence: Sendable, Hashable {
    /// A property of a design over all its experiments, or in one scenario.
    case property(Property, of: String, in: String?, holds: Bool)
    /// A command other than `explore` that shows it.
    case command(String)
  }

  public var id: String
  public var author: String
  public var statement: String
  public var verdict: Verdict
  /// Why the verdict is what it is, in a sentence.
  public var reason: String
  public var evidence: [Evidence]

  /// The commands that show the verdict.
  public var commands: [String] {
    evidence.map { evidence in
      switch evidence {
      case .property(let property, let design, let scenario, _):
        let option = scenario.map { " --scenario \($0)" } ?? ""
        return "nsstorm explore \(design)\(option) --property \(property.rawValue)"
      case .command(let command): return command
      }
    }
  }

  /// Whether the explorations of the evidence come out as the verdict says; nil when none decides it.
  ///
  /// - Parameter verdict: the verdict on a design, over all its experiments or in one scenario; the
  ///   caller may keep them, since many claims ask for the same.
  /// - Throws: `CompositionError` when the table names what does not exist.
  public func isSupported(
    by verdict: (_ design: Design, _ scenario: Scenario?) throws -> DesignVerdict
  ) throws -> Bool? {
    var decided = false
    for case .property(let property, let name, let scenario, let holds) in evidence {
      guard let design = Design.named(name) else {
        throw CompositionError(
          what: "design", value: name, allowed: Design.catalogue.map(\.name))
      }
      decided = true
      let row = try verdict(design, try scenario.map { try Scenario(parsing: $0) })
      switch row[property]?.verdict {
      case .holds: if !holds { return false }
      case .violated: if holds { return false }
      case .unknown, nil: return nil
      }
    }
    return decided ? true : nil
  }
}

extension Claim {
  fileprivate init(
    _ id: String, _ author: String, _ statement: String, _ verdict: Verdict, _ reason: String,
    _ evidence: [Evidence] = []
  ) {
    self.init(
      id: id, author: author, statement: statement, verdict: verdict, reason: reason,
      evidence: evidence)
  }
}

extension Claim.Evidence {
  fileprivate static func violated(
    _ property: Property, _ design: String, _ scenario: String? = nil
  ) -> Claim.Evidence {
    .property(property, of: design, in: scenario, holds: false)
  }

  fileprivate static func held(
    _ property: Property, _ design: String, _ scenario: String? = nil
  ) -> Claim.Evidence {
    .property(property, of: design, in: scenario, holds: true)
  }
}

extension Claim {
  /// Every claim of the discussion in the order of the specification.
  public static let all: [Claim] =
    graceperiod + globalWorker + fileReferences + workQueue + finalPut

  private static let graceperiod: [Claim] = [
    Claim(
      "S0.1", "unnamed", "the grace period is for walkers to notice, not for the puts to be right",
      .refuted, "without it the last put can be lost or stolen",
      [.violated(.p7, "D1b", "L,F"), .violated(.p7, "D4", "U,W")]),
    Claim(
      "S0.2", "unnamed",
      "order of umount: resolve, lock, detach, unlock, wait, put mounts, put path",
      .confirmed, "so in every tree that was read; the path's put is usually the last",
      [.held(.p9, "D0", "U,W")]),
    Claim(
      "S0.3", "Brauner", "the wait puts the final mntput after the walks that could see the mount",
      .refined, "for the umounter's own puts; another holder may be last without any wait",
      [.held(.p9, "D0"), .violated(.p9, "D1b")]),
    Claim(
      "S0.4", "Brauner", "a walker that sees MNT_SYNC_UMOUNT may drop its reference silently",
      .refined, "right while the umounter waits; in D4 that very step leaks the mount",
      [.held(.p7, "D0", "U,W"), .violated(.p7, "D4", "U,W")]),
    Claim(
      "S0.5", "Brauner", "if walkers called mntput they could shut the filesystem down instead",
      .refined, "umount returns 0 with the superblock alive; the EBUSY comes from the next user",
      [.violated(.p3, "D5", "U,W")]),
    Claim(
      "S0.6", "Larsson", "the final put can be promised without blocking the return",
      .confirmed, "for lazy umounts: no leak and no early put in D2",
      [.held(.p7, "D2"), .held(.p9, "D2")]),
    Claim(
      "S0.7", "Kara", "for lazy umount the rest can move behind an RCU callback",
      .confirmed, "with the visible change of S0.11", [.held(.p7, "D2"), .held(.p9, "D2")]),
    Claim(
      "S0.8", "Kara", "not everything may run in the callback itself",
      .confirmed, "sleeping, a lock taken with softirqs on, and a bystander's task work",
      [.violated(.p5, "D1a", "L"), .violated(.p6, "D1a", "L")]),
    Claim(
      "S0.9", "Kara", "the task-work step of mntput could then go",
      .confirmed, "without it every worker feeds the one delayed item",
      [.command("nsstorm simulate --compare D2,D2par --filesystem ext4 --callers 8 --mounts 20")]),
    Claim("S0.10", "Brauner", "the posted patch did not do that", .documentary, "changelog of v4"),
    Claim(
      "S0.11", "Brauner", "MNT_DETACH will change slightly and users will notice",
      .confirmed, "an idle lazy umount returns before the superblock is dead",
      [.held(.p8, "D0"), .violated(.p8, "D2", "L")]),
    Claim(
      "S0.12", "Brauner", "an opt-in MNT_ASYNC might be the outcome", .documentary,
      "not in any kernel up to 7.3; as a design it works", [.held(.p8, "D6")]),
  ]

  private static let globalWorker: [Claim] = [
    Claim(
      "S1.1", "Siewior", "all umounts could go through queue_rcu_work", .refuted,
      "an idle synchronous umount returns with the superblock alive", [.violated(.p3, "D2+", "U")]),
    Claim(
      "S1.2", "Siewior", "one global item; the list is chosen by queue_rcu_work's result", .refuted,
      "PENDING is cleared before the function runs; an in_flight flag repairs it",
      [.violated(.p9, "D3-locked"), .violated(.p7, "D3-naive"), .held(.p9, "D3"), .held(.p7, "D3")]),
    Claim(
      "S1.3", "Siewior", "at its end the item moves next_gp over and queues again", .confirmed,
      "those entries are older than the new grace period", [.held(.p9, "D3")]),
    Claim(
      "S1.4", "Siewior", "it saves the allocation, the wait and the special case", .confirmed,
      "grace periods drop by two orders of magnitude under load",
      [.command("nsstorm simulate --compare D0,D3 --callers 8 --mounts 20")]),
    Claim(
      "S1.5", "Guzik", "callers that are not lazy are meant to wait until the mntput", .confirmed,
      "that is P3", [.held(.p3, "D0"), .violated(.p3, "D2+")]),
    Claim(
      "S1.6", "Guzik", "private lists let several workers progress, the global item does not",
      .refined, "only the cheap put runs in parallel: a worker's tail goes to one delayed item",
      [.command("nsstorm simulate --compare D2,D2par,D3 --filesystem ext4 --callers 8 --mounts 20")]
    ),
    Claim(
      "S1.7", "Guzik", "with enough traffic one worker gets into trouble", .confirmed,
      "the backlog grows without bound once arrival beats service",
      [.violated(.p11, "D3"), .command("nsstorm simulate --design D3 --callers 8 --mounts 1000")]),
    Claim(
      "S1.8", "Siewior", "on system_wq all workers start on the callback's CPU", .refined,
      "true for work that needs the CPU; sleeping cleanups still overlap",
      [.command("nsstorm simulate --compare D2,D2par --workers 1")]),
    Claim(
      "S1.9", "Siewior", "mntput takes a lock and frees, it does not wait", .refuted,
      "the final put shuts a filesystem down, which sleeps", [.violated(.p5, "D1a", "L")]),
    Claim(
      "S1.10", "Siewior", "one busy bee may suffice", .refined,
      "for tmpfs; far behind for teardowns of a millisecond",
      [.command("nsstorm simulate --design D3 --filesystem ext4 --callers 8 --mounts 20")]),
    Claim(
      "S1.11", "Brauner", "propagation multiplies umounts", .confirmed,
      "but all copies of a call share one grace period",
      [.command("nsstorm simulate --design D0 --namespaces 1000 --mounts 10")]),
    Claim(
      "S1.12", "Brauner", "a synchronous umount flags all mounts of the operation", .confirmed,
      "not so the end of a namespace, __detach_mounts and closed detached trees",
      [.held(.p3, "D0", "U,W")]),
    Claim(
      "S1.13", "Brauner", "a walker that sees the flag gives way to the umounter", .refined,
      "only if the flag is read under mount_lock", [.held(.p3, "D0"), .violated(.p3, "D0a", "U,W")]),
    Claim(
      "S1.14", "Brauner", "the wait keeps the last put after the walks", .confirmed, "as S0.3",
      [.held(.p9, "D0")]),
    Claim(
      "S1.15", "Brauner", "without the wait a synchronous umounter may see a spurious EBUSY",
      .refined, "three effects: a transient EBUSY with any wait, a stolen final put, a leak",
      [
        .violated(.p4, "D0", "U,W"), .violated(.p3, "D4+D5", "U,W"), .violated(.p7, "D4", "U,W"),
      ]),
    Claim(
      "S1.16", "Brauner", "it is unclear how the proposal handles that", .documentary,
      "it does not for synchronous umounts; for lazy ones it need not"),
  ]

  private static let fileReferences: [Claim] = [
    Claim(
      "S2.1", "Wong", "with io_uring the crash, umount, mount test began to fail", .confirmed,
      "a fixed file of a killed owner keeps umount busy",
      [.command("nsstorm explore D8-async --scenario U,A")]),
    Claim(
      "S2.2", "Wong", "umount ends before the teardown, then mount cannot claim the device",
      .refined, "a delayed close alone gives EBUSY from umount; success and then EBUSY needs more",
      [.violated(.p8, "D8-async"), .held(.p3, "D8-async")]),
    Claim(
      "S2.3", "Torvalds", "the delayed close is a trigger, the mount should have stayed busy",
      .confirmed, "in every closing variant", [.held(.p3, "D8-kthread"), .held(.p3, "D8-async")]),
    Claim(
      "S2.4", "Torvalds", "making common paths synchronous helps only those paths", .confirmed,
      "the asynchronous owner is untouched by it",
      [.held(.p8, "D8-sync"), .violated(.p8, "D8-async")]),
    Claim("S2.5", "Torvalds", "the close patch hides the problem", .documentary, "an opinion"),
    Claim(
      "S2.6", "Torvalds", "the per-CPU counts are suspect", .confirmed, "their sum can tear",
      [.violated(.p3, "D9-single")]),
    Claim(
      "S2.7", "Torvalds", "the comment on mnt_add_count is stale", .documentary,
      "gone in 7.3"),
    Claim(
      "S2.8", "Torvalds", "single updates are consistent without the lock, the sum is not",
      .confirmed, "no counterexample once gets and puts take the lock",
      [.violated(.p3, "D9-single"), .held(.p3, "D9-locked")]),
    Claim(
      "S2.9", "Torvalds", "the sum feeds may_umount_tree and the like", .documentary,
      "callers read in source; the slow put is immune"),
    Claim(
      "S2.10", "Torvalds", "mount counting should not depend on when the close happens", .refined,
      "true for safety, not for what umount returns",
      [.held(.p3, "D8-kthread"), .command("nsstorm explore D8-kthread --scenario U,A")]),
    Claim(
      "S2.11", "Torvalds", "synchronous closes in the test can only hide", .confirmed, "as S2.4",
      [.violated(.p8, "D8-async")]),
    Claim(
      "S2.12", "Torvalds", "io_uring adds asynchrony where others open and close", .confirmed,
      "seen on a running kernel: 40 of 40 against 0 of 40",
      [.violated(.p8, "D8-async"), .held(.p8, "D0")]),
  ]

  private static let workQueue: [Claim] = [
    Claim(
      "S3.1", "Biederman", "all cleanup that may do I/O moves to work queues", .confirmed,
      "by construction of D7", [.held(.p5, "D7w")]),
    Claim(
      "S3.2", "Biederman", "mntput waits for the item where it waits today", .confirmed,
      "P3 holds when it waits and breaks when nobody does",
      [.held(.p3, "D7w"), .violated(.p3, "D7n", "U")]),
    Claim(
      "S3.3", "Biederman", "deactivate_super then starts with 7500 bytes of stack", .documentary,
      "plausible for 8 KiB stacks, without meaning for today's"),
    Claim(
      "S3.4", "Biederman", "work queues used to be prone to deadlock", .confirmed,
      "items that wait for items on a bounded pool", [.violated(.p6, "D7w")]),
    Claim(
      "S3.5", "Biederman", "moving the work onto system_wq introduces no deadlock", .refined,
      "true for ordinary callers, false for callers that are items of the saturated pool",
      [.violated(.p6, "D7w"), .violated(.p6, "D10-inline")]),
    Claim(
      "S3.6", "Biederman", "fsnotify_vfsmount_delete does not care about the context",
      .documentary, "source"),
    Claim(
      "S3.7", "Biederman", "the accounting auto-close needs care", .documentary,
      "today a step of the cleanup"),
    Claim(
      "S3.8", "Biederman", "the union in mount.h is too clever", .documentary,
      "mainline has such a union"),
    Claim(
      "S3.9", "Biederman", "a step to a non-blocking mntput", .documentary,
      "not taken; task work came instead"),
    Claim(
      "S3.10", "Biederman", "flush_filesystem is straightforward", .refined,
      "only if mounting is shut off first, and not while something else pins it",
      [.command("nsstorm explore --flush")]),
    Claim("S3.11", "Biederman", "kern_mount from a module is nasty", .documentary, "source"),
    Claim(
      "S3.12", "Biederman", "a failing module cannot force everything out", .documentary,
      "the reason why internal mounts are released synchronously"),
    Claim(
      "S3.13", "Biederman", "references to such a filesystem cannot be counted statically",
      .documentary, "source"),
    Claim(
      "S3.14", "Biederman", "flush_filesystem is worth having anyway", .documentary,
      "never merged"),
  ]

  private static let finalPut: [Claim] = [
    Claim("S4.0", "Brown", "a comment mentions lazy umount", .documentary, "it says umount"),
    Claim(
      "S4.1", "Viro", "too many locks can be taken below __fput to analyse", .documentary,
      "the lock table of the specification supports it"),
    Claim(
      "S4.2", "Viro", "->release may take i_rwsem and what is below it", .documentary,
      "an axiom of the lock table"),
    Claim(
      "S4.3", "Brown, Viro", "nfsd_mutex and nlmsvc_mutex are not taken, or cannot tell",
      .documentary, "absence from a table is no proof"),
    Claim(
      "S4.4", "Viro", "before delayed closes deadlocks were found regularly", .confirmed,
      "the mechanism; the history cannot be tested", [.violated(.p6, "D10-inline")]),
    Claim(
      "S4.5", "Viro", "drivers, memory management and unix sockets too", .documentary,
      "lock table"),
    Claim(
      "S4.6", "Viro", "a general facility asks for trouble", .documentary,
      "its callers in 7.3 are few"),
    Claim(
      "S4.7", "Brown", "vmalloc stacks make depth unimportant", .documentary,
      "a fault instead of corruption; depth stays finite"),
    Claim(
      "S4.8", "Brown", "wants documented contexts where it is unsafe", .confirmed,
      "a caller that holds a lock the cleanup takes", [.violated(.p6, "D10-inline")]),
    Claim(
      "S4.9", "Brown", "punting the tail of mntput costs less than punting every close",
      .confirmed, "mainline since 2014", [.held(.p6, "D0")]),
    Claim(
      "S4.10", "Brown", "would that make an immediate close safe in most contexts?", .refuted,
      "the locks of ->release are taken in place all the same", [.violated(.p6, "D10-inline")]),
    Claim(
      "S4.11", "Viro", "dentry_kill may send a request and wait: a stall, not a deadlock",
      .confirmed, "latency only",
      [.command("nsstorm simulate --design D0 --filesystem fuse")]),
    Claim(
      "S4.12", "Viro", "mmap_lock alone makes it unsafe", .confirmed, "given S4.2",
      [.violated(.p6, "D10-inline")]),
    Claim(
      "S4.13", "Viro", "making it general means auditing all locks at close", .documentary,
      "a statement about effort"),
  ]
}
