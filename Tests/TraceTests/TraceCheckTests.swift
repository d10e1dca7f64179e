import Foundation
import StormEngine
import StormVerdict
import StormVocabulary
import Testing

@testable import StormTrace

/// A sample's lines, to be damaged one by one.
private func lines(of name: String) throws -> [String] {
  let text = try String(contentsOf: Samples.folder.appending(path: name), encoding: .utf8)
  return text.split(separator: "\n").map(String.init)
}

private func check(
  _ lines: [String], options: TraceCheck.Options = TraceCheck.Options()
) throws -> TraceVerdict {
  try withTemporaryFile(lines.joined(separator: "\n") + "\n") {
    TraceCheck(path: $0, options: options).run()
  }
}

@Suite struct `checking traces` {
  @Test(arguments: Samples.paths) func `the engine agrees with a sample or names the known issue`(
    path: String
  ) {
    var options = TraceCheck.Options()
    options.comparesOrder = true
    let verdict = TraceCheck(path: path, options: options).run()
    #expect(verdict.failure == nil)
    #expect(verdict.unexplainedDivergences == [])
    #expect(verdict.uncheckedSteps == 0)
    #expect(verdict.absentIssues == [])
    #expect(verdict.checks.errnos == verdict.steps)
    #expect(verdict.steps > 50)
    #expect(verdict.checks.tables > 10)
    #expect(verdict.ending == .complete)
  }

  @Test func `the mount limit of the header says when a namespace is full`() throws {
    var model = MountModel(rules: .newest)
    var header = TraceHeader(kernel: "7.3.4", build: "", table: model.table(seenBy: 0))
    // The kernel's own rootfs below the first mount counts as well.
    model.mountLimit = 3
    let tmpfs = Operation.mount(MountCall(type: "tmpfs", source: "t", target: "/a"))
    var steps: [TraceStep] = []
    for operation in [.mkdir("/a"), tmpfs, tmpfs] {
      let result = model.perform(operation, by: 0)
      var step = TraceStep(
        number: steps.count, namespace: 0, operation: operation, result: result)
      step.tables = [NamespaceTable(namespace: 0, table: model.table(seenBy: 0))]
      steps.append(step)
    }
    #expect(steps.map(\.result) == [.none, .none, .noSpace])
    for (limit, divergences) in [(3, 0), (nil, 1)] {
      header.mountLimit = limit
      let text = String(decoding: TraceText.bytes(header, steps), as: UTF8.self)
      let verdict = try check(text.split(separator: "\n").map(String.init))
      #expect(verdict.failure == nil)
      #expect(verdict.divergences.count == divergences)
    }
  }

  @Test func `an issue explains only on an affected release`() throws {
    var sample = try lines(of: "kernel-7.1.13-level0-seed1.jsonl")
    let known = try check(sample)
    #expect(known.divergences.map(\.knownIssues) == [["unbindable-lost-in-namespace-copy"]])
    // The same history from a kernel that does not have the issue is a divergence.
    sample[0] = sample[0].replacing("7.1.13", with: "7.2.13")
    let unexplained = try check(sample)
    #expect(unexplained.divergences.allSatisfy { $0.knownIssues.isEmpty })
    #expect(unexplained.divergences[0].step == known.divergences[0].step)
    #expect(unexplained.divergences[0].signature == "unshare: wrong unbindable")
    #expect(unexplained.divergences[0].follows == nil)
    // The copy of that copy differs as well, and that may follow from the first.
    #expect(unexplained.divergences[1].follows == unexplained.divergences[0].step)
    #expect(unexplained.doubtfulSteps > 0)
    #expect(unexplained.uncheckedSteps == 0)
  }

  @Test func `an issue that does not reproduce a difference completely explains nothing`() throws {
    var sample = try lines(of: "kernel-7.1.13-level0-seed1.jsonl")
    let step = try #require(try check(sample).divergences.first).step
    let index = try #require(sample.firstIndex { $0.hasPrefix("{\"step\":\(step),") })
    // Beside the lost `unbindable`, one more mount has a wrong source.
    let range = try #require(sample[index].range(of: "\"source\":\"t", options: .backwards))
    sample[index].replaceSubrange(range, with: "\"source\":\"x")
    let verdict = try check(sample)
    #expect(verdict.divergences.allSatisfy { $0.knownIssues.isEmpty })
    #expect(verdict.divergences[0].signature == "unshare: wrong unbindable, wrong source")
  }

  @Test func `an issue that should show and does not is named`() throws {
    // A history of 6.16, where copies keep unbindable, under the name of a kernel that loses it.
    var sample = try lines(of: "kernel-6.16.12-level0-seed1.jsonl")
    sample[0] = sample[0].replacing("6.16.12", with: "6.17.13")
    let verdict = try check(sample)
    #expect(verdict.unexplainedDivergences == [])
    #expect(verdict.absentIssues.map(\.issue) == ["unbindable-lost-in-namespace-copy"])
  }

