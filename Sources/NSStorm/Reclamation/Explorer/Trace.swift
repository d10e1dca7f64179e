/// A run of a transition system in words, made by replaying its actions.
public struct Trace: Sendable, Hashable {
  public struct Step: Sendable, Hashable {
    public var lane: Int
    public var text: String
    /// The shared state after the step.
    public var shared: String
    /// What the step showed.
    public var findings: FindingSet
  }

  public var lanes: [String]
  public var steps: [Step]
  /// What the last state shows if nothing can follow it.
  public var quiescentFindings: FindingSet

  /// Whether the run really ends in the finding.
  public func shows(_ finding: Finding) -> Bool {
    (steps.last?.findings.contains(finding) ?? false) || quiescentFindings.contains(finding)
  }

  /// Replays actions from the initial state.
  ///
  /// - Throws: `ReplayError` at the first action that is not enabled.
  public init<System: TransitionSystem>(replaying actions: [UInt16], in system: System) throws {
    let state = UnsafeMutablePointer<UInt64>.allocate(capacity: system.wordCount)
    defer { state.deallocate() }
    state.initialize(repeating: 0, count: system.wordCount)
    system.writeInitialState(to: state)
    let buffer = SuccessorBuffer(wordCount: system.wordCount)
    lanes = system.lanes
    steps = []
    for (number, action) in actions.enumerated() {
      buffer.removeAll()
      system.appendSuccessors(of: state, to: buffer)
      guard let index = (0..<buffer.count).first(where: { buffer.actions[$0] == action }) else {
        throw ReplayError(step: number + 1, action: action)
      }
      let description = system.describe(action, from: state, to: buffer[index])
      state.update(from: buffer[index], count: system.wordCount)
      steps.append(
        Step(
          lane: description.lane, text: description.text, shared: system.describeShared(state),
          findings: buffer.findings[index]))
    }
    buffer.removeAll()
    system.appendSuccessors(of: state, to: buffer)
    quiescentFindings = buffer.count == 0 ? system.findings(inQuiescent: state) : []
  }
}

/// A trace that does not fit the system it is replayed in.
public struct ReplayError: Error, CustomStringConvertible, Hashable {
  /// The first step that is not enabled, from 1.
  public var step: Int
  public var action: UInt16

  public var description: String {
    "step \(step) (action \(action)) of the trace is not enabled; explore the same design and scenario again"
  }
}
