import StormKernel
import StormPlanning
import StormReclamation
import StormVocabulary

/// A process that holds a file is killed and reaped; what does a synchronous umount answer at once, and how long is it
/// refused?
enum HolderExperiment {
  private static let rounds = 20
  private static let holders: [ReleaseHolder] = [.descriptor, .map, .message, .ring]
  private static let limitNanoseconds: UInt64 = 2_000_000_000
  private static let (umounter, holder) = (0, 1)
  private static let (held, process) = (9, 8)

  /// What was seen, and which holders the kernel does not allow here.
  static func run() throws(ExperimentRefusal)
    -> (seen: [ReleaseObservation.KilledHolders], refusals: [String])
  {
    do throws(SandboxError) {
      let sandbox = try Sandbox.launch(SandboxLimits(workers: 8, programBytes: 4 << 20))
      defer { try? sandbox.teardown() }
      _ = try sandbox.perform(.mkdir("/m"), by: umounter)
      var seen: [ReleaseObservation.KilledHolders] = []
      var refusals: [String] = []
      for kind in holders {
        var waits: [Double] = []
        var refused = 0
        var refusal: Errno?
        for _ in 0..<rounds where refusal == nil {
          switch try round(kind, in: sandbox) {
          case .umounted: break
          case .refused(let nanoseconds):
            refused += 1
            waits.append(nanoseconds)
          case .notHeld(let errno): refusal = errno
          }
        }
        if let refusal {
          refusals.append("files held by \(kind.rawValue): \(refusal)")
          continue
        }
        seen.append(
          ReleaseObservation.KilledHolders(
            holder: kind.rawValue, rounds: rounds, refused: refused,
            waitNanoseconds: waits.isEmpty ? 0 : waits.sorted()[waits.count / 2]))
      }
      return (seen, refusals)
    } catch {
      throw ExperimentRefusal(error)
    }
  }

  private enum Outcome {
    case umounted
    case refused(nanoseconds: Double)
    case notHeld(Errno)
  }

  private static func round(
    _ kind: ReleaseHolder, in sandbox: Sandbox
  ) throws(SandboxError) -> Outcome {
    try sandbox.addActor(holder, sharingNamespaceOf: umounter)
    _ = try records(
      [
        .mount(type: "tmpfs", device: nil, target: "/m", data: ""),
        .fill("/m", fileBytes: 4_096),
      ], by: umounter, in: sandbox)
    let hold: WorkerCall =
      kind == .descriptor
      ? .operation(.open("/m/file", [], held)) : .hold(kind, "/m/file", held)
    let holding = try records([hold], by: holder, in: sandbox)
    let killing = try records(
      [
        .watchProcess(ofActor: holder, process), .kill(actor: holder),
        .waitFor(.processEnd, process, limitNanoseconds: limitNanoseconds),
        .operation(.umount2("/m", [])),
        .umountUntil("/m", [], limitNanoseconds: limitNanoseconds),
        .operation(.umount2("/m", .detach)), .operation(.close(process)),
      ], by: umounter, in: sandbox)
    try sandbox.waitForEnd(of: holder)
    if let errno = holding.first?.errno, errno != .none { return .notHeld(errno) }
    guard killing.count == 7, [.none, .busy].contains(killing[3].errno) else {
      throw .setupFailed(
        attempt: "umount what a killed process held",
        errno: killing.count > 3 ? killing[3].errno : .timedOut)
    }
    return killing[3].errno == .none
      ? .umounted
      : .refused(
        nanoseconds: Double(killing[4].endNanoseconds - killing[3].startNanoseconds))
  }

  private static func records(
    _ calls: [WorkerCall], by actor: Int, in sandbox: Sandbox
  ) throws(SandboxError) -> [CallRecord] {
    let outcome = try sandbox.run([WorkerProgram(actor: actor, calls: calls)], start: .asPosted)
    return outcome.programs.first?.records ?? []
  }
}
