import Foundation
import StormKernel

/// Finds out by a boot whether guests run under KVM here, and remembers it until the host is booted again.
public struct AcceleratorProbe {
  private let folder: String

  private static let limitSeconds = 20

  /// - Parameter folder: where the answer is kept.
  public init(folder: String) {
    self.folder = folder
  }

  /// KVM where a probe boot with this kernel shows that it works, else emulation.
  public func accelerator(for kernel: BootableKernel, program: String, say: (String) -> Void)
    throws(FleetError) -> Accelerator
  {
    guard Accelerator.mayHaveKVM else { return .tcg }
    let place = "\(folder)/accelerator-\(bootIdentifier)"
    if let known = FileManager.default.contents(atPath: place),
      let accelerator = Accelerator(rawValue: String(decoding: known, as: UTF8.self))
    {
      return accelerator
    }
    var machine = VirtualMachine(
      kernel: kernel, image: GuestImage(program: program, arguments: ["--version"], profiles: []),
      accelerator: .kvm)
    machine.limits.bootSeconds = Self.limitSeconds
    machine.limits.totalSeconds = Self.limitSeconds
    machine.limits.processors = 1
    let report = try machine.run { _ in }
    let works = report.outcome == .finished(status: 0)
    say(
      works
        ? "KVM works here (probe boot in \(Int(report.totalSeconds)) s)"
        : "KVM does not work here (probe boot: \(report.outcome)); guests are emulated (TCG)")
    let accelerator = works ? Accelerator.kvm : .tcg
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try? WholeFile.write(accelerator.rawValue, to: place)
    return accelerator
  }

  private var bootIdentifier: String {
    let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
  }
}
