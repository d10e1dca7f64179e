import Foundation
import Glibc
import StormKernel

/// Judges a guest by what comes out of it and when. Knows no machine and no clock, so that it can be tested.
struct VMWatcher {
  private(set) var report: VMReport
  private(set) var outcome: VMOutcome?
  private let limits: VMLimits
  private let started: Double
  private var frames = AgentFrameReader()
  private var lastLife: Double
  private var now: Double
  private var signsShown = 0
  /// The first sign of a fault that counts, and when it was seen.
  private var fault: (sign: ConsoleLog.Sign, time: Double)?
  private var commandEnd: VMOutcome?
  private var machineSaid = ""

  init(limits: VMLimits, accelerator: Accelerator, started: Double) {
    self.limits = limits
    self.started = started
    lastLife = started
    now = started
    report = VMReport(outcome: .lost(reason: "not run"), accelerator: accelerator)
  }

  mutating func takeConsole(_ bytes: [UInt8], _ watch: (VMEvent) -> Void) {
    guard !bytes.isEmpty else { return }
    lastLife = now
    report.console.add(bytes)
    for sign in report.console.signs[signsShown...] {
      watch(.sign(sign))
      // Before the first word of the guest it is the machine's and not the storm's doing, unless it ends the boot.
      if fault == nil, report.release != nil || sign.kind == .panic { fault = (sign, now) }
      if sign.kind == .panic { fault = (sign, now) }
    }
    signsShown = report.console.signs.count
  }

  mutating func takeAgent(_ bytes: [UInt8], _ watch: (VMEvent) -> Void) {
    guard !bytes.isEmpty else { return }
    frames.add(bytes)
    while let frame = frames.next() {
      lastLife = now
      take(frame, watch)
    }
  }

  mutating func takeTrace(_ bytes: [UInt8], _ watch: (VMEvent) -> Void) {
    guard !bytes.isEmpty else { return }
    lastLife = now
    report.trace += bytes
    watch(.trace(bytes))
  }

  private mutating func take(_ frame: AgentFrame, _ watch: (VMEvent) -> Void) {
    switch frame.kind {
    case .hello:
      let lines = frame.text.split(separator: "\n", omittingEmptySubsequences: false)
      report.release = lines.first.map(String.init) ?? ""
      report.build = lines.dropFirst().first.map(String.init)
      let seconds = now - started
      report.bootSeconds = seconds
      watch(.booted(release: report.release ?? "", seconds: seconds))
    case .heartbeat: break
    case .output:
      report.output += frame.payload
      watch(.output(frame.payload))
    case .errors:
      report.errors += frame.payload
      watch(.errors(frame.payload))
    case .trace:
      report.trace += frame.payload
      watch(.trace(frame.payload))
    case .result: report.result += frame.payload
    case .problem:
      report.problems.append(frame.text)
      watch(.problem(frame.text))
    case .ended:
      let words = frame.text.split(separator: " ")
      guard words.count == 2, let number = Int32(words[1]) else {
        commandEnd = .lost(reason: "the guest said \"\(frame.text)\" at the end")
        return
      }
      commandEnd = words[0] == "exit" ? .finished(status: number) : .killed(signal: number)
    }
  }

  /// - Parameters:
  ///   - machineEnd: how QEMU ended, once everything it sent has been taken.
  ///   - said: what it printed.
  mutating func decide(now: Double, machineEnd: HostProcess.End?, said: String = "") {
    self.now = now
    machineSaid = said.trimmingCharacters(in: .whitespacesAndNewlines)
    guard outcome == nil else { return }
    if let machineEnd {
      end(atMachineEnd: machineEnd)
    } else if let fault, now - fault.time > Double(limits.faultSeconds), commandEnd == nil,
      now - lastLife > Double(limits.faultSeconds)
    {
      end(.kernelFault(fault.sign.kind))
    } else if report.release == nil, now - started > Double(limits.bootSeconds) {
      end(.bootFailed(reason: "no word from the guest within \(limits.bootSeconds) s"))
    } else if report.release != nil, now - lastLife > Double(limits.silenceSeconds) {
      if let fault {
        end(.kernelFault(fault.sign.kind))
      } else {
        end(commandEnd ?? .silent(afterSeconds: limits.silenceSeconds))
      }
    } else if now - started > Double(limits.totalSeconds) {
      if let fault {
        end(.kernelFault(fault.sign.kind))
      } else {
        end(.tooSlow(limitSeconds: limits.totalSeconds))
      }
    }
  }

  mutating func end(_ outcome: VMOutcome) {
    if self.outcome == nil { self.outcome = outcome }
  }

  private mutating func end(atMachineEnd machineEnd: HostProcess.End) {
    report.console.finish()
    if case .signal(let number) = machineEnd, report.release == nil {
      end(.lost(reason: "QEMU was ended by signal \(number) before the guest's first word"))
    } else if report.release == nil, report.console.lines.isEmpty, machineEnd != .exit(0) {
      // Nothing ran at all: the image is to blame where QEMU says so, else the machine.
      end(
        machineSaid.localizedStandardContains("kernel")
          ? .bootFailed(reason: "QEMU cannot boot this image: \(machineSaid)")
          : .lost(reason: "QEMU ended with \(machineEnd.description): \(machineSaid)"))
    } else if report.release == nil {
      let panicked = report.console.signs.contains { $0.kind == .panic }
      end(
        .bootFailed(
          reason: panicked
            ? "the kernel panicked before the guest's first word"
            : "QEMU ended with \(machineEnd.description) before the guest's first word"))
    } else if let fault {
      end(.kernelFault(fault.sign.kind))
    } else if let commandEnd {
      end(commandEnd)
    } else if machineEnd == .exit(0), !report.problems.isEmpty {
      end(.bootFailed(reason: report.problems.joined(separator: "; ")))
    } else {
      end(.lost(reason: "QEMU ended with \(machineEnd.description) while the command ran"))
    }
  }

  func finished(messages: String) -> VMReport {
    var report = report
    report.console.finish()
    report.totalSeconds = now - started
    report.machineMessages = messages
    if let outcome { report.outcome = outcome }
    return report
  }
}
