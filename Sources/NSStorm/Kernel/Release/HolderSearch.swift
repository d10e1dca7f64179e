import CMount
import Glibc
import StormVocabulary

extension Sandbox {
  /// Processes of the sandbox that hold a mount, by its id (as `/proc/PID/fdinfo` and `statx` have it) and its file
  /// system's device number; and those that may hold it where the kernel does not say. One line each.
  ///
  /// Nothing of the file system itself is touched: it may hang.
  public func holders(ofMount id: Int, device: String?) -> [String] {
    var found: [String] = []
    for pid in ProcessFile.names(below: handle.procfs).compactMap({ Int32($0) }).sorted() {
      func text(_ name: String) -> String? {
        ProcessFile.text("\(pid)/\(name)", below: handle.procfs)
      }
      guard let status = text("status"), let state = ProcessFile.field("State", of: status) else {
        continue
      }
      let who = "\(ProcessFile.field("Name", of: status) ?? "?") (\(pid))"
      for descriptor in ProcessFile.names("\(pid)/fdinfo", below: handle.procfs).sorted() {
        guard let info = text("fdinfo/\(descriptor)") else { continue }
        if ProcessFile.field("mnt_id", of: info) == "\(id)" {
          found.append("\(who): descriptor \(descriptor)")
        }
        if let count = ProcessFile.field("UserFiles", of: info), count != "0" {
          found.append("\(who): io_uring \(descriptor) with \(count) fixed files, perhaps")
        }
        if let count = ProcessFile.field("scm_fds", of: info), count != "0" {
          found.append("\(who): socket \(descriptor) with \(count) descriptors in flight, perhaps")
        }
      }
      for (link, name) in [("cwd", "working directory"), ("root", "root")]
      where mountID(ofLink: "\(pid)/\(link)") == id {
        found.append("\(who): \(name)")
      }
      // maps waits for a lock of the process: not of one that is stuck in the kernel.
      if !state.hasPrefix("D"), let device, let maps = text("maps"),
        maps.split(separator: "\n").contains(where: { Self.device(ofMapping: $0) == device })
      {
        found.append("\(who): mapping or program")
      }
      if let table = text("mountinfo"),
        table.split(separator: "\n").contains(where: {
          $0.split(separator: " ").dropFirst(2).first.map(String.init) == device
        })
      {
        found.append("\(who): a mount in its namespace")
      }
    }
    return found
  }

  private static func device(ofMapping line: Substring) -> String? {
    let fields = line.split(separator: " ")
    guard fields.count > 4 else { return nil }
    let parts = fields[3].split(separator: ":").compactMap { Int($0, radix: 16) }
    return parts.count == 2 ? "\(parts[0]):\(parts[1])" : nil
  }

  /// The mount behind a magic link, without a look at the file system.
  private func mountID(ofLink path: String) -> Int? {
    let file = nss_open_path(handle.procfs, path)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return ProcessFile.text("/proc/self/fdinfo/\(file)")
      .flatMap { ProcessFile.field("mnt_id", of: $0) }.flatMap { Int($0) }
  }
}
