import Foundation
import StormKernel
import Testing

@testable import StormFleet

@Suite struct `what a run says about a symptom` {
  private let result = """
    {"nsstorm":"run","version":1,"exitCode":1,"outcome":"diverged","faults":[],
     "times":{"kernelNanoseconds":7000000},
     "divergences":[
      {"replay":"r","divergence":{"step":3,"signature":"unshare: wrong unbindable","rule":"namespaceCopied",
       "knownIssues":["unbindable-lost-in-namespace-copy"]}},
      {"replay":"r","divergence":{"step":9,"signature":"umount2: predicted EBUSY, observed 0","knownIssues":[]}}]}
    """

  private func report(
    _ outcome: VMOutcome, _ result: String = "", trace: String = "", release: String = "6.18.15"
  ) -> VMReport {
    var report = VMReport(outcome: outcome, accelerator: .tcg)
    report.result = Array(result.utf8)
    report.trace = Array(trace.utf8)
    report.release = release
    return report
  }

  private func sighting(
    _ report: VMReport, _ symptom: String, _ target: String = "first-storm"
  ) throws -> Sighting {
    try Sighting(report, SoughtSymptom(symptom), BisectionTarget(target))
  }

  @Test(arguments: [
    "known:unbindable-lost-in-namespace-copy", "divergence", "unshare: wrong unbindable",
    "unshare: wrong unbindable [namespaceCopied]", "umount2: predicted EBUSY, observed 0",
    "latency:times.kernelNanoseconds>6e6",
  ])
  func `what matches is bad, known issue or not`(symptom: String) throws {
    #expect(try sighting(report(.finished(status: 1), result), symptom).isPresent)
  }

  @Test(arguments: [
    "known:busy-chain-umounted", "unshare: wrong parent", "unshare: wrong unbindable [other]",
    "latency:times.kernelNanoseconds>8e6", "fault",
  ])
  func `what goes another way is no evidence that the symptom is absent`(symptom: String) throws {
    guard case .unclear = try sighting(report(.finished(status: 1), result), symptom) else {
      Issue.record("\(symptom)")
      return
    }
  }

  @Test func `a green result without it is absence, and only that`() throws {
    let green = #"{"nsstorm":"run","exitCode":0,"divergences":[],"faults":[],"times":{"a":1}}"#
    #expect(try sighting(report(.finished(status: 0), green), "divergence") == .absent)
    #expect(try sighting(report(.finished(status: 0), green), "fault") == .absent)
    guard case .ill = try sighting(report(.finished(status: 0), green), "latency:times.b>1") else {
      Issue.record("a number that is not there says nothing")
      return
    }
    guard case .ill = try sighting(report(.finished(status: 0)), "divergence") else {
      Issue.record("no result says nothing")
      return
    }
  }

  @Test func `what the machine or the harness did is no verdict on the kernel`() throws {
    for outcome: VMOutcome in [
      .lost(reason: "QEMU ended with signal 9"), .killed(signal: 11), .finished(status: 70),
      .finished(status: 64), .finished(status: 77),
    ] {
      guard case .ill = try sighting(report(outcome), "divergence") else {
        Issue.record("\(outcome)")
        continue
      }
    }
    guard case .cannotShow = try sighting(report(.bootFailed(reason: "x")), "divergence") else {
      Issue.record("a kernel that does not boot cannot show anything")
      return
    }
  }

  @Test func `a fault is the symptom, or hides it`() throws {
    let oops = report(.kernelFault(.oops))
    #expect(try sighting(oops, "fault").isPresent)
    #expect(try sighting(oops, "fault:oops").isPresent)
    let kasan = try sighting(oops, "fault:kasan")
    let divergence = try sighting(oops, "divergence")
    #expect(!kasan.isClear && !divergence.isClear)
    #expect(try sighting(report(.silent(afterSeconds: 60)), "fault").isPresent)
    let logged =
      #"{"nsstorm":"run","exitCode":2,"divergences":[],"faults":["kasan: BUG: KASAN: x"]}"#
    #expect(try sighting(report(.finished(status: 2), logged), "fault:kasan").isPresent)
    // What was seen before the kernel fell counts.
    #expect(try sighting(report(.kernelFault(.oops), result), "divergence").isPresent)
  }

  @Test func `a kernel without the call of the symptom is skipped`() throws {
    let green = #"{"nsstorm":"run","exitCode":0,"divergences":[],"faults":[]}"#
    let trace = """
      {"step":0,"ns":0,"call":"mount_setattr","path":"/a","ret":"ENOSYS"}
      {"step":1,"ns":0,"call":"mkdir","path":"/a","ret":0}

      """
    let symptom = "mount_setattr(set): wrong options"
    let without = report(.finished(status: 0), green, trace: trace)
    #expect(try sighting(without, symptom) == .cannotShow("this kernel has no mount_setattr"))
    let with = report(
      .finished(status: 0), green, trace: trace.replacing("\"ENOSYS\"", with: "0"))
    #expect(try sighting(with, symptom) == .absent)
  }

  @Test func `a trace with calls that a kernel lacks says nothing there`() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let path = "\(folder)/t.jsonl"
      try #"{"step":0,"call":"move_mount","flags":["beneath"],"ret":0}"#.write(
        toFile: path, atomically: false, encoding: .utf8)
      let old = report(.finished(status: 0), release: "6.1.180")
      guard case .cannotShow = try sighting(old, "known:x", path) else {
        Issue.record("6.1 has no MOVE_MOUNT_BENEATH")
        return
      }
      #expect(try sighting(report(.finished(status: 0)), "known:x", path) == .absent)
      #expect(try sighting(report(.finished(status: 1)), "known:x", path).isPresent)
    }
  }

  @Test func `a scenario is judged by its lines`() throws {
    try withFolder { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let path = "\(folder)/s.scenario"
      try "case A: x\n".write(toFile: path, atomically: false, encoding: .utf8)
      var green = report(.finished(status: 0))
      green.output = Array("A: x: known issue busy-chain-umounted, other\n1 scenarios\n".utf8)
      #expect(try sighting(green, "known:other", path).isPresent)
      #expect(try sighting(green, "known:busy-chain", path) == .absent)
      var red = report(.finished(status: 1))
      red.output = Array("A: x: differs\n  - a\n".utf8)
      #expect(try sighting(red, "divergence", path).isPresent)
    }
  }

  @Test(arguments: ["", "known:", "fault:thunder", "latency:x", "latency:>3", "nonsense", "fault:"])
  func `what is no symptom is refused`(text: String) {
    #expect(throws: FleetError.self) { _ = try SoughtSymptom(text) }
  }

  @Test(arguments: [
    "known:a", "divergence", "fault", "fault:kasan", "unshare: wrong unbindable [r]",
    "latency:times.kernelNanoseconds>6000000.0",
  ])
  func `a symptom is written as it is read`(text: String) throws {
    let symptom = try SoughtSymptom(text)
    #expect("\(symptom)" == text)
  }
}
