import Foundation
import StormKernel
import Testing

@testable import StormReport

@Suite struct GuestResultTests {
  private static let guest = GuestResult(
    kernel: RunningKernel(release: "7.3.4-amd64", build: "#1 SMP"), profile: "first-storm",
    seed: "0x7", finishedAt: Date(timeIntervalSince1970: 1_795_632_256), seconds: 12,
    outcome: "kernel fault: oops", report: "oops",
    lines: [
      "BUG: kernel NULL pointer dereference, address: 0000000000000008",
      "RIP: 0010:umount_tree+0x2a/0x300", "Call Trace:", " path_umount+0x10/0x300",
    ], command: "nsstorm vm run first-storm --kernel debian:7.3.4")

  @Test func `a guest whose kernel broke is a run with a fault and without a verdict of its own`() {
    let record = Self.guest.record
    #expect(record.ended == nil && record.faults.count == 1)
    let health = record.cases.first { $0.name.hasSuffix(".kernel-health") }
    #expect(health?.status == .failed)
    #expect(record.cases.allSatisfy { $0.status == .failed || $0.status == .error })
    // The same folder is the same run.
    #expect(record.began.run == Self.guest.record.began.run)
  }

  @Test func `its mail has the console and the command that leads there`() throws {
    let mail = try MailReport(Self.guest.record)
    #expect(
      mail.subject
        == "[BUG] fs/namespace: kernel NULL pointer dereference in umount_tree() on 7.3.4-amd64")
    #expect(mail.body.contains("BUG: kernel NULL pointer dereference"))
    #expect(mail.body.contains("--kernel debian:7.3.4"))
    #expect(!RunPage(Self.guest.record).text.isEmpty)
  }
}
