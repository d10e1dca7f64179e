/// A finite transition system whose states are a fixed number of 64-bit words.
///
/// Equal words mean equal states; everything that a later verdict depends on is in the words, ghost
/// state included.
public protocol TransitionSystem: Sendable {
  /// Words a state takes.
  var wordCount: Int { get }

  /// Writes the initial state over zeroed words.
  func writeInitialState(to words: UnsafeMutablePointer<UInt64>)

  /// Appends every successor of a state, each with its action and what the step shows.
  ///
  /// Two successors of one state never share an action, so a trace of actions replays.
  func appendSuccessors(
    of state: UnsafePointer<UInt64>, to successors: borrowing SuccessorBuffer)

  /// Judges a state without successors.
  func findings(inQuiescent state: UnsafePointer<UInt64>) -> FindingSet

  /// Rewrites a state as the representative of all states that differ only by the names of alike
  /// actors.
  func canonicalize(_ state: UnsafeMutablePointer<UInt64>)

  /// Where partial-order reduction may follow one successor alone: its place in the buffer.
  ///
  /// The chosen step must be independent of every step that the other actors can ever take from
  /// here, and must show nothing.
  func soleSuccessor(
    of state: UnsafePointer<UInt64>, among successors: borrowing SuccessorBuffer
  ) -> Int?

  /// The columns of a trace, in order.
  var lanes: [String] { get }

  /// The column and the words of a step.
  func describe(
    _ action: UInt16, from before: UnsafePointer<UInt64>, to after: UnsafePointer<UInt64>
  ) -> StepDescription

  /// The shared state in one line, for the column beside the actors.
  func describeShared(_ state: UnsafePointer<UInt64>) -> String
}

extension TransitionSystem {
  public func canonicalize(_ state: UnsafeMutablePointer<UInt64>) {}

  public func soleSuccessor(
    of state: UnsafePointer<UInt64>, among successors: borrowing SuccessorBuffer
  ) -> Int? { nil }
}

/// A step in words: which lane it belongs to and what happens.
public struct StepDescription: Sendable, Hashable {
  /// Index into the system's lanes.
  public var lane: Int
  public var text: String
  public init(lane: Int, text: String) {
    self.lane = lane
    self.text = text
  }
}

/// The successors of one state, in buffers that are reused for every state of a search.
public struct SuccessorBuffer: ~Copyable {
  /// The most successors that one state may have.
  public static let capacityPerState = 64
  /// The most successors that stand in the buffer at once.
  static let capacity = 1024

  let wordCount: Int
  let words: UnsafeMutablePointer<UInt64>
  let actions: UnsafeMutablePointer<UInt16>
  let findings: UnsafeMutablePointer<FindingSet>
  /// Scratch of the store: the hash and the table entry of each successor.
  let hashes: UnsafeMutablePointer<UInt64>
  private let counter: UnsafeMutablePointer<Int>

  public init(wordCount: Int) {
    self.wordCount = wordCount
    words = .allocate(capacity: wordCount * Self.capacity)
    actions = .allocate(capacity: Self.capacity)
    findings = .allocate(capacity: Self.capacity)
    hashes = .allocate(capacity: Self.capacity)
    hashes.initialize(repeating: 0, count: Self.capacity)
    counter = .allocate(capacity: 1)
    words.initialize(repeating: 0, count: wordCount * Self.capacity)
    actions.initialize(repeating: 0, count: Self.capacity)
    findings.initialize(repeating: [], count: Self.capacity)
    counter.initialize(to: 0)
  }

  deinit {
    words.deallocate()
    actions.deallocate()
    findings.deallocate()
    hashes.deallocate()
    counter.deallocate()
  }

  /// The same buffers for use in a closure, valid while this value lives.
  var slots: SuccessorSlots {
    SuccessorSlots(
      wordCount: wordCount, words: words, actions: actions, findings: findings, counter: counter)
  }

  /// How many successors stand in the buffer.
  public var count: Int {
    @inline(__always) get { counter.pointee }
  }

  @inline(__always)
  public func removeAll() { counter.pointee = 0 }

  /// Starts a successor as a copy of `state` and returns its words for the changes.
  @inline(__always)
  public func append(
    copyOf state: UnsafePointer<UInt64>, action: UInt16, findings found: FindingSet = []
  ) -> UnsafeMutablePointer<UInt64> {
    slots.append(copyOf: state, action: action, findings: found)
  }

  /// Adds a finding to the successor appended last.
  @inline(__always)
  public func note(_ finding: Finding) {
    findings[counter.pointee - 1].insert(finding)
  }

  @inline(__always)
  public subscript(index: Int) -> UnsafeMutablePointer<UInt64> { words + index * wordCount }
}

/// An unowned view of a `SuccessorBuffer`.
struct SuccessorSlots {
  let wordCount: Int
  let words: UnsafeMutablePointer<UInt64>
  let actions: UnsafeMutablePointer<UInt16>
  let findings: UnsafeMutablePointer<FindingSet>
  let counter: UnsafeMutablePointer<Int>

  @inline(__always)
  func append(
    copyOf state: UnsafePointer<UInt64>, action: UInt16, findings found: FindingSet = []
  ) -> UnsafeMutablePointer<UInt64> {
    let index = counter.pointee
    precondition(
      index < SuccessorBuffer.capacity,
      "a state has more than \(SuccessorBuffer.capacityPerState) successors")
    counter.pointee = index + 1
    actions[index] = action
    findings[index] = found
    let target = words + index * wordCount
    target.update(from: state, count: wordCount)
    return target
  }
}
