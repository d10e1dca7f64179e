import StormEngine
import StormVocabulary

@testable import StormVerdict

/// Tries every order of every point of a small window, with no rule about which may be left out: what the search must
/// agree with. It knows no latitude.
struct NaiveSearch: ~Copyable {
  private struct State {
    var call: CallInFlight
    var hasBegun = false
    var hasReleased = false
  }

  private let window: ContendedWindow
  private let walksInParts: Bool
  private var states: [State]
  private var seen: Set<Fingerprint> = []
  private var scratch = FingerprintScratch()
  private(set) var visited = 0

  init(_ window: ContendedWindow, walksInParts: Bool = false) {
    self.window = window
    self.walksInParts = walksInParts
    states = window.calls.map { State(call: CallInFlight($0.operation, by: $0.process)) }
  }

  /// Whether some order gives every answer and the tables.
  mutating func isExplicable(_ model: inout MountModel) -> Bool {
    let mark = model.checkpoint()
    defer { model.rollback(to: mark) }
    return search(&model)
  }

  private mutating func search(_ model: inout MountModel) -> Bool {
    guard seen.insert(fingerprint(model)).inserted else { return false }
    visited += 1
    if states.allSatisfy(\.hasReleased) { return agrees(model) }
    for index in states.indices where mayMove(index) {
      for walks in walksInParts ? [false, true] : [false] {
        let mark = model.checkpoint()
        let before = states[index]
        if move(index, walks: walks, &model), search(&model) { return true }
        model.rollback(to: mark)
        states[index] = before
      }
    }
    return false
  }

  private func mayMove(_ index: Int) -> Bool {
    guard !states[index].hasReleased else { return false }
    if states[index].hasBegun { return true }
    let start = window.calls[index].startNanoseconds
    return window.calls.indices.allSatisfy {
      window.calls[$0].endNanoseconds >= start || states[$0].hasReleased
    }
  }

  private mutating func move(_ index: Int, walks: Bool, _ model: inout MountModel) -> Bool {
    states[index].hasBegun = true
    switch model.nextPoint(of: states[index].call) {
    case .resolve:
      if walks { return model.walkPoint(&states[index].call) }
      model.resolvePoint(&states[index].call)
      return true
    case .check:
      if walks { return false }
      model.checkPoint(&states[index].call)
      return states[index].call.answer.map { $0 == window.calls[index].errno } ?? true
    case .commit:
      if walks { return false }
      let answer = model.commitPoint(&states[index].call)
      return answer.map { $0 == window.calls[index].errno } ?? true
    case .answered:
      if walks { return false }
      model.releasePoint(&states[index].call)
      states[index].hasReleased = true
      return true
    }
  }

  private func agrees(_ model: borrowing MountModel) -> Bool {
    guard let tables = window.tables else { return true }
    var comparison = TableComparison()
    return comparison.update(predicted: predicted(model), observed: tables).isEmpty
  }

  private mutating func fingerprint(_ model: borrowing MountModel) -> Fingerprint {
    let running = states.indices.filter { !states[$0].hasReleased }.map {
      (number: $0, call: states[$0].call)
    }
    var progress: UInt64 = 0
    for (index, state) in states.enumerated() {
      if state.hasReleased { progress ^= Fingerprint.word(UInt64(index) * 2 + 1) }
      if state.hasBegun { progress ^= Fingerprint.word(UInt64(index) * 2 + 2) }
    }
    return model.fingerprint(of: running, includesNames: true, using: &scratch).adding(progress)
  }
}
