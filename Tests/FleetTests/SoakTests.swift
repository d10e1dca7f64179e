import Foundation
import Testing

@testable import StormFleet

@Suite struct `shards of seeds` {
  @Test func `no two shards, and no two rounds of one, have a seed in common`() {
    var seen: Set<UInt64> = []
    for index in 0..<7 {
      let shard = Shard(index: index, count: 7)
      for number in 0..<500 { seen.insert(shard.seed(base: 1, number: number)) }
    }
    #expect(seen.count == 7 * 500)
    let whole = Set((0..<3500).map { Shard.whole.seed(base: 1, number: $0) })
    #expect(whole == seen)
  }

  @Test func `a job array says which shard it is`() throws {
    let slurm = [
      "SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_STEP": "2",
      "SLURM_ARRAY_TASK_COUNT": "5",
    ]
    #expect(try Shard("auto", environment: slurm) == Shard(index: 3, count: 5))
    #expect(try Shard("auto/9", environment: slurm) == Shard(index: 3, count: 9))
    let pod = ["JOB_COMPLETION_INDEX": "2"]
    #expect(try Shard("auto/4", environment: pod) == Shard(index: 2, count: 4))
    #expect(throws: FleetError.self) { try Shard("auto", environment: pod) }
    #expect(try Shard("1/4", environment: [:]) == Shard(index: 1, count: 4))
  }

  @Test(arguments: ["4/4", "-1/4", "x/4", "1/0", "1/2/3", "auto/4", "3"])
  func `what is no shard is refused`(text: String) {
    #expect(throws: FleetError.self) { _ = try Shard(text, environment: [:]) }
  }
}

@Suite struct `growth from round to round` {
  private func noise(_ number: Int) -> Double { Double((number * 7919) % 13) - 6 }

  @Test func `steady growth is found in noise, and noise or one step is not`() throws {
    let rising = (0..<20).map { Double($0) * 3 + noise($0) }
    let slope = try #require(Slope(rising))
    #expect(abs(slope.perRound - 3) < 0.5 && slope.isLeak(.mountCache))
    let flat = try #require(Slope((0..<20).map(noise)))
    #expect(!flat.isLeak(.mountCache))
    let step = try #require(Slope([0] + (0..<20).map { 50 + noise($0) }))
    #expect(!step.isLeak(.mountCache))
    #expect(Slope([1, 2, 3]) == nil)
  }

  @Test func `the slab of mounts is read from slabinfo`() {
    let text = """
      slabinfo - version: 2.1
      mnt_cache            431    480    320   12    1 : tunables 0 0 0 : slabdata 40 40 0
      """
    #expect(MachineMeasurement.mountCache(inSlabinfo: text) == 431)
    #expect(MachineMeasurement.mountCache(inSlabinfo: "") == nil)
  }
}

/// Rounds that take no time, by a script.
private struct FakeRounds: RoundMaker {
  var usesGuests = false
  var outcome: (SoakRound) -> RoundOutcome? = { _ in .agreed }
  private(set) var made: [SoakRound] = []
  var clock: Clock
  var answers = 10

  final class Clock {
    var now = 0.0
  }

  mutating func make(
    _ round: SoakRound, folder: String, keepsTrace: Bool, wantsEnd: () -> Bool
  ) throws(FleetError) -> RoundOutcome? {
    made.append(round)
    clock.now += 1
    let result = """
      {"nsstorm":"run","exitCode":0,"faults":[],"checks":{"answers":\(answers)},
       "divergences":[{"divergence":{"signature":"umount2: x","knownIssues":[]}}]}
      """
    try writeWhole(result.utf8, to: "\(folder)/result.json")
    if keepsTrace { try writeWhole("trace".utf8, to: "\(folder)/trace.jsonl") }
    return outcome(round)
  }
}

@Suite struct `a soak` {
  private func soak(
    _ path: String, _ clock: FakeRounds.Clock, seconds: Double = 10, boot: String = "a",
    most: Int = 1 << 30, leaks: Bool = false,
    measure: @escaping () -> MachineMeasurement = {
      MachineMeasurement(mountCache: 5, namespaces: 1, kernelBytes: 0, loopDevices: 0)
    }
  ) throws -> Soak {
    try Soak(
      profiles: ["p", "q"], base: 1, shard: .whole, durationSeconds: seconds,
      folder: SoakFolder(path: path, mostBytes: most, keptFreeBytes: 0), leaksAreFindings: leaks,
      boot: boot, measure: measure, now: { clock.now })
  }

