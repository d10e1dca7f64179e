public import StormVocabulary

/// One step at which kernel and engine disagree.
public struct Divergence: Hashable, Sendable, Codable {
  /// The number of the step in its plan or trace; -1 for the tables before the first one. Tables at the end count as a
  /// step of their own.
  public var step: Int
  /// The namespace in which the call was made.
  public var namespace: NamespaceNumber
  /// The call as a person would write it; nil where only tables were read.
  public var operation: String?
  public var predictedErrno: Errno
  public var observedErrno: Errno
  /// One for each namespace whose table differs, ascending.
  public var tables: [TableDifference]
  /// The shape of the divergence, the same for every occurrence: call, errnos and kinds of difference, without numbers and paths.
  public var signature: String
  /// The engine's rule that decided what was predicted, by its name; nil where tables were read without a call.
  public var rule: String?
  /// The known issues of this kernel that together reproduce exactly this, by name; empty for an unexplained one.
  public var knownIssues: [String]
  /// An earlier step whose effect could not be adopted; this divergence may be its consequence.
  public var follows: Int?
  /// The kernel's tables were taken over after it, so that what comes later is checked exactly; nil where not.
  public var wasAdopted: Bool?
  /// The observers that contradict each other; then the tables' `-` lines are the first one's, `+` the second one's. Nil where
  /// kernel and engine disagree.
  public var observers: [TableObserver]?

  public init(
    step: Int, namespace: NamespaceNumber, operation: Operation?, predictedErrno: Errno,
    observedErrno: Errno, tables: [TableDifference] = [], knownIssues: [String] = []
  ) {
    self.step = step
    self.namespace = namespace
    self.operation = operation?.description
    self.predictedErrno = predictedErrno
    self.observedErrno = observedErrno
    self.tables = tables
    self.knownIssues = knownIssues
    signature = Self.signature(
      of: operation, predictedErrno: predictedErrno, observedErrno: observedErrno, tables: tables)
  }

  private static func signature(
    of operation: Operation?, predictedErrno: Errno, observedErrno: Errno,
    tables: [TableDifference]
  ) -> String {
    var parts = [operation?.shape ?? "tables"]
    if predictedErrno != observedErrno {
      parts.append("predicted \(predictedErrno.name), observed \(observedErrno.name)")
    }
    let present = Set(tables.flatMap { $0.mounts.map(\.kind) })
    let presences = Set(tables.map(\.presence))
    let words =
      [TableDifference.Presence.missingTable, .extraTable].filter(presences.contains).map(
        \.rawValue)
      + MountDifference.Kind.allCases.filter(present.contains).map(\.rawValue)
    if !words.isEmpty { parts.append(words.joined(separator: ", ")) }
    return parts.joined(separator: ": ")
  }
}

extension Divergence: CustomStringConvertible {
  /// Several lines: what was called, what was predicted and seen, and the folded tables.
  public var description: String {
    var lines: [String] = []
    if let operation {
      lines.append("step \(step), namespace \(namespace): \(operation)")
    } else {
      lines.append(
        step < 0 ? "before the first step" : "tables read without a call, as step \(step)")
    }
    if predictedErrno != observedErrno {
      lines.append("  predicted \(predictedErrno), observed \(observedErrno)")
    } else if observers != nil {
      lines.append("  the observers of the mount tables contradict each other")
    } else if operation != nil {
      lines.append("  answered \(observedErrno), as predicted, but the tables differ")
    }
    for table in tables {
      let header = "  namespace \(table.namespace)"
      switch table.presence {
      case .both:
        let sides = observers?.map(\.rawValue) ?? ["predicted", "observed"]
        lines.append("\(header) (- \(sides[0]), + \(sides[1]))")
      case .missingTable: lines.append("\(header): predicted to exist, was not observed")
      case .extraTable: lines.append("\(header): observed, predicted not to exist")
      }
      lines += table.folded().map { "  \($0)" }
      lines += table.mounts.prefix(Self.mostDifferences).map { "    \($0)" }
      if table.mounts.count > Self.mostDifferences {
        lines.append("    … \(table.mounts.count - Self.mostDifferences) more differences")
      }
    }
    if let follows {
      lines.append(
        "  this may follow from step \(follows), whose effect could not be adopted")
    }
    if wasAdopted == true {
      lines.append("  the kernel's tables are taken over; later steps are checked from there")
    }
    if !knownIssues.isEmpty {
      lines.append("  known: " + knownIssues.joined(separator: ", "))
    }
    return lines.joined(separator: "\n")
  }

  /// How many differences of one table are spelled out.
  private static let mostDifferences = 8
}

extension Operation {
  /// The call with its flags, without paths and numbers: what a signature groups by.
  var shape: String {
    func shape(_ words: [String]) -> String {
      words.isEmpty ? name : "\(name)(\(words.joined(separator: ",")))"
    }
    switch self {
    case .mount(let call):
      let words = MountFlags.words.filter { call.flags.contains($0.flag) }.map(\.word)
      return shape(words.isEmpty ? ["new"] : words)
    case .umount2(_, let flags):
      return shape(UmountFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .unshare(_, let newUser): return shape(newUser ? ["user"] : [])
    case .unshareEmpty(_, let newUser): return shape(newUser ? ["empty", "user"] : ["empty"])
    case .openNamespaceFile(let kind, _, _): return shape([kind.rawValue])
    case .fsmountNamespace: return "fsmount(namespace)"
    case .openTreeAttr(_, let flags, let change, _):
      return shape(
        OpenTreeFlags.words.filter { flags.contains($0.flag) }.map(\.word) + [change.word])
    case .openTree(_, let flags, _):
      return shape(OpenTreeFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .moveMount(_, _, let flags):
      return shape(MoveMountFlags.words.filter { flags.contains($0.flag) }.map(\.word))
    case .mountSetattr(_, let recursive, let change):
      return shape(recursive ? [change.word, "recursive"] : [change.word])
    default: return name
    }
  }
}

extension AttributeChange {
  fileprivate var word: String {
    switch self {
    case .set: "set"
    case .clear: "clear"
    case .propagation(let type): type.rawValue
    case .idmap: "idmap"
    }
  }
}
