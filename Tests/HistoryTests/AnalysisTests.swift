import Testing

@testable import StormHistory

@Suite struct AnalysisTests {
  @Test func `a trend names the run, the kernels and the new level`() throws {
    let runs = (0..<24).map { index in
      RunSample.run(
        index, day: index, kernel: index < 12 ? "6.17.13" : "6.18.1",
        median: (index < 12 ? 1_000 : 1_500) + index % 3)
    }
    let trends = Trends(runs)
    let series = try #require(trends.series.first)
    #expect(trends.series.count == 1 && series.what == "umount2")
    #expect(series.changes.points.map(\.index) == [12])
    let text = HistoryText.trends(trends)
    #expect(text.contains("1 µs -> 1.5 µs (×1.5) with run 20261125T184416Z-00000012"), "\(text)")
    #expect(text.contains("kernel 6.17.13 -> 6.18.1, confidence 99"))
    // Machines are not mixed: the same numbers from two of them are two short series.
    let mixed = runs.enumerated().map { index, run in
      var run = run
      run.machine = "\(index % 4)"
      return run
    }
    #expect(Trends(mixed).series.isEmpty && Trends(mixed).shortSeries == 4)
  }

  @Test func `two kernels are compared by findings and by times of the same machine`() throws {
    let first = (0..<8).map { RunSample.run($0, kernel: "6.17", median: 1_000 + $0) }
    let second = (8..<16).map {
      RunSample.run(
        $0, kernel: "6.18", outcome: $0 == 9 ? "diverged" : "agreed",
        signatures: $0 == 9 ? ["umount2: predicted EBUSY, observed 0"] : [], median: 2_000 + $0)
    }
    let comparison = KernelComparison(first, second)
    let profile = try #require(comparison.profiles.first)
    #expect(profile.outcomes == [["agreed": 8], ["agreed": 7, "diverged": 1]])
    #expect(profile.findings.map(\.runs) == [[Share(0, of: 8), Share(1, of: 8)]])
    #expect(profile.timings.count == 1 && profile.timings[0].samples.confidence > 0.99)
    let text = HistoryText.comparison(comparison, names: ["6.17", "6.18"], confidence: 0.95)
    #expect(text.contains("6.17 0 of 8, 6.18 1 of 8") && text.contains("×2.0"), "\(text)")
    var elsewhere = second
    for index in elsewhere.indices { elsewhere[index].machine = "00bb" }
    #expect(KernelComparison(first, elsewhere).profiles.first?.timings == [])
  }

  @Test func `flakiness counts only repeated conditions, and neither interrupted nor killed runs`()
    throws
  {
    let runs =
      (0..<9).map { RunSample.run($0) } + [
        RunSample.run(9, outcome: "diverged", signatures: ["s"]),
        RunSample.run(10, outcome: "interrupted"), RunSample.run(11, outcome: "killed"),
        RunSample.run(12, seed: "0x2", outcome: "diverged"),
        RunSample.run(13, stepLimit: 5), RunSample.run(14, stepLimit: 5),
      ]
    let profile = try #require(Flakiness(runs).profiles.first)
    #expect(profile.runs == 13 && profile.repeatedConditions == 2 && profile.mixedConditions == 1)
    #expect(profile.disagreeing == Share(1, of: 12))
    #expect(profile.cases.map(\.name) == ["first-storm.1-main.answers"])
    #expect(profile.signatures == ["s"])
    #expect(HistoryText.flakiness(Flakiness(runs)).contains("comes and goes: s"))
  }

  @Test func `evidence tells kernels that showed it from those that were tried without it`() {
    let runs = [
      RunSample.run(1, kernel: "a", outcome: "diverged", signatures: ["s"]),
      RunSample.run(2, kernel: "b"), RunSample.run(3, kernel: "c", seed: "0x2"),
      RunSample.run(4, kernel: "d", outcome: "interrupted"), RunSample.run(5, kernel: "a"),
    ]
    let evidence = HistoryRun.evidence(
      signature: "s", profile: "first-storm", seed: "0x1", in: runs)
    #expect(evidence.affected == ["a"] && evidence.unaffected == ["b"])
  }
}
