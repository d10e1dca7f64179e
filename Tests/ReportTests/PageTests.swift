import Foundation
import StormPlanning
import StormRun
import StormVerdict
import Testing

@testable import StormReport

/// The page in a real browser.
@Suite(.serialized) struct PageTests {
  /// What the browser says when it loads a page: the document as it stands then, and the lines of its console.
  private struct Visit {
    var document: String
    var console: [Substring]

    init(_ html: String, width: Int = 1_200, isDark: Bool = false) throws {
      let page = try Scratch(html, suffix: ".html")
      let profile = FileManager.default.temporaryDirectory
        .appendingPathComponent("nsstorm-browser-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: profile) }
      let log = try Scratch()
      let result = try Tools.run([
        "bash", "-c",
        """
        exec chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage \
          --user-data-dir='\(profile.path)' --window-size=\(width),900 \(isDark ? "--force-dark-mode" : "") \
          --virtual-time-budget=1000 --enable-logging=stderr --dump-dom 'file://\(page.path)' 2>'\(log.path)'
        """,
      ])
      document = result.output
      let lines = try String(contentsOfFile: log.path, encoding: .utf8)
      console = lines.split(separator: "\n").filter { $0.contains(":CONSOLE") }
      #expect(result.status == 0, "chromium ended with \(result.status): \(lines.suffix(2_000))")
    }
  }

  @Test func `the page of every kind of run loads without a word on the console`() throws {
    let pages = [Sample.diverged, Sample.raced, Sample.killed].map { RunPage($0).text }
    for page in pages {
      let visit = try Visit(page)
      #expect(visit.console == [])
      #expect(visit.document.contains("<h1>first-storm</h1>"))
    }
    // The same look at a page with an error sees it.
    let broken = pages[0].replacingOccurrences(
      of: "</main>", with: "</main><script>nothing.there()</script>")
    #expect(try Visit(broken).console.count == 1)
  }

  @Test(arguments: [(1_200, false), (390, true)])
  func `nothing sticks out at the width of a desktop and of a phone`(
    width: Int, isDark: Bool
  ) throws {
    let measure = """
      <script>document.body.dataset.width = [innerWidth, document.documentElement.scrollWidth,
        matchMedia('(prefers-color-scheme: dark)').matches, getComputedStyle(document.body).backgroundColor].join(' ')
      </script></main>
      """
    let page = RunPage(Sample.diverged).text.replacingOccurrences(of: "</main>", with: measure)
    let document = try Visit(page, width: width, isDark: isDark).document
    let match = try #require(
      document.firstMatch(of: /data-width="([0-9]+) ([0-9]+) (true|false) rgb\(([0-9]+),/))
    let (inner, scroll) = (try #require(Int(match.output.1)), try #require(Int(match.output.2)))
    #expect(scroll <= inner, "\(scroll) of \(inner)")
    #expect(abs(inner - width) <= 120, "the window is \(inner) wide")
    #expect(match.output.3 == (isDark ? "true" : "false"))
    let red = try #require(Int(match.output.4))
    #expect(isDark ? red < 60 : red > 200)
  }

  @Test
  func
    `the page is one file: nothing in it points elsewhere, no script, and text of any kind is escaped`()
  {
    let page = RunPage(Sample.diverged).text
    #expect(page.firstMatch(of: /(?:src|href)="(?!data:,|#)/) == nil)
    #expect(!page.contains("<script") && !page.contains("@import") && !page.contains("url("))
    #expect(page.contains("take &lt;care&gt; &amp; &quot;so&quot; on"))
    #expect(page.contains("umount2 /m]]&gt;&amp;&lt;#x"))
  }

  @Test func `a wrong release is shown once, with how often it was seen`() throws {
    let began = Sample.began()
    var other = Sample.release
    other.finding.way = .detach
    let page = RunPage(
      Sample.record(
        [.began(began), .release(Sample.release), .release(other), .release(Sample.release)])
    ).text
    #expect(page.matches(of: /class="finding bad"/).count == 2)
    #expect(page.contains("2 times, first, after 100 ms") && page.contains("once, after 200 ms"))
    #expect(page.contains("umount of an idle mount") && page.contains("held by nss-worker1"))
  }

  @Test func `a differing table is a tree whose agreeing parts are folded`() throws {
    let table = try #require(Sample.tableDivergence().tables.first)
    let tree = TableTree(table)
    #expect(tree.roots.map(\.mountpoint) == ["/"] && tree.roots[0].differs)
    let children = tree.roots[0].children
    #expect(children.map(\.mountpoint) == ["/a", "/a", "/c"])
    #expect(children.map(\.differs) == [true, true, false])
    #expect(children[2].size == 2)
    // What stays hangs below the observed side of its parent.
    #expect(children[0].children.isEmpty && children[1].children.map(\.mountpoint) == ["/a/b"])
    #expect(RunPage(Sample.diverged).text.contains("<summary>2 unchanged</summary>"))
  }

  @Test func `coverage has a row for each chapter, and names what was never asked`() throws {
    let page = RunPage(Sample.diverged).text
    #expect(page.contains("2 of 3 rules of the engine decided something"))
    #expect(page.contains("<td>section 5: unmount</td><td class=\"number\">1 of 2</td>"))
    #expect(page.contains("width:50%") && page.contains("1\u{2009}234 × do_umount()"))
    #expect(page.contains("<summary>1 never asked</summary>"))
    let (three, five) = (page.firstRange(of: "section 3:"), page.firstRange(of: "section 5:"))
    #expect(try #require(three).lowerBound < #require(five).lowerBound)
  }

  @Test func `the buckets of a histogram keep their order and their width`() throws {
    for value in [UInt64](1...5_000) + [1 << 40, (1 << 40) + 1] {
      let bound = LatencySummary.bound(of: value)
      #expect(bound >= value && Double(bound) <= Double(value) * 1.25 + 1)
      #expect(LatencySummary.bound(of: bound) == bound)
    }
  }
}
