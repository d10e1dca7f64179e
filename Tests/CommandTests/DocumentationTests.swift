import ArgumentParser
import Foundation
import Testing

@testable import nsstorm

/// Every command in the documentation is run here, or says beside it why not.
///
/// A fenced block of `sh` is run by bash, all blocks of a file in order in one folder of its own, with `nsstorm` in PATH.
/// Before a block, `<!-- exit: N -->` names another exit code than 0, and `<!-- not run: REASON -->` leaves it out.
@Suite(.enabled(if: geteuid() == 0, "needs root")) struct DocumentationTests {
  struct Block: CustomStringConvertible {
    var file: String
    var line: Int
    var text: String
    var exitCode: Int32
    /// Why it is not run; nil for one that is.
    var excuse: String?

    var description: String { "\(file):\(line)" }
  }

  static let files: [String] = {
    let docs = BuiltCommand.clone.appendingPathComponent("docs")
    let found =
      FileManager.default.enumerator(atPath: docs.path)?.compactMap { $0 as? String } ?? []
    return ["README.md"] + found.filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }.sorted()
  }()

  private static func lines(_ file: String) throws -> [String] {
    try String(contentsOf: BuiltCommand.clone.appendingPathComponent(file), encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  static func blocks(_ file: String) throws -> [Block] {
    var blocks: [Block] = []
    var open: Block?
    var exitCode: Int32 = 0
    var excuse: String?
    for (index, line) in try lines(file).enumerated() {
      if var block = open {
        if line == "```" {
          blocks.append(block)
          (open, exitCode, excuse) = (nil, 0, nil)
        } else {
          block.text += line + "\n"
          open = block
        }
      } else if line == "```sh" {
        open = Block(file: file, line: index + 1, text: "", exitCode: exitCode, excuse: excuse)
      } else if let match = line.wholeMatch(of: /<!-- exit: ([0-9]+) -->/) {
        exitCode = try #require(Int32(match.output.1))
      } else if let match = line.wholeMatch(of: /<!-- not run: (.{10,}) -->/) {
        excuse = String(match.output.1)
      } else if !line.isEmpty {
        (exitCode, excuse) = (0, nil)
      }
    }
    #expect(open == nil, "\(file) has an open block")
    return blocks
  }

  @Test(arguments: files)
  func `the commands of a page do what the page says`(file: String) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-docs-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    for block in try Self.blocks(file) where block.excuse == nil {
      let result = try run(block, in: folder)
      #expect(
        result.status == block.exitCode,
        "\(block) ended with \(result.status):\n\(result.output.suffix(2_000))")
      // What follows builds on it.
      if result.status != block.exitCode { return }
    }
  }

  private func run(_ block: Block, in folder: URL) throws -> BuiltCommand.Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-e", "-o", "pipefail", "-c", block.text]
    process.currentDirectoryURL = folder
    let environment = ProcessInfo.processInfo.environment
    process.environment = environment.merging([
      "PATH": try BuiltCommand.path().deletingLastPathComponent().path + ":"
        + (environment["PATH"] ?? "/usr/bin:/bin"),
      "NSSTORM_CLONE": BuiltCommand.clone.path,
    ]) { $1 }
    let output = try TemporaryFile()
    process.standardOutput = output.handle
    process.standardError = output.handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: 120)
    while process.isRunning, Date() < deadline { usleep(5_000) }
    if process.isRunning {
      process.terminate()
      Issue.record("\(block) did not end in 120 s")
    }
    process.waitUntilExit()
    return BuiltCommand.Result(
      status: process.terminationStatus, output: try output.text(), errors: "")
  }

  @Test(arguments: files)
  func `no command stands where this test does not see it`(file: String) throws {
    var isFenced = false
    for (index, line) in try Self.lines(file).enumerated() {
      if line.hasPrefix("```") { isFenced.toggle() }
      guard !isFenced else { continue }
      #expect(
        line.firstMatch(of: /^ +(?:sudo )?(?:nsstorm|ci\/|swift (?:build|test)) ?/) == nil,
        "\(file):\(index + 1): put the command into a block of sh")
    }
  }

  @Test func `the guides run commands, and few are left out`() throws {
    let blocks = try Self.files.flatMap(Self.blocks)
    #expect(blocks.count { $0.excuse == nil } >= 18)
    #expect(blocks.count { $0.excuse != nil } <= 12)
  }

  @Test func `what is left out is understood all the same`() throws {
    var understood = 0
    for block in try Self.files.flatMap(Self.blocks) where block.excuse != nil {
      let text = block.text.replacingOccurrences(of: "\\\n", with: " ")
      for line in text.split(separator: "\n") where line.hasPrefix("nsstorm ") {
        let command = line.prefix { $0 != "#" && $0 != "|" && $0 != ">" }
        let words = command.split(separator: " ").map {
          String($0).trimmingCharacters(in: CharacterSet(charactersIn: "'\""))
        }
        #expect(throws: Never.self, "\(block): '\(line)' is not understood") {
          _ = try NSStorm.parseAsRoot(Array(words.dropFirst()))
        }
        understood += 1
      }
    }
    #expect(understood >= 10)
  }

  @Test(arguments: files)
  func `links between the pages lead somewhere`(file: String) throws {
    let base = BuiltCommand.clone.appendingPathComponent(file).deletingLastPathComponent()
    for line in try Self.lines(file) {
      for match in line.matches(of: /\]\(([^)#: ]+)(?:#[^)]*)?\)/) {
        let target = base.appendingPathComponent(String(match.output.1)).path
        #expect(
          FileManager.default.fileExists(atPath: target), "\(file): \(match.output.1) is not there")
      }
    }
  }
}