  @Test func `a wrong answer of any step is the first divergence, with what was predicted`() throws
  {
    let sample = try lines(of: "host-6.18-level1-seed2.jsonl")
    // A refused unshare with a table would be a trace that contradicts itself.
    for index in stride(from: 1, to: sample.count - 1, by: 7)
    where !sample[index].contains("\"unshare\"") {
      var damaged = sample
      let isSuccess = sample[index].contains("\"ret\":0")
      damaged[index] =
        isSuccess
        ? sample[index].replacing("\"ret\":0", with: "\"ret\":\"EIO\"")
        : sample[index].replacing(/"ret":"[A-Z]+"/, with: "\"ret\":\"EIO\"")
      let verdict = try check(damaged)
      let first = try #require(verdict.divergences.first)
      #expect(first.step == index - 1)
      #expect(first.observedErrno == .inputOutput)
      #expect((first.predictedErrno == .none) == isSuccess)
    }
  }

  @Test func `after a refusal that was not predicted the check goes on`() throws {
    // A failed call that answers another error changes nothing, so every other step is still checked.
    var sample = try lines(of: "host-6.18-level1-seed2.jsonl")
    let refused = sample.indices.filter { sample[$0].contains("\"ret\":\"EINVAL\"") }
    #expect(refused.count > 3)
    for index in refused.prefix(3) {
      sample[index] = sample[index].replacing("\"EINVAL\"", with: "\"EBUSY\"")
    }
    let verdict = try check(sample)
    #expect(verdict.divergences.map(\.step) == refused.prefix(3).map { $0 - 1 })
    #expect(verdict.uncheckedSteps == 0)
    #expect(verdict.checks.errnos == verdict.steps)
  }

  @Test func `a table that is right again ends the doubt, and later damage is found anew`() throws {
    var sample = try lines(of: "host-6.18-level1-seed2.jsonl")
    let withTables = sample.indices.filter {
      sample[$0].contains("\"call\":\"mount\"") && sample[$0].contains("\"0\":[")
    }
    let damaged = [
      withTables[2], withTables[withTables.count / 2], withTables[withTables.count - 3],
    ]
    for index in damaged {
      sample[index] = sample[index].replacing(
        "\"options\":\"rw,relatime\"", with: "\"options\":\"rw\"")
    }
    let verdict = try check(sample)
    #expect(verdict.divergences.map(\.step) == damaged.map { $0 - 1 })
    #expect(verdict.divergences.map(\.follows) == [nil, nil, nil])
    #expect(verdict.divergences.allSatisfy { $0.signature.hasSuffix("wrong attributes") })
    #expect(verdict.checks.errnos == verdict.steps)
  }