  @Test func `profiles take turns with new seeds until the time is over`() throws {
    try withFolder { folder in
      var rounds = FakeRounds(clock: .init())
      var soak = try soak(folder, rounds.clock)
      #expect(try soak.run(by: &rounds, wantsEnd: { false }, say: { _ in }) == .agreed)
      #expect(rounds.made.count == 10)
      #expect(rounds.made.map(\.profile) == (0..<10).map { ["p", "q"][$0 % 2] })
      #expect(Set(rounds.made.map(\.seed)).count == 10)
      let summary = try String(contentsOfFile: "\(folder)/summary.txt", encoding: .utf8)
      #expect(summary.contains("verdict      kernel and engine agree"))
      #expect(summary.contains("100 answers checked"))
    }
  }

  @Test func `a failing seed is kept, and made again first when the soak goes on`() throws {
    try withFolder { folder in
      var rounds = FakeRounds(
        outcome: { $0.number == 2 ? .diverged : .agreed }, clock: .init())
      var first = try soak(folder, rounds.clock)
      #expect(try first.run(by: &rounds, wantsEnd: { false }, say: { _ in }) == .diverged)
      let failed = rounds.made[2]
      let kept = "\(folder)/failures/p-\(failed.seedText)"
      #expect(FileManager.default.fileExists(atPath: "\(kept)/trace.jsonl"))

      var again = FakeRounds(clock: .init())
      var second = try soak(folder, again.clock)
      _ = try second.run(by: &again, wantsEnd: { false }, say: { _ in })
      #expect(again.made[0].seed == failed.seed && again.made[0].isRetry)
      #expect(again.made.dropFirst().allSatisfy { !$0.isRetry })
      #expect(Set(again.made.dropFirst().map(\.seed)).isDisjoint(with: rounds.made.map(\.seed)))
      #expect(second.state.failing.first?.agreements == 1)
    }
  }

  @Test func `what was stopped goes on with the time that is left`() throws {
    try withFolder { folder in
      var rounds = FakeRounds(clock: .init())
      var first = try soak(folder, rounds.clock)
      var asked = 0
      let stopped = try first.run(
        by: &rounds,
        wantsEnd: {
          asked += 1
          return asked > 4
        }, say: { _ in })
      #expect(stopped == .interrupted && rounds.made.count == 4)
      var rest = FakeRounds(clock: .init())
      var second = try soak(folder, rest.clock)
      #expect(try second.run(by: &rest, wantsEnd: { false }, say: { _ in }) == .agreed)
      #expect(rest.made.count == 6)
    }
  }

  @Test func `a machine that was booted again in the middle of a round leaves a failing seed`()
    throws
  {
    try withFolder { folder in
      struct Killed: Error {}
      let files = try SoakFolder(path: folder, mostBytes: 1 << 30, keptFreeBytes: 0)
      var state = SoakState(base: 1, shard: .whole, durationSeconds: 10)
      let round = state.next(profiles: ["p", "q"], boot: "a")
      try files.keep(state, summary: "")
      var rounds = FakeRounds(clock: .init())
      var soak = try soak(folder, rounds.clock, boot: "b")
      #expect(soak.state.failing.map(\.seed) == [round.seed])
      #expect(try soak.run(by: &rounds, wantsEnd: { false }, say: { _ in }) == .kernelFault)
      #expect(rounds.made[0].seed == round.seed && rounds.made[0].isRetry)
      // The same boot: somebody stopped the soak, which says nothing.
      try files.keep(state, summary: "")
      #expect(try self.soak(folder, .init(), boot: "a").state.failing.isEmpty)
    }
  }

  @Test func `nothing checked is no success`() throws {
    try withFolder { folder in
      var rounds = FakeRounds(outcome: { _ in .nothingChecked }, clock: .init(), answers: 0)
      var soak = try soak(folder, rounds.clock)
      #expect(try soak.run(by: &rounds, wantsEnd: { false }, say: { _ in }) == .nothingChecked)
    }
  }

