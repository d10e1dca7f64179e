/// Puts the records of the kernel log together to faults: the line that announces one and the report that follows it.
public struct KernelFaultCollector: Sendable {
  private var faults: [KernelFault] = []
  /// The report that was taken last: lines of it that come later still belong to it, but are no new fault.
  private var taken: KernelFault?

  public init() {}

  /// Takes the next record of the log.
  public mutating func add(_ record: KernelLogRecord) {
    guard record.facility == 0 else { return }
    let kind = KernelFault.Kind(line: record.text)
    if let last = faults.indices.last, belongs(record, kind, to: faults[last]) {
      faults[last].lines.append(record.text)
    } else if faults.isEmpty, let taken, belongs(record, kind, to: taken) {
      return
    } else if let kind {
      faults.append(
        KernelFault(
          kind: kind, lines: [record.text], sequence: record.sequence,
          microseconds: record.microseconds))
    }
  }

  /// The faults since the last call.
  public mutating func take() -> [KernelFault] {
    defer { faults = [] }
    taken = faults.last ?? taken
    return faults
  }

  // An oops announces itself in several lines ("BUG: kernel NULL pointer", "Oops: …"): they are one fault.
  private func belongs(
    _ record: KernelLogRecord, _ kind: KernelFault.Kind?, to fault: KernelFault
  ) -> Bool {
    guard record.microseconds <= fault.microseconds + Self.reportMicroseconds,
      fault.lines.count < Self.linesKept
    else { return false }
    guard let kind else { return true }
    // A stall names the stalled CPUs, and then the grace-period thread that starved.
    if kind == .rcuStall, fault.kind == .rcuStall { return true }
    return kind == .oops && [.oops, .bug, .kasan, .listCorruption].contains(fault.kind)
  }

  private static let linesKept = 80
  private static let reportMicroseconds: UInt64 = 200_000
}
