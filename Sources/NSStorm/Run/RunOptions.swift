public import StormEngine
public import StormPlanning
public import StormReclamation
public import StormVocabulary

/// How a profile is run.
public struct RunOptions: Hashable, Sendable {
  /// The profile's own where nil.
  public var seed: Seed?
  /// The run has so many steps, whatever the profile says: a part of it, or its last sequential phase goes on.
  public var steps: Int?
  /// Predict for this release instead of the running one.
  public var release: KernelRelease?
  /// Plan under the rules of this release, whatever the profile says.
  public var planRelease: KernelRelease?
  /// Write the sequential part of the run to this file, in the trace format.
  public var recordPath: String?
  /// Write each call to the recording before it is made, so that a kernel that it stops leaves its name.
  public var announces = false
  /// Go on after a divergence where the engine can still follow.
  public var keepsGoing = false
  /// Divergences after which the run ends all the same.
  public var mostDivergences = 20
  /// Stop at known issues of the kernel as well.
  public var isStrict = false
  /// Settings of the whole machine may be changed for a while (`--touch-machine`, or inside a VM of nsstorm's own).
  public var touchesMachine = false
  /// The design whose promises releases are held against.
  public var design = Design.mainline
  /// A rule of the engine that is broken on purpose, to see whether the storm notices. Honoured in debug builds only.
  public var brokenRule: Mutation?

  public init() {}
}

/// Whether, and how urgently, somebody wants the run to end.
public protocol RunControl {
  /// Asked between steps and about ten times a second while programs run; must be cheap.
  mutating func wantsEnd() -> Bool
}
