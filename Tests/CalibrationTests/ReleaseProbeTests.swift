import Foundation
import Glibc
import StormCalibration
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
    let recognition = Recognition(try ReleaseObservation.ofRunningKernel("this kernel"))
    let names = Set(recognition.consistent.map(\.design.name))
    #expect(names.isDisjoint(with: ["D1a", "D2", "D2par", "D2+", "D3", "D3-lazy", "D7n"]))
    #expect(!names.isDisjoint(with: ["D0", "D0-6.12"]))
  }
}
