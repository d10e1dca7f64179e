import Foundation
import Testing

/// A folder that is gone when the value is.
final class ScratchFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "nsstorm-repro-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func write(_ text: String, _ name: String) throws -> String {
    let file = url.appendingPathComponent(name)
    try text.write(to: file, atomically: false, encoding: .utf8)
    return file.path
  }
}

/// A program's end and what it printed.
struct ProgramRun {
  var status: Int32
  var output: String

  init(_ words: [String], in folder: ScratchFolder, limitSeconds: Double = 60) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.currentDirectoryURL = folder.url
    let path = folder.url.appendingPathComponent("output-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: path.path, contents: nil)
    let handle = try FileHandle(forUpdating: path)
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: limitSeconds)
    while process.isRunning, Date() < deadline { usleep(2_000) }
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      Issue.record("\(words.joined(separator: " ")) did not end in \(limitSeconds) s")
    }
    process.waitUntilExit()
    status = process.terminationStatus
    output = try String(contentsOf: path, encoding: .utf8)
  }

  /// Compiles a C program with all warnings as errors and runs it with the arguments of `running`.
  static func compiled(
    _ text: String, in folder: ScratchFolder, arguments: [String] = [], running: [String] = []
  ) throws -> ProgramRun {
    let source = try folder.write(text, "program.c")
    let program = folder.url.appendingPathComponent("program").path
    let compiler = ["cc", "gcc", "clang"].first { name in
      ["/usr/bin/", "/usr/local/bin/"].contains {
        FileManager.default.isExecutableFile(atPath: $0 + name)
      }
    }
    let build = try ProgramRun(
      [try #require(compiler, "no C compiler"), "-Wall", "-Wextra", "-Werror"] + arguments
        + ["-o", program, source], in: folder)
    try #require(build.status == 0, "\(build.output)\n\(text)")
    return try ProgramRun([program] + running, in: folder)
  }
}
