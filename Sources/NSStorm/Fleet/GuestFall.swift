import Foundation
import Glibc

/// A guest that falls on purpose, some seconds after its command began: `nsstorm.fall=c` on the kernel's command line
/// makes it panic, `o` switches it off, `h` stops it without a word. For tests of what is seen from outside.
struct GuestFall {
  private let letter: Character
  private let due = MonotonicClock.now + 3

  private static let mark = "nsstorm.fall="

  /// What the command line asks for, if anything.
  static var asked: GuestFall? {
    let line = (try? String(contentsOfFile: "/proc/cmdline", encoding: .utf8)) ?? ""
    let word = line.split { $0 == " " || $0 == "\n" }.first { $0.hasPrefix(mark) }
    return word.flatMap { $0.dropFirst(mark.count).first }.map(GuestFall.init)
  }

  private init(letter: Character) {
    self.letter = letter
  }

  mutating func happenIfDue(to command: pid_t) {
    guard MonotonicClock.now >= due else { return }
    if letter == "h" {
      kill(-command, SIGSTOP)
      kill(command, SIGSTOP)
      while true { sleep(60) }
    }
    let trigger = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC)
    var byte = letter.asciiValue ?? 0
    write(trigger, &byte, 1)
    close(trigger)
  }
}
