import Foundation
import StormEngine
import StormPlanning
import StormVerdict
import StormVocabulary
import Testing

@testable import StormTrace

/// Version 2: what races, between steps.
@Suite struct TraceWindowTests {
  /// Steps, then windows of racing workers with an explanation, made by the engine.
  private struct Material {
    var header: TraceHeader
    var lines: [TraceLine] = []

    init(windows: Int, callsEach: Int = 4, seed: UInt64 = 3) {
      var world = ContendedWorld()
      world.rules = KernelRules(release: KernelRelease(6, 18)) ?? .newest
      var model = MountModel(rules: world.rules)
      header = TraceHeader(
        kernel: "6.18.1", build: "#1", seed: seed, profile: "contended",
        planRules: KernelRelease(6, 18), table: model.table(seenBy: 0))
      var number = 0
      for operation in Self.preparation {
        let process = 0
        let errno = model.perform(operation, by: process)
        let tables = Material.tables(of: model)
        lines.append(
          .step(
            TraceStep(
              number: number, namespace: process, operation: operation, result: errno,
              tables: tables,
              interval: CallInterval(
                startNanoseconds: UInt64(number) * 10, endNanoseconds: UInt64(number) * 10 + 5),
              readingInterval: CallInterval(
                startNanoseconds: UInt64(number) * 10 + 5, endNanoseconds: UInt64(number) * 10 + 9)
            )))
        number += 1
      }
      var generator = SeededGenerator(seed: seed)
      var simulation = ConcurrentSimulation(seed: seed)
      for window in 0..<windows {
        let programs = world.programs(workers: 3, callsEach: callsEach, &generator)
        var made = simulation.run(
          programs, startNanoseconds: UInt64(window + 1) * 1_000_000, on: &model)
        made.barrierNanoseconds = UInt64(window + 1) * 1_000_000
        made.tablesNanoseconds = UInt64(window + 1) * 1_000_000 + 900_000
        made.readers = [
          .init(process: 1, path: "/s/d0", startNanoseconds: 5, endNanoseconds: 9)
        ]
        made.calls.sort {
          ($0.startNanoseconds, $0.worker) < ($1.startNanoseconds, $1.worker)
        }
        lines.append(
          .window(
            TraceWindow(
              number: window, phase: 1,
              workers: programs.indices.map {
                ConcurrentWorker(
                  number: $0, process: programs[$0].process, isThread: $0 == 2,
                  cpu: $0 == 1 ? 1 : nil, priority: $0 == 0 ? -5 : 0)
              }, window: made)))
      }
      // It names no table: those of the last window stand.
      lines.append(
        .step(
          TraceStep(
            number: number, namespace: 0, operation: .mkdir("/after"),
            result: model.perform(.mkdir("/after"), by: 0))))
      lines.append(
        .release(
          TraceRelease(
            what: "superblock", device: DeviceNumber(major: 0, minor: 45), way: "detach",
            seenBy: "inotify",
            interval: CallInterval(startNanoseconds: 7, endNanoseconds: 70))))
    }

    /// What the programs of a ``ContendedWorld`` meet on.
    private static var preparation: [StormVocabulary.Operation] {
      var operations: [StormVocabulary.Operation] = []
      for (top, type) in [("/s", MountFlags.shared), ("/p", MountFlags.private)] {
        operations += [
          .mkdir(.path(top)),
          .mount(MountCall(type: "tmpfs", source: "base", target: .path(top))),
          .mount(MountCall(target: .path(top), flags: type)),
        ]
        for place in 0..<2 {
          operations += [.mkdir(.path("\(top)/d\(place)")), .mkdir(.path("\(top)/d\(place)/x"))]
        }
      }
      return operations + (1...2).map { .unshare(namespace: $0, newUser: false) }
    }

    private static func tables(of model: borrowing MountModel) -> [NamespaceTable] {
      var tables: [NamespaceTable] = []
      for process in model.livingProcesses {
        tables.append(NamespaceTable(namespace: process, table: model.table(seenBy: process)))
      }
      return tables
    }

    func write(to path: String, finishes: Bool = true) throws {
      var writer = try TraceWriter(path: path, header: header)
      for line in lines {
        switch line {
        case .step(let step): try writer.append(step)
        case .window(let window): try writer.append(window)
        case .release(let release): try writer.append(release)
        case .end: break
        }
      }
      if finishes { try writer.finish() }
    }
  }

  @Test func `steps, windows and releases are read as they were written`() throws {
    let material = Material(windows: 5)
    try withTemporaryFile("") { path in
      try material.write(to: path)
      let read = try ReadTrace(path: path)
      #expect(read.header == material.header)
      #expect(read.ending == .complete)
      #expect(read.lines.count == material.lines.count + 1)
      for (written, line) in zip(material.lines, read.lines) {
        // Tables that stand already are left out of steps; windows get them back whole.
        if case .step(var expected) = written, case .step(let step) = line {
          expected.tables = step.tables
          #expect(step == expected)
        } else {
          #expect(line == written)
        }
      }
    }
  }

