/// Who acts on a mount in a scenario (section 2.1 of the reclamation specification).
public enum ActorRole: String, Sendable, CaseIterable {
  case syncUmounter = "U"
  case lazyUmounter = "L"
  case asyncUmounter = "LA"
  case namespaceExit = "X"
  case treeCloser = "O"
  case walker = "W"
  case refWalker = "R"
  case holder = "F"
  case kernelHolder = "K"
  case deadOwner = "A"
  case pin = "H"

  /// What the letter stands for.
  public var meaning: String {
    switch self {
    case .syncUmounter: "umount2(0)"
    case .lazyUmounter: "umount2(MNT_DETACH)"
    case .asyncUmounter: "umount2(MNT_DETACH | MNT_ASYNC), for designs that know the flag"
    case .namespaceExit: "the end of a mount namespace"
    case .treeCloser: "close of an open_tree(OPEN_TREE_CLONE) descriptor"
    case .walker: "a path walk under RCU that wants to legitimize the mount"
    case .refWalker: "a path walk with references"
    case .holder: "a user task that closes its open file"
    case .kernelHolder: "a kernel thread that closes a file"
    case .deadOwner: "the asynchronous completion that closes the file of a killed process"
    case .pin: "a reference that is never dropped"
    }
  }

  var isUmounter: Bool {
    switch self {
    case .syncUmounter, .lazyUmounter, .asyncUmounter, .namespaceExit, .treeCloser: true
    default: false
    }
  }

  var holdsFromTheStart: Bool {
    switch self {
    case .holder, .kernelHolder, .deadOwner, .pin: true
    default: false
    }
  }

  var isKernelThread: Bool { self == .kernelHolder || self == .deadOwner }
}

/// How the mounts of a scenario hang together.
public enum MountRelation: String, Sendable, CaseIterable {
  /// Each mount has a superblock of its own; they are umounted one by one.
  case separate
  /// The mounts share one superblock and are umounted one by one.
  case sameSuperblock
  /// Mount 1 and later are locked children of mount 0; a lazy umount of 0 takes all of them.
  case tree
  /// Mount 1 and later are propagated copies of mount 0; an umount of 0 takes all of them.
  case copies
}

/// The actors and the mounts that a design is explored with.
public struct Scenario: Sendable, Hashable {
  /// The most actors of a scenario.
  public static let maximumActors = 6
  /// The most mounts of a scenario.
  public static let maximumMounts = 4

  public struct Actor: Sendable, Hashable {
    public var role: ActorRole
    /// The mount it acts on, from 0.
    public var mount: Int
    public init(_ role: ActorRole, mount: Int = 0) {
      self.role = role
      self.mount = mount
    }
  }

  public var actors: [Actor]
  public var mountCount: Int
  public var relation: MountRelation

  public init(_ actors: [Actor], mountCount: Int = 1, relation: MountRelation = .separate) {
    self.actors = actors
    self.mountCount = mountCount
    self.relation = relation
  }

  /// Reads a list such as `U,2W,L@1`: roles, a count before, the mount after `@`.
  ///
  /// - Throws: `CompositionError` with the allowed values.
  public init(
    parsing text: String, mountCount: Int? = nil, relation: MountRelation = .separate
  ) throws {
    var actors: [Actor] = []
    for part in text.split(whereSeparator: { $0 == "," || $0 == "|" || $0 == " " }) {
      let digits = part.prefix { $0.isNumber }
      let rest = part.dropFirst(digits.count)
      let halves = rest.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let letters = String(halves.first ?? "")
      guard let role = ActorRole(rawValue: letters) else {
        throw CompositionError(
          what: "actor", value: String(part),
          allowed: ActorRole.allCases.map { "\($0.rawValue) (\($0.meaning))" })
      }
      let count = digits.isEmpty ? 1 : Int(digits) ?? 0
      guard (1...Self.maximumActors).contains(count) else {
        throw CompositionError(
          what: "count of actors", value: String(part), allowed: ["1 to \(Self.maximumActors)"])
      }
      var mount = 0
      if halves.count == 2 {
        guard let number = Int(halves[1]), (0..<Self.maximumMounts).contains(number) else {
          throw CompositionError(
            what: "mount of an actor", value: String(part),
            allowed: ["@0 to @\(Self.maximumMounts - 1)"])
        }
        mount = number
      }
      actors += Array(repeating: Actor(role, mount: mount), count: count)
    }
    let needed = (actors.map(\.mount).max() ?? 0) + 1
    let mounts = max(mountCount ?? needed, relation == .separate ? 1 : 2)
    guard !actors.isEmpty, actors.count <= Self.maximumActors else {
      throw CompositionError(
        what: "scenario", value: text, allowed: ["1 to \(Self.maximumActors) actors, as in U,2W"])
    }
    guard (needed...Self.maximumMounts).contains(mounts) else {
      throw CompositionError(
        what: "number of mounts", value: "\(mounts)",
        allowed: ["\(needed) to \(Self.maximumMounts) for the scenario \(text)"])
    }
    self.init(actors, mountCount: mounts, relation: relation)
  }

  /// The scenario as it is written on the command line.
  public var text: String {
    actors.map { $0.mount == 0 ? $0.role.rawValue : "\($0.role.rawValue)@\($0.mount)" }
      .joined(separator: ",")
  }

  /// Options that say the same mounts and relation again, empty for a single mount.
  public var mountOptions: String {
    mountCount == 1 ? "" : " --mounts \(mountCount) --relation \(relation.rawValue)"
  }
}

/// A scenario or design that cannot be composed, with what would be allowed.
public struct CompositionError: Error, CustomStringConvertible, Hashable {
  /// What was being read.
  public var what: String
  /// The offending value.
  public var value: String
  /// The values that are accepted.
  public var allowed: [String]

  public init(what: String, value: String, allowed: [String]) {
    self.what = what
    self.value = value
    self.allowed = allowed
  }

  public var description: String {
    "\(what) '\(value)' is not known; allowed: \(allowed.joined(separator: ", "))"
  }
}
