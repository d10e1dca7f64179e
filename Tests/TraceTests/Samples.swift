import Foundation
import StormVerdict
import StormVocabulary

@testable import StormTrace

/// The traces that were recorded on real kernels by an independent recorder.
enum Samples {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Traces")

  static let paths: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".jsonl") }.sorted().map {
      folder.appending(path: $0).path
    }
  }()
}

/// A file that is gone when the closure has ended.
func withTemporaryFile<Result>(
  _ contents: [UInt8] = [], _ body: (String) throws -> Result
) throws -> Result {
  let path = FileManager.default.temporaryDirectory.appending(
    path: "nsstorm-\(ProcessInfo.processInfo.globallyUniqueString).jsonl"
  ).path
  defer { try? FileManager.default.removeItem(atPath: path) }
  try Data(contents).write(to: URL(filePath: path))
  return try body(path)
}

func withTemporaryFile<Result>(
  _ text: String, _ body: (String) throws -> Result
) throws -> Result {
  try withTemporaryFile(Array(text.utf8), body)
}

/// A trace in memory, and how its file ended.
struct ReadTrace: Equatable {
  var header: TraceHeader
  var lines: [TraceLine] = []
  var ending: TraceReader.Ending

  init(path: String) throws {
    var reader = try TraceReader(path: path)
    header = reader.header
    while let line = try reader.next() { lines.append(line) }
    ending = reader.ending
  }
}
