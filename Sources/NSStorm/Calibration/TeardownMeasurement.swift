import StormKernel
import StormPlanning
import StormReclamation
import StormVocabulary

/// What it costs to shut a file system down: synchronous umounts of it in turns with those of an empty tmpfs, whose own
/// cost is known. ext4 and xfs stand on loop devices over unnamed files, which go with the sandbox; FUSE has a server of
/// nsstorm's own.
enum TeardownMeasurement {
  private static let rounds = 60
  private static let kinds: [FileSystemKind] = [.ext4, .xfs, .fuse]
  private static let (base, place, device, server) = ("/base", "/place", 1, 4)
  /// From how many typical durations on one belongs to the tail of the distribution.
  private static let tailStart = 3.0

  /// - Parameter tmpfsNanoseconds: the teardown of an empty tmpfs.
  /// - Returns: the service times by file system, and why there is none of the others.
  static func measure(
    tmpfsNanoseconds: Double
  ) -> (times: [String: Calibration.ServiceTime], refusals: [String]) {
    var times: [String: Calibration.ServiceTime] = [:]
    var refusals: [String] = []
    for kind in kinds {
      do throws(ExperimentRefusal) {
        times[kind.rawValue] = try measure(kind, tmpfsNanoseconds)
      } catch {
        refusals.append("\(kind.rawValue): \(error.reason)")
      }
    }
    return (times, refusals)
  }

  private static func measure(
    _ kind: FileSystemKind, _ tmpfsNanoseconds: Double
  ) throws(ExperimentRefusal) -> Calibration.ServiceTime {
    var attach: [WorkerCall] = []
    if kind.isOnDevice {
      do throws(FileSystemImages.Problem) {
        attach = [.attach(try FileSystemImages.make(kind), device)]
      } catch {
        throw ExperimentRefusal("\(error)")
      }
    }
    do throws(SandboxError) {
      let sandbox = try Sandbox.launch(SandboxLimits(workers: 4, programBytes: 64 << 20))
      defer { try? sandbox.teardown() }
      for path in [base, place] { _ = try sandbox.perform(.mkdir(.path(path)), by: 0) }
      _ = try records(attach, in: sandbox)
      var own: [Double] = []
      var plain: [Double] = []
      let calls = round(kind)
      for _ in 0..<rounds {
        let seen = try records(calls, in: sandbox)
        plain.append(duration(seen[1]))
        own.append(duration(seen[calls.count - 1]))
      }
      plain.sort()
      let beyond = own.map { max($0 - plain[rounds / 2] + tmpfsNanoseconds, 0) }.sorted()
      return serviceTime(of: beyond)
    } catch {
      throw ExperimentRefusal(error)
    }
  }

  /// The median, and a tail as long on average as the measured one: what is drawn from it is 1 + (factor - 1) * u² typical
  /// durations, whose average is a third of the way.
  ///
  /// - Parameter durations: sorted, not empty.
  static func serviceTime(of durations: [Double]) -> Calibration.ServiceTime {
    let typical = max(durations[durations.count / 2], 1)
    let tail = durations.filter { $0 > typical * tailStart }
    guard !tail.isEmpty else { return Calibration.ServiceTime(typical) }
    let mean = tail.reduce(0, +) / Double(tail.count)
    return Calibration.ServiceTime(
      typical, tailProbability: Double(tail.count) / Double(durations.count),
      tailFactor: 1 + 3 * (mean / typical - 1))
  }

  /// A tmpfs comes and goes, then the file system, with files that were just written where it can be written to.
  private static func round(_ kind: FileSystemKind) -> [WorkerCall] {
    let tmpfs: [WorkerCall] = [
      .mount(type: "tmpfs", device: nil, target: base, data: ""),
      .operation(.umount2(.path(base), [])),
    ]
    let mount: [WorkerCall] =
      kind.isServed
      ? [.mountServed(device: nil, target: place, server)]
      : [
        .mount(type: kind.rawValue, device: device, target: place, data: ""),
        .fill(place, fileBytes: 4_096),
      ]
    return tmpfs + mount + [.operation(.umount2(.path(place), []))]
  }

  private static func records(
    _ calls: [WorkerCall], in sandbox: Sandbox
  ) throws(SandboxError) -> [CallRecord] {
    guard !calls.isEmpty else { return [] }
    let outcome = try sandbox.run([WorkerProgram(actor: 0, calls: calls)], start: .asPosted)
    let records = outcome.programs.first?.records ?? []
    if let failed = records.first(where: { $0.errno != .none }) {
      throw .setupFailed(attempt: "mount and umount a file system", errno: failed.errno)
    }
    guard records.count == calls.count else {
      throw .setupFailed(attempt: "mount and umount a file system", errno: .timedOut)
    }
    return records
  }

  private static func duration(_ record: CallRecord) -> Double {
    Double(record.endNanoseconds - record.startNanoseconds)
  }
}
