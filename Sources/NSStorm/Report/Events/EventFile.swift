import Foundation
import Glibc

/// Writes the event stream as JSON lines. Each line reaches the kernel in one `write`, so that a run that is killed leaves
/// a file that is valid up to its last complete line.
public final class EventFile: EventSink {
  private let path: String
  private let descriptor: Int32
  private let isOwner: Bool
  private let encoder = JSONEncoder()
  /// Why the stream ends before the run does; nothing is written from then on.
  public private(set) var failure: EventFileError?

  /// Makes the file, or empties it; `-` is standard output.
  public init(path: String) throws(EventFileError) {
    self.path = path
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if path == "-" {
      descriptor = STDOUT_FILENO
      isOwner = false
      return
    }
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    isOwner = true
    guard descriptor >= 0 else { throw EventFileError(attempt: "create", path: path, code: errno) }
  }

  deinit { if isOwner, descriptor >= 0 { close(descriptor) } }

  public func take(_ event: RecordedEvent, isSampled: Bool) {
    guard isSampled, failure == nil else { return }
    do {
      try write(try encoder.encode(event) + Data("\n".utf8))
      // The end is what a reader waits for; before it a crash of the machine loses a few lines only.
      if case .ended = event.payload, isOwner { fsync(descriptor) }
    } catch let error as EventFileError {
      failure = error
    } catch {
      failure = EventFileError(attempt: "encode an event for", path: path, code: EINVAL)
    }
  }

  private func write(_ line: Data) throws(EventFileError) {
    var written = 0
    while written < line.count {
      let count = line.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw EventFileError(attempt: "write", path: path, code: errno)
      }
    }
  }
}

/// Why events could not be written.
public struct EventFileError: Error, Hashable, Sendable, CustomStringConvertible {
  public var attempt: String
  public var path: String
  public var code: Int32

  /// The reader of a pipe has gone: it has seen what it wanted.
  public var isClosedPipe: Bool { code == EPIPE }

  public var description: String {
    let name = path == "-" ? "standard output" : path
    return "could not \(attempt) \(name): \(String(cString: strerror(code)))"
  }
}
