import StormEngine
import StormVocabulary

// Closing points, and what to say where no order leads to one.

extension PointSearch {
  enum Arrival {
    case underWay
    case complete
    case refused
  }

  /// Passes the closing points that have been reached.
  mutating func arrive(_ model: inout MountModel) -> Arrival {
    while cursor.window < windows.count,
      cursor.finishedInWindow == requiredInWindow[cursor.window]
    {
      for holder in cursor.lingering { release(holder, &model) }
      let isLast = cursor.window == windows.count - 1
      if windows[cursor.window].tables != nil || isLast && excludedEnd != nil {
        let here = fingerprint(model)
        if dead.contains(here) { return .refused }
        if !agrees(model) || isLast && here == excludedEnd {
          dead.insert(here)
          return .refused
        }
      }
      cursor.window += 1
      cursor.low = bounds[cursor.window]
      cursor.finishedInWindow = 0
    }
    return cursor.window == windows.count ? .complete : .underWay
  }

  /// Whether the tables of the closing point are those of this state.
  private mutating func agrees(_ model: borrowing MountModel) -> Bool {
    guard let tables = windows[cursor.window].tables, var next = passed.last else { return true }
    endStates += 1
    // Within a window the kernel gives ids, groups and devices to new things again, so each closing point is compared
    // as a snapshot of its own.
    let predicted = model.livingProcesses.map {
      let table = model.table(seenBy: $0)
      return NamespaceTable(namespace: $0, table: filter?.part(of: table) ?? table)
    }
    let differences = next.comparison.restart(predicted: predicted, observed: tables)
    guard differences.isEmpty else {
      if nearest.map({ Self.size(of: differences) < Self.size(of: $0.differences) }) ?? true {
        nearest = (differences, order)
      }
      return false
    }
    passed.append(next)
    cursor.passedWindows += 1
    return true
  }

  private static func size(of differences: [TableDifference]) -> Int {
    differences.reduce(0) { $0 + 1 + $1.mounts.count }
  }

  /// What each call that could come next would answer.
  func continuations(_ model: inout MountModel) -> [FailedContinuation] {
    model.beginExplaining()
    defer { model.stopExplaining() }
    return candidates().compactMap { index in
      guard let observed = entries[index].observed else { return nil }
      let mark = model.checkpoint()
      defer { model.rollback(to: mark) }
      var call = states[index].call
      while case .resolve = model.nextPoint(of: call) { model.resolvePoint(&call) }
      if case .check = model.nextPoint(of: call) { model.checkPoint(&call) }
      var answer = model.commitPoint(&call)
      while answer == nil { answer = model.commitPoint(&call) }
      let reason = model.reasonsOfLastCall.last { $0.errno != .none }?.rule.explanation.sentence
      return FailedContinuation(
        call: entries[index].indexInWindow, observed: observed, predicted: answer ?? .none,
        reason: reason ?? "nothing refuses it")
    }
  }
}
