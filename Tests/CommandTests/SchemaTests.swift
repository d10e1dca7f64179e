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
