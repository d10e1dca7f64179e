import Glibc
import StormRun

/// Turns the first SIGINT or SIGTERM into a wish to end; the second one ends the process at once. SIGUSR1 asks for the
/// state of the run.
///
/// The signals are blocked and asked for, so no handler runs and no state is global. After the first one they get their
/// default action back: nothing the harness waits for can delay the second.
struct InterruptWatch: RunControl {
  private var wasInterrupted = false
  private let onStatus: () -> Void

  /// To be made before any other thread exists: threads inherit the blocked signals.
  ///
  /// - Parameter onStatus: called on the thread that asks, when somebody sent SIGUSR1.
  init(onStatus: @escaping () -> Void = {}) {
    self.onStatus = onStatus
    var signals = Self.signals([SIGINT, SIGTERM, SIGUSR1])
    sigprocmask(SIG_BLOCK, &signals, nil)
  }

  mutating func wantsEnd() -> Bool {
    var signals = Self.signals(wasInterrupted ? [SIGUSR1] : [SIGINT, SIGTERM, SIGUSR1])
    var noTime = timespec(tv_sec: 0, tv_nsec: 0)
    switch sigtimedwait(&signals, nil, &noTime) {
    case SIGUSR1: onStatus()
    case let signal where signal > 0:
      wasInterrupted = true
      var ending = Self.signals([SIGINT, SIGTERM])
      sigprocmask(SIG_UNBLOCK, &ending, nil)
    default: break
    }
    return wasInterrupted
  }

  private static func signals(_ numbers: [Int32]) -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in numbers { sigaddset(&signals, number) }
    return signals
  }
}
