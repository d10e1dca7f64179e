public import StormVerdict
public import StormVocabulary

/// The first line of a trace: which kernel answered, and the table that it began with.
public struct TraceHeader: Hashable, Sendable {
  /// The versions of the format that this library reads and writes. Version 1 has calls one after the other, version 2 also
  /// what races, times and releases.
  public static let versions = 1...2

  /// The version of this file.
  public var version = 1
  /// The profile that was run; version 2.
  public var profile: String?
  /// The release under whose rules the plan was made; version 2.
  public var planRules: KernelRelease?
  /// The design whose promises releases are held against; mainline where nil. Version 2.
  public var design: String?

  /// `uname -r` of the kernel that answered.
  public var kernel: String
  /// `uname -v`; on older Debian kernels only this has the stable number.
  public var build: String
  /// `fs.mount-max` of the machine; nil for the usual 100,000.
  public var mountLimit: Int?
  /// How the recorder was called; informative.
  public var seed: UInt64?
  public var level: Int?
  /// The table of namespace 0 before the first step.
  public var table: MountTable

  public init(
    kernel: String, build: String, seed: UInt64? = nil, level: Int? = nil, table: MountTable
  ) {
    self.kernel = kernel
    self.build = build
    self.seed = seed
    self.level = level
    self.table = table
  }

  /// The header of a file of version 2.
  public init(
    kernel: String, build: String, seed: UInt64? = nil, profile: String?,
    planRules: KernelRelease?, design: String? = nil, table: MountTable
  ) {
    self.init(kernel: kernel, build: build, seed: seed, table: table)
    version = 2
    self.profile = profile
    self.planRules = planRules
    self.design = design
  }
}

/// A step of a trace is a step of a history; the file's rules for `tables` are those of ``ObservedStep``.
public typealias TraceStep = ObservedStep

/// A line after the header.
public enum TraceLine: Hashable, Sendable {
  case step(TraceStep)
  /// Calls that raced, whole; version 2.
  case window(TraceWindow)
  /// Something was seen to be released; version 2.
  case release(TraceRelease)
  /// The last line, with the table of every living namespace, ascending.
  case end([NamespaceTable])
}

/// Why a trace could not be read (further), or not be written.
public struct TraceError: Error, Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable, Codable {
    /// The file could not be opened, read or written.
    case inaccessible
    /// The first line is not the header of a trace.
    case foreign
    /// A trace, of a version that this nsstorm does not read.
    case wrongVersion
    /// A line is not JSON, or not what the format allows.
    case damaged
  }

  public var file: String
  /// Counted from 1; 0 where the trouble is not in a line.
  public var line: Int
  public var kind: Kind
  /// What was found and what is allowed.
  public var message: String

  public init(file: String, line: Int, kind: Kind, message: String) {
    self.file = file
    self.line = line
    self.kind = kind
    self.message = message
  }
}

extension TraceError: CustomStringConvertible {
  public var description: String {
    line > 0 ? "\(file):\(line): \(message)" : "\(file): \(message)"
  }
}
