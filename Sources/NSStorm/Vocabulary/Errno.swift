/// What a system call answered: ``none`` (0) or the number of the error.
///
/// In a stress harness an errno is data. It is returned and compared, never thrown; the conformance to `Error`
/// is there for `Result`.
public struct Errno: RawRepresentable, Hashable, Sendable, Comparable, Error {
  public let rawValue: Int32

  public init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// The call succeeded.
  public static let none = Errno(rawValue: 0)
  /// `EPERM`
  public static let notPermitted = Errno(rawValue: 1)
  /// `ENOENT`
  public static let noSuchEntry = Errno(rawValue: 2)
  /// `ESRCH`
  public static let noSuchProcess = Errno(rawValue: 3)
  /// `EINTR`
  public static let interrupted = Errno(rawValue: 4)
  /// `EIO`
  public static let inputOutput = Errno(rawValue: 5)
  /// `ENXIO`
  public static let noDevice = Errno(rawValue: 6)
  /// `E2BIG`
  public static let argumentListTooLong = Errno(rawValue: 7)
  /// `EBADF`
  public static let badFileDescriptor = Errno(rawValue: 9)
  /// `ECHILD`
  public static let noChild = Errno(rawValue: 10)
  /// `EAGAIN`
  public static let tryAgain = Errno(rawValue: 11)
  /// `ENOMEM`
  public static let noMemory = Errno(rawValue: 12)
  /// `EACCES`
  public static let accessDenied = Errno(rawValue: 13)
  /// `EFAULT`
  public static let badAddress = Errno(rawValue: 14)
  /// `ENOTBLK`
  public static let notBlockDevice = Errno(rawValue: 15)
  /// `EBUSY`
  public static let busy = Errno(rawValue: 16)
  /// `EEXIST`
  public static let fileExists = Errno(rawValue: 17)
  /// `EXDEV`
  public static let crossDevice = Errno(rawValue: 18)
  /// `ENODEV`
  public static let unknownDevice = Errno(rawValue: 19)
  /// `ENOTDIR`
  public static let notDirectory = Errno(rawValue: 20)
  /// `EISDIR`
  public static let isDirectory = Errno(rawValue: 21)
  /// `EINVAL`
  public static let invalidArgument = Errno(rawValue: 22)
  /// `ENFILE`
  public static let systemFilesFull = Errno(rawValue: 23)
  /// `EMFILE`
  public static let processFilesFull = Errno(rawValue: 24)
  /// `ETXTBSY`
  public static let textBusy = Errno(rawValue: 26)
  /// `EFBIG`
  public static let fileTooLarge = Errno(rawValue: 27)
  /// `ENOSPC`
  public static let noSpace = Errno(rawValue: 28)
  /// `EROFS`
  public static let readOnlyFileSystem = Errno(rawValue: 30)
  /// `EMLINK`
  public static let tooManyLinks = Errno(rawValue: 31)
  /// `ERANGE`
  public static let resultTooLarge = Errno(rawValue: 34)
  /// `ENAMETOOLONG`
  public static let nameTooLong = Errno(rawValue: 36)
  /// `ENOSYS`
  public static let notImplemented = Errno(rawValue: 38)
  /// `ENOTEMPTY`
  public static let notEmpty = Errno(rawValue: 39)
  /// `ELOOP`
  public static let tooManySymbolicLinks = Errno(rawValue: 40)
  /// `ENODATA`
  public static let noData = Errno(rawValue: 61)
  /// `EOVERFLOW`
  public static let overflow = Errno(rawValue: 75)
  /// `EUSERS`
  public static let tooManyUsers = Errno(rawValue: 87)
  /// `EOPNOTSUPP`
  public static let notSupported = Errno(rawValue: 95)
  /// `ETIMEDOUT`
  public static let timedOut = Errno(rawValue: 110)
  /// `ESTALE`
  public static let stale = Errno(rawValue: 116)

  public static func < (left: Errno, right: Errno) -> Bool { left.rawValue < right.rawValue }

  /// The symbol of the C header, such as `EBUSY`; `0` for success; `E<number>` where no name is known.
  public var name: String {
    rawValue == 0 ? "0" : errnoEntries[rawValue]?.name ?? "E\(rawValue)"
  }

  /// The errno with this symbol (`EBUSY`, `E133`), or nil when the text is neither.
  public init?(name: String) {
    if let number = errnoNumbers[name] {
      self.init(rawValue: number)
    } else if name.hasPrefix("E"), let number = Int32(name.dropFirst()), number > 0 {
      self.init(rawValue: number)
    } else {
      return nil
    }
  }
}

extension Errno: CustomStringConvertible {
  /// `0`, or the symbol with its sentence: `EBUSY (device or resource busy)`.
  public var description: String {
    guard rawValue != 0 else { return "0" }
    guard let entry = errnoEntries[rawValue] else { return name }
    return "\(entry.name) (\(entry.sentence))"
  }
}

extension Errno: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Int32.self) {
      self.init(rawValue: number)
      return
    }
    let name = try container.decode(String.self)
    guard let errno = Errno(name: name) else {
      throw DecodingError.dataCorruptedError(
        in: container, debugDescription: "\(name) is not the name of an errno")
    }
    self = errno
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if rawValue == 0 { try container.encode(0) } else { try container.encode(name) }
  }
}

private let errnoEntries: [Int32: (name: String, sentence: String)] = [
  1: ("EPERM", "operation not permitted"),
  2: ("ENOENT", "no such file or directory"),
  3: ("ESRCH", "no such process"),
  4: ("EINTR", "interrupted system call"),
  5: ("EIO", "input/output error"),
  6: ("ENXIO", "no such device or address"),
  7: ("E2BIG", "argument list too long"),
  9: ("EBADF", "bad file descriptor"),
  10: ("ECHILD", "no child processes"),
  11: ("EAGAIN", "try again"),
  12: ("ENOMEM", "out of memory"),
  13: ("EACCES", "permission denied"),
  14: ("EFAULT", "bad address"),
  15: ("ENOTBLK", "block device required"),
  16: ("EBUSY", "device or resource busy"),
  17: ("EEXIST", "file exists"),
  18: ("EXDEV", "cross-device link"),
  19: ("ENODEV", "no such device"),
  20: ("ENOTDIR", "not a directory"),
  21: ("EISDIR", "is a directory"),
  22: ("EINVAL", "invalid argument"),
  23: ("ENFILE", "too many open files in the system"),
  24: ("EMFILE", "too many open files"),
  26: ("ETXTBSY", "text file busy"),
  27: ("EFBIG", "file too large"),
  28: ("ENOSPC", "no space left"),
  30: ("EROFS", "read-only file system"),
  31: ("EMLINK", "too many links"),
  34: ("ERANGE", "result too large"),
  36: ("ENAMETOOLONG", "file name too long"),
  38: ("ENOSYS", "function not implemented"),
  39: ("ENOTEMPTY", "directory not empty"),
  40: ("ELOOP", "too many levels of symbolic links"),
  61: ("ENODATA", "no data available"),
  75: ("EOVERFLOW", "value too large for its type"),
  87: ("EUSERS", "too many users"),
  95: ("EOPNOTSUPP", "operation not supported"),
  110: ("ETIMEDOUT", "timed out"),
  116: ("ESTALE", "stale file handle"),
]

private let errnoNumbers: [String: Int32] = Dictionary(
  uniqueKeysWithValues: errnoEntries.map { ($0.value.name, $0.key) })
