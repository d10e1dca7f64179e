public import StormVocabulary

/// What a storm does, as a file under `profiles/` describes it.
public struct Profile: Hashable, Sendable {
  /// The file's name without `.yaml`.
  public var name: String
  /// One line for lists.
  public var summary: String
  /// The comment at the head of the file: what it provokes and which claim it tests.
  public var explanation: String
  /// The kernel whose rules the generator asks. Predictions use those of the kernel that is judged.
  public var rules: KernelRelease
  /// A run plans under the rules by which it predicts; ``rules`` stand where nothing runs.
  public var followsKernel = false
  public var seed: Seed
  public var limits: Limits
  /// Who reads the mount tables: the first one's are compared with the predictions; a second one's must agree with the first's.
  public var observers: [TableObserver] = [.mountinfo]
  public var phases: [Phase]

  /// Bounds that hold for the whole run.
  public struct Limits: Hashable, Sendable {
    /// Namespaces alive at once, namespace 0 included.
    public var namespaces = 12
    /// Calls after which a namespace would hold more are not planned.
    public var mountsPerNamespace = 120
    /// The same over all namespaces and detached trees.
    public var mounts = 2_000
    /// `fs.mount-max` that the plan counts on, and that a run sets where it may change the machine. Nil: the plan counts on
    /// the usual one, and the machine's own stays.
    public var mountLimit: Int?
    /// Descriptors that one process keeps open.
    public var descriptors = 8
    /// Size of the tmpfs that is the root of the sandbox.
    public var rootBytes = 64 << 20
    /// A worker that does not answer for so long is a hang.
    public var answer: Duration = .seconds(20)
    /// The run ends after so long, whatever is left of the plan.
    public var run: Duration = .seconds(600)

    public init() {}
  }

  public init(
    name: String, summary: String, explanation: String = "", rules: KernelRelease, seed: Seed,
    limits: Limits = Limits(), phases: [Phase]
  ) {
    self.name = name
    self.summary = summary
    self.explanation = explanation
    self.rules = rules
    self.seed = seed
    self.limits = limits
    self.phases = phases
  }

  /// Whether a phase mounts more than tmpfs: images behind loop devices, overlay, FUSE.
  public var usesFileSystems: Bool {
    phases.contains {
      switch $0.body {
      case .release: true
      case .blast(let body): body.company.containers > 0
      case .sequential, .partitioned, .contended: false
      }
    }
  }
}

extension Profile {
  /// The profile as it is planned where a run predicts for this release.
  public func planned(for release: KernelRelease) -> Profile {
    guard followsKernel else { return self }
    var profile = self
    profile.rules = release
    return profile
  }

  /// The profile with its last sequential phase made longer, so that all phases together have at least this many steps.
  /// The plan's beginning stays the same; a profile with a phase that is bounded by time is long enough as it is.
  public func extended(toSteps steps: Int) -> Profile {
    var total = 0
    var last: Int?
    for (index, phase) in phases.enumerated() {
      guard case .sequential(let body) = phase.body else { continue }
      guard case .steps(let count) = body.length else { return self }
      total += count
      last = index
    }
    guard let last, steps > total, case .sequential(var body) = phases[last].body,
      case .steps(let count) = body.length
    else { return self }
    var profile = self
    body.length = .steps(count + steps - total)
    profile.phases[last].body = .sequential(body)
    return profile
  }
}

/// When tables are read and compared.
public enum Verification: Hashable, Sendable, CustomStringConvertible {
  case everyStep
  /// After every so many steps, and at the end of the phase.
  case every(Int)
  /// At the end of the phase only.
  case end

  public var description: String {
    switch self {
    case .everyStep: "every-step"
    case .every(let count): "every \(count) steps"
    case .end: "end"
    }
  }
}

/// How the calls of a phase relate in time, and with it how they can be judged.
public enum PhaseKind: String, CaseIterable, Hashable, Sendable {
  /// One call after the other: every answer is exact.
  case sequential
  /// Actors on parts that cannot influence each other: exact and parallel.
  case partitioned
  /// Actors race on the same mounts: some order must explain the answers.
  case contended
  /// Full speed; end state, answers that no order can give, and releases are checked.
  case blast
  /// One mount after the other goes in one of the ways: when it is released is checked.
  case release
}

/// A part of a profile.
public struct Phase: Hashable, Sendable {
  public var name: String
  public var verification: Verification
  public var body: Body

  public enum Body: Hashable, Sendable {
    case sequential(SequentialPhase)
    case partitioned(PartitionedPhase)
    case contended(ContendedPhase)
    case blast(BlastPhase)
    case release(ReleasePhase)
  }

  public init(name: String, verification: Verification, body: Body) {
    self.name = name
    self.verification = verification
    self.body = body
  }

  /// Processes that the phase needs beside its namespaces.
  public var companions: Int {
    switch body {
    case .release(let body): body.walkers + body.readers + 4
    case .blast(let body): body.company.count + 2
    default: 2
    }
  }

  public var kind: PhaseKind {
    switch body {
    case .sequential: .sequential
    case .partitioned: .partitioned
    case .contended: .contended
    case .blast: .blast
    case .release: .release
    }
  }
}

