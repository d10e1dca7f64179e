import Glibc

/// The settings of the running kernel that a reader of a report on mounts asks for: how it preempts, frees memory after
/// grace periods, checks itself, and which file systems and namespaces it has.
public struct KernelConfiguration: Hashable, Sendable, Codable {
  /// Lines such as `CONFIG_PREEMPT_RCU=y`, in the order of the file.
  public var options: [String]
  /// Where they were read; nil where no configuration was found.
  public var source: String?
  /// The words of the command line that change how mounts are released or checked.
  public var bootParameters: [String]

  public init(options: [String], source: String?, bootParameters: [String]) {
    self.options = options
    self.source = source
    self.bootParameters = bootParameters
  }

  /// - Parameter release: `uname -r`.
  public static func ofThisMachine(release: String) -> KernelConfiguration {
    let words = ProcessFile.text("/proc/cmdline") ?? ""
    let parameters = words.split { $0 == " " || $0 == "\n" }.map(String.init)
      .filter { word in parameterMarks.contains { word.hasPrefix($0) } }
    for path in ["/boot/config-\(release)", "/lib/modules/\(release)/build/.config"] {
      guard let text = ProcessFile.text(path, limit: 1 << 20) else { continue }
      return KernelConfiguration(
        options: relevant(in: text), source: path, bootParameters: parameters)
    }
    if let text = embedded() {
      return KernelConfiguration(
        options: relevant(in: text), source: "/proc/config.gz", bootParameters: parameters)
    }
    return KernelConfiguration(options: [], source: nil, bootParameters: parameters)
  }

  /// The lines of a configuration that matter.
  public static func relevant(in text: String) -> [String] {
    text.split(separator: "\n").filter { line in
      line.hasPrefix("CONFIG_") && optionMarks.contains { line.dropFirst(7).hasPrefix($0) }
    }.map(String.init)
  }

  // `/proc/config.gz` is unpacked by gzip itself: it is short, and no library of ours needs to know the format.
  private static func embedded() -> String? {
    guard access("/proc/config.gz", R_OK) == 0,
      let pipe = popen("gzip -dc /proc/config.gz 2>/dev/null", "re")
    else { return nil }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < 1 << 20 {
      let count = fread(&chunk, 1, chunk.count, pipe)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return pclose(pipe) == 0 ? String(decoding: bytes, as: UTF8.self) : nil
  }

  private static let optionMarks = [
    "PREEMPT", "HZ=", "SMP=", "NR_CPUS=", "TREE_RCU", "RCU_", "PROVE_", "LOCKDEP=", "KASAN=",
    "KCSAN=", "KFENCE=", "UBSAN=", "DEBUG_LIST=", "DEBUG_OBJECTS", "DEBUG_VFS=", "DEBUG_ATOMIC",
    "SLUB_DEBUG", "USER_NS=", "MOUNT_NOTIFICATIONS=", "FANOTIFY=", "OVERLAY_FS=", "FUSE_FS=",
    "TMPFS=", "NFS_FS=", "AUTOFS_FS=", "IO_URING=",
  ]
  private static let parameterMarks = [
    "rcu", "preempt=", "slub_debug", "kasan", "debug", "mitigations=", "panic", "nosmp", "maxcpus=",
    "isolcpus=", "nohz",
  ]
}
