/// Limits on a guest. Every wait has one.
public struct VMLimits: Hashable, Sendable {
  /// From the start to the guest's first word.
  public var bootSeconds = 120
  /// Without any sign of life after that.
  public var silenceSeconds = 60
  /// From the start to the end.
  public var totalSeconds = 900
  /// What the kernel still has to say after a first sign of a fault, and a panic needs to print itself.
  public var faultSeconds = 20
  public var processors = 2
  public var memoryMebibytes = 1024

  public init() {}
}

/// What a guest is doing, for whoever watches.
public enum VMEvent: Sendable {
  case booted(release: String, seconds: Double)
  case output([UInt8])
  case errors([UInt8])
  /// Pieces of the trace as they come; a line is whole before the next call is made.
  case trace([UInt8])
  case problem(String)
  case sign(ConsoleLog.Sign)
}
