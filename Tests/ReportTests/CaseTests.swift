import Testing

@testable import StormReport
@testable import StormRun

@Suite struct CaseTests {
  private static let names = [
    "first-storm.1-warm-up.answers", "first-storm.1-warm-up.tables", "first-storm.2-main.answers",
    "first-storm.2-main.tables", "first-storm.kernel-health", "first-storm.released",
    "first-storm.meaningful",
  ]

  private static func statuses(_ record: RunRecord) -> [String: CaseResult.Status] {
    Dictionary(uniqueKeysWithValues: record.cases.map { ($0.name, $0.status) })
  }

  @Test(arguments: Sample.Kind.allCases)
  func `every run of a profile has the planned cases, whatever became of it`(kind: Sample.Kind) {
    let record = kind.record
    #expect(record.cases.map(\.name) == Self.names)
    #expect(record.began.cases == Self.names)
  }

  @Test func `a run that agrees passes everything`() {
    #expect(Self.statuses(Sample.agreed).values.allSatisfy { $0 == .passed })
  }

  @Test
  func `a divergence belongs to its phase and its kind, and what was not finished is not passed`() {
    let statuses = Self.statuses(Sample.diverged)
    #expect(statuses["first-storm.1-warm-up.answers"] == .passed)
    #expect(statuses["first-storm.1-warm-up.tables"] == .knownIssue)
    #expect(statuses["first-storm.2-main.answers"] == .failed)
    #expect(statuses["first-storm.2-main.tables"] == .skipped)
  }

  @Test func `what raced stands in the details of every format`() throws {
    let record = Sample.raced
    let failed = try #require(record.cases.first { $0.name == "first-storm.2-main.answers" })
    #expect(failed.status == .failed)
    for text in [
      KTAP(record).text, JUnit(record).text, RunPage(record).text,
      String(decoding: try RunDocument(record).data(), as: UTF8.self),
    ] {
      #expect(text.contains("no order of these 2 calls gives their answers"), "\(text)")
      #expect(text.contains("2 umount2 /a answered EBUSY; here it would answer 0"), "\(text)")
    }
    let released = Sample.diverged
    for text in [KTAP(released).text, JUnit(released).text, RunPage(released).text] {
      #expect(text.contains("ext4/sync: late") && text.contains("descriptor 3"))
    }
    #expect(RunPage(record).text.contains("href=\"#window-3\""))
  }

  @Test func `a known issue fails a strict run`() {
    let began = Sample.began(strict: true)
    let record = Sample.record(
      [.began(began)] + Sample.phases(began) + [
        Sample.found(Sample.tableDivergence(known: ["x"]), phase: 0),
        .ended(Sample.ended(.diverged, code: 1)),
      ])
    #expect(Self.statuses(record)["first-storm.1-warm-up.tables"] == .failed)
  }

  @Test func `a killed run passes nothing`() {
    let results = Sample.killed.cases
    #expect(results.allSatisfy { $0.status == .error && $0.isBad })
  }

  @Test func `a run that checked nothing is red and its phases are not passed`() {
    let began = Sample.began()
    let record = Sample.record(
      [.began(began)] + Sample.phases(began) + [.ended(Sample.ended(.nothingChecked, code: 4))])
    let statuses = Self.statuses(record)
    #expect(statuses["first-storm.meaningful"] == .failed)
    #expect(statuses["first-storm.2-main.tables"] == .skipped)
  }

  @Test func `a phase that --steps left out is skipped by name`() {
    let began = Sample.began()
    let record = Sample.record(
      [.began(began), .phaseBegan(began.phases[0]), .ended(Sample.ended(.agreed, code: 0))])
    #expect(Self.statuses(record)["first-storm.2-main.answers"] == .skipped)
    #expect(Self.statuses(record)["first-storm.1-warm-up.answers"] == .passed)
  }
}
