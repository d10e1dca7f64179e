public import StormTrace
public import StormVerdict
import StormVocabulary

/// A part of a history: one call alone, calls that raced, or a release round.
public enum RecordedItem: Hashable, Sendable {
  case call(NumberedCall)
  case window(TraceWindow)
  case release(TraceRelease.Round)
}

/// The calls of a trace, and what its header says.
public struct RecordedSequence: Sendable {
  public var header: TraceHeader
  public var items: [RecordedItem]

  /// The calls that were made alone.
  public var calls: [NumberedCall] {
    items.compactMap { if case .call(let call) = $0 { call } else { nil } }
  }

  /// The calls that raced.
  public var racingCallCount: Int {
    items.reduce(0) {
      if case .window(let window) = $1 { $0 + window.window.calls.count } else { $0 }
    }
  }

  /// `12 calls and 30 racing ones recorded on 6.18.44`.
  public var summary: String {
    var parts = ["\(calls.count) calls"]
    if racingCallCount > 0 { parts.append("\(racingCallCount) racing ones") }
    if releaseRoundCount > 0 { parts.append("\(releaseRoundCount) release rounds") }
    return parts.joined(separator: " and ") + " recorded on \(header.kernel)"
  }

  /// The release rounds.
  public var releaseRoundCount: Int {
    items.count { if case .release = $0 { true } else { false } }
  }

  /// What its releases are held against.
  public var contract: ReleaseContract {
    header.design.flatMap(ReleaseContract.init(designNamed:)) ?? ReleaseContract()
  }

  /// Reads a whole trace.
  ///
  /// - Throws: ``TraceError``, also for a trace that begins with other mounts than a sandbox does: one tmpfs.
  public init(path: String) throws(TraceError) {
    var reader = try TraceReader(path: path)
    header = reader.header
    items = []
    while let line = try reader.next() {
      switch line {
      case .step(let step):
        items.append(
          .call(
            NumberedCall(
              number: step.number, namespace: step.namespace, operation: step.operation)))
      case .window(let window): items.append(.window(window))
      case .release(let release):
        if let round = release.round { items.append(.release(round)) }
      case .end: break
      }
    }
    guard header.table.entries.count == 1, let root = header.table.entries.first,
      root.mountpoint == "/", root.fileSystemType == "tmpfs"
    else {
      throw TraceError(
        file: path, line: 1, kind: .damaged,
        message:
          "the trace begins with \(header.table.entries.count) mounts; only calls that begin "
          + "on one empty tmpfs can be made again (`nsstorm check` judges the others)")
    }
  }

  public init(header: TraceHeader, calls: [NumberedCall]) {
    self.header = header
    items = calls.map { .call($0) }
  }
}
