import StormEngine
import StormKernel
import StormTrace
import StormVerdict
import StormVocabulary
import Testing

@testable import StormReproduction

/// Racing calls as C programs, compiled and run on this kernel.
@Suite struct RaceReproducerTests {
  private static let preparation: [StormVocabulary.Operation] = [
    .mkdir("/m"), .mount(MountCall(type: "tmpfs", source: "t", target: "/m")),
    .unshare(namespace: 1, newUser: false),
  ]

  private func call(
    _ worker: Int, _ process: Int, _ operation: StormVocabulary.Operation, _ errno: Errno,
    _ start: UInt64 = 1_000
  ) -> ContendedWindow.Call {
    ContendedWindow.Call(
      worker: worker, process: process, operation: operation, errno: errno,
      startNanoseconds: start, endNanoseconds: start + 1_000)
  }

  /// A trace of this kernel's release, in which a window follows calls that answered 0.
  private func write(
    _ window: [ContendedWindow.Call], threads: Set<Int> = [],
    after preparation: [StormVocabulary.Operation] = preparation, in folder: ScratchFolder
  ) throws -> String {
    let kernel = RunningKernel.ofThisMachine()
    var model = MountModel(rules: try #require(KernelRules(release: try runningRelease())))
    let start = model.table(seenBy: 0)
    var lines: [TraceLine] = []
    for (number, operation) in preparation.enumerated() {
      let errno = model.perform(operation, by: 0)
      var tables: [NamespaceTable] = []
      for process in model.livingProcesses {
        tables.append(NamespaceTable(namespace: process, table: model.table(seenBy: process)))
      }
      lines.append(
        .step(
          TraceStep(
            number: number, namespace: 0, operation: operation, result: errno, tables: tables)))
    }
    let workers = Set(window.map(\.worker)).sorted().map { number in
      ConcurrentWorker(
        number: number, process: window.first { $0.worker == number }?.process ?? 0,
        isThread: threads.contains(number), cpu: number)
    }
    lines.append(
      .window(
        TraceWindow(
          number: 0, phase: 0, workers: workers,
          window: ContendedWindow(calls: window, tables: nil))))
    let header = TraceHeader(
      kernel: kernel.release, build: kernel.build, profile: nil, planRules: nil,
      table: start)
    return try folder.write(
      String(decoding: TraceText.bytes(header, lines: lines), as: UTF8.self), "race.jsonl")
  }

  private func race(_ reproducer: Reproducer) throws -> RaceCase {
    guard case .race(let race) = reproducer else {
      Issue.record("no race: \(reproducer)")
      throw ReproducerError.noFact(signature: "")
    }
    return race
  }

  @Test func `needs root: two umounts of one mount cannot both succeed, and do not`() throws {
    try requireRoot()
    let folder = try ScratchFolder()
    let path = try write(
      [call(0, 0, .umount2("/m", []), .none), call(1, 0, .umount2("/m", []), .none, 1_100)],
      threads: [1], in: folder)
    let reproducer = try Reproducer(path: path)
    let race = try race(reproducer)
    #expect(race.forbidden.first == [.none, .none])
    #expect(race.allowed.contains([.none, .invalidArgument]))
    let text = try reproducer.text(.c)
    let run = try ProgramRun.compiled(
      text, in: folder, arguments: ["-pthread"], running: ["200"])
    #expect(run.status == 0, "\(run.output)\n\(text)")
    #expect(run.output.contains("A forbidden outcome in 0 of 200 rounds"), "\(run.output)")
    #expect(run.output.contains("[1: umount2 /m] = 0"))
    for format in [ReproducerFormat.shell, .kselftest, .scenario] {
      #expect(throws: ReproducerError.self) { try reproducer.text(format) }
    }
  }

  @Test func `answers that are wrong only in their order of time are refused by name`() throws {
    try requireRoot()
    let folder = try ScratchFolder()
    // Nobody was left to make it busy when the second one began.
    let path = try write(
      [
        call(0, 0, .umount2("/m", []), .busy), call(1, 1, .stat("/m"), .none),
        call(0, 0, .stat("/"), .none, 500_000), call(1, 1, .stat("/m"), .none, 500_000),
      ], in: folder)
    // The walk is in another namespace's copy, so that EBUSY has no reason at all.
    let race = try race(try Reproducer(path: path))
    #expect(race.forbidden.first?.first == .busy)
    let late = try write(
      [
        call(0, 0, .umount2("/m", []), .none), call(1, 0, .stat("/m/x"), .noSuchEntry),
        call(1, 0, .umount2("/m", []), .none, 900_000),
      ], in: folder)
    #expect(throws: ReproducerError.self) { try Reproducer(path: late).text(.shell) }
  }

  #if DEBUG
    @Test func `needs root: an outcome that a wrong rule forbids is shown by the program`() throws {
      try requireRoot()
      let folder = try ScratchFolder()
      // Somebody holds it: the kernel says EBUSY, and an engine that forgets the holder says 0.
      let path = try write(
        [call(0, 0, .umount2("/m", []), .busy), call(1, 1, .stat("/m"), .none, 1_100)],
        after: Self.preparation + [.open("/m", .path, 0)], in: folder)
      #expect(throws: ReproducerError.self) { try Reproducer(path: path) }
      var options = TraceCheck.Options()
      options.mutation = .heldIsNotBusy
      let reproducer = try Reproducer(path: path, options: options)
      #expect(try race(reproducer).forbidden.first == [.busy, .none])
      let text = try reproducer.text(.c)
      let run = try ProgramRun.compiled(text, in: folder, running: ["50"])
      #expect(run.status == 1, "\(run.output)\n\(text)")
      #expect(run.output.contains("A forbidden outcome in 50 of 50 rounds (100.00 %)."))
      #expect(run.output.contains("FORBIDDEN: [1: umount2 /m] = Device or resource busy"))
    }
  #endif
}
