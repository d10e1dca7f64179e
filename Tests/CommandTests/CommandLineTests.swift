import Foundation
import Testing

@Suite struct CommandLineTests {
  @Test func `a word that is no option is a usage error with exit 64`() throws {
    let result = try BuiltCommand.run(["profiles", "show", "first-storm", "--bogus"])
    #expect(result.status == 64)
    #expect(result.errors.contains("--bogus") && result.output.isEmpty)
  }

  @Test func `an unknown profile is bad input with exit 65 and a suggestion`() throws {
    let result = try BuiltCommand.run(["profiles", "show", "first-strom"])
    #expect(result.status == 65)
    #expect(result.errors.contains("did you mean 'first-storm'?"))
  }

  @Test func `a damaged profile is bad input with exit 65, its file and its line`() throws {
    let file = try TemporaryFile(suffix: ".yaml")
    try "summary: s\nrules: 6.18\nphase: []\n".write(
      to: file.url, atomically: false, encoding: .utf8)
    let result = try BuiltCommand.run(["profiles", "show", file.url.path])
    #expect(result.status == 65)
    #expect(result.errors.contains("\(file.url.path):3:1: unknown key 'phase'"))
    #expect(result.errors.contains("did you mean 'phases'?"))
  }

  @Test func `profiles are listed one a line, and NSSTORM_PROFILES adds a folder`() throws {
    let shipped = try BuiltCommand.run(["profiles"])
    #expect(shipped.status == 0)
    let names = shipped.output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    #expect(names == names.sorted() && names.contains("first-storm"))
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.copyItem(
      at: BuiltCommand.clone.appendingPathComponent("profiles/first-storm.yaml"),
      to: folder.appendingPathComponent("a-storm-of-ones-own.yaml"))
    let more = try BuiltCommand.run(["profiles"], environment: ["NSSTORM_PROFILES": folder.path])
    #expect(
      more.output.contains("\na-storm-of-ones-own") || more.output.hasPrefix("a-storm-of-ones-own"))
    #expect(more.output.split(separator: "\n").count == names.count + 1)
  }
}
