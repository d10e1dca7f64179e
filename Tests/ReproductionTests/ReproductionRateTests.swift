import StormReproduction
import Testing

@Suite struct ReproductionRateTests {
  /// Against published values of Wilson's interval (95%).
  @Test(arguments: [
    (successes: 0, trials: 10, low: 0.0, high: 0.2775), (10, 10, 0.7225, 1.0),
    (5, 10, 0.2366, 0.7634), (1, 20, 0.0089, 0.2361), (50, 100, 0.4038, 0.5962),
  ])
  func `the interval is Wilson's`(successes: Int, trials: Int, low: Double, high: Double) {
    let rate = ReproductionRate(successes: successes, trials: trials)
    #expect(abs(rate.interval.lowerBound - low) < 0.0005)
    #expect(abs(rate.interval.upperBound - high) < 0.0005)
    #expect(rate.interval.contains(rate.fraction))
  }

  @Test func `nothing tried says nothing`() {
    #expect(ReproductionRate().interval == 0...1)
    #expect("\(ReproductionRate(successes: 3, trials: 4))".hasPrefix("3 of 4 runs"))
  }
}
