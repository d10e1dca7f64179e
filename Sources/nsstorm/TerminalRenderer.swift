import Foundation
import Glibc
import StormReport
import StormRun

/// Shows a run while it goes on: one line that is rewritten on a terminal, a plain line every ten seconds otherwise.
///
/// Progress goes to standard error, what is found to standard output, or to standard error as well where standard output
/// belongs to the event stream.
final class TerminalRenderer: EventSink {
  private let text: RunText
  private let output: Int32
  private let isTerminal: Bool
  private var record: RunRecord?
  private var phases = 1
  private var lastProgress: RunProgress?
  private var lastShown = ContinuousClock.now
  private var lineIsOpen = false

  /// - Parameter sharesOutput: whether standard output is taken by something else.
  init(sharesOutput: Bool = false) {
    let environment = ProcessInfo.processInfo.environment
    output = sharesOutput ? STDERR_FILENO : STDOUT_FILENO
    text = RunText(style: TextStyle(environment: environment, isTerminal: isatty(output) == 1))
    let terminal = environment["TERM"] ?? ""
    isTerminal = isatty(STDERR_FILENO) == 1 && !terminal.isEmpty && terminal != "dumb"
  }

  func take(_ event: RecordedEvent, isSampled: Bool) {
    switch event.payload {
    case .began(let began):
      phases = began.phases.count
      record = RunRecord(began)
    case .progress(let progress):
      showProgress(progress)
      return
    default: break
    }
    record?.add(event)
    if let lines = text.lines(event.payload) { show(lines) }
    if case .ended = event.payload, let record { show(text.summary(record)) }
  }

  /// The state of the run on a line of its own, for somebody who asks with SIGUSR1.
  func showStatus() {
    clearLine()
    let state = lastProgress.map { text.progress($0, phases: phases) } ?? "nothing done yet"
    write(state + "\n", to: STDERR_FILENO)
  }

  private func show(_ lines: String) {
    clearLine()
    write(lines + "\n", to: output)
  }

  private func showProgress(_ progress: RunProgress) {
    lastProgress = progress
    let now = ContinuousClock.now
    guard now - lastShown >= (isTerminal ? .milliseconds(100) : .seconds(10)) else { return }
    lastShown = now
    let line = text.progress(progress, phases: phases)
    if isTerminal {
      // Cut to the width of the terminal: a line that wraps cannot be rewritten.
      write("\r" + String(line.prefix(max(20, width() - 1))) + "\u{1B}[K", to: STDERR_FILENO)
      lineIsOpen = true
    } else {
      write(line + "\n", to: STDERR_FILENO)
    }
  }

  private func clearLine() {
    guard lineIsOpen else { return }
    write("\r\u{1B}[K", to: STDERR_FILENO)
    lineIsOpen = false
  }

  private func width() -> Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  // Whoever reads may have gone; the run goes on and its result stands in the exit code.
  private func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno != EINTR { return }
      bytes = bytes.dropFirst(max(0, count))
    }
  }
}
