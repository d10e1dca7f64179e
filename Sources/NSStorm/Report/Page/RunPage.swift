import StormKernel
import StormRun
import StormVerdict

/// The result of a run as one HTML file without scripts, fonts or pictures from elsewhere: it can be mailed, archived and
/// opened years later. Light and dark follow the reader's system; it fits a phone.
public struct RunPage {
  public let text: String

  public init(_ record: RunRecord) {
    var page = HTMLBuilder()
    page.markup("<!doctype html>\n")
    page.element("html", ["lang": "en"]) { page in
      page.element("head") { page in
        page.empty("meta", ["charset": "utf-8"])
        page.empty("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
        page.empty("meta", ["name": "color-scheme", "content": "light dark"])
        // Without it a browser asks the server for a picture that is not there.
        page.empty("link", ["rel": "icon", "href": "data:,"])
        page.element("title", "\(record.began.profile) on \(record.began.kernel.release): nsstorm")
        page.element("style") { $0.markup(PageStyle.sheet) }
      }
      page.element("body") { page in
        page.element("main") { page in
          Self.head(record, &page)
          Self.findings(record, &page)
          PageTimeline(record).write(to: &page)
          PageHistograms.write(record, to: &page)
          PageReleases.write(record, to: &page)
          PageWindows.write(record, to: &page)
          PageCoverage(record.ended?.coverage ?? []).write(to: &page)
          Self.cases(record, &page)
          Self.numbers(record, &page)
        }
        page.element("footer") { page in
          page.content("\(record.began.tool), run \(record.began.run), \(record.began.startedAt)")
        }
      }
    }
    text = page.text + "\n"
  }

  // MARK: - Head

  private static func head(_ record: RunRecord, _ page: inout HTMLBuilder) {
    let began = record.began
    page.element("header") { page in
      let (word, mood) = verdict(record)
      page.element("p", ["class": "verdict \(mood)"], word)
      page.element("h1", began.profile)
      page.element("p", ["class": "subtitle"]) { page in
        page.content("kernel ")
        page.element("strong", began.kernel.release)
        page.content(", rules of \(began.rules), seed \(began.seed)")
      }
      page.element("p", ["class": "command"]) { page in
        page.element("code", "\(began.command) --seed \(began.seed)")
      }
    }
    guard let ended = record.ended else { return }
    let storm = ended.storm
    let share = storm.calls == 0 ? 0 : 100 * storm.succeededCalls / storm.calls
    page.element("section", ["class": "tiles", "aria-label": "summary"]) { page in
      tile("calls", number(storm.calls), "\(share)% succeeded", &page)
      tile(
        "mounts made", number(storm.mountsMade), "\(number(storm.copiesPropagated)) copies", &page)
      tile(
        "namespaces", number(storm.namespacesMade), "at most \(storm.mostNamespaces) at once", &page
      )
      tile(
        "umounts", number(storm.synchronousUmounts + storm.lazyUmounts),
        "\(number(storm.lazyUmounts)) of them lazy", &page)
      tile(
        "table entries compared", number(ended.checks.entries),
        "\(number(ended.checks.answers)) answers", &page)
      if let races = ended.races {
        tile(
          "windows", number(races.windows),
          "\(number(races.conflicts)) conflicts, \(races.violated) not explained", &page)
      }
      if ended.checks.releases > 0 {
        tile(
          "releases watched", number(ended.checks.releases),
          "\(record.releases.count) findings", &page)
      }
      let known = record.knownDivergences.count
      tile(
        "divergences", "\(record.unexplainedDivergences.count)",
        "\(known) known issue\(known == 1 ? "" : "s")", &page)
    }
  }

  private static func verdict(_ record: RunRecord) -> (String, String) {
    guard let outcome = record.ended?.outcome else {
      return ("killed before it could judge itself", "bad")
    }
    switch outcome {
    case .agreed where record.knownDivergences.isEmpty:
      return (RunRecord.words(outcome), "good")
    case .agreed: return ("\(RunRecord.words(outcome)), apart from known issues", "good")
    case .interrupted: return (RunRecord.words(outcome), "warning")
    case .kernelFault, .diverged, .neverReleased, .nothingChecked:
      return (RunRecord.words(outcome), "bad")
    }
  }

  private static func tile(
    _ name: String, _ value: String, _ note: String, _ page: inout HTMLBuilder
  ) {
    page.element("div", ["class": "tile"]) { page in
      page.element("div", ["class": "label"], name)
      page.element("div", ["class": "value"], value)
      page.element("div", ["class": "note"], note)
    }
  }

  // MARK: - Findings

  private static func findings(_ record: RunRecord, _ page: inout HTMLBuilder) {
    if !record.faults.isEmpty {
      page.element("section") { page in
        page.element("h2", "Kernel faults")
        for fault in record.faults {
          page.element("div", ["class": "finding bad"]) { page in
            page.element("p", ["class": "when"], "after \(PageScale.time(fault.atNanoseconds))")
            page.element("pre", fault.event.text)
          }
        }
      }
    }
    guard !record.divergences.isEmpty else { return }
    page.element("section") { page in
      page.element("h2", "Divergences")
      // The unexplained ones are why somebody opens the page.
      let sorted =
        record.divergences.filter { $0.event.divergence.knownIssues.isEmpty }
        + record.divergences.filter { !$0.event.divergence.knownIssues.isEmpty }
      for found in sorted {
        PageDivergence(
          found.event, window: record.window(of: found.event), isStrict: record.began.isStrict
        ).write(to: &page)
      }
    }
  }

  private static func cases(_ record: RunRecord, _ page: inout HTMLBuilder) {
    page.element("section") { page in
      page.element("h2", "Cases")
      page.element("div", ["class": "scroll"]) { page in
        page.element("table") { page in
          for result in record.cases {
            page.element("tr") { page in
              let (word, mood) = words(result.status)
              page.element("td") { $0.element("span", ["class": "badge \(mood)"], word) }
              page.element("td") { page in
                page.element("code", result.name)
                if let reason = result.reason {
                  page.element("div", ["class": "note"], reason)
                }
              }
              page.element(
                "td", ["class": "number"],
                result.nanoseconds == 0 ? "" : PageScale.time(result.nanoseconds))
            }
          }
        }
      }
    }
  }

  private static func words(_ status: CaseResult.Status) -> (String, String) {
    switch status {
    case .passed: ("passed", "good")
    case .knownIssue: ("known issue", "warning")
    case .skipped: ("skipped", "muted")
    case .failed: ("failed", "bad")
    case .timedOut: ("timed out", "bad")
    case .error: ("error", "bad")
    }
  }

  // MARK: - Numbers

  private static func numbers(_ record: RunRecord, _ page: inout HTMLBuilder) {
    page.element("section") { page in
      page.element("h2", "Details")
      page.element("dl") { page in
        for (name, value) in details(record) {
          page.element("dt", name)
          page.element("dd", value)
        }
      }
    }
  }

  private static func details(_ record: RunRecord) -> [(String, String)] {
    let began = record.began
    let machine = began.machine
    var rows: [(String, String)] = [
      ("kernel build", began.kernel.build),
      (
        "machine",
        "\(machine.name), \(machine.architecture), \(machine.processors) CPUs, \(machine.memoryBytes >> 20) MiB"
      ),
    ]
    if let ended = record.ended {
      let errnos = ended.storm.answers.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      rows.append(("answers", errnos.map { "\($0.key) \($0.value)" }.joined(separator: ", ")))
      let checks = ended.checks
      rows.append(
        (
          "checked",
          "\(checks.answers) answers, \(checks.tables) tables with \(checks.entries) entries, "
            + "\(checks.memberLists) member lists, \(checks.sampledTables) samples, "
            + "\(checks.quiescentPoints) quiescent points"
        ))
      let times = ended.times
      rows.append(
        (
          "time",
          "\(PageScale.time(times.totalNanoseconds)): calls \(PageScale.time(times.kernelNanoseconds)), "
            + "reading \(PageScale.time(times.readingNanoseconds)), engine \(PageScale.time(times.engineNanoseconds))"
        ))
      if let memory = ended.memory {
        rows.append(
          ("memory", "\(memory.proportionalBytes >> 20) MiB in \(memory.processes) processes (PSS)")
        )
      }
      if let leftovers = ended.leftovers { rows.append(("left behind", leftovers)) }
    }
    for skip in record.skips {
      rows.append(
        ("skipped", "\(skip.what)\(skip.count > 1 ? " (\(skip.count) times)" : ""): \(skip.why)"))
    }
    for warning in record.warnings { rows.append(("warning", warning)) }
    if let source = began.configuration.source {
      rows.append(
        ("configuration", began.configuration.options.joined(separator: " ") + " (\(source))"))
    }
    return rows
  }

  /// With thin spaces between thousands.
  static func number(_ value: Int) -> String {
    var groups: [String] = []
    var rest = value.magnitude
    while rest >= 1_000 {
      let group = "\(rest % 1_000)"
      groups.append(String(repeating: "0", count: 3 - group.count) + group)
      rest /= 1_000
    }
    groups.append("\(rest)")
    return (value < 0 ? "-" : "") + groups.reversed().joined(separator: "\u{2009}")
  }
}
