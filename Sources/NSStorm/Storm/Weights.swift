public import StormVocabulary

/// Whole-number weights of choices, drawn from in a fixed order so that a seed always means the same choice.
public struct Weights<Choice: Hashable & Sendable>: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public var choice: Choice
    /// Not negative; 0 means never.
    public var weight: Int

    public init(_ choice: Choice, _ weight: Int) {
      self.choice = choice
      self.weight = weight
    }
  }

  public let entries: [Entry]
  public let total: Int

  public init(_ entries: [Entry]) {
    precondition(entries.allSatisfy { $0.weight >= 0 }, "a weight is not negative")
    self.entries = entries.filter { $0.weight > 0 }
    total = entries.reduce(0) { $0 + $1.weight }
  }

  public var isEmpty: Bool { total == 0 }

  public subscript(choice: Choice) -> Int {
    entries.first { $0.choice == choice }?.weight ?? 0
  }

  /// A choice with probability weight/total, or nil where every weight is 0.
  public func draw(using generator: inout SeededGenerator) -> Choice? {
    guard total > 0 else { return nil }
    var ticket = generator.next(below: total)
    for entry in entries {
      ticket -= entry.weight
      if ticket < 0 { return entry.choice }
    }
    return nil
  }
}
