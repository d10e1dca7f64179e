import Foundation
import StormKernel
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

/// The sandbox against an independent recorder: the calls of its traces, made again by workers on the running kernel,
/// must get the answers and the tables that the recorder saw on a kernel of the same series.
@Suite struct TraceReplayTests {
  private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Traces")

  private static var traces: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.filter { $0.hasSuffix(".jsonl") }.sorted()
  }

  @Test(arguments: Self.traces)
  func `needs root: a recorded trace made again is answered alike`(name: String) throws {
    try requireRoot()
    var trace = try TraceReader(path: Self.directory.appendingPathComponent(name).path)
    let running = RunningKernel.ofThisMachine()
    let here = try #require(KernelRelease(release: running.release, build: running.build))
    let recorded = try #require(
      KernelRelease(release: trace.header.kernel, build: trace.header.build))
    guard (here.major, here.minor) == (recorded.major, recorded.minor) else {
      try Test.cancel("recorded on \(recorded), this is \(here)")
    }
    try withSandbox { sandbox in
      var comparison = TableComparison()
      var last: [Int: MountTable] = [:]
      #expect(
        comparison.update(
          predicted: [NamespaceTable(namespace: 0, table: trace.header.table)],
          observed: try Self.changes(in: sandbox, &last)
        ).isEmpty)
      var steps = 0
      while case .step(let step)? = try trace.next() {
        let answer = try sandbox.answer(step.operation, by: step.namespace)
        let place = "step \(step.number): \(step.operation) in \(step.namespace)"
        try #require(answer == step.result, "\(place)")
        let ended: [Int] = step.operation == .exit ? [step.namespace] : []
        for namespace in ended { last[namespace] = nil }
        let differences = comparison.update(
          predicted: step.tables, observed: try Self.changes(in: sandbox, &last), ended: ended)
        try #require(differences.isEmpty, "\(place)")
        steps += 1
      }
      #expect(steps > 0)
    }
  }

  /// The tables that differ from the last ones; all are read.
  private static func changes(
    in sandbox: Sandbox, _ last: inout [Int: MountTable]
  ) throws -> [NamespaceTable] {
    let actors = sandbox.livingActors
    let observation = try sandbox.tables(of: actors)
    let tables = try #require(observation.value)
    var changed: [NamespaceTable] = []
    for (actor, table) in zip(actors, tables) where last[actor] != table {
      last[actor] = table
      changed.append(NamespaceTable(namespace: actor, table: table))
    }
    return changed
  }
}
