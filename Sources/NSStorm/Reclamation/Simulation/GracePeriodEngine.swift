/// One kind of grace period: those who ask while one is running share the next.
struct GracePeriodEngine {
  private var current: [Simulation.Waiter] = []
  private var next: [Simulation.Waiter] = []
  private var isRunning = false
  /// Grace periods that ended.
  private(set) var count = 0

  /// Adds a waiter; true when a grace period has to be started for it.
  mutating func request(_ waiter: Simulation.Waiter) -> Bool {
    if isRunning {
      next.append(waiter)
      return false
    }
    isRunning = true
    current.append(waiter)
    return true
  }

  /// Ends the running one: who is done, and whether another must be started.
  mutating func finish() -> (done: [Simulation.Waiter], startsNext: Bool) {
    count += 1
    let done = current
    current = next
    next = []
    isRunning = !current.isEmpty
    return (done, isRunning)
  }
}
