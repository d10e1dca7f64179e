import Foundation
import Testing

@Suite struct SchemaTests {
  @Test func `what check prints as JSON is what its schema says, damaged files included`() throws {
    let traces = BuiltCommand.clone.appendingPathComponent("Tests/Traces")
    let names = ["host-6.18-level0-seed1.jsonl", "host-6.18-level2-seed1.jsonl", "none.jsonl"]
    let check = try BuiltCommand.run(
      ["check", "--json"] + names.map { traces.appendingPathComponent($0).path })
    #expect(check.status == 65)
    let file = try TemporaryFile(suffix: ".json")
    try check.output.write(to: file.url, atomically: false, encoding: .utf8)
    let result = try Validator.check(file.url.path, schema: "check.schema.json", lines: false)
    #expect(result.status == 0, "\(result.output)")
  }

  /// The rules of another kernel stand for a bug of this one.
  @Test(.enabled(if: geteuid() == 0, "needs root"))
  func `what replay, shrink and repro print as JSON is what their schemas say`() throws {
    let trace = try TemporaryFile(suffix: ".jsonl")
    let small = try TemporaryFile(suffix: ".jsonl")
    let rules = ["--rules", "5.10"]
    let run = try BuiltCommand.run(["run", "propagation", "--record", trace.url.path] + rules)
    #expect(run.status == 1, "\(run.output)\(run.errors)")
    let commands: [(String, [String], Int32, [String])] = [
      ("replay", [trace.url.path, "--times", "2"], 1, ["reproduced", "others", "runs"]),
      ("shrink", [trace.url.path, "--output", small.url.path], 0, ["calls", "before", "effort"]),
      ("repro", [small.url.path], 0, ["program", "symptom"]),
      ("repro", [small.url.path, "--symptom", "umount2: extra mount"], 4, ["failure"]),
    ]
    for (command, arguments, status, keys) in commands {
      let result = try BuiltCommand.run([command] + arguments + rules + ["--json"])
      #expect(result.status == status, "\(command): \(result.output)\(result.errors)")
      let file = try TemporaryFile(suffix: ".json")
      try result.output.write(to: file.url, atomically: false, encoding: .utf8)
      let valid = try Validator.check(file.url.path, schema: "\(command).schema.json", lines: false)
      #expect(valid.status == 0, "\(command): \(valid.output)")
      let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
      let document = try #require(object as? [String: Any])
      #expect(document["exitCode"] as? Int == Int(status))
      for key in keys { #expect(document[key] != nil, "\(command) has no \(key)") }
    }
  }

  @Test func `what check prints of a program's calls is what its schema says`() throws {
    let folder = BuiltCommand.clone.appendingPathComponent("Tests/Straces")
    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
    let text = try String(contentsOfFile: path("plain.strace"), encoding: .utf8)
    let forged = try TemporaryFile(suffix: ".strace")
    try text.replacingOccurrences(of: "-1 EBUSY (Device or resource busy)", with: "0")
      .write(to: forged.url, atomically: false, encoding: .utf8)
    for (trace, status) in [(path("plain.strace"), Int32(0)), (forged.url.path, 1)] {
      let check = try BuiltCommand.run([
        "check", "--json", "--rules", "6.18.44", "--table", path("plain.table"), "--strace", trace,
      ])
      #expect(check.status == status, "\(check.output)")
      let file = try TemporaryFile(suffix: ".json")
      try check.output.write(to: file.url, atomically: false, encoding: .utf8)
      let result = try Validator.check(file.url.path, schema: "import.schema.json", lines: false)
      #expect(result.status == 0, "\(result.output)")
    }
  }

  @Test func `every schema is one`() throws {
    let folder = BuiltCommand.clone.appendingPathComponent("docs/schemas")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".json") }
    #expect(names.count >= 4)
    for name in names {
      let file = try TemporaryFile(suffix: ".json")
      try "{}".write(to: file.url, atomically: false, encoding: .utf8)
      let result = try Validator.check(file.url.path, schema: name, lines: false)
      // Nothing of ours is an empty object, so each schema must refuse it, and with a reason.
      #expect(result.status == 1 && !result.output.contains("good"), "\(name): \(result.output)")
    }
  }
}

/// JSON schemas, held by a validator of somebody else.
enum Validator {
  static func check(_ path: String, schema: String, lines: Bool) throws -> BuiltCommand.Result {
    let script = """
      import json, sys
      from jsonschema import Draft202012Validator
      validator = Draft202012Validator(json.load(open(sys.argv[1])))
      text = open(sys.argv[2]).read()
      documents = text.splitlines() if sys.argv[3] == "lines" else [text]
      problems = [f"{n}: {e.json_path}: {e.message}"[:300] for n, d in enumerate(documents, 1)
                  for e in validator.iter_errors(json.loads(d))]
      print("\\\\n".join(problems) or f"{len(documents)} good")
      sys.exit(1 if problems or not documents else 0)
      """
    let schemas = BuiltCommand.clone.appendingPathComponent("docs/schemas")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3", "-c", script, schemas.appendingPathComponent(schema).path, path,
      lines ? "lines" : "whole",
    ]
    let output = try TemporaryFile()
    process.standardOutput = output.handle
    process.standardError = output.handle
    try process.run()
    process.waitUntilExit()
    return BuiltCommand.Result(
      status: process.terminationStatus, output: try output.text(), errors: "")
  }
}
