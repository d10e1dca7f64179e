import Foundation
import StormVerdict
import StormVocabulary
import Testing

@testable import StormTrace

@Suite struct `announced calls` {
  private let header = TraceHeader(kernel: "6.18.1", build: "b", table: MountTable(entries: []))
  private let umount = Operation.umount2("/a", [.detach])

  private func step(_ number: Int) -> TraceStep {
    TraceStep(number: number, namespace: 0, operation: umount, result: .invalidArgument)
  }

  private func call(_ number: Int, by namespace: NamespaceNumber = 0) -> NumberedCall {
    NumberedCall(number: number, namespace: namespace, operation: umount)
  }

  /// What a recorder leaves that never comes back from its second call.
  private func stopped(_ path: String) throws {
    var writer = try TraceWriter(path: path, header: header)
    try writer.announce([call(0)])
    try writer.append(step(0))
    try writer.announce([call(1)])
  }

  @Test func `a recorder that never comes back leaves the call it was in`() throws {
    try withTemporaryFile("") { path in
      try stopped(path)
      var reader = try TraceReader(path: path)
      var steps = 0
      while try reader.next() != nil { steps += 1 }
      #expect(steps == 1)
      #expect(reader.ending == .cutOff)
      #expect(reader.unansweredCalls == [call(1)])
    }
  }

  @Test func `programs that run at once are announced and settled together`() throws {
    try withTemporaryFile("") { path in
      do {
        var writer = try TraceWriter(path: path, header: header)
        try writer.append(step(0))
        try writer.announce([call(1), call(1, by: 2)])
        try writer.answered(1)
        try writer.announce([call(2), call(2, by: 2)])
      }
      var reader = try TraceReader(path: path)
      while try reader.next() != nil {}
      #expect(reader.ending == .cutOff)
      #expect(reader.unansweredCalls == [call(2), call(2, by: 2)])
    }
  }

  @Test func `the filter leaves what the reader would call unanswered, wherever the file is cut`()
    throws
  {
    let whole = try withTemporaryFile("") { path in
      try stopped(path)
      return Array(try Data(contentsOf: URL(filePath: path)))
    }
    for length in 0...whole.count {
      let cut = Array(whole[..<length])
      let filtered = AnnouncementFilter.withoutAnswered(cut)
      #expect(filtered.count <= cut.count)
      // Only whole announcements of answered calls may be gone.
      let text = String(decoding: filtered, as: UTF8.self)
      let wasAnswered = String(decoding: cut, as: UTF8.self).contains("{\"step\":0,")
      #expect(!(wasAnswered && text.contains("{\"announced\":0,")))
    }
    let text = String(decoding: AnnouncementFilter.withoutAnswered(whole), as: UTF8.self)
    #expect(text.split(separator: "\n").count == 3)
    #expect(text.hasSuffix("\"flags\":[\"detach\"]}\n") && text.contains("{\"announced\":1,"))
  }

  @Test func `an announcement needs its call, as a step does`() throws {
    try withTemporaryFile("") { path in
      do { _ = try TraceWriter(path: path, header: header) }
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data("{\"announced\":1,\"ns\":0}\n".utf8))
      var reader = try TraceReader(path: path)
      #expect(throws: TraceError.self) { while try reader.next() != nil {} }
    }
  }
}
