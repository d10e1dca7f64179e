import Glibc
import StormVocabulary

/// Watches the kernel log from the moment it is made, and the kernel's taint.
///
/// A line found here overrides a green verdict: a kernel that warned while everything agreed is not well.
public final class KernelLog {
  private let file: Int32
  private var collector = KernelFaultCollector()
  /// The taint when the watch began.
  public let taintAtStart: KernelTaint
  /// Records that were overwritten before they were read.
  public private(set) var lostRecords = 0
  /// Records read so far.
  public private(set) var recordsRead = 0

  /// Begins after the last line that stands in the log now.
  public init() throws(SandboxError) {
    file = Glibc.open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else {
      let seen = Errno(rawValue: errno)
      throw seen == .notPermitted || seen == .accessDenied
        ? .notPermitted(attempt: "read the kernel log (/dev/kmsg)", errno: seen)
        : .setupFailed(attempt: "read the kernel log (/dev/kmsg)", errno: seen)
    }
    lseek(file, 0, SEEK_END)
    taintAtStart = KernelTaint.current
  }

  deinit { close(file) }

  /// The faults that were logged since the last call; never waits. Ask again after a little while at the end of a
  /// run: a report is many records, and the last ones may be on their way.
  public func takeFaults() -> [KernelFault] {
    while let record = next() {
      recordsRead += 1
      collector.add(record)
    }
    return collector.take()
  }

  private func next() -> KernelLogRecord? {
    withUnsafeTemporaryAllocation(byteCount: Self.recordBytes, alignment: 1) { buffer in
      while true {
        let count = read(file, buffer.baseAddress, buffer.count)
        if count > 0 {
          let text = String(
            decoding: UnsafeRawBufferPointer(rebasing: buffer[..<count]), as: UTF8.self)
          if let record = KernelLogRecord(text) { return record }
          continue
        }
        if count < 0 && errno == EPIPE {
          lostRecords += 1
          continue
        }
        if count < 0 && errno == EINTR { continue }
        return nil
      }
    }
  }

  private static let recordBytes = 8192
}

/// `/proc/sys/kernel/tainted`: what has happened to this kernel since it was booted.
public struct KernelTaint: OptionSet, Hashable, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  public static let machineCheck = KernelTaint(rawValue: 1 << 4)
  public static let badPage = KernelTaint(rawValue: 1 << 5)
  public static let died = KernelTaint(rawValue: 1 << 7)
  public static let warned = KernelTaint(rawValue: 1 << 9)
  public static let softLockup = KernelTaint(rawValue: 1 << 14)
  /// Those that say that something went wrong, and not only that a module is foreign.
  public static let faults: KernelTaint = [.machineCheck, .badPage, .died, .warned, .softLockup]

  /// The running kernel's; empty where it cannot be read.
  public static var current: KernelTaint {
    KernelTaint(rawValue: UInt64(ProcessFile.number("/proc/sys/kernel/tainted") ?? 0))
  }

  /// The faults that this taint has and the earlier one had not.
  public func newFaults(since earlier: KernelTaint) -> KernelTaint {
    subtracting(earlier).intersection(.faults)
  }
}

extension KernelTaint: CustomStringConvertible {
  /// The letters that the kernel prints, such as `W`, or `none`.
  public var description: String {
    let letters = Array("PFSRMBUDAWCIOELKXTNJ")
    let set = letters.indices.filter { rawValue & (1 << UInt64($0)) != 0 }.map { letters[$0] }
    return set.isEmpty ? "none" : String(set)
  }
}
