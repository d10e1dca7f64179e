import Foundation
import Testing

@testable import StormReport
@testable import StormRun

@Suite struct RendererTests {
  // MARK: - JSON

  @Test(arguments: Sample.Kind.allCases)
  func `the result of every kind of run is what its schema says`(kind: Sample.Kind) throws {
    let record = kind.record
    let file = try Scratch(String(decoding: try RunDocument(record).data(), as: UTF8.self))
    let result = try Tools.validate(file.path, schema: "run.schema.json", whole: true)
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func `every event is what its schema says, and the schema refuses what is none`() throws {
    let began = Sample.began()
    let events = Sample.events(
      [.began(began)] + Sample.phases(began) + [
        Sample.found(Sample.tableDivergence(known: ["x"]), phase: -1),
        Sample.found(Sample.answerDivergence(), phase: 1), .fault(Sample.log),
        .window(Sample.window), .release(Sample.release),
        .skipped(.init(what: "a", why: "b", count: 1)),
        .warning(WarningEvent(text: "w")),
        .ended(Sample.ended(.diverged, code: 1)),
      ])
    let lines = try events.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
    let file = try Scratch(lines.joined(separator: "\n"))
    let result = try Tools.validate(file.path, schema: "event.schema.json", whole: false)
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("\(events.count) documents"))
    let names = Set(events.map(\.payload.name))
    #expect(names == Set(RecordedEvent.Name.allCases.map(\.rawValue)))
    for (old, new) in [
      (#""kind":"sequential""#, #""kind":"parallel""#), (#""event":"ended""#, #""event":"began""#),
      (#""namespaces":3"#, #""namespaces":-3"#), (#""version":1"#, #""version":2"#),
    ] {
      let wrong = lines.joined(separator: "\n").replacingOccurrences(of: old, with: new)
      let file = try Scratch(wrong)
      let result = try Tools.validate(file.path, schema: "event.schema.json", whole: false)
      #expect(result.status == 1, "\(old) -> \(new) was not refused")
    }
  }

  // MARK: - JUnit

  @Test(arguments: Sample.Kind.allCases)
  func `JUnit XML is valid, whatever stands in names and messages`(kind: Sample.Kind) throws {
    let record = kind.record
    let file = try Scratch(JUnit(record).text)
    let result = try Tools.run(
      ["xmllint", "--noout", "--schema", Tools.schema("junit.xsd"), file.path])
    #expect(result.status == 0, "\(result.output)")
  }

  @Test func `JUnit counts failures, errors and skipped cases apart`() {
    let diverged = JUnit(Sample.diverged).text
    #expect(diverged.contains(#"tests="7" failures="2" errors="0" skipped="1""#))
    #expect(diverged.contains("known issue: unbindable-lost-in-namespace-copy"))
    #expect(diverged.contains(#"<failure type="divergence""#))
    #expect(JUnit(Sample.faulty).text.contains(#"<failure type="fault""#))
    let killed = JUnit(Sample.killed).text
    #expect(killed.contains(#"tests="7" failures="0" errors="7" skipped="0""#))
    #expect(JUnit(Sample.agreed).text.contains(#"failures="0" errors="0" skipped="0""#))
  }

  // MARK: - KTAP

  /// The grammar of `Documentation/dev-tools/ktap.rst`, as far as one level goes.
  private static func check(_ text: String) throws -> [(
    isOK: Bool, name: String, directive: String?
  )] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false)[...]
    #expect(lines.popFirst() == "KTAP version 1")
    let plan = try #require(lines.popFirst()?.wholeMatch(of: /1\.\.([0-9]+)/))
    #expect(lines.popLast() == "")
    var results: [(isOK: Bool, name: String, directive: String?)] = []
    for line in lines {
      if line.hasPrefix("# ") { continue }
      let pattern =
        /(ok|not ok) ([0-9]+) ([^#]*[^# ])(?: # (SKIP|TODO|XFAIL|TIMEOUT|ERROR)(?: .*)?)?/
      let match = try #require(line.wholeMatch(of: pattern), "\(line)")
      #expect(Int(match.output.2) == results.count + 1)
      results.append(
        (match.output.1 == "ok", String(match.output.3), match.output.4.map(String.init)))
    }
    #expect(results.count == Int(plan.output.1))
    #expect(Set(results.map(\.name)).count == results.count)
    return results
  }

  @Test(arguments: Sample.Kind.allCases)
  func `KTAP has its plan first and each planned case once`(kind: Sample.Kind) throws {
    let record = kind.record
    let results = try Self.check(KTAP(record).text)
    #expect(results.map(\.name) == record.began.cases)
  }

  @Test func `KTAP says by directive why a case is not simply ok`() throws {
    let diverged = try Self.check(KTAP(Sample.diverged).text)
    #expect(diverged.map(\.isOK) == [true, true, false, true, true, false, true])
    #expect(diverged.map(\.directive) == [nil, "XFAIL", nil, "SKIP", nil, nil, nil])
    let killed = try Self.check(KTAP(Sample.killed).text)
    #expect(killed.allSatisfy { !$0.isOK && $0.directive == "ERROR" })
    let faulty = try Self.check(KTAP(Sample.faulty).text)
    #expect(faulty.last { !$0.isOK }?.name == "first-storm.kernel-health")
  }

  // MARK: - Text

  @Test func `text has colours only where they are asked for`() {
    #expect(!RunText().summary(Sample.diverged).contains("\u{1B}"))
    #expect(RunText(style: .coloured).summary(Sample.diverged).contains("\u{1B}[31m"))
    #expect(RunText().summary(Sample.killed).contains("the run was killed"))
  }

  @Test
  func `NO_COLOR wins over everything, CLICOLOR_FORCE over a pipe, and dumb terminals stay plain`()
  {
    func style(_ environment: [String: String], _ isTerminal: Bool) -> TextStyle {
      TextStyle(environment: environment, isTerminal: isTerminal)
    }
    #expect(style(["TERM": "xterm"], true) == .coloured)
    #expect(style(["TERM": "xterm"], false) == .plain)
    #expect(style(["TERM": "dumb"], true) == .plain)
    #expect(style([:], true) == .plain)
    #expect(style(["TERM": "xterm", "NO_COLOR": "1"], true) == .plain)
    #expect(style(["TERM": "xterm", "NO_COLOR": ""], true) == .coloured)
    #expect(style(["CLICOLOR_FORCE": "1"], false) == .coloured)
    #expect(style(["CLICOLOR_FORCE": "0"], false) == .plain)
    #expect(style(["CLICOLOR_FORCE": "1", "NO_COLOR": "1"], false) == .plain)
    #expect(style(["TERM": "xterm", "CLICOLOR": "0"], true) == .plain)
  }
}
