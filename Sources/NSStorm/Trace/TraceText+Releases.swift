import StormPlanning
import StormVerdict
import StormVocabulary

extension TraceText {
  /// Makes the line of a release.
  public mutating func append(_ release: TraceRelease) {
    text.removeAll()
    text.raw("{\"release\":")
    text.string(release.what)
    if let device = release.device { text.member("dev", device.description) }
    if let round = release.round { text.member("fs", round.observed.fileSystem.rawValue) }
    if let way = release.way { text.member("way", way) }
    text.member("by", release.seenBy)
    text.interval("t", release.interval.startNanoseconds, release.interval.endNanoseconds)
    if let round = release.round { append(round) }
    text.raw("}\n")
  }

  private mutating func append(_ round: TraceRelease.Round) {
    text.member("phase", round.phase)
    text.member("base", round.conditions.base)
    text.member("bytes", round.conditions.fileBytes)
    text.member("bound", round.conditions.boundNanoseconds)
    if round.conditions.walkers > 0 { text.member("walkers", round.conditions.walkers) }
    if round.conditions.readers > 0 { text.member("readers", round.conditions.readers) }
    if round.conditions.usesNormalGracePeriods { text.raw(",\"rcu_normal\":true") }
    text.raw(",\"moments\":[")
    for (index, call) in round.observed.calls.enumerated() {
      if index > 0 { text.raw(",") }
      text.raw("{\"what\":")
      text.string(call.mark.name)
      if let observer = call.mark.observer { text.member("by", observer) }
      result(call.errno)
      text.interval("t", call.startNanoseconds, call.endNanoseconds)
      if call.value != 0 { text.member("value", call.value) }
      text.raw("}")
    }
    text.raw("]")
  }
}