/// Random calls and shapes, one after the other, in a changing set of namespaces.
public struct SequentialPhase: Hashable, Sendable {
  public enum Length: Hashable, Sendable {
    case steps(Int)
    /// As many steps as fit; the calls themselves do not depend on it.
    case duration(Duration)
  }

  public var length: Length
  /// Namespaces that exist before the first random call.
  public var startNamespaces = 3
  /// Whether namespace 0's tree is made shared from the root on before others are forked from it: then nearly
  /// every mount propagates to every namespace.
  public var sharesRoot = false
  public var tree = Tree()
  public var weights: Weights<OperationKind>
  public var shapes: Weights<ShapeKind>
  /// How many of the decisions start a shape instead of a single call, 0 ... 1.
  public var shapeShare = 0.0
  /// How many of the single calls are wrong on purpose, 0 ... 1.
  public var wrongShare = 0.15
  /// How many of the single calls name their places by other paths: relative, by descriptors, through links, with dots; 0 ... 1.
  public var indirectShare = 0.1
  /// How many changes of propagation and bind calls reach into the children, 0 ... 1.
  public var recursiveShare = 0.3
  public var propagation: Weights<PropagationType>

  /// The directories that calls move in.
  public struct Tree: Hashable, Sendable {
    /// How many components a path has at most.
    public var depth = 3
    /// How many names a directory has at most; few names make calls meet.
    public var breadth = 3

    public init() {}
  }

  public init(length: Length) {
    self.length = length
    weights = Self.defaultWeights
    shapes = Weights(ShapeKind.allCases.map { .init($0, 1) })
    propagation = Weights([
      .init(.shared, 50), .init(.slave, 20), .init(.private, 20), .init(.unbindable, 10),
    ])
  }

  /// Weights of a phase that names none: everything, the frequent calls more often.
  public static let defaultWeights = Weights<OperationKind>(
    OperationKind.allCases.map { kind in
      switch kind {
      case .tmpfs, .umount: .init(kind, 14)
      case .umountDetach, .propagation, .mkdir, .bind: .init(kind, 10)
      case .rbind, .open, .close: .init(kind, 6)
      case .move, .remount, .unshare, .rmdir, .openTree, .attach: .init(kind, 4)
      case .umountForce, .pivotRoot, .chroot, .unlink, .namespaceFile, .bindNamespaceFile,
        .setnsFile, .idmap, .openTreeAttr, .namespaceTree, .fsmountNamespace, .unshareEmpty,
        .hold, .letGo:
        .init(kind, 1)
      default: .init(kind, 2)
      }
    })
}

/// Many namespaces, many shared mounts, then all umounts at once.
public struct BlastPhase: Hashable, Sendable {
  public enum UmountKind: String, CaseIterable, Hashable, Sendable {
    case sync, detach
    /// Half of the calls each, drawn from the seed.
    case mix
    /// No umount: the workers' processes exit, each the last of its namespace.
    case exit
  }

  /// Where the workers begin in trees of mounts.
  public enum Aim: String, CaseIterable, Hashable, Sendable {
    /// At the tops: one call takes a whole tree.
    case tops
    /// At the leaves, upwards.
    case leaves
  }

  /// Those who are about meanwhile; numbers of processes.
  public struct Company: Hashable, Sendable {
    /// They look up and open all paths below the mounts.
    public var walkers = 0
    /// They read mountinfo.
    public var readers = 0
    /// They copy their mount namespace and let the copy die.
    public var cloners = 0
    /// They mount and umount a tmpfs of their own.
    public var mounters = 0
    /// They lead the lives of containers: clone, rslave, overlay, rbind, proc, sys, dev, pivot_root, detach, exit.
    public var containers = 0

    public init() {}

    public var count: Int { walkers + readers + cloners + mounters + containers }
    /// Whether somebody may hold a reference to a mount at the moment of an umount.
    public var holdsMounts: Bool { walkers > 0 }
  }

  /// Which calls the workers make.
  public enum Assault: String, CaseIterable, Hashable, Sendable {
    /// Each mount is umounted by one worker: every call must succeed.
    case divided
    /// Every worker goes for every mount: exactly one call for each mount succeeds.
    case racing
  }

  /// Namespaces, namespace 0 included; all share the mounts.
  public var namespaces: Int
  /// Mounts that are made in namespace 0 and propagate to all others.
  public var mountsPerNamespace: Int
  /// Workers that umount at once, each in a namespace of its own.
  public var workers: Int
  public var umount: UmountKind
  public var assault: Assault = .divided
  /// How often the mounts are made and umounted.
  public var rounds = 1
  /// How many mounts stand on each other in a tree.
  public var depth = 1
  public var aim = Aim.leaves
  public var company = Company()
  /// Every superblock must be gone so long after the last call.
  public var bound: Duration = .seconds(30)

  public init(namespaces: Int, mountsPerNamespace: Int, workers: Int, umount: UmountKind) {
    self.namespaces = namespaces
    self.mountsPerNamespace = mountsPerNamespace
    self.workers = workers
    self.umount = umount
  }
}
