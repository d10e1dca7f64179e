import CMount
public import StormVocabulary

/// A setting of the whole machine that is changed for a while. A guard process puts the old value back when the change
/// ends, also when this process is killed.
public struct GuardedSetting: ~Copyable {
  public let path: String
  private var guarding: nss_guard

  /// Why the setting was not changed.
  public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// It has this value already.
    case alreadySet(path: String)
    /// Another process has changed it and will put it back.
    case inUse(path: String)
    case failed(path: String, errno: Errno)

    public var description: String {
      switch self {
      case .alreadySet(let path): "\(path) has that value already"
      case .inUse(let path): "another run has changed \(path)"
      case .failed(let path, let errno): "\(path) could not be changed: \(errno)"
      }
    }
  }

  /// Changes the setting.
  public init(_ path: String, to value: String) throws(Refusal) {
    self.path = path
    guarding = nss_guard()
    let result = nss_guard_begin(path, value, &guarding)
    switch -result {
    case 0: return
    case Errno.busy.rawValue: throw .inUse(path: path)
    case Self.already: throw .alreadySet(path: path)
    case let code: throw .failed(path: path, errno: Errno(rawValue: code))
    }
  }

  private static let already: Int32 = 114

  /// Puts the old value back; what went wrong, if something did.
  public consuming func restore() -> Errno? {
    let result = nss_guard_end(path, &guarding)
    return result == 0 ? nil : Errno(rawValue: -result)
  }
}
