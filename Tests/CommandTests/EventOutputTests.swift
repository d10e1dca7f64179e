import Foundation
import Testing

/// Storms need a mount namespace of their own, and with it root.
private let canStorm = geteuid() == 0

@Suite(.serialized, .enabled(if: canStorm, "needs root")) struct EventOutputTests {
  private static func object(_ line: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  private static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    return folder
  }

  @Test func `events on standard output are lines of the schema, and the text goes elsewhere`()
    throws
  {
    let run = try BuiltCommand.run(["run", "first-storm", "--steps", "150", "--events", "-"])
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n")
    let events = try lines.map { try Self.object($0) }
    #expect(events.first?["event"] as? String == "began")
    #expect(events.last?["event"] as? String == "ended")
    #expect(events.map { $0["sequence"] as? Int } == Array(0..<events.count))
    #expect(run.errors.contains("verdict"))
    let file = try TemporaryFile(suffix: ".jsonl")
    try run.output.write(to: file.url, atomically: false, encoding: .utf8)
    let check = try Validator.check(file.url.path, schema: "event.schema.json", lines: true)
    #expect(check.status == 0, "\(check.output)")
    // What is made from the events is what the run would have written.
    for format in ["text", "json", "junit", "ktap", "html"] {
      let report = try BuiltCommand.run(["report", file.url.path, "--format", format])
      #expect(report.status == 0 && !report.output.isEmpty, "\(format): \(report.errors)")
    }
    let text = try BuiltCommand.run(["report", file.url.path, "--format", "text"]).output
    #expect(run.errors.hasSuffix(text))
  }

  @Test func `a result folder is named after the run and has everything, the planned cases first`()
    throws
  {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    for _ in 0..<2 {
      let run = try BuiltCommand.run(
        ["run", "first-storm", "--steps", "60", "--output", folder.path])
      #expect(run.status == 0, "\(run.errors)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names.count == 3 && names.last == "latest", "two runs share a folder: \(names)")
    let latest = folder.appendingPathComponent("latest")
    let files = try FileManager.default.contentsOfDirectory(atPath: latest.path).sorted()
    #expect(
      files == [
        "cases.txt", "events.jsonl", "junit.xml", "log.txt", "result.json", "result.ktap",
        "trace.jsonl",
      ])
    let result = latest.appendingPathComponent("result.json").path
    let check = try Validator.check(result, schema: "run.schema.json", lines: false)
    #expect(check.status == 0, "\(check.output)")
    let trace = try BuiltCommand.run(["check", latest.appendingPathComponent("trace.jsonl").path])
    #expect(trace.status == 0)
    let cases = try String(contentsOf: latest.appendingPathComponent("cases.txt"), encoding: .utf8)
    let ktap = try BuiltCommand.run(["report", latest.path, "--format", "ktap"]).output
    for name in cases.split(separator: "\n") { #expect(ktap.contains(" \(name)")) }
    let json = try String(contentsOfFile: result, encoding: .utf8)
    #expect(try BuiltCommand.run(["report", latest.path, "--format", "json"]).output == json)
  }

  @Test
  func `SIGKILL leaves a stream of whole lines, a list of cases and a report that is not green`()
    throws
  {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = Process()
    process.executableURL = try BuiltCommand.path()
    process.arguments = ["run", "propagation", "--steps", "200000", "--output", folder.path]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let events = folder.appendingPathComponent("latest/events.jsonl")
    let deadline = Date(timeIntervalSinceNow: 30)
    func lines() -> Int {
      (try? Data(contentsOf: events))?.filter { $0 == 0x0A }.count ?? 0
    }
    while lines() < 6, Date() < deadline { usleep(20_000) }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let text = try String(contentsOf: events, encoding: .utf8)
    #expect(text.hasSuffix("\n"))
    let objects = try text.split(separator: "\n").map { try Self.object($0) }
    #expect(objects.count >= 6 && !objects.contains { $0["event"] as? String == "ended" })
    let cases = folder.appendingPathComponent("latest/cases.txt")
    #expect(try String(contentsOf: cases, encoding: .utf8).contains("propagation.meaningful\n"))
    let report = try BuiltCommand.run(
      ["report", folder.appendingPathComponent("latest").path, "--format", "ktap"])
    #expect(report.output.contains("not ok 1 ") && !report.output.contains("\nok "))
  }

  @Test func `SIGUSR1 prints the state and the storm goes on`() throws {
    let process = Process()
    process.executableURL = try BuiltCommand.path()
    process.arguments = ["run", "propagation", "--steps", "200000"]
    let errors = try TemporaryFile()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors.handle
    try process.run()
    Thread.sleep(forTimeInterval: 1)
    kill(process.processIdentifier, SIGUSR1)
    let deadline = Date(timeIntervalSinceNow: 8)
    while try errors.text().isEmpty, Date() < deadline { usleep(10_000) }
    #expect(try errors.text().contains(/phase 1\/[0-9]+  step [0-9]+/))
    #expect(process.isRunning)
    kill(process.processIdentifier, SIGINT)
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
  }

  @Test func `a reader that leaves ends the stream and not the storm`() throws {
    let shell = try BuiltCommand.path().path
    let errors = try TemporaryFile()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = [
      "-c",
      "set -o pipefail; '\(shell)' run first-storm --steps 300 --events - | head -n 1 >/dev/null",
    ]
    process.standardError = errors.handle
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try errors.text().contains("kernel and engine agree"))
  }

  @Test func `colours stand in a pipe only when they are forced`() throws {
    let forced = try BuiltCommand.run(
      ["run", "first-storm", "--steps", "50"], environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": ""])
    #expect(forced.output.contains("\u{1B}[32mkernel and engine agree"))
    let both = try BuiltCommand.run(
      ["run", "first-storm", "--steps", "50"],
      environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"])
    #expect(!both.output.contains("\u{1B}"))
  }

  @Test func `on a terminal the progress is one line that is rewritten`() throws {
    // script(1) gives the command a terminal of its own.
    let shell = try BuiltCommand.path().path
    let output = try TemporaryFile()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/script")
    process.arguments = [
      "-qefc", "'\(shell)' run propagation --steps 1500", "/dev/null",
    ]
    process.environment = ProcessInfo.processInfo.environment.merging(["TERM": "xterm"]) { $1 }
    process.standardOutput = output.handle
    process.standardError = output.handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let text = try output.text()
    #expect(text.contains("\rphase 1/") && text.contains("\u{1B}[K"), "\(text)")
    #expect(!text.contains("\nphase 1/"))
  }
}
