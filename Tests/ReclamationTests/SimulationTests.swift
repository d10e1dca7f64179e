import Foundation
import StormReclamation
import Testing

@Suite struct SimulationTests {
  private func simulate(
    _ name: String, _ change: (inout SimulationParameters) -> Void = { _ in }
  ) throws -> SimulationResult {
    var parameters = SimulationParameters(design: try #require(Design.named(name)))
    change(&parameters)
    return try SimulationResult(simulating: parameters)
  }

  private func median(_ values: [Double]) -> Double { SimulationResult.quantile(0.5, of: values) }

  /// 8 callers, 200 calls each, 20 mounts a call, as in the published sketch.
  private func crowd(_ parameters: inout SimulationParameters) {
    parameters.callers = 8
    parameters.namespaces = 1_600
    parameters.mounts = 20
    parameters.thinkNanoseconds = 1.8e6
  }

  @Test func `the same seed gives the same run and another seed another`() throws {
    func run(_ seed: UInt64) throws -> SimulationResult {
      try simulate("D2") {
        crowd(&$0)
        $0.seed = seed
      }
    }
    let first = try run(7)
    let second = try run(7)
    #expect(first.callNanoseconds == second.callNanoseconds)
    #expect(first.deathNanoseconds == second.deathNanoseconds)
    #expect(first.backlog == second.backlog)
    #expect(try run(8).deathNanoseconds != first.deathNanoseconds)
  }

  @Test func `every detached mount dies once in every design`() throws {
    for design in Design.catalogue {
      let result = try simulate(design.name) {
        crowd(&$0)
        $0.namespaces = 100
      }
      #expect(result.deathNanoseconds.count == 2_000, "\(design.name)")
      #expect(result.callNanoseconds.count == 100, "\(design.name)")
      #expect(result.backlog.last?.mounts == 0, "\(design.name)")
    }
  }

  @Test func `waiting in the call bounds the backlog by callers times mounts`() throws {
    for fileSystem in ["tmpfs", "ext4"] {
      let result = try simulate("D0") {
        crowd(&$0)
        $0.fileSystem = fileSystem
      }
      #expect(result.maximumBacklog <= 8 * 20)
    }
  }

  @Test func `deferring heavy teardowns grows a backlog without bound`() throws {
    func heavy(_ parameters: inout SimulationParameters) {
      crowd(&parameters)
      parameters.fileSystem = "ext4"
    }
    let waiting = try simulate("D0", heavy)
    let posted = try simulate("D2", heavy)
    let parallel = try simulate("D2par", heavy)
    let global = try simulate("D3", heavy)
    #expect(posted.maximumBacklog > 100 * waiting.maximumBacklog)
    // As posted, one delayed item does all teardowns: no better than one global worker.
    let ratio = median(posted.deathNanoseconds) / median(global.deathNanoseconds)
    #expect(ratio > 0.9 && ratio < 1.1)
    #expect(median(parallel.deathNanoseconds) * 4 < median(posted.deathNanoseconds))
    #expect(median(posted.callNanoseconds) * 100 < median(waiting.callNanoseconds))
  }

  @Test func `on real-time kernels the deferral buys latency and costs time to death`() throws {
    func realTime(_ parameters: inout SimulationParameters) {
      parameters.namespaces = 200
      parameters.thinkNanoseconds = 1.8e6
      parameters.normalGracePeriodsOnly = true
      parameters.calibration.normalGracePeriod = Calibration.ServiceTime(24.5e6)
    }
    let waiting = try simulate("D0", realTime)
    let deferred = try simulate("D2", realTime)
    #expect(median(waiting.callNanoseconds) > 1_000 * median(deferred.callNanoseconds))
    #expect(median(deferred.deathNanoseconds) > median(waiting.deathNanoseconds))
    #expect(median(deferred.deathNanoseconds) < 3 * median(waiting.deathNanoseconds))
    #expect(waiting.normalGracePeriods == 200)
    #expect(deferred.normalGracePeriods < 40)
  }

  @Test func `one call pays one grace period however many mounts it detaches`() throws {
    for mounts in [1, 100] {
      let result = try simulate("D0") {
        $0.namespaces = 50
        $0.mounts = mounts
      }
      #expect(result.expeditedGracePeriods == 50)
      #expect(result.normalGracePeriods == 0)
    }
  }

  @Test func `polling a stamp never waits longer than a grace period from the release`() throws {
    func load(_ parameters: inout SimulationParameters) {
      crowd(&parameters)
      parameters.mounts = 1_000
      parameters.callers = 1
      parameters.namespaces = 100
    }
    let polled = try simulate("D16", load)
    let waiting = try simulate("D0", load)
    #expect(median(polled.callNanoseconds) < median(waiting.callNanoseconds))
  }

  @Test func `propagated copies lengthen the call and share its grace period`() throws {
    let alone = try simulate("D0") { $0.namespaces = 50 }
    let shared = try simulate("D0") {
      $0.namespaces = 50
      $0.peers = 99
    }
    #expect(shared.mounts == 100 * alone.mounts)
    #expect(shared.expeditedGracePeriods == alone.expeditedGracePeriods)
    #expect(median(shared.callNanoseconds) > 5 * median(alone.callNanoseconds))
  }

  @Test func `a callback makes innocent tasks pay`() throws {
    #expect(try simulate("D1a").innocentNanoseconds > 0)
    #expect(try simulate("D2").innocentNanoseconds == 0)
  }

  @Test func `the published figures come out in shape`() throws {
    for figure in try PublishedFigure.all() {
      let ratio = figure.simulatedRatio / figure.publishedRatio
      #expect(ratio > 0.8 && ratio < 1.25, "\(figure.name): \(figure.simulatedRatio)")
      #expect(abs(figure.simulatedWithout / figure.without - 1) < 0.25, "\(figure.name)")
    }
  }

  @Test func `a final put overflows a small stack in place and not on a queue`() {
    let deep = StackLedger(callerDepth: 4_500, shutdownNeed: 5_000)
    #expect(deep.bytesLeft(tail: .inline) < 0)
    #expect(deep.bytesLeft(tail: .wqWait) == 8_192 - 700 - 5_000)
    #expect(
      StackLedger(stackSize: 16_384, callerDepth: 4_500, shutdownNeed: 5_000)
        .bytesLeft(tail: .inline) > 0)
  }