  @Test func `an unexpected success that no table shows leaves a doubt to the end`() throws {
    var sample = try lines(of: "host-6.18-level0-seed3.jsonl")
    let index = try #require(
      sample.firstIndex { $0.contains("\"mkdir\"") && $0.contains("EEXIST") })
    sample[index] = sample[index].replacing("\"EEXIST\"", with: "0")
    let verdict = try check(sample)
    #expect(verdict.divergences.map(\.step) == [index - 1])
    #expect(verdict.doubtfulSteps == verdict.steps - index)
  }

  @Test func `every corruption of a table in a trace is found at its step`() throws {
    let sample = try lines(of: "host-6.18-level2-seed3.jsonl")
    var generator = SeededGenerator(seed: 5)
    let fields: [(Regex<Substring>, String)] = [
      (/"root":"[^"]*"/, "\"root\":\"/wrong\""),
      (/"mountpoint":"[^"]*"/, "\"mountpoint\":\"/wrong\""),
      (/"options":"[^"]*"/, "\"options\":\"rw,noexec\""),
      (/"source":"[^"]*"\}/, "\"source\":\"wrong\"}"),
      (/"fstype":"[^"]*"/, "\"fstype\":\"ramfs\""), (/"shared":[0-9]+/, "\"shared\":9999"),
      (/"dev":"[^"]*"/, "\"dev\":\"0:9999\""), (/"id":[0-9]+/, "\"id\":9999"),
      (/,"shared":[0-9]+/, ""), (/"fstype"/, "\"unbindable\":true,\"fstype\""),
    ]
    let withTables = sample.indices.filter {
      sample[$0].contains("\"call\"") && sample[$0].contains("\"id\"")
    }
    var damagedTraces = 0
    for _ in 0..<120 {
      let index = withTables[generator.next(below: withTables.count)]
      let (pattern, text) = fields[generator.next(below: fields.count)]
      let tablesStart = try #require(sample[index].range(of: "\"tables\""))
      let hits = sample[index][tablesStart.upperBound...].ranges(of: pattern)
      guard !hits.isEmpty else { continue }
      var damaged = sample
      damaged[index].replaceSubrange(hits[generator.next(below: hits.count)], with: text)
      guard damaged[index] != sample[index] else { continue }
      damagedTraces += 1
      let verdict = try check(damaged)
      let digits = try #require(sample[index].firstMatch(of: /[0-9]+/))
      let number = try #require(Int(digits.output))
      // A new mount may have any id: it contradicts nothing if it is gone before it is seen again.
      if text.contains("\"id\""), verdict.divergences.isEmpty { continue }
      let first = try #require(verdict.divergences.first, "line \(index + 1), \(text)")
      #expect(text.contains("\"id\"") ? first.step >= number : first.step == number)
    }
    #expect(damagedTraces > 80)
  }

  @Test func `the tables of the end line are compared`() throws {
    var sample = try lines(of: "host-6.18-level0-seed3.jsonl")
    let end = sample.count - 1
    sample[end] = sample[end].replacing("\"source\":\"root\"", with: "\"source\":\"toor\"")
    let verdict = try check(sample)
    #expect(verdict.divergences.map(\.signature) == ["tables: wrong source"])
  }

  @Test func `a trace that is cut off is checked as far as it stands`() throws {
    let sample = try lines(of: "host-6.18-level0-seed3.jsonl")
    let verdict = try check(Array(sample.prefix(40)))
    #expect(verdict.ending == .cutOff)
    #expect(verdict.steps == 39)
    #expect(verdict.checks.errnos == 39)
    #expect(verdict.divergences == [])
    #expect(verdict.failure == nil)
  }

  @Test func `a trace that contradicts itself is damaged`() throws {
    let sample = try lines(of: "host-6.18-level0-seed3.jsonl")
    func failure(_ change: (inout [String]) -> Void) throws -> TraceError? {
      var damaged = sample
      change(&damaged)
      return try check(damaged).failure
    }
    let nobody = try failure { $0[5] = $0[5].replacing("\"ns\":0", with: "\"ns\":77") }
    #expect(nobody?.line == 6)
    #expect(nobody?.message.contains("`ns` is 77") == true)
    #expect(nobody?.message.contains("living are 0") == true)
    let twice = try failure {
      $0.insert(#"{"step":-0,"ns":0,"call":"unshare","new":0,"ret":0}"#, at: 1)
    }
    #expect(twice?.line == 2)
    let end = try failure { $0[$0.count - 1] = #"{"end":true,"tables":{}}"# }
    #expect(end?.line == sample.count)
  }

  @Test func `a first table that is no tree is damaged`() throws {
    var sample = try lines(of: "host-6.18-level0-seed3.jsonl")
    let header = sample[0]
    let start = try #require(header.range(of: "\"0\":[")).upperBound
    let end = try #require(header.range(of: "]", options: .backwards)).lowerBound
    let root = String(header[start..<end])
    func child(_ id: Int, _ parent: Int, _ place: String) -> String {
      root.replacing(/"id":[0-9]+,"parent":[0-9]+/, with: "\"id\":\(id),\"parent\":\(parent)")
        .replacing("\"mountpoint\":\"/\"", with: "\"mountpoint\":\"\(place)\"")
    }
    let digits = try #require(root.firstMatch(of: /[0-9]+/))
    let id = try #require(Int(digits.output))
    let bad: [[String]] = [
      [], [child(1, 2, "/"), child(2, 1, "/")], [root, root], [root, child(900, 901, "/a")],
      [root, child(900, id, "a")], [root, child(900, id, "/a"), child(901, id, "/a")],
      [child(1, 2, "/a")],
    ]
    for entries in bad {
      sample[0] = header.replacingCharacters(in: start..<end, with: entries.joined(separator: ","))
      let failure = try #require(try check(sample).failure, "\(entries)")
      #expect(failure.line == 1)
      #expect(failure.message.contains("no tree"))
    }
    // A child may stand before its parent: moves do not change the order of a table.
    sample[0] = header.replacingCharacters(
      in: start..<end,
      with: [child(900, 901, "/a/b"), root, child(901, id, "/a")].joined(separator: ","))
    #expect(try check(sample).failure == nil)
  }

  @Test func `kernels that are not known are refused or warned of`() throws {
    var sample = try lines(of: "kernel-7.3.4-level0-seed2.jsonl")
    let header = sample[0]
    sample[0] = header.replacing("7.3.4+deb13-cloud-amd64", with: "4.19.0")
    #expect(try check(sample).failure?.message.contains("5.10") == true)
    sample[0] = header.replacing("7.3.4+deb13-cloud-amd64", with: "bsd")
    #expect(try check(sample).failure?.message.contains("MAJOR.MINOR") == true)
    sample[0] = header.replacing("7.3.4+deb13-cloud-amd64", with: "9.1.2")
    let newer = try check(sample)
    #expect(newer.warnings.count == 1)
    #expect(newer.unexplainedDivergences == [])
  }
}

@Suite struct `a broken engine` {
  // These show in many samples. The rarer rules are proved by storms that go where they matter.
  @Test(arguments: [
    Mutation.slaveCopyIsPeer, .umountDoesNotPropagate, .moveFromSharedParentAllowed,
  ])
  func `is noticed by the samples`(mutation: Mutation) {
    var options = TraceCheck.Options()
    options.mutation = mutation
    #expect(
      Samples.paths.contains {
        !TraceCheck(path: $0, options: options).run().unexplainedDivergences.isEmpty
      })
  }
}

