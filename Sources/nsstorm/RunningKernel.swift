import Foundation
import StormEngine
import StormVocabulary

/// The kernel that this process runs on.
enum RunningKernel {
  /// `uname -r` and `uname -v`.
  static var identification: (release: String, build: String) {
    var names = utsname()
    guard uname(&names) == 0 else { return ("", "") }
    func text<T>(_ field: T) -> String {
      withUnsafeBytes(of: field) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
    return (text(names.release), text(names.version))
  }

  /// Its version, with the stable number where either name has it.
  static func release() throws -> KernelRelease {
    let (release, build) = identification
    guard let known = KernelRelease(release: release, build: build) else {
      throw CommandFailure(
        status: .harnessFailed,
        message:
          "cannot read a version from the kernel's name \(release); give one with --rules 6.18")
    }
    return known
  }

  /// The rules of a release, with a warning on standard error when it is newer than all known ones.
  static func rules(for release: KernelRelease) throws -> KernelRules {
    let known = KernelRules.knownReleases
    guard let rules = KernelRules(release: release) else {
      throw CommandFailure(
        status: .badInput,
        message: "no rules for kernel \(release): known are "
          + "\(known.lowerBound.major).\(known.lowerBound.minor) to \(known.upperBound.major).\(known.upperBound.minor)"
      )
    }
    if (release.major, release.minor) > (known.upperBound.major, known.upperBound.minor) {
      let warning =
        "nsstorm: kernel \(release) is newer than all known ones; predicting with the rules of "
        + "\(known.upperBound.major).\(known.upperBound.minor)\n"
      FileHandle.standardError.write(Data(warning.utf8))
    }
    return rules
  }
}
