import Glibc
import Testing

@testable import StormKernel

@Suite struct PatienceTests {
  private func spans(_ looks: (Int) -> Patience.Look) -> Int {
    var patience = Patience(spanNanoseconds: 1_000, now: 0)
    var asked = 0
    for now in stride(from: UInt64(0), to: 100_000, by: 100) {
      let isOver = patience.isOver(at: now) {
        defer { asked += 1 }
        return [looks(asked)]
      }
      if isOver { return Int(patience.waitedNanoseconds(at: now) / 1_000) }
    }
    return .max
  }

  @Test func `a process that sleeps is given one span`() {
    #expect(spans { _ in .init(state: "D", processorTicks: 70) } == 1)
    #expect(spans { _ in .init(state: "T", processorTicks: 70) } == 1)
  }

  @Test func `a process that runs is given six spans and no more`() {
    #expect(spans { _ in .init(state: "R", processorTicks: 70) } == 6)
    #expect(spans { .init(state: "S", processorTicks: UInt64(70 + $0)) } == 6)
  }

  @Test func `a process that stops after some work is given what it worked`() {
    #expect(spans { .init(state: "D", processorTicks: UInt64(min($0, 2))) } == 3)
  }

  @Test func `state and time are found behind a name with blanks and brackets`() {
    let text = "71 (a) R (b) S 1 71 71 0 -1 4194304 120 0 0 0 40 2 0 0 20 0 1 0 99 0 0\n"
    #expect(Patience.Look(stat: text) == .init(state: "S", processorTicks: 42))
    #expect(Patience.Look(stat: "71 (bash) S 1") == nil)
  }

  @Test func `the time that this process runs is seen`() throws {
    let procfs = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(procfs) }
    let first = try #require(Patience.Look(processID: getpid(), below: procfs))
    #expect(
      eventually(within: 20) {
        (Patience.Look(processID: getpid(), below: procfs)?.processorTicks ?? 0)
          > first.processorTicks + 2
      })
    #expect(Patience.Look(processID: .max, below: procfs) == nil)
  }
}
