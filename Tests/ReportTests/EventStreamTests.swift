import Foundation
import Testing

@testable import StormReport
@testable import StormRun

@Suite struct EventStreamTests {
  private static var payloads: [RecordedEvent.Payload] {
    let began = Sample.began()
    return [.began(began)] + Sample.phases(began) + [
      Sample.found(Sample.tableDivergence(), phase: 1), .fault(Sample.log),
      .skipped(Skip(what: "a", why: "b", count: 2)), .warning(WarningEvent(text: "w\n\u{7}")),
      .ended(Sample.ended(.diverged, code: 1)),
    ]
  }

  private static func written(_ events: [RecordedEvent]) throws -> Data {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("nsstorm-events-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try EventFile(path: path)
    for event in events { file.take(event, isSampled: true) }
    #expect(file.failure == nil)
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test func `events come back from a file as they were written, a line for each`() throws {
    let events = Sample.events(Self.payloads)
    let data = try Self.written(events)
    #expect(data.filter { $0 == 0x0A }.count == events.count)
    let reader = try EventReader(data, path: "events")
    #expect(reader.events == events && !reader.isCutOff)
  }

  @Test func `a stream that is cut anywhere is read up to its last complete line`() throws {
    let events = Sample.events(Self.payloads)
    let data = try Self.written(events)
    for length in stride(from: 1, to: data.count, by: 97) {
      let cut = data.prefix(length)
      let whole = cut.filter { $0 == 0x0A }.count
      let reader = try EventReader(Data(cut), path: "events")
      #expect(reader.events == Array(events.prefix(whole)))
      #expect(reader.isCutOff == (cut.last != 0x0A))
    }
  }

  @Test func `an event of a newer nsstorm is passed over, another version is refused`() throws {
    let newer = #"{"version":1,"sequence":0,"elapsedNanoseconds":5,"event":"eclipse","eclipse":{}}"#
    let reader = try EventReader(Data((newer + "\n").utf8), path: "events")
    #expect(reader.events.map(\.payload) == [.unknown("eclipse")])
    let other = #"{"version":2,"sequence":0,"elapsedNanoseconds":5,"event":"warning"}"#
    let error = #expect(throws: ReportError.self) {
      try EventReader(Data((newer + "\n" + other + "\n").utf8), path: "events")
    }
    #expect(error?.line == 2 && error?.message.contains("version is 2") == true)
  }

  @Test func `run ids are unique, sortable by time and fit for file names`() {
    let date = Date(timeIntervalSince1970: 1_795_632_256)
    let ids = (0..<1_000).map { _ in RunIdentifier(startedAt: date).description }
    #expect(Set(ids).count == ids.count)
    #expect(ids.allSatisfy { $0.hasPrefix("20261125T184416Z-") && $0.utf8.count == 25 })
    #expect(RunIdentifier("../x") == nil && RunIdentifier("") == nil)
    #expect(RunIdentifier(ids[0])?.description == ids[0])
  }
}
