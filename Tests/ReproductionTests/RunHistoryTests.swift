import Foundation
import StormKernel
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

@testable import StormRun

@Suite struct RunHistoryTests {
  private let calls = (0..<10).map {
    PastCall(
      namespace: 0, operation: .mkdir(.path("/d\($0)")), answer: $0 % 3 == 0 ? .busy : .none)
  }

  private func withRecording(_ body: (String) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "nsstorm-history-\(UUID().uuidString).jsonl"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let steps = calls.enumerated().map {
      TraceStep(
        number: $0.offset, namespace: $0.element.namespace, operation: $0.element.operation,
        result: $0.element.answer)
    }
    let root = MountTable.Entry(
      id: 2, parent: 1, device: DeviceNumber(major: 0, minor: 1), root: "/", mountpoint: "/",
      attributes: [], fileSystemType: "tmpfs", source: "root")
    try WholeFile.write(
      TraceText.bytes(
        TraceHeader(kernel: "6.18.1", build: "", table: MountTable(entries: [root])), steps),
      to: path)
    try body(path)
  }

  @Test func `a long history is read back from its recording`() throws {
    try withRecording { path in
      var history = RunHistory(recording: path, mostInMemory: 4, mostBesideRecording: 4)
      for call in calls { history.append(call) }
      #expect(history.isComplete && history.count == 10)
      let all = try #require(history.all())
      #expect(Array(all) == calls)
      // What comes after the end of the recording is nowhere.
      history.endRecording()
      #expect(!history.isComplete && history.all() == nil)
    }
  }

  @Test func `without a recording a history is kept up to its bound, and then given up`() {
    var history = RunHistory(recording: nil, mostInMemory: 9)
    for call in calls.prefix(9) { history.append(call) }
    #expect(history.all().map(Array.init) == Array(calls.prefix(9)))
    history.append(calls[9])
    #expect(!history.isComplete && history.all() == nil)
  }

  @Test func `what raced ends a history`() {
    var history = RunHistory(recording: nil)
    history.append(calls[0])
    history.giveUp()
    history.append(calls[1])
    #expect(!history.isComplete && history.all() == nil)
  }
}
