import Foundation
import Glibc
import StormCalibration
import StormKernel
import StormReclamation
import Testing

/// These tests mount, in private namespaces only; without the right to do so they are skipped.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs the right to mount"))
struct ReleaseProbeTests {
  private func mounts() throws -> String {
    try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
  }

  @Test func `an experiment measures every call and leaves no mount behind`() throws {
    let before = try mounts()
    for kind in [ReleaseProbe.Kind.single, .tree, .binds] {
      let result = try ReleaseProbe(kind, rounds: 5, mounts: 40, lazy: true).run()
      #expect(result.nanoseconds.count == 5)
      #expect(result.nanoseconds.allSatisfy { $0 > 0 })
    }
    #expect(try ReleaseProbe(.copies, rounds: 5, peers: 5).run().nanoseconds.count == 5)
    #expect(
      try ReleaseProbe(.callers, rounds: 5, mounts: 3, callers: 3).run().nanoseconds.count == 15)
    #expect(try mounts() == before)
  }

  @Test func `an experiment that takes too long is ended and says so`() throws {
    #expect {
      _ = try ReleaseProbe(.callers, rounds: 8_000, mounts: 500, callers: 4).run(seconds: 1)
    } throws: { error in
      "\(error)".contains("did not end in time")
    }
  }

  @Test func `an experiment beyond the limits is refused`() {
    #expect(throws: ProbeError.self) { try ReleaseProbe(.single, rounds: 0).run() }
    #expect(throws: ProbeError.self) { try ReleaseProbe(.tree, rounds: 1, mounts: 9_999).run() }
  }

  @Test func `umounts of walked mounts are counted as done or busy, nothing is lost`() throws {
    let result = try ReleaseProbe(.walkers, rounds: 50, callers: 2).run()
    #expect(result.succeeded + result.busy == 50)
    #expect(result.neverReleased == 0)
  }

  @Test func `the design of a kernel of today is recognised as waiting`() throws {
    let observation = try ReleaseObservation.ofRunningKernel(.ofThisMachine())
    let recognition = Recognition(observation)
    let names = Set(recognition.consistent.map(\.design.name))
    #expect(
      names.isDisjoint(
        with: [
          "D1a", "D2", "D2par", "D2+", "D3", "D3-lazy", "D6", "D7w", "D7n", "D8-kthread", "D11",
        ]))
    #expect(names.contains("D0"))
    if observation.names?.contains(.syncUmount) == true { #expect(!names.contains("D5")) }
    #expect(observation.hasFurtherFlag == false)
    let ring = observation.killedHolders?.first { $0.holder == "io-uring" }
    let descriptor = observation.killedHolders?.first { $0.holder == "fd" }
    #expect(descriptor?.refused == 0)
    if let ring { #expect(ring.refused > 0 && ring.waitNanoseconds > 0) }
    #expect(WorkItemTrace.exists(WorkItemTrace.instanceName) != true)
    let setting = (observation.skipped ?? []).filter { $0.contains("rcu_normal") }
    #expect(setting.count == 1, "settings of the machine are touched only on request")
  }

  @Test func `every file system that can be made here has a measured teardown`() throws {
    let calibration = try CalibrationMeasurement.measure(kernel: "this kernel")
    for name in ["ext4", "xfs", "fuse"] where !calibration.origin.contains("\(name): ") {
      let measured = try #require(calibration.teardown[name])
      #expect(measured.typicalNanoseconds > 0)
      #expect(measured != Calibration.standard.teardown[name], "\(name) is the assumed value")
    }
    #expect(try mounts().contains("nsstorm") == false)
  }
}
