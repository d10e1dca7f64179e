import Glibc
import StormReclamation

extension KernelName {
  /// Those of the names that the running kernel's type information has; nobody needs rights to read it.
  static func ofRunningKernel() throws(ExperimentRefusal) -> Set<KernelName> {
    let path = "/sys/kernel/btf/vmlinux"
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw ExperimentRefusal("the kernel has no \(path)") }
    defer { close(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = read(file, &buffer, buffer.count)
      guard count >= 0 else { throw ExperimentRefusal("\(path) cannot be read") }
      if count == 0 { break }
      bytes += buffer[..<count]
    }
    return names(in: bytes)
  }

  /// The names that stand in the bytes as whole strings, each ended by a zero.
  static func names(in bytes: [UInt8]) -> Set<KernelName> {
    var found: Set<KernelName> = []
    for string in bytes.split(separator: 0, omittingEmptySubsequences: true)
    where string.count <= longestName {
      if let name = KernelName(rawValue: String(decoding: string, as: UTF8.self)) {
        found.insert(name)
      }
    }
    return found
  }

  private static let longestName = 32
}
