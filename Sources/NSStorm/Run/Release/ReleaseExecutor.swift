import Glibc
public import StormKernel
public import StormPlanning
public import StormVerdict
import StormVocabulary

/// Makes release rounds in a sandbox. Between rounds it keeps devices with images, the other processes, and what is not to
/// be had on this machine.
public final class ReleaseExecutor {
  /// What became of a round.
  public enum Outcome {
    case observed(ObservedRelease)
    /// The machine lacks something.
    case missing(what: String, why: String)
    case hang(HangReport)
    case died(WorkerDeath)
  }

  private let sandbox: Sandbox
  private let company: [WorkerProgram]
  /// Whether this kernel tells which mounts leave a namespace.
  public let hasMountEvents: Bool
  /// File systems that were tried, and why they are not to be had where they are not.
  private var readiness: [FileSystemKind: String?] = [:]
  /// Ways that are not to be had, with the reason.
  private var missingWays: [ReleaseWay: String] = [:]
  /// Combinations that worked once: their calls need not be looked at one by one any more.
  private var proved: Set<String> = []
  private var rounds = 0

  /// Starts the processes that walk and read while mounts go.
  public init(
    _ sandbox: Sandbox, walkers: Int, readers: Int
  ) throws(SandboxError) {
    self.sandbox = sandbox
    var company: [WorkerProgram] = []
    let processors = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    for number in 0..<walkers + readers {
      let actor = ReleaseRound.companyActor + number
      try sandbox.addActor(actor, sharingNamespaceOf: 0)
      var program = WorkerProgram(actor: actor, calls: number < walkers ? [] : [.readTable])
      program.isInBackground = true
      // On another CPU than the umounter's: processes that share one hardly ever race. The second is on its CPU, to be
      // interrupted in the middle of a walk.
      program.cpu = processors > 1 ? (1 + number) % processors : nil
      company.append(program)
    }
    self.company = company
    hasMountEvents =
      try sandbox.answer(of: .watchMounts(ReleaseRound.mountEventSlot)).errno == .none
  }

  /// Makes the calls of a round and says what they showed. ``cleanUp(_:)`` must follow where the mount may be left.
  ///
  /// - Parameter answered: gets each call with its answer, in order.
  public func perform(
    _ round: ReleaseRound, answered: (WorkerCall, CallRecord) -> Void
  ) throws(SandboxError) -> Outcome {
    rounds += 1
    if let why = missingWays[round.way] {
      return .missing(what: "the way \(round.way.rawValue)", why: why)
    }
    if let why = try whyNotReady(round.fileSystem) {
      return .missing(what: "release rounds on \(round.fileSystem.rawValue)", why: why)
    }
    try startHolder(for: round)
    let outcome = try execute(round, answered: answered)
    if case .missing = outcome { try cleanUp(round) }
    return outcome
  }

  /// Empties the place of a round whatever happened, and ends its holder.
  public func cleanUp(_ round: ReleaseRound) throws(SandboxError) {
    _ = try sandbox.run(
      [WorkerProgram(actor: 0, calls: round.cleanup)], start: .asPosted)
    try endHolder()
  }

  /// Ends all processes beside actor 0 and lets go of the devices.
  public func end() throws(SandboxError) {
    try endHolder()
    for program in company { _ = try sandbox.perform(.exit, by: program.actor) }
    // Devices go with their last descriptor (autoclear).
    _ = try sandbox.run(
      [
        WorkerProgram(
          actor: 0, calls: ReleaseRound.slots.map { .operation(.close($0)) })
      ], start: .asPosted)
  }

  /// Who holds what was never released, as far as that can be found.
  public func holders(of observed: ObservedRelease) -> [String] {
    guard let mount = observed.call(.identity)?.value else { return [] }
    return sandbox.holders(ofMount: Int(mount), device: nil)
  }

  // MARK: - A round

  private func execute(
    _ round: ReleaseRound, answered: (WorkerCall, CallRecord) -> Void
  ) throws(SandboxError) -> Outcome {
    var observed = ObservedRelease(
      fileSystem: round.fileSystem, way: round.way,
      company: round.conditions.walkers > 0 ? .walkers : .none, calls: [])
    for segment in round.segments {
      let actor = segment.role == .umounter ? 0 : ReleaseRound.holderActor
      for part in parts(of: segment, isProved: proved.contains("\(round)")) {
        var calls = part.filter { hasMountEvents || !$0.mark.needsMountEvents }
        if let departure = calls.firstIndex(where: { $0.mark == .departure }), actor == 0 {
          calls.insert(contentsOf: meetings, at: departure)
        }
        var program = WorkerProgram(actor: actor, calls: calls.map(\.call))
        var programs = [program]
        if let departure = calls.firstIndex(where: { $0.mark == .departure }), actor == 0,
          !company.isEmpty
        {
          // Time for the others to get to the mount.
          program.steps[departure].delayNanoseconds = settleNanoseconds
          program.cpu = 0
          programs = [program] + walking(round)
        }
        let outcome = try sandbox.run(
          programs, start: programs.count > 1 ? .together : .asPosted)
        if let hang = outcome.hangs.first { return .hang(hang) }
        // A holder that is to be killed dies outside of its own programs.
        if let death = outcome.deaths.first { return .died(death) }
        let records = outcome.programs.first?.records ?? []
        for (call, record) in zip(calls, records) {
          answered(call.call, record)
          observed.calls.append(
            .init(
              mark: call.mark, errno: record.errno, startNanoseconds: record.startNanoseconds,
              endNanoseconds: record.endNanoseconds, value: record.value))
          if record.errno != .none, let end = try unprepared(call, record, round) { return end }
        }
      }
    }
    if round.way.ending == .killed { try sandbox.waitForEnd(of: ReleaseRound.holderActor) }
    proved.insert("\(round)")
    return .observed(observed)
  }