  @Test func `growth is a finding only where the machine does nothing else`() throws {
    for isAlone in [true, false] {
      try withFolder { folder in
        var rounds = FakeRounds(clock: .init())
        let clock = rounds.clock
        var soak = try soak(folder, clock, seconds: 20, leaks: isAlone) {
          MachineMeasurement(
            mountCache: 100 + Int(clock.now) * 5, namespaces: 1, kernelBytes: 0, loopDevices: 0)
        }
        let outcome = try soak.run(by: &rounds, wantsEnd: { false }, say: { _ in })
        #expect(outcome == (isAlone ? .neverReleased : .agreed))
        #expect(soak.summary(isRunning: false).contains("mount cache: +5.00 a round, GROWS"))
      }
    }
  }

  @Test func `results that take too much room lose their traces, the oldest first`() throws {
    try withFolder { folder in
      var rounds = FakeRounds(outcome: { _ in .diverged }, clock: .init())
      var soak = try soak(folder, rounds.clock, most: 30_000)
      _ = try soak.run(by: &rounds, wantsEnd: { false }, say: { _ in })
      let files = try SoakFolder(path: folder, mostBytes: 1, keptFreeBytes: 0)
      #expect(!files.makeRoom())
      let left = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
      #expect(!left.contains { $0.hasSuffix("trace.jsonl") })
      #expect(left.contains { $0.hasSuffix("result.json") })
    }
  }

  @Test func `the log of rounds is rotated`() throws {
    try withFolder { path in
      let folder = try SoakFolder(path: path, mostBytes: 1 << 30, keptFreeBytes: 0)
      let line = String(repeating: "x", count: 100_000)
      for _ in 0..<60 { folder.log(line) }
      let names = try FileManager.default.contentsOfDirectory(atPath: path)
      #expect(names.filter { $0.hasPrefix("rounds.log") }.count == 4)
    }
  }

  @Test func `a state of another soak, or a damaged one, is refused`() throws {
    try withFolder { folder in
      var rounds = FakeRounds(clock: .init())
      var first = try soak(folder, rounds.clock)
      _ = try first.run(by: &rounds, wantsEnd: { false }, say: { _ in })
      #expect(throws: FleetError.self) {
        _ = try Soak(
          profiles: ["p"], base: 2, shard: .whole, durationSeconds: 1,
          folder: SoakFolder(path: folder, mostBytes: 1, keptFreeBytes: 0),
          leaksAreFindings: false, boot: "a", measure: MachineMeasurement.take, now: { 0 })
      }
      try "{".write(toFile: "\(folder)/state.json", atomically: false, encoding: .utf8)
      #expect(throws: FleetError.self) { _ = try soak(folder, rounds.clock) }
    }
  }
}

@Suite struct `room for guests` {
  @Test func `processors and memory bound how many run at once`() {
    func width(_ processors: Int, _ memory: Int, _ online: Int, _ free: Int) -> Int {
      ProcessPool.width(
        processors: processors, memoryMebibytes: memory, online: online, availableMebibytes: free)
    }
    #expect(width(2, 1024, 16, 64_000) == 8)
    #expect(width(1, 1024, 16, 8_192) == 4)
    #expect(width(2, 1024, 1, 512) == 1)
  }

  @Test
  func `commands run beside each other, slow ones are killed, and the wish to end reaches them`()
    throws
  {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      func job(_ script: String, _ limit: Int = 20) -> ProcessPool.Job {
        ProcessPool.Job(
          path: "/bin/sh", arguments: ["-c", script], log: "\(folder)/\(script.count).log",
          limitSeconds: limit)
      }
      var ends: [Int: ProcessPool.End] = [:]
      try ProcessPool(width: 3, environment: ["PATH=/bin:/usr/bin"]).run([
        job("echo out; exit 3"), job("exec sleep 50", 1), job("kill -9 $$"), job("true"),
      ]) { (index, end) throws(FleetError) in
        ends[index] = end
        return true
      }
      #expect(ends == [0: .exit(3), 1: .timeLimit, 2: .signal(9), 3: .exit(0)])
      #expect(try String(contentsOfFile: "\(folder)/16.log", encoding: .utf8) == "out\n")
      ends = [:]
      try ProcessPool(width: 1, environment: ["PATH=/bin:/usr/bin"]).run(
        [job("exec sleep 40"), job("exec sleep 30")], wantsEnd: { true }
      ) { (index, end) throws(FleetError) in
        ends[index] = end
        return true
      }
      #expect(ends == [:] || ends == [0: .signal(15)])
    }
  }
}
