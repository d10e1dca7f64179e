public import StormVerdict
import StormVocabulary

/// The lines of a trace, one after the other; of each table only what differs from the last one written.
public struct TraceText: Sendable {
  var text = JSONText()
  private let version: Int
  /// The tables as the lines so far have them.
  private var lastWritten: [NamespaceNumber: MountTable]

  /// Begins with the header's line.
  public init(_ header: TraceHeader) {
    lastWritten = [0: header.table]
    version = header.version
    text.raw("{\"trace\":\"nsstorm\",\"version\":")
    text.number(header.version)
    text.member("kernel", header.kernel)
    text.member("build", header.build)
    if version > 1 {
      if let profile = header.profile { text.member("profile", profile) }
      if let rules = header.planRules { text.member("rules", rules.description) }
      if let design = header.design { text.member("design", design) }
    }
    if let limit = header.mountLimit { text.member("mount-max", limit) }
    if let seed = header.seed { text.member("seed", seed) }
    if let level = header.level { text.member("level", level) }
    text.tables([(0, header.table)])
    text.raw("}\n")
  }

  /// A whole trace.
  public static func bytes(_ header: TraceHeader, _ steps: [TraceStep]) -> [UInt8] {
    var text = TraceText(header)
    var bytes = text.line
    for step in steps {
      text.append(step)
      bytes += text.line
    }
    text.finish()
    return bytes + text.line
  }

  /// A whole trace of version 2.
  public static func bytes(_ header: TraceHeader, lines: [TraceLine]) -> [UInt8] {
    var text = TraceText(header)
    var bytes = text.line
    for line in lines {
      switch line {
      case .step(let step): text.append(step)
      case .window(let window): text.append(window)
      case .release(let release): text.append(release)
      case .end: continue
      }
      bytes += text.line
    }
    text.finish()
    return bytes + text.line
  }

  /// The line that was made last, with its newline.
  public var line: [UInt8] { text.bytes }

  /// Makes the line of a step.
  ///
  /// - Parameter step: its tables may be any that were read after it; those that stand already are left out.
  public mutating func append(_ step: TraceStep) {
    text.removeAll()
    text.raw("{\"step\":")
    text.number(step.number)
    text.member("ns", step.namespace)
    text.call(step.operation)
    result(step.result)
    if version > 1 {
      if let times = step.interval {
        text.interval("t", times.startNanoseconds, times.endNanoseconds)
      }
      if let times = step.readingInterval {
        text.interval("read", times.startNanoseconds, times.endNanoseconds)
      }
    }
    if step.result == .none {
      // The number may have belonged to a namespace that ended; nothing was written for the new one.
      if let namespace = step.operation.newNamespace { lastWritten[namespace] = nil }
      if case .exit = step.operation { lastWritten[step.namespace] = nil }
    }
    tables(step.tables)
    text.raw("}\n")
  }

  /// Makes the last line, with the table of every living namespace.
  public mutating func finish() {
    text.removeAll()
    text.raw("{\"end\":true")
    text.tables(lastWritten.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    text.raw("}\n")
  }

  mutating func result(_ errno: Errno) {
    if errno == .none {
      text.member("ret", 0)
    } else {
      text.member("ret", errno.name)
    }
  }

  /// The namespaces of which a table was written.
  var namespacesWritten: [NamespaceNumber] { lastWritten.keys.sorted() }

  /// What was written of a namespace that has ended is of no use to a later one of its number.
  mutating func forget(_ namespace: NamespaceNumber) { lastWritten[namespace] = nil }

  mutating func tables(_ tables: [NamespaceTable]) {
    var changed: [(namespace: NamespaceNumber, table: MountTable)] = []
    for reading in tables where lastWritten[reading.namespace] != reading.table {
      lastWritten[reading.namespace] = reading.table
      changed.append((reading.namespace, reading.table))
    }
    if !changed.isEmpty { text.tables(changed.sorted { $0.namespace < $1.namespace }) }
  }
}
