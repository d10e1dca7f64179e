import Glibc
import StormRun

/// Turns the first SIGINT or SIGTERM into a wish to end; the second one ends the process at once.
///
/// The signals are blocked and asked for, so no handler runs and no state is global. After the first one they get their
/// default action back: nothing the harness waits for can delay the second.
struct InterruptWatch: RunControl {
  private var wasInterrupted = false

  /// To be made before any other thread exists: threads inherit the blocked signals.
  init() {
    var signals = Self.signals
    sigprocmask(SIG_BLOCK, &signals, nil)
  }

  mutating func wantsEnd() -> Bool {
    if wasInterrupted { return true }
    var signals = Self.signals
    var noTime = timespec(tv_sec: 0, tv_nsec: 0)
    guard sigtimedwait(&signals, nil, &noTime) > 0 else { return false }
    wasInterrupted = true
    sigprocmask(SIG_UNBLOCK, &signals, nil)
    return true
  }

  private static var signals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
  }
}
