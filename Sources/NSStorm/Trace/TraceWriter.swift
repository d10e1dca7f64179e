import Glibc
public import StormVerdict
import StormVocabulary

/// Writes a trace, a line for each call. Each line reaches the kernel in one `write`, so that a recorder that is killed
/// leaves a file that is valid up to its last complete line.
public struct TraceWriter: ~Copyable {
  private let file: String
  private let descriptor: Int32
  private var text: TraceText
  private var line: Int

  /// Creates the file, or empties it, and writes the header.
  ///
  /// - Throws: ``TraceError`` of kind `inaccessible`.
  public init(path: String, header: TraceHeader) throws(TraceError) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      throw TraceError(
        file: path, line: 0, kind: .inaccessible, message: "cannot be created: \(reason)")
    }
    let text = TraceText(header)
    do throws(TraceError) {
      try Self.write(text.line, to: descriptor, file: path, line: 1)
    } catch {
      close(descriptor)
      throw error
    }
    file = path
    self.descriptor = descriptor
    self.text = text
    line = 1
  }

  deinit {
    close(descriptor)
  }

  /// Appends a step.
  ///
  /// - Parameter step: its tables may be any that were read after it; those that the file has already are left out.
  public mutating func append(_ step: TraceStep) throws(TraceError) {
    text.append(step)
    try writeLine()
  }

  /// Appends a window, whole. Only files of version 2 have any.
  public mutating func append(_ window: TraceWindow) throws(TraceError) {
    text.append(window)
    try writeLine()
  }

  /// Appends a release. Only files of version 2 have any.
  public mutating func append(_ release: TraceRelease) throws(TraceError) {
    text.append(release)
    try writeLine()
  }

  /// Says that calls are about to be made, at once where they are several. The lines have left this process when this
  /// returns, so that a kernel that a call stops leaves a trace that ends in it.
  public mutating func announce(_ calls: [NumberedCall]) throws(TraceError) {
    guard !calls.isEmpty else { return }
    text.announce(calls)
    try writeLine()
  }

  /// Says that all calls that were announced under this number have returned.
  public mutating func answered(_ number: Int) throws(TraceError) {
    text.answered(number)
    try writeLine()
  }

  /// Writes the last line, with the table of every living namespace as the file has it.
  public mutating func finish() throws(TraceError) {
    text.finish()
    try writeLine()
    // Some file systems cannot; what was written stands all the same.
    fsync(descriptor)
  }

  private mutating func writeLine() throws(TraceError) {
    line += 1
    try Self.write(text.line, to: descriptor, file: file, line: line)
  }

  private static func write(
    _ bytes: [UInt8], to descriptor: Int32, file: String, line: Int
  ) throws(TraceError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        let reason = String(cString: strerror(errno))
        throw TraceError(
          file: file, line: line, kind: .inaccessible, message: "cannot be written: \(reason)")
      }
    }
  }
}
