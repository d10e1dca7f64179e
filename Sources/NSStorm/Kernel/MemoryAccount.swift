import CMount
import Glibc
import StormVocabulary

/// What nsstorm and, beside it, the kernel take.
public struct MemoryAccount: Hashable, Sendable {
  /// Summed proportional set sizes of the supervisor, the zygote, PID 1, and all workers and observers.
  public var proportionalBytes: Int
  public var processes: Int
  /// Slab, kernel stacks, page tables and per-CPU memory of the whole machine: a change of it over a storm is mostly
  /// the storm's.
  public var kernelBytes: Int
}

extension Sandbox {
  /// Adds up ``MemoryAccount``; the sandbox's part is read by an observer, because it takes locks of the processes.
  public func memory() throws(SandboxError) -> Observation<MemoryAccount> {
    var account = MemoryAccount(
      proportionalBytes: 0, processes: 0, kernelBytes: Self.kernelMemoryBytes())
    guard let actor = livingActors.first else { throw .unknownActor(0) }
    let hang = try observe(UInt32(NSS_OBSERVE_MEMORY), [actor]) {
      (_, _, bytes) throws(SandboxError) in
      account.proportionalBytes = Int(bytes.load(as: UInt64.self)) * 1024
      account.processes = Int(bytes.load(fromByteOffset: 8, as: UInt64.self))
    }
    if let hang { return .hang(hang) }
    for process in [getpid(), nss_zygote_pid()] where process > 0 {
      guard let rollup = ProcessFile.text("/proc/\(process)/smaps_rollup"),
        let kilobytes = ProcessFile.field("Pss", of: rollup).flatMap(Self.kilobytes)
      else { continue }
      account.proportionalBytes += kilobytes * 1024
      account.processes += 1
    }
    return .seen(account)
  }

  /// Memory that the kernel holds for itself, machine-wide, from `/proc/meminfo`.
  public static func kernelMemoryBytes() -> Int {
    guard let text = ProcessFile.text("/proc/meminfo") else { return 0 }
    return ["Slab", "KernelStack", "PageTables", "Percpu"].reduce(0) { sum, key in
      sum + (ProcessFile.field(key, of: text).flatMap(kilobytes) ?? 0) * 1024
    }
  }

  private static func kilobytes(_ value: String) -> Int? {
    value.split(separator: " ").first.flatMap { Int($0) }
  }
}
