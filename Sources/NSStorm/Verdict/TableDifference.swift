public import StormVocabulary

/// One way in which an observed mount is not the predicted one.
public struct MountDifference: Hashable, Sendable, Codable {
  public var kind: Kind
  public var place: Place
  /// What the engine said, in the kernel's numbers where they are known (`shared:7`, or `shared:new1`).
  public var predicted: String?
  public var observed: String?

  public enum Kind: String, CaseIterable, Hashable, Sendable, Codable {
    case missingMount = "missing mount"
    case extraMount = "extra mount"
    /// Attached to another mount: the tree or the stacking differs.
    case wrongParent = "wrong parent"
    case wrongMountpoint = "wrong mountpoint"
    case wrongRoot = "wrong root"
    case wrongSuperblock = "wrong superblock"
    case wrongAttributes = "wrong attributes"
    case wrongSharedGroup = "wrong group"
    case wrongMaster = "wrong master"
    case wrongPropagateFrom = "wrong propagate_from"
    case wrongUnbindable = "wrong unbindable"
    case wrongFileSystemType = "wrong file system type"
    case wrongSource = "wrong source"
    case wrongSuperblockState = "wrong superblock state"
    /// The place looks right, but it is another mount than the one that should have stayed there.
    case wrongMount = "wrong mount"
    /// The lines stand in another order than the mounts were made.
    case wrongOrder = "wrong order"
  }

  /// The mount as a person would point at it.
  public struct Place: Hashable, Sendable, Codable {
    public var mountpoint: String
    public var root: String
    public var source: String

    public init(_ entry: MountTable.Entry) {
      mountpoint = entry.mountpoint
      root = entry.root
      source = entry.source
    }
  }

  public init(kind: Kind, place: Place, predicted: String? = nil, observed: String? = nil) {
    self.kind = kind
    self.place = place
    self.predicted = predicted
    self.observed = observed
  }
}

extension MountDifference: CustomStringConvertible {
  public var description: String {
    let mount = "\(place.mountpoint) (\(place.source), root \(place.root))"
    switch kind {
    case .missingMount, .extraMount: return "\(kind.rawValue) \(mount)"
    default:
      return
        "\(kind.rawValue) at \(mount): predicted \(predicted ?? "-"), observed \(observed ?? "-")"
    }
  }
}

/// How the observed table of one namespace differs from the predicted one.
public struct TableDifference: Hashable, Sendable, Codable {
  public var namespace: NamespaceNumber
  public var presence: Presence
  public var mounts: [MountDifference]
  /// Every line of both tables, in the order of the predicted one.
  public var lines: [Line]

  public enum Presence: String, Hashable, Sendable, Codable {
    case both = "both"
    /// The engine predicts a namespace that was not observed.
    case missingTable = "missing table"
    /// A table was observed of a namespace that the engine says does not exist.
    case extraTable = "extra table"
  }

  public struct Line: Hashable, Sendable, Codable {
    public var side: Side
    public var text: String

    public enum Side: String, Hashable, Sendable, Codable {
      case predicted = "-"
      case observed = "+"
      case same = " "
    }

    public init(_ side: Side, _ text: String) {
      self.side = side
      self.text = text
    }

    var marked: String { "\(side.rawValue) \(text)" }
  }

  public init(
    namespace: NamespaceNumber, presence: Presence = .both, mounts: [MountDifference] = [],
    lines: [Line] = []
  ) {
    self.namespace = namespace
    self.presence = presence
    self.mounts = mounts
    self.lines = lines
  }

  /// The lines of a person's diff: `-` predicted, `+` observed, stretches of agreement folded.
  ///
  /// - Parameter context: how many agreeing lines are kept before and after a difference.
  public func folded(context: Int = 1) -> [String] {
    var keeps = [Bool](repeating: false, count: lines.count)
    for (index, line) in lines.enumerated() where line.side != .same {
      for near in max(0, index - context)...min(lines.count - 1, index + context) {
        keeps[near] = true
      }
    }
    var text: [String] = []
    var hidden: [Line] = []
    func fold() {
      // A single hidden line is as short as the note that would stand for it.
      text += hidden.count > 1 ? ["  … \(hidden.count) unchanged"] : hidden.map(\.marked)
      hidden = []
    }
    for (line, isKept) in zip(lines, keeps) {
      if isKept {
        fold()
        text.append(line.marked)
      } else {
        hidden.append(line)
      }
    }
    fold()
    return text
  }
}
