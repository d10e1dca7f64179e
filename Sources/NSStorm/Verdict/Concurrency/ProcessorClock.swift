import Glibc

/// The time that this thread has spent on a processor: a limit by it says the same on a busy machine and on an idle one.
struct ProcessorClock {
  static var nanoseconds: UInt64 {
    var now = timespec()
    guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0 else { return 0 }
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
  }

  /// The moment at which a budget that begins now will be spent.
  static func deadline(milliseconds: Int) -> UInt64 {
    nanoseconds + UInt64(max(0, milliseconds)) * 1_000_000
  }
}
