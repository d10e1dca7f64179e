import Glibc
public import StormVerdict
import StormVocabulary

/// Writes a trace, a line for each call. Each line reaches the kernel in one `write`, so that a recorder that is killed
/// leaves a file that is valid up to its last complete line.
public struct TraceWriter: ~Copyable {
  private let file: String
  private let descriptor: Int32
  private var text: JSONText
  private var line: Int
  /// The tables as the file has them: only what differs is written.
  private var lastWritten: [NamespaceNumber: MountTable]

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
    var text = JSONText()
    text.raw("{\"trace\":\"nsstorm\",\"version\":")
    text.number(TraceHeader.version)
    text.member("kernel", header.kernel)
    text.member("build", header.build)
    if let seed = header.seed { text.member("seed", seed) }
    if let level = header.level { text.member("level", level) }
    text.tables([(0, header.table)])
    text.raw("}\n")
    do throws(TraceError) {
      try Self.write(text, to: descriptor, file: path, line: 1)
    } catch {
      close(descriptor)
      throw error
    }
    file = path
    self.descriptor = descriptor
    self.text = text
    line = 1
    lastWritten = [0: header.table]
  }

  deinit {
    close(descriptor)
  }

  /// Appends a step.
  ///
  /// - Parameter step: its tables may be any that were read after it; those that the file has already are left out.
  public mutating func append(_ step: TraceStep) throws(TraceError) {
    text.removeAll()
    text.raw("{\"step\":")
    text.number(step.number)
    text.member("ns", step.namespace)
    text.call(step.operation)
    if step.result == .none {
      text.member("ret", 0)
    } else {
      text.member("ret", step.result.name)
    }
    if step.result == .none {
      // The number may have belonged to a namespace that ended; nothing was written for the new one.
      if case .unshare(let namespace, _) = step.operation { lastWritten[namespace] = nil }
      if case .exit = step.operation { lastWritten[step.namespace] = nil }
    }
    var changed: [(namespace: NamespaceNumber, table: MountTable)] = []
    for reading in step.tables where lastWritten[reading.namespace] != reading.table {
      lastWritten[reading.namespace] = reading.table
      changed.append((reading.namespace, reading.table))
    }
    if !changed.isEmpty { text.tables(changed.sorted { $0.namespace < $1.namespace }) }
    try writeLine()
  }

  /// Writes the last line, with the table of every living namespace as the file has it.
  public mutating func finish() throws(TraceError) {
    text.removeAll()
    text.raw("{\"end\":true")
    text.tables(lastWritten.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    try writeLine()
    // Some file systems cannot; what was written stands all the same.
    fsync(descriptor)
  }

  /// Writes a whole trace beside its place and renames it: whoever opens the path sees all of it or what was there before.
  public static func write(
    path: String, header: TraceHeader, steps: [TraceStep]
  ) throws(TraceError) {
    let part = "\(path).part-\(getpid())"
    do throws(TraceError) {
      var writer = try TraceWriter(path: part, header: header)
      for step in steps { try writer.append(step) }
      try writer.finish()
    } catch {
      unlink(part)
      throw TraceError(file: path, line: error.line, kind: error.kind, message: error.message)
    }
    guard rename(part, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(part)
      throw TraceError(
        file: path, line: 0, kind: .inaccessible, message: "cannot be renamed into place: \(reason)")
    }
  }

  private mutating func writeLine() throws(TraceError) {
    text.raw("}\n")
    line += 1
    try Self.write(text, to: descriptor, file: file, line: line)
  }

  private static func write(
    _ text: JSONText, to descriptor: Int32, file: String, line: Int
  ) throws(TraceError) {
    var written = 0
    while written < text.bytes.count {
      let count = text.bytes.withUnsafeBytes {
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
