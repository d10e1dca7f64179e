public import StormVocabulary

/// Why a program could not be recorded.
public enum RecorderError: Error, Sendable {
  /// A step of the sandbox's set-up.
  public enum Step: Int, Sendable {
    case none, namespaces, privacy, tmpfs, overlay, mounts, devices, proc, pivot, program, seize

    /// What was attempted.
    public var attempt: String {
      switch self {
      case .none: "to start"
      case .namespaces: "to make namespaces"
      case .privacy: "to make all mounts private"
      case .tmpfs: "to mount a tmpfs for what the program writes"
      case .overlay: "to mount an overlay over the machine's root"
      case .mounts: "to carry over the machine's mounts"
      case .devices: "to make devices"
      case .proc: "to mount proc and sysfs"
      case .pivot: "to make the overlay the root"
      case .program: "to start the program's process"
      case .seize: "to trace the program"
      }
    }
  }

  case noProgram
  case sandbox(step: Step, Errno)
  case programNotStarted(String, Errno)
}

extension RecorderError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noProgram: "no program is named; nsstorm record -- COMMAND…"
    case .sandbox(let step, let errno):
      "the sandbox could not be made: \(step.attempt) answered \(errno). nsstorm doctor says what this machine lacks"
        + (step == .overlay ? "; the kernel needs overlayfs (modprobe overlay)" : "")
        + (step == .pivot ? "; a machine whose root is an initramfs cannot record" : "")
    case .programNotStarted(let name, let errno):
      "\(name) cannot be run: \(errno); it must be a program that the machine has"
    }
  }
}
