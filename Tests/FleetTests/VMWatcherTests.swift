import StormKernel
import Testing

@testable import StormFleet

@Suite struct VMWatcherTests {
  private func watcher() -> VMWatcher {
    var limits = VMLimits()
    limits.bootSeconds = 10
    limits.silenceSeconds = 5
    limits.totalSeconds = 100
    limits.faultSeconds = 2
    return VMWatcher(limits: limits, accelerator: .tcg, started: 0)
  }

  private func said(_ text: String) -> [UInt8] { Array("\(text)\n".utf8) }

  private let hello = AgentFrame(.hello, text: "6.18.15\n#1 SMP").bytes

  @Test func `a command's own status is the outcome`() {
    var watcher = watcher()
    watcher.takeAgent(hello + AgentFrame(.ended, text: "exit 1").bytes) { _ in }
    watcher.decide(now: 3, machineEnd: .exit(0))
    #expect(watcher.outcome == .finished(status: 1))
  }

  @Test func `no word within the limit is a failed boot, not before`() {
    var watcher = watcher()
    watcher.takeConsole(said("Linux version"), { _ in })
    watcher.decide(now: 10, machineEnd: nil)
    #expect(watcher.outcome == nil)
    watcher.decide(now: 11, machineEnd: nil)
    #expect(watcher.outcome == .bootFailed(reason: "no word from the guest within 10 s"))
  }

  @Test func `a panic before the first word is a failed boot`() {
    var watcher = watcher()
    watcher.takeConsole(said("Kernel panic - not syncing: VFS"), { _ in })
    watcher.decide(now: 1, machineEnd: .exit(0))
    #expect(
      watcher.outcome
        == .bootFailed(reason: "the kernel panicked before the guest's first word"))
  }

  @Test func `a warning while booting is not the storm's`() {
    var watcher = watcher()
    watcher.takeConsole(said("WARNING: CPU: 0 PID: 1 at arch/x86"), { _ in })
    watcher.takeAgent(hello + AgentFrame(.ended, text: "exit 0").bytes) { _ in }
    watcher.decide(now: 3, machineEnd: .exit(0))
    #expect(watcher.outcome == .finished(status: 0))
  }

  @Test func `a fault on the console overrides a green command`() {
    var watcher = watcher()
    watcher.takeAgent(hello) { _ in }
    watcher.takeConsole(said("BUG: kernel NULL pointer dereference, address: 120"), { _ in })
    watcher.takeAgent(AgentFrame(.ended, text: "exit 0").bytes) { _ in }
    watcher.decide(now: 3, machineEnd: .exit(0))
    #expect(watcher.outcome == .kernelFault(.oops))
  }

  @Test func `silence and slowness are told apart by the heartbeat`() {
    var silent = watcher()
    silent.takeAgent(hello) { _ in }
    silent.decide(now: 6, machineEnd: nil)
    #expect(silent.outcome == .silent(afterSeconds: 5))

    var slow = watcher()
    slow.takeAgent(hello) { _ in }
    for second in 1...101 {
      slow.takeAgent(AgentFrame(.heartbeat).bytes) { _ in }
      slow.decide(now: Double(second), machineEnd: nil)
    }
    #expect(slow.outcome == .tooSlow(limitSeconds: 100))
  }

  @Test func `a machine that ends while the command runs was lost`() {
    var watcher = watcher()
    watcher.takeAgent(hello) { _ in }
    watcher.decide(now: 3, machineEnd: .signal(9))
    #expect(
      watcher.outcome == .lost(reason: "QEMU ended with signal 9 while the command ran"))
  }
}
