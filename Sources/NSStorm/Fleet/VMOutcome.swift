public import StormKernel

/// How a guest went, seen from outside.
public enum VMOutcome: Hashable, Sendable {
  /// The command ran to its end.
  case finished(status: Int32)
  /// The command was ended by a signal.
  case killed(signal: Int32)
  /// The guest never reported: nothing can be said about its kernel's mounts.
  case bootFailed(reason: String)
  /// The kernel itself says that it is broken.
  case kernelFault(KernelFault.Kind)
  /// Nothing came from the guest any more.
  case silent(afterSeconds: Int)
  /// The guest was alive, but the command took too long.
  case tooSlow(limitSeconds: Int)
  /// QEMU ended before the guest did: somebody killed it, or it failed.
  case lost(reason: String)
}

extension VMOutcome: CustomStringConvertible {
  public var description: String {
    switch self {
    case .finished(let status): "finished with exit status \(status)"
    case .killed(let signal): "the command in the guest was ended by signal \(signal)"
    case .bootFailed(let reason): "did not boot: \(reason)"
    case .kernelFault(let kind): "kernel fault: \(kind.rawValue)"
    case .silent(let seconds): "silence: nothing came from the guest for \(seconds) s"
    case .tooSlow(let limit): "time limit: the guest was alive but not done after \(limit) s"
    case .lost(let reason): "the machine was lost: \(reason)"
    }
  }

  /// A word for tables.
  public var word: String {
    switch self {
    case .finished(let status):
      switch status {
      case 0: "agreed"
      case 1: "diverged"
      case 2: "kernel-fault"
      case 3: "never-released"
      case 4: "nothing-checked"
      default: "exit-\(status)"
      }
    case .killed(let signal): "signal-\(signal)"
    case .bootFailed: "no-boot"
    case .kernelFault(let kind): "kernel-fault(\(kind.rawValue))"
    case .silent: "silent"
    case .tooSlow: "time-limit"
    case .lost: "vm-lost"
    }
  }
}

/// Everything that a guest brought back.
public struct VMReport: Sendable {
  public var outcome: VMOutcome
  /// `uname -r` and `uname -v`, once the guest has reported.
  public var release: String?
  public var build: String?
  public var output: [UInt8] = []
  public var errors: [UInt8] = []
  public var trace: [UInt8] = []
  /// What the command wrote as its result.
  public var result: [UInt8] = []
  public var console = ConsoleLog()
  /// What the guest could not prepare.
  public var problems: [String] = []
  /// From the start of QEMU to the guest's first word, in seconds.
  public var bootSeconds: Double?
  /// From the start of QEMU to its end, in seconds.
  public var totalSeconds = 0.0
  public var accelerator: Accelerator
  /// Lines that QEMU printed.
  public var machineMessages = ""
}

extension VMOutcome {
  /// The kind of a kernel fault.
  public var faultKind: KernelFault.Kind? {
    if case .kernelFault(let kind) = self { kind } else { nil }
  }
}
