import StormVocabulary

/// A storm in small: one scenario again and again in random interleavings, as two CPUs and their interrupts would make
/// them. The explorer says what can happen, this how a storm of such rounds looks. Deterministic by seed.
public struct RaceSimulation: Sendable, Hashable {
  /// Rounds in which the mount went.
  public private(set) var detached = 0
  /// Rounds in which it stayed: every umount was refused.
  public private(set) var refused = 0
  /// Rounds in which a synchronous umount returned 0 with the superblock alive.
  public private(set) var aliveAtReturn = 0
  /// Rounds that ended with a detached mount that nobody will release.
  public private(set) var neverReleased = 0

  /// The most steps that one actor makes before another may go on.
  private static let longestTurn = 4

  /// - Parameter scenario: its mount 0 is looked at.
  public init(of design: Design, scenario: Scenario, rounds: Int, seed: UInt64 = 1) {
    let system = ReleaseSystem(design: design, scenario: scenario)
    var generator = SeededGenerator(seed: seed)
    let buffer = SuccessorBuffer(wordCount: system.wordCount)
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: system.wordCount)
    defer { words.deallocate() }
    for _ in 0..<rounds {
      words.initialize(repeating: 0, count: system.wordCount)
      system.writeInitialState(to: words)
      let shown = Self.playOut(system, words, buffer, &generator)
      if ReleaseState(words)[.detached, 0] { detached += 1 } else { refused += 1 }
      if shown.contains(.aliveAtReturn) || shown.contains(.aliveAtReturnReferenced) {
        aliveAtReturn += 1
      }
      let end = system.findings(inQuiescent: words)
      if end.contains(.leak) || end.contains(.deadlock) { neverReleased += 1 }
    }
  }

  /// Steps until nothing can follow; everything that the steps showed.
  private static func playOut(
    _ system: ReleaseSystem, _ words: UnsafeMutablePointer<UInt64>,
    _ buffer: borrowing SuccessorBuffer, _ generator: inout SeededGenerator
  ) -> FindingSet {
    var shown = FindingSet()
    var actor: UInt16?
    var turn = 0
    while true {
      buffer.removeAll()
      system.appendSuccessors(of: words, to: buffer)
      guard buffer.count > 0 else { return shown }
      var chosen: Int?
      if turn > 0, let actor {
        chosen = (0..<buffer.count).first { buffer.actions[$0] >> 8 == actor }
      }
      if chosen == nil {
        turn = 1 + generator.next(below: longestTurn)
        chosen = generator.next(below: buffer.count)
      }
      let step = chosen ?? 0
      actor = buffer.actions[step] >> 8
      turn -= 1
      shown.formUnion(buffer.findings[step])
      words.update(from: buffer[step], count: system.wordCount)
    }
  }
}
