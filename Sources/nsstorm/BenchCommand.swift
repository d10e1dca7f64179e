import ArgumentParser
import Foundation
import StormEngine
import StormKernel
import StormPlanning
import StormReclamation
import StormRun
import StormTrace
import StormVerdict
import StormVocabulary

/// `nsstorm bench`: ratios, each against a baseline of the same run.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure nsstorm against baselines of the same run.",
    discussion: """
      Sections: blast (several processes beside as many of a plain C loop, and beside stress-ng where it is installed; root), \
      checked (a storm with all its reading beside the same calls alone; root), executor (a plain C loop of mount and umount2 beside nsstorm's workers; root), engine-kernel (the engine's \
      time beside the kernel's for the same calls; root), engine (cost and memory per copy from 10 to 10,000 namespaces, \
      and of undo), traces (reading and checking steps; give trace files with --traces), explorer (distinct states a second, and beside spin where it is installed), \
      concurrency (the judging of racing calls), contended (the profile of that name beside the same calls unchecked; root), \
      observers (reading a mount table of 100, 1,000 and 10,000 mounts in each way; root).

      Examples:
        nsstorm bench engine explorer
        nsstorm bench traces --traces Tests/Traces/*.jsonl
      """)

  enum Section: String, CaseIterable, ExpressibleByArgument {
    case executor
    case blast
    case checked
    case engineKernel = "engine-kernel"
    case engine
    case traces
    case explorer
    case observers
    case concurrency
    case contended
  }

  @Argument(help: "What to measure; everything by default.")
  var sections: [Section] = []

  @Option(parsing: .upToNextOption, help: "Trace files for the section traces.")
  var traces: [String] = []

  @Option(help: "The Promela model that spin searches beside the explorer.")
  var spinModel = "docs/reclamation-spin/release.pml"

  func run() throws {
    let wanted = sections.isEmpty ? Section.allCases : sections
    for section in wanted {
      do {
        switch section {
        case .executor: try executor()
        case .blast: try blast()
        case .checked: try checkedBesideUnchecked()
        case .engineKernel: try engineBesideKernel()
        case .engine: engine()
        case .traces: try readTraces(isRequired: sections.contains(.traces))
        case .explorer: try explorer()
        case .observers: try observers()
        case .concurrency: concurrency()
        case .contended: try contended()
        }
      } catch let error as SandboxError {
        if sections.isEmpty, error.isPermission {
          print("\(section.rawValue): skipped: \(error)")
        } else {
          throw failure(error)
        }
      }
    }
  }

  private func executor() throws {
    let sandbox = try Sandbox.launch()
    defer { try? sandbox.teardown() }
    let measured = try sandbox.measureExecutor()
    print(
      "executor: plain C loop \(whole(measured.baselineNanosecondsPerCycle)) ns, nsstorm's worker "
        + "\(whole(measured.programNanosecondsPerCycle)) ns for a mount and its umount2; "
        + "ratio \(fixed(measured.ratio)) (aim: at least 0.95)")
  }

  private func blast() throws {
    for processes in [2, 8] {
      let sandbox = try Sandbox.launch()
      defer { try? sandbox.teardown() }
      let measured = try sandbox.measureBlast(processes: processes)
      print(
        "blast, \(processes) processes: plain C \(whole(measured.baselineCyclesPerSecond)), nsstorm "
          + "\(whole(measured.programCyclesPerSecond)) mounts and umounts a second; ratio "
          + "\(fixed(measured.ratio)) (aim: at least 0.95)")
    }
    try besideStressNG()
  }

  /// The same plan, once only executed and once with everything read and compared.
  private func checkedBesideUnchecked() throws {
    var profile = try ProfileLibrary.ofThisProcess.profile("first-storm")
    profile.phases = [profile.phases[0]]
    let plan: Plan
    do { plan = try Plan(profile: profile) } catch {
      throw CommandFailure(status: .badInput, message: error.description)
    }
    let sandbox = try Sandbox.launch()
    defer { try? sandbox.teardown() }
    let start = ContinuousClock.now
    for step in plan.steps where sandbox.livingActors.contains(step.actor) {
      _ = try sandbox.perform(step.operation, by: step.actor)
    }
    let unchecked = seconds(ContinuousClock.now - start)
    var control = NoControl()
    let summary: RunSummary
    do {
      summary = try StormRunner.run(profile, options: RunOptions(), control: &control) { _ in }
    } catch {
      throw CommandFailure(status: .harnessFailed, message: error.description)
    }
    let checked = Double(summary.times.totalNanoseconds) / 1e9
    print(
      "checked, \(summary.storm.steps) steps: only executed \(fixed(unchecked)) s, checked "
        + "\(fixed(checked)) s; ratio \(fixed(checked / unchecked)) (aim: at most 3); read "
        + "\(summary.checks.tables) tables with \(summary.checks.entries) entries and "
        + "\(summary.checks.memberLists) member lists")
  }

  private struct NoControl: RunControl {
    mutating func wantsEnd() -> Bool { false }
  }

  private func seconds(_ duration: Duration) -> Double {
    let (seconds, attoseconds) = duration.components
    return Double(seconds) + Double(attoseconds) / 1e18
  }

  private func engineBesideKernel() throws {
    for (namespaces, mounts) in [(10, 100), (100, 100), (1000, 100)] {
      var limits = SandboxLimits()
      limits.workers = namespaces + 8
      limits.callTime = .seconds(60)
      let sandbox = try Sandbox.launch(limits)
      defer { try? sandbox.teardown() }
      var storm = MassStorm(namespaces: namespaces, mounts: mounts)
      for operation in storm.preparation { try expectSuccess(of: operation, in: sandbox) }
      let program = WorkerProgram(actor: 0, operations: storm.mountCalls + storm.umountCalls)
      let outcome = try sandbox.run([program], start: .asPosted)
      let records = outcome.programs.first?.records ?? []
      guard records.count == program.steps.count, records.allSatisfy({ $0.errno == .none }) else {
        throw CommandFailure(
          status: .harnessFailed, message: "the mass of mounts did not succeed on this kernel")
      }
      let kernel = records.reduce(0.0) { $0 + Double($1.endNanoseconds - $1.startNanoseconds) }
      var engine = Double.infinity
      for _ in 0..<3 {
        engine = min(
          engine,
          storm.time {
            $0.mountAll()
            $0.umountAll()
          })
      }
      let copies = Double((namespaces - 1) * mounts)
      print(
        "engine beside kernel, \(namespaces) namespaces x \(mounts) mounts: kernel "
          + "\(fixed(kernel / 1e6)) ms, engine \(fixed(engine / 1e6)) ms, ratio "
          + "\(fixed(engine / kernel)) (aim: at most 0.1); kernel \(whole(kernel / copies)) ns and engine "
          + "\(whole(engine / copies)) ns for a copy made and taken")
    }
  }

  private func expectSuccess(of operation: StormVocabulary.Operation, in sandbox: Sandbox) throws {
    let outcome = try sandbox.perform(operation, by: 0)
    guard outcome.record?.errno == Errno.none else {
      throw CommandFailure(
        status: .harnessFailed,
        message: "preparing the measurement, `\(operation)` failed: \(outcome)")
    }
  }

  private func engine() {
    for namespaces in [10, 100, 1000, 10_000] {
      let measured = EngineMeasurement.measure(
        namespaces: namespaces, mounts: namespaces == 10_000 ? 10 : 100)
      print(
        "engine, \(namespaces) namespaces x \(measured.mounts) mounts: "
          + "\(whole(measured.mountNanosecondsPerCopy)) ns a copy made, "
          + "\(whole(measured.umountNanosecondsPerCopy)) ns a copy taken (aim: under 200), "
          + "\(whole(measured.bytesPerMount)) bytes a mount (aim: under 300), undo "
          + "\(fixed(measured.undoRatio)) of the step (aim: at most 1)")
    }
  }

  private func readTraces(isRequired: Bool) throws {
    guard !traces.isEmpty else {
      if isRequired {
        throw CommandFailure(status: .usage, message: "bench traces needs --traces FILE…")
      }
      print("traces: skipped: no files were given with --traces")
      return
    }
    let measured = try TraceMeasurement.measure(paths: traces)
    print(
      "traces: \(measured.steps) steps; reading \(whole(measured.readStepsPerSecond)) steps/s, "
        + "\(fixed(measured.readerRatio)) times JSONDecoder; checking "
        + "\(whole(measured.checkedStepsPerSecond)) steps/s (aim: at least 100,000)")
  }

  private func observers() throws {
    for mounts in [100, 1_000, 10_000] {
      let measured = try ObserverMeasurement.measure(mounts: mounts)
      let statmount = measured.statmountNanosecondsPerMount
      print(
        "observers, \(mounts) mounts: mountinfo through libmount "
          + "\(whole(measured.libmountNanosecondsPerMount)) ns a mount; mountinfo "
          + "\(whole(measured.mountinfoNanosecondsPerMount)) ns (the default), ratio "
          + "\(fixed(measured.mountinfoNanosecondsPerMount / measured.libmountNanosecondsPerMount)); "
          + (statmount.map {
            "listmount and statmount \(whole($0)) ns, ratio "
              + "\(fixed($0 / measured.libmountNanosecondsPerMount))"
          } ?? "this kernel's statmount does not tell enough (6.13+)"))
    }
  }

  private func concurrency() {
    for (window, places, persistence) in [
      (24, 8, 0.9), (48, 8, 0.9), (96, 8, 0.9), (24, 8, 0.7), (16, 2, 0.9), (16, 2, 0.7),
    ] {
      var benchmark = ConcurrencyBenchmark()
      benchmark.callsInWindow = window
      benchmark.places = places
      benchmark.persistence = persistence
      benchmark.limits.milliseconds = 1_000
      let result = benchmark.run()
      let scale = 1_000 / Double(max(1, result.calls))
      print(
        "concurrency: \(benchmark.workers) workers, windows of \(window) on \(places) places, persistence \(persistence): "
          + "\(fixed(result.seconds * scale)) s for 1,000 calls (aim: under 1), "
          + "\(whole(Double(result.tally.steps) * scale)) points tried, "
          + "\(whole(Double(result.tally.conflicts) * scale)) conflicts; "
          + "\(result.tally.explained) windows explained, \(result.tally.unknown) unknown, "
          + "\(result.tally.violated) violated")
    }
  }

  private func contended() throws {
    let profile = try ProfileLibrary.ofThisProcess.profile("contended")
    let measured: RaceMeasurement
    do throws(RunError) {
      measured = try RaceMeasurement.measure(profile)
    } catch {
      if case .sandbox(let error) = error { throw error }
      throw CommandFailure(status: .harnessFailed, message: error.description)
    }
    print(
      "contended: \(measured.calls) calls, unchecked \(fixed(measured.uncheckedSeconds)) s, recorded with all "
        + "tables \(fixed(measured.checkedSeconds)) s, ratio \(fixed(measured.ratio)) (aim: at most 2); the search "
        + "took \(fixed(measured.searchSeconds)) s more; \(measured.conflicts) conflicts")
  }

  func whole(_ value: Double) -> String { String(format: "%.0f", value) }
  func fixed(_ value: Double) -> String { String(format: "%.2f", value) }
}
