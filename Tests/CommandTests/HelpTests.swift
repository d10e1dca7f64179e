import ArgumentParser
import Foundation
import Testing

@testable import nsstorm

/// Help is read by people who are in a hurry: every text is a file here, so that a change of it is seen in a review.
/// `NSSTORM_UPDATE_HELP=1 swift test --filter HelpTests` writes the files anew.
@Suite struct HelpTests {
  @Test func `the help of every command is its file under Help`() throws {
    let folder = BuiltCommand.clone.appendingPathComponent("Tests/CommandTests/Help")
    let updates = ProcessInfo.processInfo.environment["NSSTORM_UPDATE_HELP"] == "1"
    var expected: Set<String> = []
    for command in try commands() {
      let name = (["nsstorm"] + command.path).joined(separator: "-") + ".txt"
      expected.insert(name)
      let file = folder.appendingPathComponent(name)
      let help = try BuiltCommand.run(
        command.path + ["--help"], environment: ["COLUMNS": "100"]
      ).output
      if updates { try help.write(to: file, atomically: true, encoding: .utf8) }
      let golden = try? String(contentsOf: file, encoding: .utf8)
      #expect(help == golden, "\(name) differs; see how to write it anew in HelpTests.swift")
    }
    let present = Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    #expect(present == expected, "files of commands that are gone, or the other way round")
  }

  @Test func `every command that does something shows examples, each of which is understood`()
    throws
  {
    var understood = 0
    for command in try commands() where command.path != ["help"] {
      let name = command.path.joined(separator: " ")
      let examples = command.examples
      #expect(!examples.isEmpty, "'nsstorm \(name)' shows no example")
      for example in examples {
        let words = try shellWords(example)
        #expect(words.first == "nsstorm", "\(example)")
        #expect(
          throws: Never.self, "'\(example)', an example of '\(name)', is not understood"
        ) { _ = try NSStorm.parseAsRoot(Array(words.dropFirst())) }
        understood += 1
      }
    }
    #expect(understood > 20)
  }

  @Test func `an example with a misspelt option would be found`() {
    #expect(throws: (any Error).self) {
      _ = try NSStorm.parseAsRoot(["run", "first-storm", "--sede", "7"])
    }
  }

  // MARK: - What the parser says of itself

  /// A command as `--experimental-dump-help` has it.
  struct Command {
    var path: [String]
    var discussion: String

    /// The lines of the discussion that are commands.
    var examples: [String] {
      discussion.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { $0.hasPrefix("nsstorm ") }
    }
  }

  private struct Dump: Decodable {
    struct Node: Decodable {
      var commandName: String
      var discussion: String?
      var subcommands: [Node]?
    }
    var command: Node
  }

  private func commands() throws -> [Command] {
    let text = try BuiltCommand.run(["--experimental-dump-help"]).output
    let root = try JSONDecoder().decode(Dump.self, from: Data(text.utf8)).command
    var found: [Command] = []
    func visit(_ node: Dump.Node, _ path: [String]) {
      found.append(Command(path: path, discussion: node.discussion ?? ""))
      for child in node.subcommands ?? [] where child.commandName != "help" {
        visit(child, path + [child.commandName])
      }
    }
    visit(root, [])
    return found
  }

  /// The words of a line as a shell has them, as far as examples need: single quotes only.
  private func shellWords(_ line: String) throws -> [String] {
    var words: [String] = []
    var word: String?
    var isQuoted = false
    for character in line {
      switch character {
      case "'":
        isQuoted.toggle()
        word = word ?? ""
      case " " where !isQuoted:
        if let whole = word { words.append(whole) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    #expect(!isQuoted, "an open quote: \(line)")
    if let word { words.append(word) }
    return words
  }
}
