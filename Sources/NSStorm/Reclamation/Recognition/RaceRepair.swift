import StormVocabulary

/// A race of mainline's release that later kernels do not have: the first release of each line with the repair.
struct RaceRepair {
  var name: String
  /// One for each stable line that got it, mainline's last: everything from that on has it.
  var releases: [KernelRelease]

  /// `MNT_SYNC_UMOUNT` is read under `mount_lock` (250cf3693060; releases as in the record of CVE-2025-38058).
  static let lockedFlag = RaceRepair(
    name: "the check of MNT_SYNC_UMOUNT under mount_lock",
    releases: [
      KernelRelease(5, 4, 294), KernelRelease(5, 10, 238), KernelRelease(5, 15, 185),
      KernelRelease(6, 1, 141), KernelRelease(6, 6, 93), KernelRelease(6, 12, 31),
      KernelRelease(6, 14, 9), KernelRelease(6, 15),
    ])

  /// The barrier before the busy check (65781e19dcfc). Of the stable lines only those that were looked up.
  static let barrier = RaceRepair(
    name: "the barrier before the busy check of umount",
    releases: [KernelRelease(6, 1, 139), KernelRelease(6, 12, 29), KernelRelease(6, 15)])

  func isIn(_ release: KernelRelease) -> Bool {
    if let mainline = releases.last, release >= mainline { return true }
    return releases.contains {
      ($0.major, $0.minor) == (release.major, release.minor) && release.patch >= $0.patch
    }
  }

  /// The repairs that kernels of a design lack.
  static func missing(in design: Design) -> [RaceRepair] {
    (design.legit == .unlockedFlag ? [lockedFlag] : []) + (design.barrier ? [] : [barrier])
  }
}
