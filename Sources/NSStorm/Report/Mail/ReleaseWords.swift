import StormPlanning
import StormRun
import StormVerdict

/// A wrong release in the words of a mail.
struct ReleaseWords {
  private let finding: ReleaseFinding

  init(_ finding: ReleaseFinding) {
    self.finding = finding
  }

  /// What happens, for a subject.
  var subject: String {
    let kind = finding.fileSystem.rawValue
    let way = finding.way.explanation
    return switch finding.kind {
    case .late: "\(kind) still alive after \(way)"
    case .early: "\(kind) shut down while it is held: \(way)"
    case .neverReleased: "\(kind) never released after \(way)"
    case .deviceClaimed: "device of \(kind) still claimed after \(way)"
    case .eventMissing: "no event on \(kind) after \(way)"
    case .answer: "wrong answer on \(kind): \(way)"
    }
  }

  /// What is promised, with the function that keeps the promise.
  private var promise: String {
    switch finding.kind {
    case .late:
      "the superblock is shut down at that moment: whoever puts the last reference of a mount from a task runs "
        + "cleanup_mnt() as task work before it returns to user space"
    case .early:
      "the superblock lives as long as somebody holds the mount: mntput_no_expire() leaves it alone until the last "
        + "reference is put"
    case .neverReleased:
      "the superblock is shut down soon after the last reference to its last mount was put: cleanup_mnt() ends in "
        + "deactivate_super()"
    case .deviceClaimed:
      "the block device is free when the superblock is dead: kill_block_super() puts it"
    case .eventMissing: "whoever watches has been told by then"
    case .answer: "the promised answer, named below"
    }
  }

  /// What was done, expected and seen, and how often in the run.
  func lines(_ record: RunRecord) -> [String] {
    var lines = [
      "done:      \(finding.way.explanation), on \(finding.fileSystem.rawValue)",
      "expected:  \(promise)",
      "seen:      \(finding.detail)",
    ].map(Self.hanging)
    let rounds = (record.ended?.releases ?? [])
      .filter { $0.fileSystem == finding.fileSystem && $0.way == finding.way }
      .reduce(0) { $0 + $1.rounds }
    let times = record.releases.count { $0.event.finding.signature == finding.signature }
    if rounds > 0 { lines.append("how often: \(times) of \(rounds) such rounds of this run") }
    if !finding.holders.isEmpty {
      lines.append("held by, as far as /proc says:")
      lines += finding.holders.map { "    \($0)" }
    }
    return lines
  }

  /// Further lines stand below the first word.
  private static func hanging(_ text: String) -> String {
    let indent = String(repeating: " ", count: 11)
    let lines = MailText.wrapped(String(text.dropFirst(11))).split(separator: "\n")
    return text.prefix(11) + lines.joined(separator: "\n" + indent)
  }
}
