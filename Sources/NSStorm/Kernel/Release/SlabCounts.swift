import StormVocabulary

/// Live objects of the kernel's caches, machine-wide (`/proc/slabinfo`). Lazy RCU callbacks let them lag by half a
/// minute.
public struct SlabCounts: Hashable, Sendable {
  /// `mnt_cache`: one object a mount.
  public var mounts: Int

  /// Now; nil where the file cannot be read (root only) or has no such line.
  public static func current() -> SlabCounts? {
    ProcessFile.text("/proc/slabinfo").flatMap(SlabCounts.init(slabinfo:))
  }

  public init?(slabinfo text: String) {
    for line in text.split(separator: "\n") where line.hasPrefix("mnt_cache ") {
      let fields = line.split(separator: " ")
      guard fields.count > 2, let active = Int(fields[1]) else { return nil }
      mounts = active
      return
    }
    return nil
  }
}
