import CMount
import Glibc
import StormVocabulary

/// What this machine allows, found without changing anything: each fact with its consequence.
public struct Preflight: Sendable {
  public var facts: [Fact]

  public struct Fact: Hashable, Sendable {
    public var topic: String
    public var level: Level
    /// What was seen.
    public var finding: String
    /// What to do about it, where there is something.
    public var advice: String?

    init(_ topic: String, _ level: Level, _ finding: String, advice: String? = nil) {
      self.topic = topic
      self.level = level
      self.finding = finding
      self.advice = advice
    }
  }

  /// How much of nsstorm a fact leaves.
  public enum Level: String, Comparable, CaseIterable, Hashable, Sendable, Codable {
    case good
    /// Something is smaller or skipped.
    case limited
    /// Storms cannot run.
    case missing

    public static func < (left: Level, right: Level) -> Bool {
      left.order < right.order
    }

    private var order: Int {
      switch self {
      case .good: 0
      case .limited: 1
      case .missing: 2
      }
    }
  }

  /// The worst of all levels.
  public var level: Level { facts.map(\.level).max() ?? .good }

  /// Looks at the machine, and starts and ends one small sandbox.
  public static func examine() -> Preflight {
    var facts = [kernelRelease(), capabilities(), sandbox()]
    facts += systemCalls()
    facts += limits()
    facts += [rootPropagation(), kernelLog(), taint(), hangStacks()]
    facts += fileSystems()
    facts += [processors()]
    return Preflight(facts: facts)
  }

  private static func kernelRelease() -> Fact {
    let kernel = RunningKernel.ofThisMachine()
    guard let version = kernel.version else {
      return Fact(
        "kernel", .limited, "release \(kernel.release) is not understood",
        advice: "name the rules to predict with by --rules")
    }
    let text = "\(kernel.release) (\(version))"
    if version < KernelRelease(5, 10) {
      return Fact("kernel", .missing, "\(text) is too old", advice: "run Linux 5.10 or later")
    }
    return Fact("kernel", .good, text)
  }

  private static func capabilities() -> Fact {
    let lacking = PrivilegeReduction.kept.filter { !$0.isHeld }
    guard let first = lacking.first else {
      return Fact("capabilities", .good, "all \(PrivilegeReduction.kept.count) that a run keeps")
    }
    let isEssential = lacking.contains { ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"].contains($0.name) }
    let names = lacking.map(\.name).joined(separator: ", ")
    return Fact(
      "capabilities", isEssential ? .missing : .limited,
      "without \(names) (\(first.name): \(first.reason))",
      advice: "run as root, in a container with these capabilities added")
  }

  private static func sandbox() -> Fact {
    do throws(SandboxError) {
      let limits = SandboxLimits(
        workers: 2, observers: 1, programBytes: 1 << 20, observationBytes: 1 << 20)
      let sandbox = try Sandbox.launch(limits)
      guard case .seen(let table) = try sandbox.table(of: 0), table.entries.count == 1 else {
        return Fact("sandbox", .missing, "namespace 0 does not hold exactly one mount")
      }
      try sandbox.teardown()
      return Fact("sandbox", .good, "PID and mount namespaces, private tmpfs root, detached procfs")
    } catch {
      return Fact(
        "sandbox", .missing, error.description,
        advice: "PID and mount namespaces must be allowed (root, no seccomp filter on mount)")
    }
  }

  private static func systemCalls() -> [Fact] {
    let features: [(Int, String, String, String)] = [
      (NSS_FEATURE_FSOPEN, "fsopen", "5.2", "the sandbox itself"),
      (NSS_FEATURE_OPEN_TREE, "open_tree", "5.2", "calls on detached trees"),
      (NSS_FEATURE_MOVE_MOUNT, "move_mount", "5.2", "calls on detached trees"),
      (NSS_FEATURE_MOUNT_SETATTR, "mount_setattr", "5.12", "mount_setattr"),
      (NSS_FEATURE_STATMOUNT, "statmount", "6.8", "reading single mounts"),
      (
        NSS_FEATURE_STATMOUNT_TABLE, "statmount with sources", "6.13",
        "the second observer of mount tables"
      ),
      (NSS_FEATURE_LISTMOUNT_NAMESPACE, "listmount by namespace", "6.11", "quick member lists"),
      (NSS_FEATURE_OPEN_TREE_ATTR, "open_tree_attr", "6.15", "open_tree_attr"),
    ]
    var present: [String] = []
    var facts: [Fact] = []
    for (feature, name, since, use) in features {
      switch nss_probe(Int32(feature)) {
      case 1: present.append(name)
      case 0:
        facts.append(
          Fact(
            "system calls", feature == NSS_FEATURE_FSOPEN ? .missing : .limited,
            "no \(name) (Linux \(since)): without \(use)", advice: "run a newer kernel for it"))
      default:
        facts.append(
          Fact(
            "system calls", .limited, "\(name) is refused (EPERM)",
            advice: "run as root and without a seccomp filter"))
      }
    }
    if !present.isEmpty {
      facts.insert(Fact("system calls", .good, present.joined(separator: ", ")), at: 0)
    }
    return facts
  }
}
