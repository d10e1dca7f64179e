import Glibc

/// The machine that a run was made on, as far as results need it: to tell machines apart and to judge times.
public struct MachineDescription: Hashable, Sendable, Codable {
  /// The host name.
  public var name: String
  /// The same for every boot of one installation and different between machines: a hash of `/etc/machine-id`, so that
  /// the id itself is not published. Of the host name where there is no such file.
  public var identity: String
  /// `uname -m`
  public var architecture: String
  /// Processors that are online.
  public var processors: Int
  public var memoryBytes: Int
  /// `model name` of `/proc/cpuinfo`; empty where it has none.
  public var processorModel: String

  public init(
    name: String, identity: String, architecture: String, processors: Int, memoryBytes: Int,
    processorModel: String
  ) {
    self.name = name
    self.identity = identity
    self.architecture = architecture
    self.processors = processors
    self.memoryBytes = memoryBytes
    self.processorModel = processorModel
  }

  public static func ofThisMachine() -> MachineDescription {
    var names = utsname()
    uname(&names)
    func text<Field>(_ field: Field) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    let name = text(names.nodename)
    let machineID = ProcessFile.text("/etc/machine-id").map { ProcessFile.trimmed($0) } ?? ""
    let processor = ProcessFile.text("/proc/cpuinfo").flatMap { file in
      file.split(separator: "\n").first { $0.hasPrefix("model name") }
        .flatMap { $0.split(separator: ":", maxSplits: 1).last.map { ProcessFile.trimmed($0) } }
    }
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    return MachineDescription(
      name: name, identity: hash(of: machineID.isEmpty ? name : machineID),
      architecture: text(names.machine),
      processors: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))),
      memoryBytes: max(0, pages) * sysconf(Int32(_SC_PAGESIZE)), processorModel: processor ?? "")
  }

  // FNV-1a: it need not resist anybody, only hide the number from a glance.
  private static func hash(of text: String) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "nsstorm:\(text)".utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
