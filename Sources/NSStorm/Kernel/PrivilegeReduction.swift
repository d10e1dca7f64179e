import CMount
import StormVocabulary

/// The capabilities that a run keeps. All others are dropped: by every process of a sandbox when it starts, and by the
/// supervisor with ``drop()``.
public enum PrivilegeReduction {
  /// One capability that is kept, and why.
  public struct Kept: Hashable, Sendable {
    public var name: String
    public var reason: String
    /// Whether this process has it.
    public var isHeld: Bool
  }

  public static var kept: [Kept] {
    var count: Int32 = 0
    guard let table = nss_kept_capabilities(&count) else { return [] }
    return (0..<Int(count)).map { index in
      let entry = table[index]
      return Kept(
        name: String(cString: entry.name), reason: String(cString: entry.reason),
        isHeld: nss_has_capability(entry.number))
    }
  }

  /// Drops every capability but ``kept`` from the calling thread, which should be the only one. Cannot be undone.
  public static func drop() throws(SandboxError) {
    let result = nss_drop_capabilities()
    guard result == 0 else {
      throw .setupFailed(attempt: "drop capabilities", errno: Errno(rawValue: -result))
    }
  }
}
