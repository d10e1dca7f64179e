import Foundation
import StormEngine
import StormKernel
import StormVocabulary

/// The kernel that a command predicts for, where none is named on the command line.
enum PredictedKernel {
  /// The running kernel's version, with the stable number where either name has it.
  static func release() throws -> KernelRelease {
    let running = RunningKernel.ofThisMachine()
    guard let known = running.version else {
      throw CommandFailure(
        status: .harnessFailed,
        message:
          "cannot read a version from the kernel's name \(running.release); give one with --rules 6.18"
      )
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
