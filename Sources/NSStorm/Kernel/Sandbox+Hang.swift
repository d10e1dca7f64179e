import CMount
import StormVocabulary

extension Sandbox {
  func patience(_ span: Duration) -> Patience {
    Patience(spanNanoseconds: span.nanosecondsClamped, now: nss_now())
  }

  func looks(at processes: some Sequence<Int32>) -> [Patience.Look] {
    processes.compactMap { Patience.Look(processID: $0, below: handle.procfs) }
  }

  /// What `/proc` shows of a process that did not come back.
  func report(
    _ role: HangReport.Role, of slot: UnsafeMutablePointer<nss_worker>, operation: Operation?,
    waited: UInt64? = nil, further: Int = 0
  ) -> HangReport {
    report(
      role, processID: slot.pointee.pid, operation: operation,
      position: Int(nss_worker_position(slot)), waited: waited, further: further)
  }

  func report(
    _ role: HangReport.Role, processID: Int32, operation: Operation? = nil, position: Int = 0,
    waited: UInt64? = nil, further: Int = 0
  ) -> HangReport {
    func file(_ name: String) -> String {
      ProcessFile.trimmed(
        ProcessFile.text("\(processID)/\(name)", below: handle.procfs) ?? "unreadable")
    }
    return HangReport(
      role: role, operation: operation, position: position, processID: processID,
      waitedNanoseconds: waited ?? limits.callTime.nanosecondsClamped,
      state: ProcessFile.field("State", of: file("status")) ?? "gone",
      waitChannel: file("wchan"), systemCall: file("syscall"),
      stack: file("stack").split(separator: "\n").map(String.init), furtherProcesses: further)
  }
}