@Suite struct `the search for known issues` {
  /// A history in which each issue that is needed lets the engine come ten calls farther, in the order given.
  private func walk(
    _ issues: [KnownIssue], needing needed: [KnownIssue], of all: Int = 100
  ) -> KnownIssueSearch.Walk {
    let present = Set(issues.map(\.id))
    let reached = needed.prefix { present.contains($0.id) }.count
    let calls = reached == needed.count ? all : 10 * (reached + 1)
    return KnownIssueSearch.Walk(
      explains: reached == needed.count, calls: calls,
      state: MountModel(rules: .newest).fingerprint())
  }

  @Test func `the smallest set is found, and issues that change nothing are tried once each`() {
    let issues = Array(KnownIssue.catalogue.prefix(12))
    let needed = [issues[7], issues[2], issues[9]]
    var search = KnownIssueSearch(candidates: issues)
    var tried: [Set<String>] = []
    let found = search.smallestSet { set in
      tried.append(Set(set.map(\.id)))
      return walk(set, needing: needed)
    }
    #expect(found?.map(\.id) == [issues[2].id, issues[7].id, issues[9].id])
    // None, each alone, each beside the first that changes anything, and beside the first two.
    #expect(tried.count <= 1 + 12 + 11 + 10)
    #expect(search.walks == tried.count)
    let useless = issues[0].id
    #expect(
      tried.filter { $0.contains(useless) }.allSatisfy {
        $0.isSubset(of: Set([useless] + needed.map(\.id)))
      })
    #expect(!search.wasGivenUp)
  }

  @Test func `a set that is known not to explain is a step on the way, not an answer`() {
    let issues = Array(KnownIssue.catalogue.prefix(6))
    var search = KnownIssueSearch(candidates: issues)
    let found = search.smallestSet(beside: [issues[4]]) { set in
      walk(set, needing: [issues[4], issues[1]])
    }
    #expect(found?.map(\.id) == [issues[1].id, issues[4].id])
    // What is present, and each of the first two beside it.
    #expect(search.walks == 3)
  }

  @Test func `what is present and explains everything is no reason for a difference`() {
    let issues = Array(KnownIssue.catalogue.prefix(6))
    var search = KnownIssueSearch(candidates: issues)
    #expect(search.smallestSet(beside: [issues[4]]) { walk($0, needing: [issues[4]]) } == nil)
    #expect(search.walks == 1)
  }

  @Test func `what was taken for present can turn out to be something else`() {
    let issues = Array(KnownIssue.catalogue.prefix(6))
    var search = KnownIssueSearch(candidates: issues)
    let found = search.smallestSet(beside: [issues[4]]) { set in
      set.contains { $0.id == issues[4].id }
        ? KnownIssueSearch.Walk(
          explains: false, calls: 30, state: MountModel(rules: .newest).fingerprint())
        : walk(set, needing: [issues[1]])
    }
    #expect(found?.map(\.id) == [issues[1].id])
  }

  @Test func `a difference that no issue explains costs one walk an issue`() {
    let issues = Array(KnownIssue.catalogue.prefix(12))
    var search = KnownIssueSearch(candidates: issues)
    let nothing = KnownIssueSearch.Walk(
      explains: false, calls: 50, state: MountModel(rules: .newest).fingerprint())
    #expect(search.smallestSet { _ in nothing } == nil)
    #expect(search.walks == 13)
    #expect(!search.wasGivenUp)
  }

  @Test func `the work is bounded, and the search says so`() {
    let issues = Array(KnownIssue.catalogue.prefix(12))
    var search = KnownIssueSearch(candidates: issues, mostCalls: 1_000)
    var number = 0
    let found = search.smallestSet { _ in
      number += 1
      return KnownIssueSearch.Walk(
        explains: false, calls: 100 + number, state: MountModel(rules: .newest).fingerprint())
    }
    #expect(found == nil)
    #expect(search.wasGivenUp)
    #expect(search.calls < 1_200)
  }

  @Test func `without candidates nothing explains`() {
    var search = KnownIssueSearch(candidates: [])
    #expect(search.smallestSet { walk($0, needing: []) } == nil)
  }
}
