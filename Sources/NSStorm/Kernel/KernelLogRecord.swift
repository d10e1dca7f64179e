/// One record of `/dev/kmsg` (the kernel's `Documentation/ABI/testing/dev-kmsg`).
public struct KernelLogRecord: Hashable, Sendable {
  /// 0 for the kernel; others were written by user space and prove nothing.
  public var facility: Int
  /// 0 (emergency) to 7 (debug).
  public var level: Int
  public var sequence: UInt64
  public var microseconds: UInt64
  public var text: String

  /// Reads `prefix,prefix,…;text`, the continuation lines with keys and values left out; nil for anything else.
  public init?(_ record: some StringProtocol) {
    guard let semicolon = record.firstIndex(of: ";") else { return nil }
    let prefix = record[..<semicolon].split(separator: ",")
    guard prefix.count >= 3, let priority = Int(prefix[0]), let sequence = UInt64(prefix[1]),
      let microseconds = UInt64(prefix[2])
    else { return nil }
    facility = priority >> 3
    level = priority & 7
    self.sequence = sequence
    self.microseconds = microseconds
    let rest = record[record.index(after: semicolon)...]
    text = String(rest.prefix { $0 != "\n" })
  }
}
