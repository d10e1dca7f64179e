public import StormEngine

// Between exact steps, racing calls: their judge works on the same model and leaves it where the kernel stands.

extension StepCheck {
  /// A judge of racing calls, from the state after the last step; it must agree with the kernel's.
  public mutating func beginRace(limits: SearchLimits) -> ConcurrencyChecker {
    model.discardCheckpoints()
    return ConcurrencyChecker(
      comparison: TableComparison(), limits: limits)
  }

  /// Judges the next window; only between ``beginRace(limits:)`` and ``endRace()``.
  public mutating func judge(
    _ window: ContendedWindow, by checker: inout ConcurrencyChecker
  ) -> WindowVerdict {
    checker.check(window, against: &model)
  }

  /// Goes on with exact steps from the state after the last window that was explained.
  public mutating func endRace() {
    model.discardCheckpoints()
    before = model.checkpoint()
    living = model.livingProcesses
    versions = Array(repeating: nil, count: living.count)
    hasUnreadSteps = true
    forgetNumbers()
  }

  /// Goes on under the rules of a kernel with known issues that racing calls have shown.
  public var rules: KernelRules { model.rules }
}
