import Foundation
import Testing

/// Programs that judge what we write: `ci/setup.bash` installs them for tests.
enum Tools {
  static let clone = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func schema(_ name: String) -> String {
    clone.appendingPathComponent("docs/schemas/\(name)").path
  }

  struct Result {
    var status: Int32
    var output: String
  }

  /// Runs a program found in PATH to its end; its two outputs together.
  static func run(_ arguments: [String], limitSeconds: Double = 60) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let identifier = process.processIdentifier
    let timer = DispatchSource.makeTimerSource()
    timer.setEventHandler { kill(identifier, SIGKILL) }
    timer.schedule(deadline: .now() + limitSeconds)
    timer.resume()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    timer.cancel()
    return Result(status: process.terminationStatus, output: String(decoding: data, as: UTF8.self))
  }

  /// Holds every line of a file against a JSON schema, with a validator of somebody else.
  ///
  /// - Parameter whole: the file is one document.
  static func validate(_ path: String, schema name: String, whole: Bool) throws -> Result {
    let script = """
      import json, sys
      from jsonschema import Draft202012Validator
      schema = json.load(open(sys.argv[1]))
      Draft202012Validator.check_schema(schema)
      validator = Draft202012Validator(schema)
      text = open(sys.argv[2]).read()
      documents = [text] if sys.argv[3] == "whole" else text.splitlines()
      bad = 0
      for number, document in enumerate(documents, 1):
          for error in validator.iter_errors(json.loads(document)):
              print(f"{number}: {error.json_path}: {error.message}"[:400])
              bad = 1
      print(f"{len(documents)} documents")
      sys.exit(bad)
      """
    return try run(["python3", "-c", script, schema(name), path, whole ? "whole" : "lines"])
  }
}

/// A file in the temporary folder that is gone when the value is.
final class Scratch {
  let path: String

  init(_ content: String = "", suffix: String = "") throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-report-\(UUID().uuidString)\(suffix)").path
    try Data(content.utf8).write(to: URL(fileURLWithPath: path))
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
