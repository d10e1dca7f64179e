/// A small transition system whose state is a plain value without padding bytes.
///
/// The fields must be of one-byte types only: then equal values have equal bytes, as the store needs.
public protocol CompactSystem: TransitionSystem {
  associatedtype State: BitwiseCopyable

  var initialState: State { get }
  /// Calls `emit` with the action, the next state and the findings of every enabled step.
  func forEachSuccessor(of state: State, _ emit: (UInt16, State, FindingSet) -> Void)
  func findings(inQuiescent state: State) -> FindingSet
  func describe(_ action: UInt16, from before: State, to after: State) -> StepDescription
  func describeShared(_ state: State) -> String
}

extension CompactSystem {
  public var wordCount: Int { (MemoryLayout<State>.size + 7) / 8 }

  static func load(_ words: UnsafePointer<UInt64>) -> State {
    UnsafeRawPointer(words).loadUnaligned(as: State.self)
  }

  public func writeInitialState(to words: UnsafeMutablePointer<UInt64>) {
    UnsafeMutableRawPointer(words).storeBytes(of: initialState, as: State.self)
  }

  public func appendSuccessors(
    of words: UnsafePointer<UInt64>, to successors: borrowing SuccessorBuffer
  ) {
    let buffer = successors.slots
    forEachSuccessor(of: Self.load(words)) { action, next, found in
      let target = buffer.append(copyOf: words, action: action, findings: found)
      UnsafeMutableRawPointer(target).storeBytes(of: next, as: State.self)
    }
  }

  public func findings(inQuiescent words: UnsafePointer<UInt64>) -> FindingSet {
    findings(inQuiescent: Self.load(words))
  }

  public func describe(
    _ action: UInt16, from before: UnsafePointer<UInt64>, to after: UnsafePointer<UInt64>
  ) -> StepDescription {
    describe(action, from: Self.load(before), to: Self.load(after))
  }

  public func describeShared(_ words: UnsafePointer<UInt64>) -> String {
    describeShared(Self.load(words))
  }

  /// Every quiescent state, in the order of a breadth-first search. For systems of a few thousand
  /// states.
  public func quiescentStates() -> [State] {
    let store = StateStore(wordCount: wordCount, maximumBytes: 1 << 28)
    let buffer = SuccessorBuffer(wordCount: wordCount)
    let initial = UnsafeMutablePointer<UInt64>.allocate(capacity: wordCount)
    defer { initial.deallocate() }
    initial.initialize(repeating: 0, count: wordCount)
    writeInitialState(to: initial)
    _ = store.insert(initial, parent: .max)
    var quiescent: [State] = []
    var index = 0
    while index < store.count {
      buffer.removeAll()
      appendSuccessors(of: store[index], to: buffer)
      if buffer.count == 0 { quiescent.append(Self.load(store[index])) }
      for successor in 0..<buffer.count { _ = store.insert(buffer[successor], parent: 0) }
      index += 1
    }
    return quiescent
  }
}