  @Test func `a file that is cut off in a window is valid up to it`() throws {
    let material = Material(windows: 2)
    try withTemporaryFile("") { path in
      try material.write(to: path, finishes: false)
      var reader = try TraceReader(path: path)
      var text = ""
      while try reader.next() != nil {}
      #expect(reader.ending == .cutOff && reader.unfinishedCalls == 0)
      text = try String(contentsOfFile: path, encoding: .utf8)
      let lines = text.split(separator: "\n")
      let quiescent = try #require(lines.lastIndex { $0.hasPrefix("{\"quiescent\"") })
      let cut = lines[..<(quiescent - 2)].joined(separator: "\n") + "\n"
      try withTemporaryFile(cut) { path in
        var reader = try TraceReader(path: path)
        var windows = 0
        while let line = try reader.next() { if case .window = line { windows += 1 } }
        #expect(windows == 1 && reader.ending == .cutOff && reader.unfinishedCalls > 0)
      }
    }
  }

  @Test func `racing calls that some order explains agree`() throws {
    try withTemporaryFile("") { path in
      try Material(windows: 6).write(to: path)
      let verdict = TraceCheck(path: path).run()
      #expect(verdict.failure == nil && verdict.divergences.isEmpty, "\(verdict)")
      let races = try #require(verdict.races)
      #expect(races.windows == 6 && races.explained == 6 && races.calls == 72)
      #expect(verdict.checks.errnos > 10)
    }
  }

  @Test func `an answer that no order explains is a divergence, and what follows is not judged`()
    throws
  {
    var material = Material(windows: 4, callsEach: 1)
    for (index, line) in material.lines.enumerated() {
      guard case .window(var window) = line, window.number == 1 else { continue }
      // Nothing in this world answers so.
      window.window.calls[1].errno = .tooManyLinks
      material.lines[index] = .window(window)
    }
    try withTemporaryFile("") { path in
      try material.write(to: path)
      let verdict = TraceCheck(path: path).run()
      let divergence = try #require(verdict.unexplainedDivergences.first)
      #expect(divergence.observedErrno == .tooManyLinks)
      let races = try #require(verdict.races)
      #expect(races.explained == 1 && races.violated == 1 && races.unjudged == 2)
    }
  }

  private static let header =
    #"{"trace":"nsstorm","version":2,"kernel":"6.18.1","tables":{"0":[{"id":2,"parent":1,"dev":"0:1","root":"/","mountpoint":"/","options":"rw","fstype":"tmpfs","source":"t"}]}}"#
  private static let barrier = #"{"barrier":0,"workers":[{"worker":0,"ns":0}]}"#

  @Test(arguments: [
    (
      #"{"window":0,"worker":0,"ns":0,"call":"exit","ret":0,"t":[1,2]}"#,
      "was not begun by a barrier"
    ),
    (#"{"barrier":0}"#, "has no `workers`"),
    (barrier + "\n" + barrier, "is open"),
    (barrier + "\n" + #"{"step":0,"ns":0,"call":"mkdir","path":"/a","ret":0}"#, "which is open"),
    (
      barrier + "\n" + #"{"window":0,"worker":7,"ns":0,"call":"exit","ret":0,"t":[1,2]}"#,
      "does not list"
    ),
    (barrier + "\n" + #"{"window":0,"worker":0,"ns":3,"call":"exit","ret":0,"t":[1,2]}"#, "in 0"),
    (barrier + "\n" + #"{"window":0,"worker":0,"ns":0,"call":"exit","ret":0,"t":[2,1]}"#, "`t` is"),
    (barrier + "\n" + #"{"window":0,"worker":0,"ns":0,"call":"exit","t":[1,2]}"#, "needs `worker`"),
    (barrier + "\n" + #"{"quiescent":0,"living":[0,1]}"#, "was ever written"),
    (barrier + "\n" + #"{"quiescent":1,"living":[0]}"#, "is open"),
    (#"{"release":"superblock","by":"inotify"}"#, "needs `by` and `t`"),
  ])
  func `what cannot be is refused with its line`(lines: String, message: String) throws {
    try withTemporaryFile(Self.header + "\n" + lines + "\n") { path in
      var reader = try TraceReader(path: path)
      let error = #expect(throws: TraceError.self) { while try reader.next() != nil {} }
      #expect(
        error?.kind == .damaged && error?.message.contains(message) == true, "\(error as Any)")
      #expect((error?.line ?? 0) > 1)
    }
  }

  @Test func `a file of version 1 has no windows`() throws {
    let text =
      Self.header.replacing("\"version\":2", with: "\"version\":1") + "\n" + Self.barrier + "\n"
    try withTemporaryFile(text) { path in
      var reader = try TraceReader(path: path)
      #expect(throws: TraceError.self) { try reader.next() }
    }
  }
}
