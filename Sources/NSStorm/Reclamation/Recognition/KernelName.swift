/// Names in the kernel's own type information (BTF) that tell release designs apart.
public enum KernelName: String, Sendable, Hashable, Codable, CaseIterable {
  /// The enumeration of mount flags, which 6.18 has. Older kernels have macros, which no type information names.
  case mountFlags = "mount_flags"
  /// The flag by which walkers leave the final put to a synchronous umount.
  case syncUmount = "MNT_SYNC_UMOUNT"
  /// One signed counter of references a CPU.
  case count = "mnt_count"
  /// Gets counted apart from puts (7.x).
  case gets = "mnt_gets"
  /// Children that are put when their parent is cleaned up (up to 6.18).
  case stuckChildren = "mnt_stuck_children"
  /// Stand-ins for the children of detached mounts (7.x).
  case cover = "mnt_cover"

  /// The names that a kernel of a design has, as far as the design decides them.
  static func names(of design: Design) -> Set<KernelName> {
    var names: Set<KernelName> = [.mountFlags]
    if design.legit != .noFlag { names.insert(.syncUmount) }
    names.insert(design.counts == .split ? .gets : .count)
    names.insert(design.children == .chain ? .stuckChildren : .cover)
    return names
  }
}
