import Foundation
import Testing

@testable import StormFleet

/// Kernels that show a symptom with some probability each, without a machine.
private struct FakeFleet: KernelFleet {
  /// What each kernel answers, one after the other; the last one again and again.
  var answers: [String: [Sighting]]
  private(set) var runs: [String] = []

  init(_ answers: [String: [Sighting]]) { self.answers = answers }

  mutating func run(kernel: String, number: Int) throws(FleetError) -> Sighting {
    #expect(number == runs.count)
    runs.append(kernel)
    guard let list = answers[kernel] else { return .absent }
    let seen = runs.count { $0 == kernel } - 1
    return list[min(seen, list.count - 1)]
  }
}

private let shows = Sighting.present("it")

/// A folder that is gone when the closure has ended.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  let path = FileManager.default.temporaryDirectory.appending(
    path: "nsstorm-fleet-\(ProcessInfo.processInfo.globallyUniqueString)"
  ).path
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try body(path)
}

@Suite struct `bisecting a list of kernels` {
  private let kernels = (1...9).map { "k\($0)" }

  private func plan(_ change: (inout BisectionPlan) -> Void = { _ in }) -> BisectionPlan {
    var plan = BisectionPlan(kernels: kernels, symptom: "divergence", target: "t")
    change(&plan)
    return plan
  }

  private func conclude(
    _ plan: BisectionPlan, _ fleet: inout FakeFleet, _ lines: inout [String]
  ) throws -> Bisection.Conclusion {
    try withFolder { folder in
      var run = try BisectionRun(plan, folder: folder, isFresh: false)
      return try run.run(on: &fleet) { lines.append($0) }
    }
  }

  private func conclude(
    _ plan: BisectionPlan, _ fleet: inout FakeFleet
  ) throws -> Bisection.Conclusion {
    var lines: [String] = []
    return try conclude(plan, &fleet, &lines)
  }

  private func badFrom(_ first: Int) -> [String: [Sighting]] {
    Dictionary(uniqueKeysWithValues: (first...9).map { ("k\($0)", [shows]) })
  }

  @Test(arguments: 2...9) func `the first bad kernel is found wherever it stands`(
    first: Int
  ) throws {
    var fleet = FakeFleet(badFrom(first))
    #expect(try conclude(plan(), &fleet) == .first(bad: first - 1, good: first - 2))
  }

  @Test func `both ends are confirmed before anything else runs, the bad one first`() throws {
    var fleet = FakeFleet(badFrom(5))
    _ = try conclude(plan(), &fleet)
    #expect(Array(fleet.runs.prefix(3)) == ["k9", "k9", "k9"])
    #expect(fleet.runs[3] == "k1")
    let firstBetween = try #require(fleet.runs.firstIndex { $0 != "k9" && $0 != "k1" })
    #expect(fleet.runs[firstBetween] == "k5")
  }

  @Test func `a bad end without the symptom, or a good one with it, ends with nothing`() throws {
    var none = FakeFleet([:])
    #expect(try conclude(plan { $0.mostRepeats = 5 }, &none) == .badIsGood(runs: 5))
    var all = FakeFleet(badFrom(2).merging(["k1": [.absent, shows]]) { $1 })
    #expect(try conclude(plan(), &all) == .goodIsBad("it"))
  }

  @Test func `a kernel that cannot show it is skipped, and what is left is named`() throws {
    var answers = badFrom(5)
    for kernel in ["k4", "k5"] { answers[kernel] = [.cannotShow("does not boot")] }
    var fleet = FakeFleet(answers)
    #expect(try conclude(plan(), &fleet) == .oneOf([3, 4, 5]))
    #expect(fleet.runs.count { $0 == "k5" } == 1)
  }

  @Test func `a kernel whose runs go another way three times is skipped`() throws {
    var answers = badFrom(6)
    answers["k5"] = [.unclear("another divergence")]
    var fleet = FakeFleet(answers)
    #expect(try conclude(plan(), &fleet) == .oneOf([4, 5]))
    #expect(fleet.runs.count { $0 == "k5" } == 3)
  }

