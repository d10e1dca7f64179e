import Glibc
public import StormVocabulary

/// The kernel that answers, as `uname` names it; the only place that asks for it.
public struct RunningKernel: Hashable, Sendable, Codable {
  /// `uname -r`
  public var release: String
  /// `uname -v`
  public var build: String

  public init(release: String, build: String) {
    self.release = release
    self.build = build
  }

  /// The kernel of this machine.
  public static func ofThisMachine() -> RunningKernel {
    var name = utsname()
    guard uname(&name) == 0 else { return RunningKernel(release: "", build: "") }
    return RunningKernel(release: text(name.release), build: text(name.version))
  }

  /// The version with its stable number; nil where the name has none.
  public var version: KernelRelease? { KernelRelease(release: release, build: build) }

  private static func text<Tuple>(_ tuple: Tuple) -> String {
    withUnsafeBytes(of: tuple) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
