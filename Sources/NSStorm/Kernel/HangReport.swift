public import StormVocabulary

/// A process of the sandbox that did not come back within its limit, as `/proc` shows it from outside.
///
/// The files read for it take no lock of the mount code, so that a wedged kernel does not wedge the reader.
public struct HangReport: Hashable, Sendable {
  public enum Role: Hashable, Sendable {
    case worker(actor: Int)
    case observer(number: Int)
  }

  public var role: Role
  /// The call that it is in, where that is known.
  public var operation: Operation?
  /// Index of that call in its program.
  public var position: Int
  /// The process's number in the sandbox's PID namespace.
  public var processID: Int32
  /// How long was waited for it.
  public var waitedNanoseconds: UInt64
  /// `State` of `/proc/PID/status`, such as `D (disk sleep)` or `T (stopped)`.
  public var state: String
  /// `/proc/PID/wchan`: the kernel function in which it sleeps.
  public var waitChannel: String
  /// `/proc/PID/syscall`.
  public var systemCall: String
  /// `/proc/PID/stack`, one frame a line.
  public var stack: [String]
  /// How many more did not come back, beyond those that are reported.
  public var furtherProcesses: Int
}

extension HangReport: CustomStringConvertible {
  public var description: String {
    let who =
      switch role {
      case .worker(let actor): "actor \(actor)"
      case .observer(let number): "observer \(number)"
      }
    let seconds = Double(waitedNanoseconds) / 1e9
    var lines = ["\(who) (pid \(processID) in the sandbox) did not answer for \(seconds) s"]
    if let operation { lines.append("  call: \(operation) (number \(position) of its program)") }
    lines.append("  state: \(state)")
    if !waitChannel.isEmpty { lines.append("  waits in: \(waitChannel)") }
    if !stack.isEmpty { lines.append("  kernel stack:") }
    lines += stack.map { "    \($0)" }
    if furtherProcesses > 0 { lines.append("  and \(furtherProcesses) more") }
    return lines.joined(separator: "\n")
  }
}