  @Test func `an ill machine stops it, and the same plan goes on where it was`() throws {
    var lines: [String] = []
    try withFolder { folder in
      var ill = FakeFleet(badFrom(5).merging(["k5": [.ill("QEMU was killed")]]) { $1 })
      var first = try BisectionRun(plan(), folder: folder, isFresh: false)
      #expect(try first.run(on: &ill) { _ in } == .ill("QEMU was killed"))
      var again = try BisectionRun(plan(), folder: folder, isFresh: false)
      #expect(again.trials.count == ill.runs.count - 1)
      // What was confirmed is not confirmed again.
      let known = again.trials.count
      var fleet = ResumedFleet(fleet: FakeFleet(badFrom(5)), offset: known)
      #expect(try again.run(on: &fleet) { lines.append($0) } == .first(bad: 4, good: 3))
      #expect(!fleet.fleet.runs.contains("k9") && !fleet.fleet.runs.contains("k1"))
      let log = try String(contentsOfFile: "\(folder)/log.txt", encoding: .utf8)
      #expect(log.contains("k5 is the first bad kernel; k4 is good"))
      #expect(throws: FleetError.self) {
        _ = try BisectionRun(plan { $0.confidence = 0.99 }, folder: folder, isFresh: false)
      }
    }
    #expect(lines.contains { $0.contains("going on after") })
  }

  private struct ResumedFleet: KernelFleet {
    var fleet: FakeFleet
    var offset: Int
    mutating func run(kernel: String, number: Int) throws(FleetError) -> Sighting {
      try fleet.run(kernel: kernel, number: number - offset)
    }
  }

  @Test func `a rare symptom asks for more runs, and for too many when the limit is low`() throws {
    // Every fourth run of a bad kernel shows it.
    let rare: [Sighting] = (0..<400).map { $0 % 4 == 3 ? shows : .absent }
    var answers: [String: [Sighting]] = [:]
    for kernel in badFrom(4).keys { answers[kernel] = rare }
    var fleet = FakeFleet(answers)
    let conclusion = try conclude(
      plan {
        $0.confirmations = 10
        $0.mostRepeats = 200
      }, &fleet)
    #expect(conclusion == .first(bad: 3, good: 2))
    #expect(fleet.runs.count { $0 == "k3" } > 12)
    var few = FakeFleet(answers)
    #expect(
      try conclude(plan { $0.mostRepeats = 13 }, &few) == .tooRare(Repeats(runs: 12, shows: 3)))
  }

  @Test func `the fix is looked for when the bad end stands first`() throws {
    let (range, seeksFix) = try BisectionPlan.range(of: kernels, good: "k9", bad: "k2")
    #expect(seeksFix && range.first == "k9" && range.last == "k2")
    var fleet = FakeFleet(
      Dictionary(uniqueKeysWithValues: (1...6).map { ("k\($0)", [shows]) }))
    var lines: [String] = []
    _ = try conclude(
      BisectionPlan(kernels: range, symptom: "s", target: "t", seeksFix: seeksFix), &fleet, &lines)
    #expect(lines.last?.hasPrefix("k7 is the first kernel without it; k6 still has it") == true)
    #expect(throws: FleetError.self) {
      _ = try BisectionPlan.range(of: kernels, good: "k1", bad: "k10")
    }
  }

  @Test func `the log says every run, its count and the verdict`() throws {
    var fleet = FakeFleet(badFrom(5).merging(["k3": [.cannotShow("no boot")]]) { $1 })
    var lines: [String] = []
    _ = try conclude(plan(), &fleet, &lines)
    let runs = lines.filter { $0.hasPrefix("run ") }
    #expect(runs.count == fleet.runs.count)
    #expect(runs[0].hasPrefix("run 1: k9 shows it (it), 1 of 1, "))
    #expect(runs.contains { $0.contains("good after ") })
    #expect(runs.contains { $0.contains("; good (wrong with a probability of ") })
    #expect(lines.contains("the symptom showed in 3 of 3 runs of k9"))
  }
}

@Suite struct `how often is enough` {
  /// The chance by summing over a fine grid of rates instead of by the formula.
  private func integrated(_ repeats: Repeats, _ count: Int) -> Double {
    var all = 0.0
    var missed = 0.0
    for step in 1..<20_000 {
      let rate = Double(step) / 20_000
      var weight = 1.0
      for _ in 0..<repeats.shows { weight *= rate }
      for _ in 0..<(repeats.runs - repeats.shows) { weight *= 1 - rate }
      all += weight
      var chance = weight
      for _ in 0..<count { chance *= 1 - rate }
      missed += chance
    }
    return missed / all
  }

  @Test(arguments: [(3, 3), (10, 3), (10, 10), (20, 1)])
  func `the chance of missing it is the integral over the rates that fit what was seen`(
    runs: Int, shows: Int
  ) {
    let repeats = Repeats(runs: runs, shows: shows)
    for count in [1, 3, 10] {
      #expect(abs(repeats.chanceOfMissing(in: count) - integrated(repeats, count)) < 1e-4)
    }
  }

  @Test func `rarer sightings and higher confidence need more runs`() throws {
    let sure = try #require(Repeats(runs: 3, shows: 3).needed(error: 0.05, most: 1000))
    let rare = try #require(Repeats(runs: 20, shows: 4).needed(error: 0.05, most: 1000))
    let surer = try #require(Repeats(runs: 3, shows: 3).needed(error: 0.001, most: 1000))
    #expect(sure == 3 && rare > 10 && surer > sure)
    #expect(Repeats(runs: 9, shows: 0).needed(error: 0.05, most: 1000) == nil)
  }
}
