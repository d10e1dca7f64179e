import StormPlanning
import StormRun
import StormVerdict

extension RunText {
  /// A line for each phase, file system and way, and those for what was found and counted.
  func releaseRows(_ record: RunRecord, _ ended: EndedEvent) -> [(String, String)] {
    guard let releases = ended.releases, !releases.isEmpty else { return [] }
    var rows = [
      ("releases", "\(ended.checks.releases) rounds watched; at return / later / EBUSY at first")
    ]
    var phase = ""
    // A screen is for the ways; the JSON result has each file system.
    let tallies =
      releases.count > Self.mostTallies ? ended.releasesByWay ?? releases : releases
    for tally in tallies {
      let head = tally.phase == phase ? "" : tally.phase
      phase = tally.phase
      rows.append((head.isEmpty ? "" : "  " + head, line(tally)))
    }
    for counts in ended.releaseCounts ?? [] { rows.append(("  counts", line(counts))) }
    for found in record.releases {
      rows.append(("release", "\(found.event.finding)\n  \(found.event.replay)"))
    }
    return rows
  }

  private static let mostTallies = 24

  private func line(_ tally: ReleaseTally) -> String {
    let name = (tally.fileSystem.map { $0.rawValue + "/" } ?? "") + tally.way.rawValue
    var text =
      padded(name, 28) + padded("\(tally.promptRounds)/\(tally.lateRounds)/\(tally.busyRounds)", 14)
    if let call = tally.departure {
      text += "call \(times(call))"
    }
    if let free = tally.untilFree {
      text += "free \(times(free))"
    }
    if let lag = tally.lag {
      text += "  lag \(times(lag))"
    }
    return text
  }

  private func line(_ counts: RunSummary.ReleaseCounts) -> String {
    let slab = counts.mountObjectsChange.map { ", mnt_cache \(signed($0)) objects" } ?? ""
    return "\(counts.phase): tmpfs memory \(signed(counts.sharedMemoryChangeBytes / 1_024)) KiB"
      + "\(slab) over \(counts.rounds) rounds (of the whole machine)"
  }

  private func times(_ latency: LatencySummary) -> String {
    "p50 \(time(latency.medianNanoseconds)) p99 \(time(latency.p99Nanoseconds)) "
      + "max \(time(latency.maximumNanoseconds))"
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  private func time(_ nanoseconds: UInt64) -> String {
    if nanoseconds < 10_000 { return "\(nanoseconds) ns" }
    if nanoseconds < 10_000_000 { return "\((nanoseconds + 500) / 1_000) us" }
    return "\((nanoseconds + 500_000) / 1_000_000) ms"
  }
}
