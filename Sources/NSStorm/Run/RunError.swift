public import StormKernel
public import StormPlanning
public import StormTrace
public import StormVocabulary

/// Why a run could not be made, or not be finished, by no fault of the kernel under test.
public enum RunError: Error, Sendable, CustomStringConvertible {
  case unknownKernel(RunningKernel)
  case unknownRules(KernelRelease, known: ClosedRange<KernelRelease>)
  case plan(PlanError)
  case sandbox(SandboxError)
  case recording(TraceError)

  public var description: String {
    switch self {
    case .unknownKernel(let kernel):
      "cannot tell which rules '\(kernel.release)' follows; name a release with --rules"
    case .unknownRules(let release, let known):
      "no rules for kernel \(release); known: \(known.lowerBound.major).\(known.lowerBound.minor) "
        + "and newer. Name another with --rules"
    case .plan(let error): "\(error)"
    case .sandbox(let error): "\(error)"
    case .recording(let error): "\(error)"
    }
  }
}
