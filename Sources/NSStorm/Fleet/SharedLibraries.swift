import Foundation

/// The libraries without which a program does not start, found by the dynamic linker itself.
enum SharedLibraries {
  /// Paths of the linker and of all libraries; empty for a static program.
  static func needed(by program: String) throws(FleetError) -> [String] {
    let tool = try HostCommand.path(of: "ldd", package: "libc-bin")
    let output: [UInt8]
    do {
      output = try HostCommand(path: tool, arguments: [program], limitSeconds: 30).run()
    } catch .toolFailed(_, _, let said) where said.contains("not a dynamic executable") {
      return []
    }
    return try paths(inListing: String(decoding: output, as: UTF8.self), program: program)
  }

  /// Reads what `ldd` prints: `name => path (address)` and `path (address)`.
  static func paths(inListing listing: String, program: String) throws(FleetError) -> [String] {
    var paths: [String] = []
    for line in listing.split(separator: "\n") {
      if line.contains("not found") {
        throw .damaged(
          file: program, reason: "a library is missing:\(line.replacing("\t", with: " "))")
      }
      let words = line.split { $0 == " " || $0 == "\t" }
      guard let path = words.first(where: { $0.hasPrefix("/") }) else { continue }
      paths.append(String(path))
    }
    return paths
  }
}
