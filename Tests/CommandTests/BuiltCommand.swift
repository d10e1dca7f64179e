import Foundation
import Testing

/// The `nsstorm` binary that was built beside these tests.
struct BuiltCommand {
  struct Result {
    var status: Int32
    var output: String
    var errors: String
  }

  /// The top of this clone.
  static let clone = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func path() throws -> URL {
    let runner = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    // The runner is the test bundle itself or SwiftPM's helper; the bundle's path is then an argument.
    let candidates = [runner] + CommandLine.arguments
    for candidate in candidates {
      let binary = URL(fileURLWithPath: candidate).deletingLastPathComponent()
        .appendingPathComponent("nsstorm")
      if FileManager.default.isExecutableFile(atPath: binary.path) { return binary }
    }
    throw NotBuilt(searched: candidates)
  }

  struct NotBuilt: Error {
    var searched: [String]
  }

  /// Runs the command to its end and collects what it printed.
  ///
  /// - Parameter limitSeconds: after this the command is killed and the test fails.
  static func run(
    _ arguments: [String], environment: [String: String] = [:], limitSeconds: Double = 120
  ) throws -> Result {
    let process = Process()
    process.executableURL = try path()
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let outputFile = try TemporaryFile()
    let errorFile = try TemporaryFile()
    process.standardOutput = outputFile.handle
    process.standardError = errorFile.handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: limitSeconds)
    while process.isRunning, Date() < deadline { usleep(5_000) }
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      Issue.record("nsstorm \(arguments.joined(separator: " ")) did not end in \(limitSeconds) s")
    }
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus, output: try outputFile.text(), errors: try errorFile.text()
    )
  }
}

/// A file that is gone when the value is.
final class TemporaryFile {
  let url: URL
  let handle: FileHandle

  init(suffix: String = "") throws {
    url = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-test-\(UUID().uuidString)\(suffix)")
    _ = FileManager.default.createFile(atPath: url.path, contents: nil)
    handle = try FileHandle(forUpdating: url)
  }

  func text() throws -> String {
    try String(contentsOf: url, encoding: .utf8)
  }

  deinit {
    try? FileManager.default.removeItem(at: url)
  }
}
