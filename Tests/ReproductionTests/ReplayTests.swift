import Foundation
import StormEngine
import StormKernel
import StormReproduction
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

/// The sandbox and the engine against an independent recorder: the calls of its traces, made again on the running kernel,
/// must get the answers and the tables that the recorder saw on a kernel of the same series, and no divergence that the
/// catalogue does not know.
@Suite struct ReplayTests {
  private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Traces")

  private static var traces: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.filter { $0.hasSuffix(".jsonl") }.sorted()
  }

  @Test(arguments: Self.traces)
  func `needs root: a recorded trace made again is answered alike`(name: String) throws {
    try requireRoot()
    let path = Self.directory.appendingPathComponent(name).path
    let sequence = try RecordedSequence(path: path)
    let here = try runningRelease()
    let recorded = try #require(
      KernelRelease(release: sequence.header.kernel, build: sequence.header.build))
    guard (here.major, here.minor) == (recorded.major, recorded.minor) else {
      try Test.cancel("recorded on \(recorded), this is \(here)")
    }
    var settings = try settings(here)
    settings.keepsSteps = true
    settings.readsEverything = true
    let outcome = try SequenceRun(settings).run(sequence.calls)
    #expect(outcome.calls == sequence.calls.count && outcome.succeededCalls > 0)
    #expect(outcome.unexplained.isEmpty, "\(outcome.unexplained.map(\.divergence))")
    #expect(outcome.faults.isEmpty)
    try compare(outcome, with: path)
  }

  /// Both sides were read wholly after each call; what did not change is left out, as the recorder did.
  private func compare(_ outcome: SequenceRun.Outcome, with path: String) throws {
    var trace = try TraceReader(path: path)
    var comparison = TableComparison()
    var last: [Int: MountTable] = [0: outcome.initialTable]
    #expect(
      comparison.update(
        predicted: [NamespaceTable(namespace: 0, table: trace.header.table)],
        observed: [NamespaceTable(namespace: 0, table: outcome.initialTable)]
      ).isEmpty)
    for made in outcome.steps {
      guard case .step(let step)? = try trace.next() else { break }
      let place = "step \(step.number): \(step.operation) in \(step.namespace)"
      try #require(made.result == step.result, "\(place)")
      let ended: [Int] = step.operation == .exit ? [step.namespace] : []
      for namespace in ended { last[namespace] = nil }
      let changed = made.tables.filter { last[$0.namespace] != $0.table }
      for reading in changed { last[reading.namespace] = reading.table }
      let differences = comparison.update(
        predicted: step.tables, observed: changed, ended: ended)
      try #require(differences.isEmpty, "\(place)")
    }
  }

  @Test func `needs root: a symptom is counted in every run, another one in none`() throws {
    try requireRoot()
    let here = try runningRelease()
    var settings = try settings(here)
    settings.rules.hasMountSetattr = false
    let sequence = RecordedSequence(
      header: TraceHeader(kernel: "\(here)", build: "", table: MountTable()),
      calls: [
        NumberedCall(
          number: 0, namespace: 0,
          operation: .mountSetattr("/", recursive: false, .propagation(.shared)))
      ])
    let symptom = try Symptom("mount_setattr(shared): predicted ENOSYS, observed 0 [callMissing]")
    let replay = Replay(sequence, settings: settings)
    let shown = try replay.run(symptom: symptom, times: 3)
    #expect(shown.rate == ReproductionRate(successes: 3, trials: 3))
    #expect(shown.others.successes == 0)
    let other = try replay.run(
      symptom: try Symptom("mount_setattr(shared): predicted ENOSYS, observed EPERM"), times: 2)
    #expect(other.rate.successes == 0 && other.others.successes == 2)
  }

  @Test func `a trace that begins with several mounts is refused by name`() throws {
    let entry = { (id: UInt64, parent: UInt64, place: String) in
      MountTable.Entry(
        id: id, parent: parent, device: DeviceNumber(major: 0, minor: UInt32(id)), root: "/",
        mountpoint: place, attributes: [], fileSystemType: "tmpfs", source: "t")
    }
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "nsstorm-replay-\(UUID().uuidString).jsonl"
    ).path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let bytes = TraceText.bytes(
      TraceHeader(
        kernel: "6.18.1", build: "",
        table: MountTable(entries: [entry(2, 1, "/"), entry(3, 2, "/a")])),
      [])
    try WholeFile.write(bytes, to: path)
    #expect(throws: TraceError.self) { try RecordedSequence(path: path) }
    #expect(TraceReader.isTrace(path: path))
    #expect(!TraceReader.isTrace(path: #filePath))
  }
}
