import Foundation
import Testing

/// The history with real processes, some of which are killed.
@Suite struct HistoryCommandTests {
  /// A stream of one run, as `nsstorm run --events` writes it, with an id of its own.
  private static func stream(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    let id = "20261125T184416Z-" + String(repeating: "0", count: 8 - digits.count) + digits
    let began =
      #"{"version":1,"sequence":0,"elapsedNanoseconds":0,"event":"began","began":{"tool":"nsstorm 0.1.0","#
      + #""run":"\#(id)","startedAt":"2026-11-25T18:44:16Z","kernel":{"release":"6.18.44","build":"one"},"#
      + #""configuration":{"options":[],"bootParameters":[]},"machine":{"name":"box","identity":"00000000000000aa","#
      + #""architecture":"x86_64","processors":2,"memoryBytes":1,"processorModel":""},"rules":"6.18.44","#
      + #""profile":"first-storm","seed":"0x1","isStrict":false,"command":"nsstorm run first-storm","#
      + #""phases":[{"index":0,"name":"main","kind":"sequential"}],"cases":["a"]}}"#
    let ended =
      #"{"version":1,"sequence":1,"elapsedNanoseconds":9,"event":"ended","ended":{"outcome":"agreed","exitCode":0,"#
      + #""isComplete":true,"storm":{"steps":1,"volleyCalls":0,"succeededCalls":1,"answers":{"0":1},"#
      + #""namespacesMade":1,"mostNamespaces":1,"mostMounts":1,"mountsMade":1,"copiesPropagated":0,"#
      + #""mountsUmounted":0,"copiesUmounted":0,"synchronousUmounts":0,"lazyUmounts":0,"#
      + #""busyUmounts":0,"releaseRounds":0,"releaseCalls":0,"superblocksReleased":0,"longestReleaseNanoseconds":0},"#
      + #""checks":{"answers":1,"tables":1,"entries":1,"memberLists":0,"sampledTables":0,"quiescentPoints":1,"releases":0},"#
      + #""times":{"totalNanoseconds":1,"kernelNanoseconds":1,"readingNanoseconds":1,"engineNanoseconds":1,"#
      + #""searchNanoseconds":0},"#
      + #""latencies":[]}}"#
    return began + "\n" + ended + "\n"
  }

  private struct Folder: ~Copyable {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-test-\(UUID().uuidString)")

    init() throws {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Files of events, numbered.
    func streams(_ numbers: Range<Int>) throws -> [String] {
      try numbers.map { number in
        let file = path("events-\(number).jsonl")
        try HistoryCommandTests.stream(number).write(
          toFile: file, atomically: false, encoding: .utf8)
        return file
      }
    }

    deinit { try? FileManager.default.removeItem(at: url) }
  }

  private static func ids(in history: String) throws -> [String] {
    let list = try BuiltCommand.run(["history", "list", history, "--json"])
    #expect(list.status == 0, "\(list.errors)")
    let runs = try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]]
    return try #require(runs).compactMap { $0["id"] as? String }
  }

  @Test
  func `writers at the same time, half of them killed, lose nothing that was said to be saved`()
    throws
  {
    let folder = try Folder()
    let history = folder.path("runs.db")
    let writers = 6
    let runsEach = 40
    var processes: [(process: Process, output: TemporaryFile)] = []
    for writer in 0..<writers {
      let process = Process()
      process.executableURL = try BuiltCommand.path()
      let streams = try folder.streams(writer * 1_000..<writer * 1_000 + runsEach)
      process.arguments = ["history", "add", history] + streams
      let output = try TemporaryFile()
      process.standardOutput = output.handle
      process.standardError = FileHandle.nullDevice
      try process.run()
      processes.append((process, output))
    }
    // Each victim is killed once it has saved a few runs, so that the kill falls into the writing of another one.
    for victim in 0..<writers / 2 {
      let (process, output) = processes[victim]
      let deadline = Date(timeIntervalSinceNow: 30)
      while try output.text().split(separator: "\n").count < 3 + 4 * victim, Date() < deadline {
        usleep(500)
      }
      kill(process.processIdentifier, SIGKILL)
    }
    var said: Set<String> = []
    for (process, output) in processes {
      process.waitUntilExit()
      for line in try output.text().split(separator: "\n") where line.hasPrefix("saved ") {
        said.insert(String(line.dropFirst(6)))
      }
    }
    #expect(processes.dropFirst(writers / 2).allSatisfy { $0.process.terminationStatus == 0 })
    let kept = try Self.ids(in: history)
    #expect(Set(kept).count == kept.count)
    #expect(said.isSubset(of: kept), "lost: \(said.subtracting(kept))")
    #expect(said.count >= runsEach * writers / 2 + 3 && said.count < runsEach * writers)
    // A run that was killed after its commit and before it could say so may be there as well, one for each victim.
    #expect(kept.count <= said.count + writers / 2)
    let check = try Self.shell(["sqlite3", history, "PRAGMA integrity_check"])
    #expect(check == "ok\n")
    #expect(
      try Self.shell([
        "sqlite3", history,
        "SELECT count(*) FROM runs WHERE id NOT IN (SELECT run FROM cases)",
      ]) == "0\n", "half a run was saved")
  }

  private static func shell(_ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    let output = try TemporaryFile()
    process.standardOutput = output.handle
    process.standardError = output.handle
    try process.run()
    process.waitUntilExit()
    return try output.text()
  }

  @Test func `histories of several machines merge without duplicates`() throws {
    let folder = try Folder()
    let files = try folder.streams(0..<4)
    let (one, two, all) = (folder.path("one.db"), folder.path("two.db"), folder.path("all.db"))
    #expect(try BuiltCommand.run(["history", "add", one] + files[0..<3]).status == 0)
    #expect(try BuiltCommand.run(["history", "add", two] + files[1..<4]).status == 0)
    let merge = try BuiltCommand.run(["history", "merge", all, one, two])
    #expect(merge.output == "\(one): 3 runs, 3 new\n\(two): 3 runs, 1 new\n")
    #expect(try Self.ids(in: all).count == 4)
    let list = try TemporaryFile(suffix: ".json")
    try BuiltCommand.run(["history", "list", all, "--json"]).output
      .write(to: list.url, atomically: false, encoding: .utf8)
    let check = try Validator.check(list.url.path, schema: "history.schema.json", lines: false)
    #expect(check.status == 0, "\(check.output)")
    let again = try BuiltCommand.run(["history", "add", all, files[0]])
    #expect(again.output.hasPrefix("there already: "))
  }

  @Test func `what is no history or no run is bad input`() throws {
    let folder = try Folder()
    let missing = try BuiltCommand.run(["history", "list", folder.path("none.db")])
    #expect(missing.status == 65 && missing.errors.contains("does not exist"))
    let damaged = folder.path("damaged.jsonl")
    try "{\"version\":1}\n".write(toFile: damaged, atomically: false, encoding: .utf8)
    let add = try BuiltCommand.run(["history", "add", folder.path("a.db"), damaged])
    #expect(add.status == 65 && add.errors.contains("damaged.jsonl:1: not an event"))
    let confidence = try BuiltCommand.run(
      ["history", "trends", folder.path("a.db"), "--confidence", "1"])
    #expect(confidence.status == 64)
    let mail = try BuiltCommand.run(["report", try folder.streams(0..<1)[0], "--format", "mail"])
    #expect(mail.status == 65 && mail.errors.contains("found nothing"))
  }
}