  @Test func `a calibration survives being written and read`() throws {
    let data = try JSONEncoder().encode(Calibration.standard)
    #expect(try JSONDecoder().decode(Calibration.self, from: data) == .standard)
  }

  @Test func `a load that cannot be simulated is refused with the allowed values`() {
    #expect {
      _ = try simulate("D0") { $0.fileSystem = "btrfs" }
    } throws: {
      "\($0)".contains("btrfs") && "\($0)".contains("ext4")
    }
    #expect {
      _ = try simulate("D0") { $0.namespaces = .max }
    } throws: {
      "\($0)".contains("number of mounts in all")
    }
  }

  @Test func `callers that share CPUs wait for them, and a CPU each changes nothing`() throws {
    func median(callers: Int, cpus: Int) throws -> Double {
      var parameters = SimulationParameters(design: .mainline)
      parameters.call = .sync
      parameters.callers = callers
      parameters.cpus = cpus
      parameters.namespaces = 400
      parameters.thinkNanoseconds = 20_000
      let result = try SimulationResult(simulating: parameters)
      return SimulationResult.quantile(0.5, of: result.callNanoseconds)
    }
    let alone = try median(callers: 4, cpus: 0)
    #expect(try median(callers: 4, cpus: 4) == alone)
    #expect(try median(callers: 4, cpus: 1) > 1.5 * alone)
    #expect(try median(callers: 4, cpus: 1) > median(callers: 4, cpus: 2))
    #expect(try median(callers: 1, cpus: 1) == median(callers: 1, cpus: 0))
  }
}
