public import StormVerdict
public import StormVocabulary

/// Why an answer of a watched program was not judged.
public enum NotJudged: String, Hashable, Sendable, Codable, CaseIterable {
  /// A descriptor or working directory that was there before the trace, or came over a socket.
  case unknownStart
  /// The observer did not record an argument.
  case unreadableArgument
  /// A call or flag that the engine does not model.
  case notModelled
  /// EPERM or EACCES that the engine does not predict, where nobody said what the process may do.
  case credentials
  /// ENOMEM, EMFILE, EINTR and their like.
  case resources
  /// The file system itself refused, by its options or its device.
  case fileSystem
  /// Something outside the trace may hold the mount.
  case outsiders
  /// It ran at the same time as another call that changes mounts; which came first is not in the trace.
  case overlap
  /// Names in file systems whose contents nobody saw being made.
  case unseenNames
  /// The task's beginning or namespace could not be followed.
  case unfollowedTask
  /// An earlier call that could not be followed may have changed the mounts.
  case doubt
  /// The answer is not in the trace.
  case noAnswer

  /// The reason in words.
  public var sentence: String {
    switch self {
    case .unknownStart: "it names a descriptor or directory that was there before the trace began"
    case .unreadableArgument: "an argument is not in the trace"
    case .notModelled: "the engine does not model this call or flag"
    case .credentials: "refused for want of rights, which are not in the trace"
    case .resources: "refused for want of resources, or interrupted"
    case .fileSystem: "the file system itself decided, by its options or its device"
    case .outsiders: "a process that was not traced may hold the mount"
    case .overlap: "another call that changes mounts ran at the same time"
    case .unseenNames: "the name is in a file system whose contents nobody saw being made"
    case .unfollowedTask: "the process, or the namespace that it is in, is not followed"
    case .doubt: "an earlier call that could not be followed may have changed the mounts"
    case .noAnswer: "the answer is not in the trace"
    }
  }
}

/// An answer or table on which kernel and engine disagree.
public struct ImportDivergence: Hashable, Sendable, Codable {
  /// The line of the trace.
  public var line: Int
  /// The process, as the observer numbers it.
  public var task: Int
  public var call: String
  public var predictedErrno: Errno
  public var observedErrno: Errno
  /// The rule that decided the prediction: name, sentence, kernel function.
  public var rule: String?
  public var tables: [TableDifference] = []
  /// The known issues that together reproduce it.
  public var knownIssues: [String] = []
  /// An earlier line whose effect could not be adopted.
  public var follows: Int?
}

/// A call that was not judged, by name.
public struct UnjudgedCall: Hashable, Sendable, Codable {
  public var line: Int
  public var task: Int
  public var call: String
  public var reason: NotJudged
  /// What was seen.
  public var detail: String
}

/// What checking the calls of a program has shown.
public struct ImportVerdict: Sendable {
  public var file: String
  public var kernel: String?
  public var release: KernelRelease?
  /// Where the initial table came from.
  public var initialTable = ""
  public var lines = 0
  public var processes = 0
  public var namespaces = 0
  /// Calls that were compared: those of mounts and namespaces, and the others (directories, descriptors).
  public var judgedMountCalls = 0
  public var judgedOtherCalls = 0
  /// Answers that taught the engine what exists, and could not be wrong.
  public var learned = 0
  /// Calls of mounts and namespaces that succeeded, by name.
  public var succeeded: [String: Int] = [:]
  public var refused: [String: Int] = [:]
  public var tables = 0
  public var tableEntries = 0
  public var divergences: [ImportDivergence] = []
  public var unjudged: [NotJudged: Int] = [:]
  /// The calls of mounts among them, and the first of the others; bounded.
  public var unjudgedCalls: [UnjudgedCall] = []
  public var warnings: [String] = []
  public var failure: TraceError?

  public static let mostListed = 1000

  public init(file: String) {
    self.file = file
  }

  public var unexplainedDivergences: [ImportDivergence] {
    divergences.filter(\.knownIssues.isEmpty)
  }
  public var unjudgedCount: Int { unjudged.values.reduce(0, +) }
}
