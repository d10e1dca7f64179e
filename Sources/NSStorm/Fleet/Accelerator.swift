import Glibc

/// How QEMU runs a guest's instructions.
public enum Accelerator: String, Hashable, Sendable, Codable {
  case kvm
  /// Emulation. Slower by a factor of 10 or so, and needs nothing.
  case tcg

  var arguments: [String] {
    switch self {
    case .kvm: ["-accel", "kvm", "-cpu", "host"]
    case .tcg: ["-accel", "tcg,thread=multi", "-cpu", "max"]
    }
  }

  // The kernel's allocator must not use the double-word exchange (X86_FEATURE_CX16, word 4, bit 13) that QEMU emulates by
  // stopping all processors; nsstorm itself, as every Swift program, needs it, so the processor keeps it. And the kernel must
  // not test the timer by counting its ticks in a busy loop: on a loaded host none comes in time, and it panics.
  var kernelArguments: [String] {
    switch self {
    case .kvm: []
    case .tcg: ["clearcpuid=141", "no_timer_check"]
    }
  }

  /// Whether a probe is worth its time. That the device exists does not say that it works.
  public static var mayHaveKVM: Bool { access("/dev/kvm", R_OK | W_OK) == 0 }
}
