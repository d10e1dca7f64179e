import ArgumentParser

/// What the process's exit code says. The numbers are a promise to scripts and documented in the README.
enum ExitStatus: Int32, CaseIterable {
  /// Kernel and engine agreed, and enough was checked.
  case agreed = 0
  /// Kernel and engine disagree.
  case diverged = 1
  /// The kernel shows a fault: an oops, a WARNING, a hang.
  case kernelFault = 2
  /// Something was never released.
  case neverReleased = 3
  /// Nothing meaningful was checked.
  case nothingChecked = 4
  /// The command line cannot be understood (`EX_USAGE`).
  case usage = 64
  /// A profile, trace or other input is damaged or foreign (`EX_DATAERR`).
  case badInput = 65
  /// The harness itself failed (`EX_SOFTWARE`).
  case harnessFailed = 70
  /// The machine or the caller's rights do not allow it (`EX_NOPERM`).
  case notPermitted = 77
  /// SIGINT or SIGTERM ended the command properly.
  case interrupted = 130

  /// For `throw` at the end of a subcommand whose report has been printed already.
  var exitCode: ExitCode { ExitCode(rawValue) }
}

/// An error that ends a subcommand with a message on standard error and a documented exit code.
///
/// The message says what was attempted, what was seen and what to type next.
struct CommandFailure: Error {
  var status: ExitStatus
  var message: String
}
