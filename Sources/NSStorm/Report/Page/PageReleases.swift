import StormPlanning
import StormRun
import StormVerdict

/// What the release rounds showed: what was not as promised, how often a mount was gone when it had to be, and how long
/// after that the rest took.
enum PageReleases {
  static func write(_ record: RunRecord, to page: inout HTMLBuilder) {
    findings(record, &page)
    guard let ended = record.ended, let tallies = ended.releases, !tallies.isEmpty else { return }
    let ways = ended.releasesByWay ?? tallies
    PageHistograms.write(
      ways.compactMap { named($0.lag, $0) }, title: "Release lags",
      note:
        "From the moment at which the release was due until the superblock was seen to die, where it was late.",
      to: &page)
    page.element("section") { page in
      page.element("h2", "Releases")
      page.element("div", ["class": "scroll"]) { page in
        page.element("table") { page in
          page.element("tr") { page in
            for head in ["way", "rounds", "gone when due", "later", "EBUSY at first"] {
              page.element("th", head)
            }
          }
          for tally in tallies {
            page.element("tr") { page in
              page.element("td") { $0.element("code", name(tally)) }
              for count in [tally.rounds, tally.promptRounds, tally.lateRounds, tally.busyRounds] {
                page.element("td", ["class": "number"], RunPage.number(count))
              }
            }
          }
        }
      }
    }
  }

  private static func findings(_ record: RunRecord, _ page: inout HTMLBuilder) {
    guard !record.releases.isEmpty else { return }
    page.element("section") { page in
      page.element("h2", "Releases not as promised")
      // The same again says nothing new: each kind once, as it was first seen.
      for signature in RunRecord.unique(record.releases.map(\.event.finding.signature)) {
        let alike = record.releases.filter { $0.event.finding.signature == signature }
        guard let found = alike.first else { continue }
        page.element("div", ["class": "finding bad"]) { page in
          page.element("h3") { $0.element("code", signature) }
          page.element(
            "p", ["class": "when"],
            "\(alike.count == 1 ? "once" : "\(RunPage.number(alike.count)) times, first"), "
              + "after \(PageScale.time(found.atNanoseconds))")
          page.element("p", found.event.finding.way.explanation)
          page.element(
            "pre", ["class": "prose"],
            ([found.event.finding.detail]
              + found.event.finding.holders.map { "held by \($0)" }).joined(separator: "\n"))
          page.element("p", ["class": "command"]) { $0.element("code", found.event.replay) }
        }
      }
    }
  }

  private static func name(_ tally: ReleaseTally) -> String {
    "\(tally.phase): " + (tally.fileSystem.map { $0.rawValue + "/" } ?? "") + tally.way.rawValue
  }

  private static func named(_ summary: LatencySummary?, _ tally: ReleaseTally) -> LatencySummary? {
    summary.map { summary in
      var summary = summary
      summary.what = name(tally)
      return summary
    }
  }
}