  /// Never the same moment of a walk; short delays are spun, so that the umounter does not leave its CPU.
  private var settleNanoseconds: UInt32 { UInt32(truncatingIfNeeded: rounds &* 7_919) % 5_000 }

  private var meetings: [ReleaseRound.Call] {
    company.map {
      .init(
        call: .meet(actor: $0.actor, limitNanoseconds: Self.meetingNanoseconds), mark: .meeting)
    }
  }

  private static let meetingNanoseconds: UInt64 = 100_000_000

  /// A part ends behind each call that a machine may not be able to make, until it was seen to be.
  private func parts(
    of segment: ReleaseRound.Segment, isProved: Bool
  ) -> [[ReleaseRound.Call]] {
    guard !isProved else { return [segment.calls] }
    var parts: [[ReleaseRound.Call]] = [[]]
    for call in segment.calls {
      parts[parts.count - 1].append(call)
      if call.mark == .mount || call.mark == .hold { parts.append([]) }
    }
    return parts.filter { !$0.isEmpty }
  }

  private func unprepared(
    _ call: ReleaseRound.Call, _ record: CallRecord, _ round: ReleaseRound
  ) throws(SandboxError) -> Outcome? {
    let why = "\(record.errno) where it was \(call.mark == .mount ? "mounted" : "held")"
    switch call.mark {
    case .mount where record.errno.meansAbsence:
      readiness[round.fileSystem] = .some(why)
      return .missing(what: "release rounds on \(round.fileSystem.rawValue)", why: why)
    case .hold where record.errno.meansAbsence:
      missingWays[round.way] = why
      return .missing(what: "the way \(round.way.rawValue)", why: why)
    case .mount, .hold, .preparation, .identity:
      throw .setupFailed(
        attempt: "prepare the release round \(round) (\(call.call))", errno: record.errno)
    default: return nil
    }
  }

  private func walking(_ round: ReleaseRound) -> [WorkerProgram] {
    company.map { program in
      guard program.steps.isEmpty else { return program }
      var walker = program
      walker.steps = round.walks.map { .init(.stat(.path($0))) }
      return walker
    }
  }

  // MARK: - What rounds need

  private func startHolder(for round: ReleaseRound) throws(SandboxError) {
    guard round.way.ending != nil else { return }
    let actor = ReleaseRound.holderActor
    let isThere = sandbox.livingActors.contains(actor)
    if round.way.isInOwnNamespace {
      if isThere { try endHolder() }
      let made = try sandbox.perform(.unshare(namespace: actor, newUser: false), by: 0)
      guard made.record?.errno == Errno.none else {
        throw .setupFailed(
          attempt: "make a mount namespace for a release round",
          errno: made.record?.errno ?? .timedOut)
      }
    } else if !isThere {
      try sandbox.addActor(actor, sharingNamespaceOf: 0)
    }
  }

  private func endHolder() throws(SandboxError) {
    guard sandbox.livingActors.contains(ReleaseRound.holderActor) else { return }
    _ = try sandbox.perform(.exit, by: ReleaseRound.holderActor)
  }

  /// Makes the device of a file system at its first use.
  private func whyNotReady(_ kind: FileSystemKind) throws(SandboxError) -> String? {
    if let known = readiness[kind] { return known }
    var why: String?
    if let slot = kind.deviceSlot {
      do {
        let image = try FileSystemImages.make(kind)
        let answer = try sandbox.answer(of: .attach(image, slot)).errno
        if answer != .none { why = "no loop device: \(answer)" }
      } catch let problem as FileSystemImages.Problem {
        why = problem.description
      } catch let error as SandboxError {
        throw error
      } catch {
        why = "\(error)"
      }
    }
    readiness[kind] = .some(why)
    return why
  }
}

extension ReleaseRound.Mark {
  fileprivate var needsMountEvents: Bool { self == .eventsBefore || self == .eventsAfter }
}

/// Errnos that say that this machine does not have something, and not that it went wrong.
extension Errno {
  fileprivate var meansAbsence: Bool {
    let absent: [Errno] = [
      .unknownDevice, .notImplemented, .notPermitted, .accessDenied, .notSupported, .noDevice,
      .noSuchEntry, .invalidArgument,
    ]
    return absent.contains(self)
  }
}

extension Sandbox {
  /// What actor 0 gets for one call.
  func answer(of call: WorkerCall) throws(SandboxError) -> CallRecord {
    let outcome = try run([WorkerProgram(actor: 0, calls: [call])], start: .asPosted)
    guard let record = outcome.programs.first?.records.first else {
      throw .setupFailed(attempt: "ask the kernel (\(call))", errno: .timedOut)
    }
    return record
  }
}
