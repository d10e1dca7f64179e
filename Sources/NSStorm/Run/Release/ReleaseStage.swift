import StormKernel
import StormPlanning
import StormVerdict
import StormVocabulary

/// What a release phase keeps between its rounds: devices with images, the other processes, what is not to be had here.
struct ReleaseStage {
  var phase: ReleasePhase
  var name: String
  /// File systems that are ready, or why they are not to be had.
  var readiness: [FileSystemKind: Readiness] = [:]
  /// Ways that are not to be had, with the reason.
  var missingWays: [ReleaseWay: String] = [:]
  /// Combinations that worked once: their calls need not be looked at one by one any more.
  var proved: Set<String> = []
  var company: [WorkerProgram] = []
  var hasMountEvents = false
  var isCompanyStarted = false
  /// Pages of tmpfs files and mounts of the whole machine when the phase began.
  var sharedPagesBefore = 0
  var mountsBefore: Int?
  var rounds = 0
  var isSkipped = false

  enum Readiness {
    case ready
    case missing(String)
  }

  init(phase: ReleasePhase, name: String) {
    self.phase = phase
    self.name = name
  }
}

/// Errnos that say that this machine does not have something, and not that it went wrong.
extension Errno {
  var meansAbsence: Bool {
    let absent: [Errno] = [
      .unknownDevice, .notImplemented, .notPermitted, .accessDenied, .notSupported, .noDevice,
      .noSuchEntry, .invalidArgument,
    ]
    return absent.contains(self)
  }
}
