import StormEngine
import StormVocabulary

/// Performs an order that a search has found, from the state in which the search began.
struct PointReplay {
  let windows: [ContendedWindow]
  let order: [OrderedPoint]

  /// - Parameter visit: called before the first commit of each call, with what the call touches.
  /// - Returns: whether the engine gives every answer of the order.
  @discardableResult
  func run(
    _ model: inout MountModel,
    visit: ((_ window: Int, _ call: Int, MountModel.Footprint) -> Void)? = nil
  ) -> Bool {
    var agrees = true
    var calls: [Int: CallInFlight] = [:]
    var committed: Set<Int> = []
    let stride = 1 << 32
    for point in order {
      let key = point.window * stride + point.call
      let source = windows[point.window].calls[point.call]
      var call = calls[key] ?? CallInFlight(source.operation, by: source.process)
      switch point.kind {
      case .resolve: model.resolvePoint(&call)
      case .walk: _ = model.walkPoint(&call)
      case .check: model.checkPoint(&call)
      case .commit, .answer:
        if let visit, committed.insert(key).inserted {
          visit(point.window, point.call, model.footprint(of: call))
        }
        var expected: Errno?
        if case .answer(let answer) = point.kind { expected = answer }
        if let expected, point.latitude == .passingWalk || point.latitude == .reader {
          model.settle(&call, answer: expected)
        } else {
          if case .check = model.nextPoint(of: call) { model.checkPoint(&call) }
          let answer = model.commitPoint(
            &call, missesReferences: point.latitude == .tornSum)
          if answer != expected { agrees = false }
        }
      case .release(let mounts):
        if mounts.isEmpty {
          model.releasePoint(&call)
        } else {
          _ = model.releasePoint(&call, on: mounts)
        }
      }
      calls[key] = call
    }
    return agrees
  }
}

/// Counts the pairs of calls of a window that overlapped in time on the same mounts.
struct ConflictCounter {
  private let window: ContendedWindow
  private var footprints: [MountModel.Footprint?]

  init(window: ContendedWindow) {
    self.window = window
    footprints = Array(repeating: nil, count: window.calls.count)
  }

  mutating func note(_ call: Int, _ footprint: MountModel.Footprint) {
    footprints[call] = footprint
  }

  var conflicts: Int {
    let ordered = window.calls.indices.sorted {
      window.calls[$0].startNanoseconds < window.calls[$1].startNanoseconds
    }
    var count = 0
    for (position, one) in ordered.enumerated() {
      guard let footprint = footprints[one] else { continue }
      for other in ordered[(position + 1)...] {
        if window.calls[other].startNanoseconds >= window.calls[one].endNanoseconds { break }
        if window.calls[other].worker != window.calls[one].worker,
          let second = footprints[other], footprint.conflicts(with: second)
        {
          count += 1
        }
      }
    }
    return count
  }
}
