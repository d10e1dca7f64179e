/// The CPUs that callers compete for: work goes to the one that is free first, in the order of arrival, and is not
/// taken off it. None at all stands for as many as there is work.
struct Processors {
  /// When each is free.
  private var free: [Double]

  init(count: Int) {
    free = [Double](repeating: 0, count: count)
  }

  /// When work that arrives now can begin.
  func start(from now: Double) -> Double {
    free.min().map { max(now, $0) } ?? now
  }

  /// Takes the CPU that is free first until work on it has ended.
  mutating func occupy(until end: Double) {
    guard let first = free.indices.min(by: { free[$0] < free[$1] }) else { return }
    free[first] = max(free[first], end)
  }

  /// Does work of a known length; when it has ended.
  mutating func run(_ nanoseconds: Double, from now: Double) -> Double {
    let end = start(from: now) + nanoseconds
    occupy(until: end)
    return end
  }
}
