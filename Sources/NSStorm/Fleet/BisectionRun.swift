import Foundation

/// Runs a target on a kernel; the fleet of guests, or a fake one in tests.
public protocol KernelFleet {
  /// - Parameter number: counts the runs of all kernels, from 0; names the results.
  mutating func run(kernel: String, number: Int) throws(FleetError) -> Sighting
}

/// Carries a bisection out, with its state on disk after each run.
public struct BisectionRun {
  private struct State: Codable {
    var version = 1
    var plan: BisectionPlan
    var trials: [Trial]
  }

  private var bisection: Bisection
  private let folder: String

  /// Begins, or goes on where an earlier one with the same plan ended.
  ///
  /// - Parameters:
  ///   - folder: where `bisect.json` and `log.txt` stand.
  ///   - isFresh: an earlier bisection's state is given up.
  public init(_ plan: BisectionPlan, folder: String, isFresh: Bool) throws(FleetError) {
    self.folder = folder
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .system(attempt: "make \(folder)", reason: error.localizedDescription)
    }
    let place = "\(folder)/bisect.json"
    bisection = Bisection(plan)
    guard !isFresh, let data = FileManager.default.contents(atPath: place) else { return }
    let state: State
    do {
      state = try JSONDecoder().decode(State.self, from: data)
    } catch {
      throw .damaged(file: place, reason: "\(error)")
    }
    guard state.plan == plan else {
      throw .damaged(
        file: place, reason: "it belongs to another bisection (--fresh gives that one up)")
    }
    // A run that only says that the machine was ill is made again.
    bisection = Bisection(plan, trials: state.trials.filter { !$0.sighting.isIll })
  }

  public var trials: [Trial] { bisection.trials }

  /// Runs kernels until something follows.
  ///
  /// - Parameter say: gets each line of the log; they also stand in `log.txt`.
  public mutating func run(
    on fleet: inout some KernelFleet, say: (String) -> Void
  ) throws(FleetError) -> Bisection.Conclusion {
    let text = BisectionText(plan: bisection.plan)
    var lines = [text.begin] + (trials.isEmpty ? [] : ["going on after \(trials.count) runs"])
    lines.forEach(say)
    while true {
      switch bisection.next() {
      case .conclude(let conclusion):
        for line in text.end(bisection, conclusion) {
          say(line)
          lines.append(line)
        }
        try keep(lines)
        return conclusion
      case .run(let kernel):
        let start = MonotonicClock.now
        let sighting = try fleet.run(kernel: bisection.plan.kernels[kernel], number: trials.count)
        bisection.add(
          Trial(kernel: kernel, sighting: sighting, seconds: MonotonicClock.now - start))
        let line = text.step(bisection)
        say(line)
        lines.append(line)
        try keep(lines)
      }
    }
  }

  private func keep(_ lines: [String]) throws(FleetError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      let data = try encoder.encode(State(plan: bisection.plan, trials: trials))
      try writeWhole(data, to: "\(folder)/bisect.json")
    } catch let error as FleetError {
      throw error
    } catch {
      throw .system(attempt: "write \(folder)/bisect.json", reason: "\(error)")
    }
    try writeWhole(Array((lines.joined(separator: "\n") + "\n").utf8), to: "\(folder)/log.txt")
  }
}

extension Sighting {
  var isIll: Bool { if case .ill = self { true } else { false } }
}
