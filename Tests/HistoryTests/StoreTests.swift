import Foundation
import GRDB
import Testing

@testable import StormHistory

@Suite struct StoreTests {
  @Test func `a run comes back as it was saved, the oldest first`() throws {
    let folder = try ScratchFolder()
    let runs = [
      RunSample.run(2, day: 1, outcome: "diverged", signatures: ["x: y", "z"], median: 500),
      RunSample.run(1, day: 0, median: 400, stepLimit: 50), RunSample.run(3, day: 2),
    ]
    let store = try HistoryStore(path: folder.path("runs.db"), access: .makes)
    #expect(try store.save(runs) == 3)
    let again = try HistoryStore(path: folder.path("runs.db"), access: .existing)
    #expect(try again.runs() == [runs[1], runs[0], runs[2]])
  }

  @Test func `runs are chosen by profile, kernel, machine and number`() throws {
    let folder = try ScratchFolder()
    let store = try HistoryStore(path: folder.path("runs.db"), access: .makes)
    try store.save([
      RunSample.run(1, day: 0, kernel: "6.18.44-x"), RunSample.run(2, day: 1, kernel: "6.180.1"),
      RunSample.run(3, day: 2, kernel: "6.18", machine: "00bb", profile: "other"),
    ])
    func ids(_ filter: HistoryFilter) throws -> [Int] {
      try store.runs(filter).compactMap { Int($0.id.suffix(8)) }
    }
    #expect(try ids(HistoryFilter(kernel: "6.18")) == [1, 3])
    #expect(try ids(HistoryFilter(kernel: "6.18.44")) == [1])
    #expect(try ids(HistoryFilter(profile: "other")) == [3])
    #expect(try ids(HistoryFilter(machine: "box-00bb")) == [3])
    #expect(try ids(HistoryFilter(newest: 2)) == [2, 3])
    #expect(try ids(HistoryFilter(kernel: "6.1")) == [])
  }

  @Test func `a merge takes what is new, once, and leaves the other file alone`() throws {
    let folder = try ScratchFolder()
    let first = try HistoryStore(path: folder.path("a.db"), access: .makes)
    let second = try HistoryStore(path: folder.path("b.db"), access: .makes)
    try first.save([RunSample.run(1), RunSample.run(2, median: 5)])
    try second.save([RunSample.run(2, median: 5), RunSample.run(3, signatures: ["s"])])
    #expect(
      try first.merge(from: folder.path("b.db"))
        == .init(path: folder.path("b.db"), runs: 2, added: 1))
    #expect(try first.merge(from: folder.path("b.db")).added == 0)
    #expect(try first.runs().map(\.id).count == 3)
    #expect(try first.runs().last?.divergences.map(\.signature) == ["s"])
    #expect(try second.runs().count == 2)
  }

  @Test func `a missing history, a foreign file and one of a newer nsstorm are refused by name`()
    throws
  {
    let folder = try ScratchFolder()
    let missing = #expect(throws: HistoryError.self) {
      try HistoryStore(path: folder.path("none.db"), access: .existing)
    }
    #expect(missing?.reason == .missing)
    try Data(String(repeating: "no database, but long enough to be one. ", count: 200).utf8)
      .write(to: URL(fileURLWithPath: folder.path("foreign.db")))
    #expect(throws: HistoryError.self) {
      try HistoryStore(path: folder.path("foreign.db"), access: .makes)
    }
    let store = try HistoryStore(path: folder.path("newer.db"), access: .makes)
    try store.queue.write {
      try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('9: of another day')")
    }
    let newer = #expect(throws: HistoryError.self) {
      try HistoryStore(path: folder.path("newer.db"), access: .existing)
    }
    #expect(newer?.reason == .newer)
  }

  @Test func `a file of the first format gets the tables that came later`() throws {
    let folder = try ScratchFolder()
    let path = folder.path("old.db")
    let old = try HistoryStore(path: path, access: .makes)
    try old.queue.write {
      try $0.execute(
        sql: "DROP TABLE latencies; DELETE FROM grdb_migrations WHERE identifier LIKE '2:%'")
    }
    let store = try HistoryStore(path: path, access: .existing)
    try store.save([RunSample.run(1, median: 7)])
    #expect(try store.runs().first?.timings.count == 2)
  }
}
