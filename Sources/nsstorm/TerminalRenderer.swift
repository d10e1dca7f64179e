import Foundation
import Glibc
import StormReport
import StormRun

/// Shows a run while it goes on: one line that is rewritten on a terminal, a plain line every ten seconds otherwise.
///
/// Progress goes to standard error, what is found to standard output.
final class TerminalRenderer {
  private let text: RunText
  private let isTerminal: Bool
  private var phases = 1
  private var lastShown = ContinuousClock.now
  private var lineIsOpen = false

  init(text: RunText) {
    self.text = text
    let terminal = ProcessInfo.processInfo.environment["TERM"]
    isTerminal = isatty(STDERR_FILENO) == 1 && terminal != nil && terminal != "dumb"
  }

  func show(_ event: RunEvent) {
    if case .began(let start) = event { phases = start.phases }
    if case .progress(let progress) = event {
      showProgress(progress)
      return
    }
    guard let lines = text.lines(event) else { return }
    clearLine()
    print(lines)
    fflush(nil)
  }

  /// The summary, after everything else.
  func finish(_ summary: RunSummary) {
    clearLine()
    print(text.summary(summary))
    fflush(nil)
  }

  private func showProgress(_ progress: RunProgress) {
    let now = ContinuousClock.now
    guard now - lastShown >= (isTerminal ? .milliseconds(100) : .seconds(10)) else { return }
    lastShown = now
    let line = text.progress(progress, phases: phases)
    if isTerminal {
      // Cut to the width of the terminal: a line that wraps cannot be rewritten.
      write("\r" + String(line.prefix(max(20, width() - 1))) + "\u{1B}[K")
      lineIsOpen = true
    } else {
      write(line + "\n")
    }
  }

  private func clearLine() {
    guard lineIsOpen else { return }
    write("\r\u{1B}[K")
    lineIsOpen = false
  }

  private func width() -> Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  private func write(_ line: String) {
    FileHandle.standardError.write(Data(line.utf8))
  }
}
