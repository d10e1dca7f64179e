import StormPlanning

/// What a release phase keeps between its rounds.
struct ReleaseStage {
  var phase: ReleasePhase
  var name: String
  /// Nil where the phase is skipped.
  var executor: ReleaseExecutor?
  /// Pages of tmpfs files and mounts of the whole machine when the phase began.
  var sharedPagesBefore = 0
  var mountsBefore: Int?
  var rounds = 0

  init(phase: ReleasePhase, name: String) {
    self.phase = phase
    self.name = name
  }
}
