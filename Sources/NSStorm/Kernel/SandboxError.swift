public import StormVocabulary

/// What the harness itself could not do. What the kernel answers to a call under test is never one of these.
public enum SandboxError: Error, Hashable, Sendable {
  /// The machine does not allow it: not root, a capability missing, a seccomp filter (exit status 77).
  case notPermitted(attempt: String, errno: Errno)
  /// A step of the set-up failed.
  case setupFailed(attempt: String, errno: Errno)
  /// No process of this sandbox has this actor's number.
  case unknownActor(Int)
  /// The actor's number is taken by a living process.
  case actorExists(Int)
  /// More workers than ``SandboxLimits/workers``.
  case tooManyWorkers(limit: Int)
  /// Descriptor slots are `0 ..< 1024`.
  case descriptorSlotOutOfRange(Int)
  /// A path or text that the shared memory has no room for, or one with a zero byte in it.
  case unusableText(String)
  /// A program is to stay on a CPU that this machine has not.
  case noSuchProcessor(Int)
  /// Programs and their results need more than ``SandboxLimits/programBytes``.
  case programsTooLarge(bytes: Int, limit: Int)
  /// One table needs more than ``SandboxLimits/observationBytes``.
  case observationTooLarge(limit: Int)
  /// PID 1 of the sandbox ended while it was needed; the kernel has ended all its processes.
  case sandboxDied(during: String)
  /// Observers ended again and again while they were read from.
  case observersDied(times: Int)
  /// The kernel refused to show a table or a member list.
  case unreadable(what: String, actor: Int, errno: Errno)
  /// A line of mountinfo that is not as `proc(5)` has it.
  case unparsableTable(actor: Int, MountinfoError)
  /// Processes of the sandbox were still there after the limit.
  case notEnded(after: Duration)
}

extension SandboxError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notPermitted(let attempt, let errno):
      return
        "not permitted to \(attempt): \(errno); run as root (nsstorm doctor says what is missing)"
    case .setupFailed(let attempt, let errno):
      return "could not \(attempt): \(errno); nsstorm doctor says what this machine allows"
    case .unknownActor(let actor):
      return "actor \(actor) has no process: it never started or has ended"
    case .actorExists(let actor): return "actor \(actor) is already alive"
    case .tooManyWorkers(let limit):
      return "all \(limit) workers are in use; raise the limit on workers in the profile"
    case .descriptorSlotOutOfRange(let slot):
      return "descriptor slot \(slot) is out of range (0 to 1023)"
    case .unusableText(let text):
      return
        "\"\(text.prefix(80))\" cannot be passed on: longer than 4,999 bytes or with a zero byte"
    case .noSuchProcessor(let cpu): return "this machine has no CPU \(cpu)"
    case .programsTooLarge(let bytes, let limit):
      return "the programs need \(bytes) bytes of shared memory, the limit is \(limit)"
    case .observationTooLarge(let limit):
      return "one mount table needs more than the limit of \(limit) bytes"
    case .sandboxDied(let activity):
      return "the sandbox ended while \(activity): its PID 1 was killed or failed"
    case .observersDied(let times):
      return "the processes that read mount tables ended \(times) times in a row"
    case .unreadable(let what, let actor, let errno):
      return "could not read the \(what) of actor \(actor): \(errno)"
    case .unparsableTable(let actor, let error):
      return "mountinfo of actor \(actor): \(error)"
    case .notEnded(let limit):
      return "processes of the sandbox are still there \(limit) after their end was asked for"
    }
  }
}

extension SandboxError {
  /// Whether the machine or the caller's rights forbid it, rather than something having failed.
  public var isPermission: Bool {
    if case .notPermitted = self { true } else { false }
  }
}
